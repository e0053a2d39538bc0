"""Compare an answer with its source: the support of each sentence, and items that are not in the source."""

import re
from collections.abc import Callable, Iterator, Sequence

from qtgen.generation.grounding.dates import Date, read_dates
from qtgen.generation.grounding.figures import Figure, read_figures
from qtgen.generation.grounding.names import defined_abbreviations, read_names
from qtgen.generation.grounding.prose import Span, read_spans
from qtgen.generation.grounding.source import Source, is_english, read_source
from qtgen.generation.grounding.types import GroundingReport, Item, Kind, Sentence
from qtgen.generation.grounding.words import WORD, fold, normalize

Similarity = Callable[[Sequence[str], Sequence[str]], Sequence[float]]
"""Returns for each of the first texts the cosine of the most similar of the second texts."""

_COUNTING = 10  # whole numbers up to this one usually count parts of the answer: `three reasons`
_MIN_QUOTED_WORDS = 3  # fewer words in quotation marks are a term
_NEAR = 200  # characters before a quotation that are searched for words such as `for example`
_MAX_SHOWN = 80  # characters of an item in a message
_QUOTATION = re.compile(r"“([^“”\n]+)”|(?<![\w\"])\"([^\"\n]+)\"(?!\w)|«([^«»\n]+)»|(?<!\w)‘([^‘’\n]+)’(?!\w)")
_ILLUSTRATION = re.compile(
    r"\b(?:for (?:example|instance)|e\.g\.|such as|examples?|as in|sentences?|phrases?|words?"
    r"|you (?:can|could|might|may|would) (?:say|write|ask))\b",
    re.IGNORECASE,
)
_GAP = re.compile(r"\.\.\.|…|\[[^\]]*\]")
_ROUNDED = re.compile(
    r"(?:about|around|roughly|approximately|approx\.?|nearly|almost|over|under|than|least|most|up to|some|close to"
    r"|circa|ca\.|~|≈)\s*(?:US)?[$€£]?\s*$",
    re.IGNORECASE,
)
_OPERATOR = re.compile(r"[=+×÷*^/±<>≤≥≈]\s*\S*$"), re.compile(r"\s*[=+×÷*^±<>≤≥]")
_CALCULATION = re.compile(r"\s[-–x]\s")
_ORDER = re.compile(
    r"(?:\b(?:step|point|part|figure|fig\.|table|chapter|section|option|level|phase|stage|question|no\.|number|page|line)"
    r"|#)[\s-]*$",
    re.IGNORECASE,
)


def check(answer: str, source: str, question: str = "", *, similarity: Similarity | None = None) -> GroundingReport:
    """Compare an answer with its source.

    Args:
        answer: The answer, as Markdown.
        source: The text that it must be based on.
        question: The question. Its figures and names count as known.
        similarity: Compares texts by their meaning. Without it, sentences are compared by their words alone.

    Code, math, headings, questions and examples that the answer makes up are not compared.
    """
    known = read_source(source, question)
    spans = read_spans(answer)
    text = normalize(answer)
    same_language = known.is_english == is_english(" ".join(span.text for span in spans))
    sentences = _sentences(spans, known, similarity) if same_language else []
    method = "lexical+embedding" if similarity else "lexical"
    return GroundingReport(sentences, tuple(_items(text, spans, known)), method)


def _sentences(spans: Sequence[Span], source: Source, similarity: Similarity | None) -> list[Sentence]:
    claims = [span for span in spans if span.is_claim]
    cosines: Sequence[float | None] = [None] * len(claims)
    if similarity and claims and source.sentences:
        cosines = similarity([claim.text for claim in claims], source.sentences)
    return [
        Sentence(" ".join(claim.text.split()), claim.start, source.support(claim.text), cosine)
        for claim, cosine in zip(claims, cosines, strict=True)
    ]


def _items(text: str, spans: Sequence[Span], source: Source) -> Iterator[Item]:
    """Yield the items that are not in the source, in the order of the answer, without repeats."""
    checked = [span for span in spans if not span.is_example]
    items = [item for span in checked for item in (*_figures(span, source), *_quotations(text, span, source))]
    if source.is_english and is_english(" ".join(span.text for span in spans)):
        items += _names(text, checked, source)
    seen: set[tuple[Kind, str]] = set()
    for item in sorted(items, key=lambda item: item.offset):
        key = (item.kind, fold(item.text))
        if key not in seen:
            seen.add(key)
            yield item


