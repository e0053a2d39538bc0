"""What the model of the renderer consists of. All offsets are offsets in the text that was parsed."""

from typing import Literal, NamedTuple

BlockKind = Literal[
    "paragraph", "heading", "setext", "thematic", "fence", "display", "indented", "html", "table", "definition"
]


class Block(NamedTuple):
    """A leaf block: one that contains text and no other block.

    Args:
        kind: `setext` is a heading that is underlined; `display` is math between lines of `$$`.
        start: Where the block begins, behind the marks of its containers and its indent.
        end: The end of its last line.
        lines: Start and end of each line of its content, without the marks of containers, indents, fences and the
            marks of a heading.
        width: The number of marks that open a heading, a fence or display math.
        info: What follows the marks of a fence or of `$$` on their line.
        closed: False if the marks that end a fence or display math are missing.
        item: The number of the innermost list item around it, or -1.
        depth: How many containers are around it.
    """

    kind: BlockKind
    start: int
    end: int
    lines: tuple[tuple[int, int], ...]
    width: int = 0
    info: str = ""
    closed: bool = True
    item: int = -1
    depth: int = 0


class ListItem(NamedTuple):
    """An item of a list.

    Args:
        start: Where its marker begins.
        content: Where the text behind the marker begins.
        number: The number of an ordered item, or None.
        list_id: The number of the list. Items of one list have the same.
        parent: The number of the item around it, or -1.
    """

    start: int
    content: int
    number: int | None
    list_id: int
    parent: int


class Blocks(NamedTuple):
    """All blocks of a text, and the list items they are in.

    Args:
        quote_marks: Start and end of each `>` of a quotation.
    """

    leaves: tuple[Block, ...]
    items: tuple[ListItem, ...]
    quote_marks: tuple[tuple[int, int], ...]


SegmentKind = Literal["fence", "indented", "code", "display", "math"]


class Segment(NamedTuple):
    """A part of a text that is not prose: code or math.

    Args:
        kind: `code` is a code span, `fence` and `indented` are blocks of code. `math` is inline math, also if it is
            between two dollar signs each; `display` is a block of math.
        inner: Start and end of what is between the marks, without the opening line of a block.
        closed: False if the marks that end it are missing.
        info: What follows the marks of a fence or of `$$` on their line.
    """

    kind: SegmentKind
    start: int
    end: int
    inner: tuple[int, int]
    closed: bool = True
    info: str = ""


class Run(NamedTuple):
    """A run of asterisks, underscores or tildes that the renderer shows as they are."""

    start: int
    end: int
    can_open: bool
    can_close: bool


class Emphasis(NamedTuple):
    """A part of a text between two marks of emphasis: `*`, `**`, `_`, `__`, `~` or `~~`."""

    mark: str
    start: int
    end: int


class BracketPair(NamedTuple):
    r"""A pair of `\(` and `\)` (or of `\[` and `\]`, then `display`) in prose, which contains math.

    Args:
        inner: Start and end of what is between the marks.
    """

    start: int
    end: int
    inner: tuple[int, int]
    display: bool
