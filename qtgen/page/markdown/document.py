r"""Read a text as the site's renderer does: its blocks, code, math and emphasis, with their places.

The site replaces each `\n` of two characters in an answer by a line break, then runs react-markdown with remark-math,
remark-gfm and rehype-katex. `expand_line_breaks` makes the same replacement without moving any offset.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from operator import attrgetter

from qtgen.page.markdown.blocks import find_blocks
from qtgen.page.markdown.emphasis import find_emphasis
from qtgen.page.markdown.inlines import Inlines
from qtgen.page.markdown.tables import split_row
from qtgen.page.markdown.tabs import find_blocks_with_tabs
from qtgen.page.markdown.types import Block, Emphasis, ListItem, Run, Segment

_INLINE_MARKS = re.compile(r"[`$]")
_start_of = attrgetter("start")


class Document:
    """A text as the renderer reads it.

    Args:
        text: The text, with real line breaks.
        math: Whether the site renders formulas between dollar signs. If not, a dollar sign is a plain character.

    Attributes:
        blocks: The leaf blocks, in order.
        items: The list items, in order.
        content: The text with spaces for the marks of quotations. All offsets are the same.
    """

    def __init__(self, text: str, *, math: bool = True) -> None:
        self.text = text
        self.math = math
        self.blocks: tuple[Block, ...]
        self.items: tuple[ListItem, ...]
        find = find_blocks_with_tabs if "\t" in text else find_blocks
        self.blocks, self.items, quote_marks = find(text, math=math)
        self.content = _blank_out(text, quote_marks) if quote_marks else text

    @cached_property
    def segments(self) -> tuple[Segment, ...]:
        """The code and math, in order."""
        return tuple(self._find_segments())

    @cached_property
    def emphasis(self) -> tuple[tuple[Emphasis, ...], tuple[Run, ...]]:
        """The emphasis, and the runs of its marks that are shown as they are."""
        emphasis: list[Emphasis] = []
        shown: list[Run] = []
        inlines = Inlines(self.content, math=self.math)
        for start, end in self.inline_ranges():
            inlines.hidden.clear()
            opaque = [segment[1:3] for segment in inlines.find(start, end)]
            opaque = sorted([*opaque, *inlines.hidden])
            found, runs = find_emphasis(self.content, start, end, opaque)
            emphasis += found
            shown += runs
        return tuple(emphasis), tuple(shown)

    def inline_ranges(self) -> Iterator[tuple[int, int]]:
        """Yield start and end of each text that is read as one: a paragraph, heading, or cell of a table."""
        for block in self.blocks:
            yield from _inline_ranges(self.content, block)

    def _find_segments(self) -> Iterator[Segment]:
        inlines = Inlines(self.content, math=self.math) if _INLINE_MARKS.search(self.content) else None
        for block in self.blocks:
            if block.kind in ("fence", "display", "indented"):
                first = block.lines[0][0] if block.lines else block.end
                last = block.lines[-1][1] if block.lines else block.end
                yield Segment(block.kind, block.start, block.end, (first, last), block.closed, block.info)
            elif inlines:
                for start, end in _inline_ranges(self.content, block):
                    yield from inlines.find(start, end)


def _inline_ranges(content: str, block: Block) -> Iterator[tuple[int, int]]:
    if block.kind == "table":
        columns = block.width
        for row in (block.lines[0], *block.lines[2:]):
            yield from split_row(content, *row)[:columns]
    elif block.kind in ("paragraph", "setext", "heading"):
        yield block.lines[0][0], block.lines[-1][1]


def _blank_out(text: str, marks: Sequence[tuple[int, int]]) -> str:
    parts, done = [], 0
    for start, end in marks:
        parts += [text[done:start], " " * (end - start)]
        done = end
    return "".join([*parts, text[done:]])


def parse(text: str, *, math: bool = True) -> Document:
    """Return the document of a text.

    Args:
        math: Whether the site renders formulas between dollar signs.
    """
    return _parse(text, math)


@lru_cache(maxsize=8)  # several rules ask about the same answer in turn
def _parse(text: str, math: bool) -> Document:
    return Document(text, math=math)


def expand_line_breaks(answer: str) -> str:
    r"""Return the answer with a space and a newline for each `\n` of two characters, so that offsets stay the same."""
    return answer.replace("\\n", " \n")


def find_segments(text: str, *, math: bool = True) -> tuple[Segment, ...]:
    """Return the code and math of `text`, which has real line breaks, in order.

    Args:
        math: Whether the site renders formulas between dollar signs.
    """
    return _parse(text, math).segments


def segment_at(segments: Sequence[Segment], offset: int) -> Segment | None:
    """Return the segment that covers `offset`, or None. The segments must be in order."""
    index = bisect_right(segments, offset, key=_start_of) - 1
    return segments[index] if index >= 0 and offset < segments[index].end else None


def mask_segments(text: str, segments: Sequence[Segment]) -> str:
    """Return `text` with spaces for the segments' characters, so that offsets and lines stay the same."""
    parts, done = [], 0
    for segment in segments:
        parts += [text[done : segment.start], re.sub(r"[^\n]", " ", text[segment.start : segment.end])]
        done = segment.end
    return "".join([*parts, text[done:]])