def _figures(span: Span, source: Source) -> Iterator[Item]:
    """Yield the dates and figures of a sentence that are not in the source."""
    dates = read_dates(span.text)
    for date in dates:
        if not source.dates.contains(date):
            yield _item(Kind.DATE, span, date.start, date.end)
    covered = {place for date in dates for place in range(date.start, date.end)}
    for figure in read_figures(span.text):
        if figure.start in covered or not _is_claimed(span.text, figure):
            continue
        is_rounded = bool(_ROUNDED.search(span.text, max(0, figure.start - 24), figure.start))
        if source.figures.contains(figure, is_rounded=is_rounded):
            continue
        if others := source.figures.other_units(figure):
            yield _item(Kind.UNIT, span, figure.start, figure.end, ", ".join(others))
        else:
            yield _item(Kind.FIGURE, span, figure.start, figure.end)


def _is_claimed(text: str, figure: Figure) -> bool:
    """Return whether a figure is a claim, instead of counting points of the answer or belonging to a formula."""
    before, after = _OPERATOR
    near = max(0, figure.start - 8)
    if "=" in text and _CALCULATION.search(text[max(0, near - 4) : figure.end + 4]):
        return False
    if (
        before.search(text, near, figure.start)
        or after.match(text, figure.end)
        or _ORDER.search(text, max(0, figure.start - 16), figure.start)
    ):
        return False
    if figure.parts:
        return True
    value = figure.values[0]
    is_counting = value <= _COUNTING and value == int(value)
    return not (is_counting and (figure.unit is None or (figure.is_word and value <= 1)))


def _quotations(text: str, span: Span, source: Source) -> Iterator[Item]:
    for match in _QUOTATION.finditer(text, span.start, span.end):
        quoted = next(group for group in match.groups() if group is not None)
        prose = span.text[match.start() - span.start : match.end() - span.start]  # without code and math
        if len(WORD.findall(prose)) < _MIN_QUOTED_WORDS or _is_illustration(text, span, match):
            continue
        if not all(source.contains_words(part) for part in _GAP.split(quoted) if part.strip()):
            yield Item(Kind.QUOTATION, _shown(quoted), match.start(), len(match.group()))


def _is_illustration(text: str, span: Span, quotation: re.Match[str]) -> bool:
    """Return whether a quotation is an example that the answer makes up. It is called so, or is a line of its own."""
    following = text[quotation.end() : quotation.end() + 8].lstrip(" ")[:1]
    is_line = quotation.start() == span.start and following in ("", "\n", "(")
    before = max(span.start, quotation.start() - _NEAR)
    return is_line or _ILLUSTRATION.search(text, before, quotation.start()) is not None


def _names(text: str, spans: Sequence[Span], source: Source) -> Iterator[Item]:
    lower = {fold(word) for span in spans for word in WORD.findall(span.text) if word[0].islower()}
    defined = {word for span in spans for word in defined_abbreviations(span.text)}
    for span in spans:
        no_names = _without_names(text, span)
        for name in read_names(span, source.names.lower | lower):
            if name.start in no_names or defined.issuperset(name.words) or source.names.contains(name):
                continue
            similar = source.names.similar(name)
            yield Item(Kind.NAME, _shown(name.text), name.start, name.end - name.start, similar)


def _without_names(text: str, span: Span) -> set[int]:
    """Return the offsets in a sentence that cannot contain names: dates, figures, and quotations that are examples."""
    found: list[Date | Figure] = [*read_dates(span.text), *read_figures(span.text)]
    places = {span.start + place for amount in found for place in range(amount.start, amount.end)}
    for quotation in _QUOTATION.finditer(text, span.start, span.end):
        if _is_illustration(text, span, quotation):
            places.update(range(quotation.start(), quotation.end()))
    return places


def _item(kind: Kind, span: Span, start: int, end: int, detail: str = "") -> Item:
    return Item(kind, _shown(span.text[start:end]), span.start + start, end - start, detail)


def _shown(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _MAX_SHOWN else f"{line[: _MAX_SHOWN - 1]}…"
