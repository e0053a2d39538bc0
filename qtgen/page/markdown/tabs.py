"""Read blocks of a text whose lines begin with tabs: a tab reaches to the next column that is a multiple of four.

The parser of blocks counts columns as characters. So it reads a text with spaces for the tabs before the content of
each line, and its offsets are converted back. A part of a tab belongs to what is behind it.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator

from qtgen.page.markdown.blocks import find_blocks
from qtgen.page.markdown.types import Blocks

_TAB_STOP = 4
_LINE = re.compile(r"(?m)^(?:[ \t>]|[-*+](?=[ \t])|\d{1,9}[.)](?=[ \t]))*\t")  # up to the last tab before the content


def find_blocks_with_tabs(text: str, *, math: bool) -> Blocks:
    """Return the blocks of a text that may have tabs, in order.

    Args:
        math: Whether lines of `$$` enclose a block of math.
    """
    tabs = [*_leading_tabs(text)]
    if not tabs:
        return find_blocks(text, math=math)
    parts, done = [], 0
    for offset, width in tabs:
        parts += [text[done:offset], " " * width]
        done = offset + 1
    blocks = find_blocks("".join([*parts, text[done:]]), math=math)
    return _converted(blocks, tabs)


def _leading_tabs(text: str) -> Iterator[tuple[int, int]]:
    """Yield the offset of each tab before the content of a line, and how many columns it is wide."""
    for line in _LINE.finditer(text):
        column = 0
        for offset in range(*line.span()):
            width = _TAB_STOP - column % _TAB_STOP if text[offset] == "\t" else 1
            if text[offset] == "\t":
                yield offset, width
            column += width


def _converted(blocks: Blocks, tabs: list[tuple[int, int]]) -> Blocks:
    """Return blocks of the text with spaces at their places in the text with tabs."""
    starts, growth = [], 0  # the offset of each tab in the text with spaces
    for offset, width in tabs:
        starts.append(offset + growth)
        growth += width - 1

    def convert(place: int) -> int:
        number = bisect_right(starts, place) - 1
        if number < 0:
            return place
        offset, width = tabs[number]
        inside = place - starts[number]
        return offset + (1 + inside - width if inside >= width else inside > 0)

    def convert_range(lines: tuple[int, int]) -> tuple[int, int]:
        return convert(lines[0]), convert(lines[1])

    return Blocks(
        tuple(
            block._replace(
                start=convert(block.start), end=convert(block.end), lines=tuple(map(convert_range, block.lines))
            )
            for block in blocks.leaves
        ),
        tuple(item._replace(start=convert(item.start), content=convert(item.content)) for item in blocks.items),
        tuple(map(convert_range, blocks.quote_marks)),
    )
