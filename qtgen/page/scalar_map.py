r"""Map the characters of a text value to the characters of its YAML spelling, and back.

A value is spelled in one of five styles: plain, single-quoted, double-quoted, literal (`|`) and folded (`>`). All of
them can break lines, and every style has its own escapes. The map follows PyYAML's scanner. It is made only if it gives
exactly the value that PyYAML read, so it cannot be wrong.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from typing import NamedTuple

from qtgen.page.document import Page, Span
from qtgen.page.edits import TextEdit

_HEADER = re.compile(r":[ ]+(?P<style>[|>])(?P<flags>[-+1-9]{0,2})[ \t]*(?:[ ]#[^\n]*)?\r?\n")
_LINE = re.compile(r"(?P<text>[^\n]*?)(?P<end>\r?\n|\Z)")
_FOLD = r"[ \t]*\r?\n(?:[ \t]*\r?\n)*[ \t]*"
_TOKENS = {
    "": re.compile(rf"(?P<fold>{_FOLD})|[ \t]+|[^ \t\r\n]+"),
    "'": re.compile(rf"(?P<fold>{_FOLD})|(?P<escape>'')|[ \t]+|[^' \t\r\n]+"),
    '"': re.compile(
        rf"(?P<fold>{_FOLD})|(?P<joined>\\\r?\n(?:[ \t]*\r?\n)*[ \t]*)"
        r"|(?P<escape>\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|[^xuU\r\n]))|[ \t]+|[^\\ \t\r\n]+"
    ),
}
_PLAIN_SPECIAL = re.compile(r"[:#,\[\]{}]")
_ESCAPES = {
    "0": "\0", "a": "\a", "b": "\b", "t": "\t", "\t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r", "e": "\x1b",
    " ": " ", '"': '"', "\\": "\\", "/": "/", "N": "\x85", "_": "\xa0", "L": "\u2028", "P": "\u2029",
}  # fmt: skip
_MAX_CODE_POINT = 0x10FFFF


class _Piece(NamedTuple):
    """A part of the value and its spelling. They are the same characters if `is_verbatim`."""

    start: int  # in the value
    text: str
    source: Span
    is_verbatim: bool


_start_of = attrgetter("start")
_source_start_of = attrgetter("source.start")


@dataclass(frozen=True, slots=True, eq=False)
class ScalarMap:
    """Where each character of a value is in the page's text.

    Args:
        style: The first character of the spelling: `|`, `>`, `'`, `"`, or "" for a plain value.
        pieces: The parts of the value in order.
        end: The offset in the page's text at which the spelling ends.
    """

    style: str
    pieces: tuple[_Piece, ...]
    end: int

    def span(self, start: int, end: int) -> Span:
        """Return where the characters from `start` to `end` of the value are spelled."""
        first = self._source_offset(start)
        return Span(first, max(first, self._source_end(end)) if end > start else first)

    def _source_offset(self, offset: int) -> int:
        number = bisect_right(self.pieces, offset, key=_start_of) - 1
        if number < 0:
            return self.pieces[0].source.start if self.pieces else self.end
        piece = self.pieces[number]
        if offset >= piece.start + len(piece.text):
            return piece.source.end
        return piece.source.start + (offset - piece.start if piece.is_verbatim else 0)

    def _source_end(self, offset: int) -> int:
        number = bisect_right(self.pieces, offset - 1, key=_start_of) - 1
        piece = self.pieces[number]
        if piece.is_verbatim:
            return piece.source.start + min(offset - piece.start, len(piece.text))
        return piece.source.end

    def value_range(self, span: Span) -> tuple[int, int] | None:
        """Return which characters of the value a span of the page's text spells, or None if it is not inside."""
        if not self.pieces or span.start < self.pieces[0].source.start or span.end > self.end:
            return None
        return self._value_offset(span.start), self._value_offset(span.end)

    def _value_offset(self, offset: int) -> int:
        number = max(0, bisect_right(self.pieces, offset, key=_source_start_of) - 1)
        piece = self.pieces[number]
        if piece.is_verbatim:
            return piece.start + min(offset - piece.source.start, len(piece.text))
        return piece.start + (len(piece.text) if offset >= piece.source.end else 0)

    def spell(self, page_text: str, start: int, end: int, text: str) -> TextEdit | None:
        """Return the edit that puts `text` in place of the characters from `start` to `end` of the value.

        Return None if the spelling cannot hold it there without a change of other characters.
        """
        span = self.span(start, end)
        if not text.isprintable() or "\n" in page_text[span.start : span.end] or span.start > self.end:
            return None
        if any(self._is_inside_escape(offset) for offset in (start, end)):
            return None
        if not _keeps_borders(page_text, span, text):
            return None
        before, after = page_text[span.start - 1], page_text[span.end : span.end + 1]
        if self.style == "" and (not start or not text or _PLAIN_SPECIAL.search(f"{before}{text}{after}")):
            return None
        if self.style == "'":
            text = text.replace("'", "''")
        elif self.style == '"':
            text = text.replace("\\", "\\\\").replace('"', '\\"')
        return TextEdit(span, text)

    def _is_inside_escape(self, offset: int) -> bool:
        number = bisect_right(self.pieces, offset, key=_start_of) - 1
        if number < 0:
            return True
        piece = self.pieces[number]
        return not piece.is_verbatim and piece.start < offset < piece.start + len(piece.text)

    def length_in_value(self, written: str) -> int:
        """Return how many characters of the value a text of `spell` stands for."""
        if self.style == '"':
            return len(re.sub(r"\\(.)", r"\1", written))
        return len(written.replace("''", "'")) if self.style == "'" else len(written)


