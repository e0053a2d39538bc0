"""Split an answer into sentences with offsets. Spaces replace code, math, links and Markdown marks."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from qtgen.generation.grounding.words import content_stems, normalize
from qtgen.page.markdown import Segment, find_segments, mask_segments

_MIN_WORDS = 3  # a sentence with fewer content words makes no claim

_HIDDEN = re.compile(
    r"(?<=\])\([^()\s]*\)"  # the address of a link
    r"|\bhttps?://[^\s)\]]+|\bwww\.[^\s)\]]+"
    r"|<!--.{0,600}?-->|</?[A-Za-z][^<>\n]*>"
    r"|[\[(]\^?\d{1,3}(?:\s*[,-]\s*\d{1,3})*\]|\(\d{1,3}(?:,\s*\d{1,3})*\)|(?<=\w, )\d{1,3}(?=\))"  # a citation
    r"|\\\(.{0,300}?\\\)|\\\[.{0,600}?\\\]",  # math that a page would write in dollars
    re.DOTALL,
)
_LINE_MARK = re.compile(r"(?:[ >]|[-*+•](?=\s)|\d{1,3}[.)](?=\s))*")
_HEADING = re.compile(r"\s*(?:#{1,6}\s.*|(?:\*\*|__)[^*\n]+(?:\*\*|__)\s*:?\s*)")
_LABEL = re.compile(r"(?:\*\*|__)([^*\n]{1,120}?)(?:(?::|\.)\s*(?:\*\*|__)|(?:\*\*|__)\s*(?::|[-–—](?=\s)))")
_TABLE_RULE = re.compile(r"\s*\|?(?:\s*:?-{2,}:?\s*\|?)+\s*")
_MARKS = re.compile(r"\*+|(?<!\w)_+|_+(?!\w)|`+|\|")
_EXAMPLE_LABEL = re.compile(r"\s*(?:worked\s+)?example\b", re.IGNORECASE)
_EXAMPLE = re.compile(
    r"\b(?:for (?:example|instance),? if|suppose|imagine|assume|let's say|let us say|say you|picture a|hypothetical"
    r"|if (?:you|we|i|a|an|someone)\b)",
    re.IGNORECASE,
)
_CONNECTIVE = re.compile(
    r"(?:in (?:summary|conclusion|short|essence|brief|other words|addition|contrast|general|particular)"
    r"|to (?:sum up|conclude|summari[sz]e)|overall|for (?:example|instance)|on the other hand|as a result|that is"
    r"|of course|put simply)\b[,:]?\s*",
    re.IGNORECASE,
)
_END = re.compile(r"[.!?…]+[\"'”’)\]]*(?=\s|$)|[。！？]+[”’」』）]*")
_ABBREVIATION = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|St|Sr|Jr|vs|e\.g|i\.e|cf|ca|approx|No|Fig|Eq|Inc|Ltd|Co|Jan|Feb|Mar|Apr|Jun|Jul|Aug"
    r"|Sept?|Oct|Nov|Dec)|(?<!°)\b[A-Z](?:\.[A-Z])*)\.$"
)


class Span(NamedTuple):
    """A sentence, a heading or a table's cell.

    Args:
        start: Where it begins.
        end: Where it ends.
        text: Its text, with spaces for what is masked.
        is_heading: True for a heading, the label of a point, and a column header.
        is_example: True for an example that the answer makes up, whose figures no source contains.
    """

    start: int
    end: int
    text: str
    is_heading: bool = False
    is_example: bool = False

    @property
    def is_claim(self) -> bool:
        """Whether it makes a claim that a source can support. Questions and introductions of lists make none."""
        text = self.text.rstrip(" \"'”’)")
        if self.is_heading or self.is_example or text.endswith(("?", ":")):
            return False
        return len(content_stems(_CONNECTIVE.sub("", self.text, count=1))) >= _MIN_WORDS


def read_spans(markdown: str) -> list[Span]:
    """Return the sentences, headings and cells of an answer, in order."""
    text = normalize(markdown)
    prose = mask_segments(text, [segment for segment in find_segments(text) if not _is_money(text, segment)])
    prose = _HIDDEN.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), prose)
    return list(_spans(prose))


def _is_money(text: str, segment: Segment) -> bool:
    """Return whether two amounts in dollars look like math: `$5 and $8`."""
    if segment.kind != "math":
        return False
    inner = text[slice(*segment.inner)]
    return inner[:1].isdigit() and (inner[-1:].isspace() or text[segment.end : segment.end + 1].isdigit())


def _spans(prose: str) -> Iterator[Span]:
    lines = prose.split("\n")
    start, is_example = 0, False
    for number, line in enumerate(lines):
        end = start + len(line)
        if not line.strip():
            is_example = False
        elif not _TABLE_RULE.fullmatch(line):
            is_header = "|" in line and number + 1 < len(lines) and bool(_TABLE_RULE.fullmatch(lines[number + 1]))
            for span in _line_spans(prose, start, end, is_header):
                is_example = is_example or (span.is_heading and bool(_EXAMPLE_LABEL.match(span.text)))
                yield span._replace(is_example=is_example or span.is_example)
        start = end + 1


def _line_spans(prose: str, start: int, end: int, is_header: bool) -> Iterator[Span]:
    """Yield the spans of one line."""
    mark = _LINE_MARK.match(prose, start, end)
    start = mark.end() if mark else start
    if is_header or _HEADING.fullmatch(prose, start, end):
        yield _span(prose, start, end, is_heading=True)
        return
    if label := _LABEL.match(prose, start, end):
        yield _span(prose, *label.span(1), is_heading=True)
        start = label.end()
    if prose[start:end].lstrip().startswith("|"):
        for cell in re.finditer(r"[^|]+", prose[start:end]):
            yield _span(prose, start + cell.start(), start + cell.end())
        return
    yield from split_sentences(prose, start, end)


def split_sentences(prose: str, start: int, end: int) -> Iterator[Span]:
    """Yield the sentences between two offsets of a normalized text."""
    for mark in _END.finditer(prose, start, end):
        if _is_inside(prose, start, mark):
            continue
        yield _span(prose, start, mark.end())
        start = mark.end()
    if prose[start:end].strip():
        yield _span(prose, start, end)


def _is_inside(prose: str, start: int, mark: re.Match[str]) -> bool:
    """Return whether a mark is inside a sentence: after an abbreviation, or before a lower-case letter."""
    if mark.group()[0] != ".":
        return False
    following = prose[mark.end() : mark.end() + 3].strip()
    abbreviation = _ABBREVIATION.search(prose, max(start, mark.end() - 12), mark.end())
    return following[:1].islower() or (abbreviation is not None and following[:1].isalnum())


def _span(prose: str, start: int, end: int, is_heading: bool = False) -> Span:
    """Return the span without the spaces at its ends, and with spaces for its Markdown marks."""
    text = _MARKS.sub(lambda match: " " * len(match.group()), prose[start:end])
    start += len(text) - len(text.lstrip())
    text = text.strip()
    return Span(start, start + len(text), text, is_heading, bool(_EXAMPLE.search(text)))
