r"""Read the math of an answer without parsing its blocks, if the answer is so plain that every parser agrees.

Most pages with math are: each formula is in one line, or between two lines of `$$` with the same indent.
"""

import re
from functools import lru_cache
from typing import NamedTuple

# Code, escapes, HTML, links and addresses can hide a dollar sign. Runs of three are not plain.
_UNPLAIN = ("`", "\\$", "](", "://", "www.", "~~~", "$$$")
_TAG = re.compile(r"<[A-Za-z/!?]")
_BLOCK_INDENT_MAX = 3  # more may be a block of code


class PlainMath(NamedTuple):
    """The math of a plain answer.

    Args:
        inline: The formulas within a line.
        display: The formulas between lines of `$$`, with `\\n` of two characters for line breaks.
        prose: What is left of the answer, with newlines for line breaks.
    """

    inline: tuple[str, ...]
    display: tuple[str, ...]
    prose: str


@lru_cache(maxsize=2)  # two rules ask about the same answer in turn
def plain_math(answer: str) -> PlainMath | None:
    r"""Return the math of an answer with `\n` of two characters for line breaks, or None if it is not plain."""
    if any(map(answer.__contains__, _UNPLAIN)) or ("<" in answer and _TAG.search(answer)):
        return None
    if "$$" not in answer:
        parts = answer.split("$")
        if len(parts) % 2 and "\\n" not in "$".join(parts[1::2]):
            return PlainMath(tuple(parts[1::2]), (), " ".join(parts[::2]).replace("\\n", "\n"))
    return _split_lines(answer)


def _split_lines(answer: str) -> PlainMath | None:
    inline: list[str] = []
    display: list[str] = []
    prose: list[str] = []
    block: list[str] | None = None
    indent = ""
    for line in answer.split("\\n"):
        if "$" not in line:
            if block is None:
                prose.append(line)
            elif line.startswith(indent) or not line.strip(" "):
                block.append(line)
            else:
                return None
        elif block is not None:
            if line.rstrip(" ") != f"{indent}$$":
                return None
            display.append("\\n".join(block))
            block = None
        elif line.strip(" ") == "$$":
            block, indent = [], line[: line.index("$")]
        elif not _split_line(line, inline, prose):
            return None
    is_plain = block is None and len(indent) <= _BLOCK_INDENT_MAX
    return PlainMath(tuple(inline), tuple(display), "\n".join(prose)) if is_plain else None


def _split_line(line: str, inline: list[str], prose: list[str]) -> bool:
    """Add the formulas and the prose of a line, and return whether it is plain: all its marks pair and are alike."""
    mark = "$$" if "$$" in line else "$"
    parts = line.split(mark)
    inline += parts[1::2]
    prose += parts[::2]
    has_other_marks = mark == "$$" and line.count("$") != 2 * (len(parts) - 1)
    return len(parts) % 2 == 1 and not has_other_marks and "" not in parts[1:-1]
