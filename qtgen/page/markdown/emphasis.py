"""Find emphasis, and the marks of emphasis that the renderer shows as they are, in the text of one block."""

import re
import unicodedata
from collections.abc import Sequence

from qtgen.page.markdown.types import Emphasis, Run

_MARK = re.compile(r"[\\*_~](?:(?<=\\)[!-/:-@\[-`{-~]|(?<=\*)\**+|(?<=_)_*+|(?<=~)~*+)")
_SPACE, _PUNCTUATION, _OTHER = 1, 2, 0


class _Delimiters:
    """A run of marks, as far as it is not used yet."""

    __slots__ = ("can_close", "can_open", "char", "end", "length", "start")

    def __init__(self, char: str, start: int, end: int, can_open: bool, can_close: bool) -> None:
        self.char, self.start, self.end = char, start, end
        self.length = end - start  # as written
        self.can_open, self.can_close = can_open, can_close


def find_emphasis(
    text: str, start: int, end: int, opaque: Sequence[tuple[int, int]]
) -> tuple[list[Emphasis], list[Run]]:
    """Return the emphasis between two offsets, and the runs of marks that are shown as they are.

    Args:
        opaque: Start and end of the code, math, tags and addresses in between, in which no mark counts.
    """
    emphasis: list[Emphasis] = []
    shown: list[Run] = []
    openers: list[_Delimiters] = []
    for delimiters in _delimiters(text, start, end, opaque):
        if delimiters.can_close:
            _close(delimiters, openers, emphasis, shown)
        if delimiters.start < delimiters.end:
            if delimiters.can_open:
                openers.append(delimiters)
            else:
                shown.append(_run(delimiters))
    shown += [_run(opener) for opener in openers]
    return emphasis, sorted(shown)


def _run(delimiters: _Delimiters) -> Run:
    return Run(delimiters.start, delimiters.end, delimiters.can_open, delimiters.can_close)


def _close(closer: _Delimiters, openers: list[_Delimiters], emphasis: list[Emphasis], shown: list[Run]) -> None:
    """Match a closing run with the openers before it, the nearest first."""
    while closer.start < closer.end:
        index = next((n for n in range(len(openers) - 1, -1, -1) if _matches(openers[n], closer)), -1)
        if index < 0:
            return
        opener = openers[index]
        shown += [_run(between) for between in openers[index + 1 :]]
        del openers[index + 1 :]
        both_double = opener.end - opener.start > 1 and closer.end - closer.start > 1
        used = closer.length if closer.char == "~" else 2 if both_double else 1
        emphasis.append(Emphasis(closer.char * used, opener.end - used, closer.start + used))
        opener.end -= used
        closer.start += used
        if opener.start == opener.end:
            openers.pop()


def _matches(opener: _Delimiters, closer: _Delimiters) -> bool:
    if opener.char != closer.char:
        return False
    opening, closing = opener.end - opener.start, closer.end - closer.start
    if closer.char == "~":
        return opening == closing
    return not ((opener.can_close or closer.can_open) and closing % 3 and (opening + closing) % 3 == 0)


def _delimiters(text: str, start: int, end: int, opaque: Sequence[tuple[int, int]]) -> list[_Delimiters]:
    found, number = [], 0
    for mark in _MARK.finditer(text, start, end):
        at, after = mark.span()
        char = text[at]
        while number < len(opaque) and opaque[number][1] <= at:
            number += 1
        if char == "\\" or (number < len(opaque) and opaque[number][0] <= at):
            continue
        if char == "~" and after - at > 2:
            continue
        previous, following = text[at - 1] if at > start else "", text[after] if after < end else ""
        before, behind = _classify(previous), _classify(following)
        can_open = behind == _OTHER or (behind == _PUNCTUATION and before != _OTHER)
        can_close = before == _OTHER or (before == _PUNCTUATION and behind != _OTHER)
        if char != "~":
            can_open, can_close = can_open or following == "~", can_close or previous == "~"
        if char == "_":
            can_open, can_close = (
                can_open and (before != _OTHER or not can_close),
                can_close and (behind != _OTHER or not can_open),
            )
        found.append(_Delimiters(char, at, after, can_open, can_close))
    return found


def _classify(char: str) -> int:
    if not char or char.isspace():
        return _SPACE
    if char.isascii():
        return _OTHER if char.isalnum() else _PUNCTUATION
    category = unicodedata.category(char)
    return _SPACE if category == "Zs" else _PUNCTUATION if category[0] in "PS" else _OTHER