def _keeps_borders(page_text: str, span: Span, text: str) -> bool:
    """Return whether the lines that a replacement is on begin and end with white space exactly if they did before.

    White space at the border of a line is folded or part of the indent, and at the border of a plain value it is
    dropped.
    """
    line_start = page_text.rfind("\n", 0, span.start) + 1
    line_end = page_text.find("\n", span.end)
    before, after = page_text[line_start : span.start], page_text[span.end : line_end]
    starts, ends = not before.strip(" \t\"'"), not after.strip(" \t\r\"'")
    if starts and (not before or page_text[span.start].isspace() or not text[:1].strip()):
        return False
    if ends and (page_text[span.end - 1].isspace() or not text[-1:].strip()):
        return False
    return bool(text.strip()) or not (before[-1:].isspace() or after[:1].isspace() or before.endswith("\\"))


def scalar_map(page: Page, path: str) -> ScalarMap | None:
    """Return the map of a text value, or None if there is none, because its spelling is too unusual."""
    value = page.text_of(path)
    if value is None or path not in page.spans or page.key_spans is None or path not in page.key_spans:
        return None
    key, span = page.key_spans[path], page.span(path)
    return _map(page.text, key, span, value)


@lru_cache(maxsize=2)  # the findings of a page ask for the same maps in turn
def _map(text: str, key: Span, span: Span, value: str) -> ScalarMap | None:
    header = _HEADER.match(text, key.end)
    if header and span.start >= header.end():
        style, pieces = header.group("style"), _block(text, key, header)
    else:
        style = text[span.start : span.start + 1]
        style = style if style in ("'", '"') else ""
        pieces = _flow(text, span, style)
    found = tuple(_joined(pieces))
    source_end = found[-1].source.end if found else span.end
    return ScalarMap(style, found, source_end) if "".join(piece.text for piece in found) == value else None


def _joined(pieces: Iterable[tuple[str, Span]]) -> Iterator[_Piece]:
    """Yield pieces with their places in the value. Neighbours that spell themselves are joined."""
    start = 0
    run: list[str] = []
    source = Span(0, 0)
    for text, span in (*pieces, ("", Span(-1, -1))):
        is_verbatim = len(text) == span.end - span.start
        if run and is_verbatim and span.start == source.end:
            run.append(text)
            source = Span(source.start, span.end)
            continue
        if run:
            joined = "".join(run)
            yield _Piece(start, joined, source, is_verbatim=True)
            start += len(joined)
            run = []
        if is_verbatim:
            run, source = [text], span
        else:
            yield _Piece(start, text, span, is_verbatim=False)
            start += len(text)


def _flow(text: str, span: Span, style: str) -> Iterator[tuple[str, Span]]:
    """Yield the pieces of a plain or quoted value, with their spans."""
    begin, end = (span.start + 1, span.end - 1) if style else span
    for token in _TOKENS[style].finditer(text, begin, end):
        place = Span(*token.span())
        groups = token.groupdict()
        if groups.get("escape"):
            yield _unescaped(token.group()), place
        elif groups.get("fold") or groups.get("joined"):
            breaks = token.group().count("\n") - 1
            yield "\n" * breaks if breaks or groups.get("joined") else " ", place
        else:
            yield token.group(), place


def _unescaped(escape: str) -> str:
    if escape == "''":
        return "'"
    if escape[1] in "xuU":
        return chr(min(int(escape[2:], 16), _MAX_CODE_POINT))
    return _ESCAPES.get(escape[1], escape)


class _Line(NamedTuple):
    """A line of a block value: its content without the indent, and where that and the line break end."""

    content: Span
    end: int


def _block(text: str, key: Span, header: re.Match[str]) -> Iterator[tuple[str, Span]]:
    """Yield the pieces of a literal or folded value, with their spans."""
    column = key.start - (text.rfind("\n", 0, key.start) + 1)
    flags = header.group("flags")
    explicit = re.sub("[-+]", "", flags)
    lines = _block_lines(text, header.end(), column + int(explicit) if explicit else None, column + 1)
    filled = [number for number, line in enumerate(lines) if line.content.start < line.content.end]
    if not filled:
        return
    yield from (("\n", Span(line.content.end, line.end)) for line in lines[: filled[0]])
    is_folded = header.group("style") == ">"
    for number, following in zip(filled, [*filled[1:], None], strict=True):
        content = lines[number].content
        yield text[content.start : content.end], content
        if following is not None:
            after = lines[following].content
            breaks = following - number
            if is_folded and text[content.start] not in " \t" and text[after.start] not in " \t":
                breaks -= 1
            yield "\n" * breaks or " ", Span(content.end, after.start)
    if "-" not in flags:
        kept = lines[filled[-1] :] if "+" in flags else lines[filled[-1] : filled[-1] + 1]
        yield from (("\n", Span(line.content.end, line.end)) for line in kept if line.end > line.content.end)


def _block_lines(text: str, start: int, indent: int | None, least: int) -> list[_Line]:
    """Return the lines of a block value, from `start` to the first line that is indented less.

    Args:
        indent: The indent of the value, if its header gives it. If not, it is that of the first line with content.
        least: The smallest possible indent.
    """
    lines = []
    for line in _LINE.finditer(text, start):
        begin, end = line.span("text")
        content = text[begin:end].lstrip(" ")
        if content and indent is None:
            indent = max(least, end - begin - len(content))
        if content and indent is not None and end - begin - len(content) < indent:
            break
        if line.end() == len(text):
            break
        lines.append(_Line(Span(min(begin + (indent or end - begin), end), end), line.end()))
    return lines
