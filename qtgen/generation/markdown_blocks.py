r"""Split Markdown that a model wrote into blocks, without interpreting its inline markup.

Display math is protected: its lines may look like headings or list items (`=`, `- b`), so they are joined by a mark
while the parser looks for blocks.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

from qtgen.page.markdown import find_segments

_WORD = re.compile(r"\w{3,}")

_LINE_BREAK = re.compile("\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_JOINT = "\ue000"  # replaces a line break in display math; a private-use character, so no answer contains it
_JOINT_AND_INDENT = re.compile(rf"{_JOINT}[ \t]*")
_COMMENT = re.compile(r"(?<!\\)%.*\n")
_HARD_BREAK = re.compile(r"(?<!\\)\\$", re.MULTILINE)
# List marks that models write and Markdown does not know: `• text`, `(1) text`, `1.**text**`.
_BULLET = re.compile(r"^([ ]*)[•●▪◦‣∙][ \t]*(?=\S)", re.MULTILINE)
_NUMBER = re.compile(r"^([ ]*)(?:\((\d{1,2})\)[ \t]+|(\d{1,2})[.)](?=\*\*))", re.MULTILINE)
_UNESCAPED_PIPE = re.compile(r"(?<!\\)\|")
_RULER = re.compile(r"^[ ]{0,3}\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$")


@dataclass(frozen=True, slots=True)
class Block:
    """A block at the top level of an answer or of a list item.

    Args:
        kind: The type of its first token, such as `paragraph_open`.
        source: Its Markdown; empty in a list item.
        tokens: Its tokens, without those of inline content.
    """

    kind: str
    source: str
    tokens: Sequence[Token]

    @property
    def level(self) -> int:
        """The level of a heading, from 1."""
        return int(self.tokens[0].tag[1:])

    @property
    def lines(self) -> str:
        """Its inline content, with the line breaks of its paragraphs."""
        return "\n".join(inline_text(token) for token in self.tokens if token.type == "inline")

    @property
    def text(self) -> str:
        """Its inline content, on one line."""
        return on_one_line(self.lines)

    @property
    def kinds(self) -> set[str]:
        """The types of the tokens in it, except its own opening and closing tokens."""
        return {token.type for token in self.tokens[1:-1]}


def on_one_line(text: str) -> str:
    """Return a text with spaces instead of line breaks."""
    return " ".join(line for line in text.split("\n") if line)


def inline_text(token: Token) -> str:
    """Return the content of an inline token, with display math on one line."""
    content = _HARD_BREAK.sub("", _JOINT_AND_INDENT.sub(" ", token.content))
    return "\n".join(line.strip() for line in content.split("\n"))


def clean_lines(text: str) -> str:
    """Return a text whose lines end with a newline, without NUL and without the mark that protects math."""
    return _LINE_BREAK.sub("\n", text).replace("\0", "").replace(_JOINT, "")


def code_lines(text: str) -> set[int]:
    """Return the numbers of the lines that belong to code or display math of several lines."""
    numbers: set[int] = set()
    line = position = 0
    for segment in find_segments(text):
        first = line + text.count("\n", position, segment.start)
        line = first + text.count("\n", segment.start, segment.end)
        position = segment.end
        if segment.kind in ("fence", "display"):
            numbers.update(range(first, line + 1))
    return numbers


def has_math_comment(text: str) -> bool:
    """Return whether display math contains a comment. It ends with its line, so the lines must not be joined."""
    segments = (text[segment.start : segment.end] for segment in find_segments(text) if segment.closed)
    return any(_COMMENT.search(source) for source in segments if source.startswith("$$") and "\n" in source)


def split_blocks(markdown: str) -> list[Block]:
    """Return the blocks of a text. Its lines must be clean, see `clean_lines`."""
    protected = _protect(markdown)
    return [*_split(_parser().parse(protected), 0, protected.split("\n"))]


def list_items(block: Block) -> list[Block]:
    """Return the items of a list."""
    return [*_split(block.tokens, 1, [])]


def table_rows(block: Block) -> list[list[str]]:
    """Return the cells of each row of a table, with its head first."""
    rows: list[list[str]] = []
    for token in block.tokens:
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            rows[-1].append(token.content.strip())
    return rows


def has_surplus_cells(block: Block) -> bool:
    """Return whether a row of a table has more cells than its head. The parser drops them."""
    head, _, *rows = (_count_cells(line) for line in block.source.split("\n"))
    return any(cells > head for cells in rows)


def with_ruler(block: Block) -> str | None:
    """Return the source of a table for a paragraph that is a table without the line below its head, or else None."""
    lines = block.source.split("\n")
    widths = {_count_cells(line) for line in lines}
    if len(lines) < 3 or len(widths) != 1 or min(widths) < 2 or any(map(_RULER.match, lines)):
        return None
    return "\n".join([lines[0], "|" + " --- |" * widths.pop(), *lines[1:]])


def _count_cells(line: str) -> int:
    stripped = line.strip().removeprefix("|")
    return len(_UNESCAPED_PIPE.findall(stripped.removesuffix("|") if not stripped.endswith("\\|") else stripped)) + 1


def _protect(text: str) -> str:
    """Return a text with each display math on one line, and with Markdown's own list marks."""
    parts: list[str] = []
    done = 0
    for segment in find_segments(text):
        is_display = segment.kind == "display" or (segment.kind == "math" and text.startswith("$$", segment.start))
        if not segment.closed or not (is_display or segment.kind == "fence"):
            continue
        parts.append(_with_list_marks(text[done : segment.start]))
        source = text[segment.start : segment.end]
        parts.append(source.replace("\n", _JOINT) if is_display else source)
        done = segment.end
    return "".join([*parts, _with_list_marks(text[done:])])


def _with_list_marks(text: str) -> str:
    return _NUMBER.sub(lambda match: f"{match[1]}{match[2] or match[3]}. ", _BULLET.sub(r"\1- ", text))


@cache
def _parser() -> MarkdownIt:
    # Link definitions produce no token, so they would be lost. Inline content is used as it is written.
    return MarkdownIt("commonmark").enable("table").disable(["reference", "inline", "text_join"])


def _split(tokens: Sequence[Token], level: int, lines: Sequence[str]) -> Iterator[Block]:
    """Yield the blocks at a level of nesting. Without `lines`, their source is empty."""
    start = 0
    for position, token in enumerate(tokens):
        if token.level > level or (token.level == level and token.nesting == 1):
            continue
        first = tokens[start]
        if token.level == level and first.map:
            source = "\n".join(lines[first.map[0] : first.map[1]]).strip("\n").rstrip()
            yield Block(first.type, source.replace(_JOINT, "\n"), tokens[start : position + 1])
        start = position + 1


def word_set(text: str) -> set[str]:
    """Return the words of three or more letters of a text, in lower case."""
    return {word.lower() for word in _WORD.findall(text)}
