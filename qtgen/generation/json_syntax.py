"""Repair invalid JSON, and check that the repair changes no wording.

The library `json-repair` accepts single quotes, trailing commas, unquoted keys and quotation marks inside a text. It
also completes JSON that was cut off, and drops what it cannot parse. Therefore its result is used only if every text of
the result is in the source, in the same order and with only punctuation between the texts, and if the source closes
every object and list.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from qtgen.validation.diagnostics import printable

CUT_OFF = "the answer was cut off before its end; write a shorter one"
"""The fault of an incomplete answer."""
_MAX_LENGTH = 100_000  # characters
_MAX_DEPTH = 32  # nested brackets; a valid answer has at most five
_OPENER = re.compile(r"\{\s{0,200}(?:[\"'“”‘’`]|[A-Za-z_]\w{0,60}\s{0,20}:)")
_ESCAPE = re.compile(r"""\\(?:u([0-9a-fA-F]{4})|([nrtbf])|([\\/"']))""")
_PYTHON_ESCAPE = re.compile(r"\\(?:x[0-9a-fA-F]{2}|U[0-9a-fA-F]{8})")  # `json-repair` reads it as text
_MISREAD = re.compile(r"\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|\\.", re.DOTALL)
_IGNORED = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
_GAP = re.compile(r"""(["'”’]?)([{}\[\],:]*)(["'“‘]?)""")
_MATES = {'"': '"', "'": "'", "“": "”", "‘": "’"}
_SEAM = re.compile(r"""(["'])\s{0,20}[+,:]\s{0,20}\1""")  # between two texts
_CONSTANTS = {"None": ("None", "null"), "True": ("True", "true"), "False": ("False", "false")}
_EXCERPT = 40  # characters that a message quotes
_REASONS = (
    ("Expecting ',' delimiter", "a comma is missing, or a quotation mark inside a text is not escaped,"),
    ("Expecting ':' delimiter", "a colon is missing"),
    ("Expecting property name", "a key in double quotation marks is missing"),
    ("Expecting value", "a value is missing"),
    ("Invalid \\", "a backslash is not escaped"),
    ("Illegal trailing comma", "a comma has nothing behind it"),
)


class Repaired(NamedTuple):
    """A value that was repaired, and where its source starts and ends."""

    data: Any
    start: int
    end: int


def repair_syntax(text: str) -> Repaired | None:
    """Return the JSON value that `text` means, or None if a repair might change what it says."""
    opener = _OPENER.search(text)
    end = max(text.rfind("}"), text.rfind("]")) + 1
    if not opener or end <= opener.start() or end - opener.start() > _MAX_LENGTH:
        return None
    source = text[opener.start() : end]
    if _is_deep(source) or _PYTHON_ESCAPE.search(source):
        return None
    from json_repair import loads  # imported only if an answer needs it

    try:
        data = loads(_for_library(source), skip_json_loads=True)
    except (ValueError, RecursionError):
        return None
    is_same = isinstance(data, dict | list) and has_same_wording(source, data)
    return Repaired(data, opener.start(), end) if is_same else None


def _for_library(source: str) -> str:
    """Return the source with another spelling for the two escapes that `json-repair` misreads."""

    def respell(escape: re.Match[str]) -> str:
        if escape[1]:
            return bytes.fromhex(escape[1] + escape[2]).decode("utf-16-be")
        return r"\u000c" if escape.group() == r"\f" else escape.group()

    return _MISREAD.sub(respell, source)


def _is_deep(source: str) -> bool:
    depth = 0
    for bracket in re.finditer(r"[{}\[\]]", source):
        depth += 1 if bracket.group() in "{[" else -1
        if depth > _MAX_DEPTH:
            return True
    return False


def has_same_wording(source: str, data: Any) -> bool:
    """Return whether `data` has exactly the texts of its source, whole and in order.

    Between two texts, the source may have only the first one's closing quotation mark, punctuation, and the second
    one's opening mark. Spaces and control characters do not count.
    """
    plain = _plain_source(source)
    position, opening = 0, ""
    closers = _count_containers(data)
    for leaf in _leaves(data):
        gap = _gap(plain, position)
        if gap[1] != _MATES.get(opening, ""):
            return False
        opening = gap[3]
        position = _end_of(plain, gap.end(), leaf)
        if position < 0:
            return False
        closers += _count_closers(leaf)
    gap = _gap(plain, position)
    is_all = (gap[1], gap[3], gap.end()) == (_MATES.get(opening, ""), "", len(plain))
    return is_all and closers <= _count_closers(source)  # otherwise the library added an end


def _gap(plain: str, position: int) -> re.Match[str]:
    gap = _GAP.match(plain, position)
    assert gap  # noqa: S101  # it matches the empty text
    return gap


def _end_of(plain: str, position: int, leaf: str) -> int:
    """Return the position after a text. Return -1 if it is not there, or if it joins two texts of the source."""
    for spelling in _CONSTANTS.get(leaf) or (_plain(leaf),):
        if plain.startswith(spelling, position) and not _SEAM.search(leaf):
            return position + len(spelling)
    return -1


def _count_closers(text: str) -> int:
    return text.count("}") + text.count("]")


def _count_containers(data: Any) -> int:
    if not isinstance(data, dict | list):
        return 0
    return 1 + sum(map(_count_containers, data.values() if isinstance(data, dict) else data))


def _plain_source(source: str) -> str:
    """Return a JSON text with its escapes decoded, without spaces and control characters."""

    def decode(escape: re.Match[str]) -> str:
        return chr(int(escape[1], 16)) if escape[1] else escape[3] or ""

    return _plain(_ESCAPE.sub(decode, source))


def _plain(text: str) -> str:
    return _IGNORED.sub("", text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))


def _leaves(data: Any) -> Iterator[str]:
    """Yield keys and values in order, as text."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield str(key)
            yield from _leaves(value)
    elif isinstance(data, list):
        for item in data:
            yield from _leaves(item)
    else:
        yield str(data)


class SyntaxFault(NamedTuple):
    """What is wrong with JSON, as a sentence for the model. `is_cut_off` is true if the end is missing."""

    message: str
    is_cut_off: bool


def find_syntax_fault(text: str) -> SyntaxFault | None:
    """Return what is wrong with the first object in `text`, or None if nothing is."""
    opener = _OPENER.search(text)
    start = opener.start() if opener else text.find("{")
    try:
        json.JSONDecoder(strict=False).raw_decode(text, start)
    except json.JSONDecodeError as error:
        if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated"):
            return SyntaxFault(CUT_OFF, is_cut_off=True)
        reason = next((reason for prefix, reason in _REASONS if error.msg.startswith(prefix)), "something is wrong")
        excerpt = " ".join(text[max(start, error.pos - _EXCERPT) : error.pos].split())
        message = f"the answer is not valid JSON: {reason} after `{printable(excerpt)}`"
        return SyntaxFault(message, is_cut_off=False)
    return None
