"""Mark ranges of a Markdown text in the HTML that shows it."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

from markupsafe import Markup

from qtgen._util.preview.visible import visible_html

RawMark = tuple[int, int, str]
_ELEMENTS = {"ins": Markup("<ins>{}</ins>"), "del": Markup("<del>{}</del>")}


class Marks:
    """The marked ranges of a Markdown text, as offsets in the text with the line ends of markdown-it.

    Args:
        marks: Start, end and kind of each range, in code points. The kind is `ins` or `del`.
    """

    def __init__(self, marks: Iterable[RawMark], markdown: str) -> None:
        returns = _offsets_of(markdown, "\r\n")
        ranges = sorted(
            (start - bisect_right(returns, start - 1), end - bisect_right(returns, end - 1), kind)
            for start, end, kind in marks
            if start < end
        )
        for _, _, kind in ranges:
            if kind not in _ELEMENTS:
                raise ValueError(f"unknown kind of mark: {kind!r}")
        self._ranges = ranges
        self._ends = [end for _, end, _ in ranges]

    def __bool__(self) -> bool:
        return bool(self._ranges)

    def kind_at(self, start: int, end: int) -> str | None:
        """Return the kind of the first mark that covers a part of a range, or None."""
        index = bisect_right(self._ends, start)
        if index < len(self._ranges) and self._ranges[index][0] < end:
            return self._ranges[index][2]
        return None

    def split(self, start: int, end: int) -> Iterator[tuple[int, int, str | None]]:
        """Yield the parts of a range: start, end, and the kind of the mark that covers it."""
        index, done = bisect_right(self._ends, start), start
        while index < len(self._ranges) and self._ranges[index][0] < end:
            first, last, kind = self._ranges[index]
            if done < first:
                yield done, first, None
            yield max(done, first), min(end, last), kind
            done, index = min(end, last), index + 1
        if done < end:
            yield done, end, None

    def text_html(self, text: str, places: Sequence[int]) -> Markup:
        """Return a text as HTML with its marked parts.

        Args:
            places: The offset in the source of each character.
        """
        if not self._ranges or not text or self.kind_at(places[0], places[-1] + 1) is None:
            return visible_html(text)
        parts: list[Markup] = []
        done = 0
        for _, last, kind in self.split(places[0], places[-1] + 1):
            end = done
            while end < len(text) and places[end] < last:
                end += 1
            parts.append(marked(visible_html(text[done:end]), kind))
            done = end
        return Markup("").join(parts)


def marked(html: Markup, kind: str | None) -> Markup:
    """Return HTML inside an `ins` or `del` element, unless it has no mark or nothing in it."""
    if kind is None or not html:
        return html
    return _ELEMENTS[kind].format(html)


def _offsets_of(text: str, wanted: str) -> list[int]:
    found: list[int] = []
    at = text.find(wanted)
    while at >= 0:
        found.append(at)
        at = text.find(wanted, at + 1)
    return found
