"""Metrics of form: an answer's layout and readability, and the rest of its page."""

import re
from functools import cache
from typing import Any

from qtgen._util.memo import Memo
from qtgen.evaluation.metrics.base import Case, Direction, Score, metric
from qtgen.evaluation.metrics.text import AnalyzedText, ngrams

_POINT = re.compile(r"^\s*(?:\d{1,3}[.)]|[-*+]) +\S", re.MULTILINE)
_HEADING = re.compile(r"^#{1,6} +\S|\*\*[^*\n]{2,80}\*\*", re.MULTILINE)
_TABLE = re.compile(r"^\|?(?:[ :-]*-{3}[ :-]*\|)+", re.MULTILINE)
_CODE = re.compile(r"^```", re.MULTILINE)
_MATHS = re.compile(r"\$[^$\n]+\$")
_SUMMARY = re.compile(r"^(?:in summary|in short|to sum up|in conclusion|overall)\b", re.IGNORECASE | re.MULTILINE)
_PARTS = {"list": _POINT, "headings": _HEADING, "table": _TABLE, "code": _CODE, "maths": _MATHS, "summary": _SUMMARY}
_RUN = 4  # words in a row that count as repeated when they occur again


@metric()
def structure(case: Case) -> Score:
    """Share of the reference's parts (list, headings, table, code, maths, summary) that the candidate has too.

    A list with another number of points counts in part. None if the reference has no such part.
    """
    reference = case.references[0].text
    wanted = {name: count for name, part in _PARTS.items() if (count := len(part.findall(reference)))}
    if not wanted:
        return Score(None)
    given = {name: len(_PARTS[name].findall(case.candidate.text)) for name in wanted}
    values = {name: float(given[name] > 0) for name in wanted}
    if "list" in wanted:
        values["list"] = min(wanted["list"], given["list"]) / max(wanted["list"], given["list"])
    missing = [name for name, value in values.items() if value == 0]
    return Score(sum(values.values()) / len(values), f"missing: {', '.join(missing)}" if missing else "")


@metric(direction=Direction.LOWER)
def repetition(case: Case) -> Score:
    """Share of the candidate's sequences of four words that occur earlier in it."""
    runs = list(ngrams(case.candidate.stems, _RUN))
    return Score(1 - len(set(runs)) / len(runs) if runs else 0.0)


@metric(direction=Direction.NONE, low=-100.0, high=121.0)
def readability(case: Case) -> Score:
    """How easy the candidate is to read: Flesch Reading Ease (Flesch 1948). Plain English has 60 to 70.

    It is for context only, because some subjects need long words. pyphen counts the syllables.
    """
    candidate = case.candidate
    if not candidate.words:
        return Score(None)
    syllables = sum(_SYLLABLES.of(candidate.words)) / len(candidate.words)
    value = 206.835 - 1.015 * len(candidate.words) / len(candidate.sentences) - 84.6 * syllables
    return Score(max(-100.0, min(121.0, value)))


def _syllables(word: str) -> int:
    return 1 + len(_hyphenator().positions(word))


_SYLLABLES = Memo(_syllables, 100_000)


@cache
def _hyphenator() -> Any:
    import pyphen

    return pyphen.Pyphen(lang="en_GB")


@metric()
def keyword_quality(case: Case) -> Score:
    """Share of a page's keywords that occur in the question or a reference, reduced if there are too few or too many.

    None for an answer without a page.
    """
    if case.page is None or case.page.keywords is None:
        return Score(None)
    keywords, (least, most) = case.page.keyword_list, case.page.keyword_bounds
    if not keywords:
        return Score(0.0, "no keywords")
    known = {word for text in (case.question, *case.references) for word in text.counts}
    unrelated = [keyword for keyword in keywords if not set(AnalyzedText(keyword).stems) & known]
    count_factor = min(1.0, len(keywords) / (least or 1), (most or len(keywords)) / len(keywords))
    note = f"not in question or reference: {', '.join(unrelated[:3])}" if unrelated else ""
    return Score(count_factor * (1 - len(unrelated) / len(keywords)), note)


@metric()
def description_quality(case: Case) -> Score:
    """Similarity of a page's description to the question or a reference, halved if its length is out of range.

    None for an answer without a page.
    """
    if case.page is None or case.page.description is None:
        return Score(None)
    description = case.candidate.with_same_embedder(case.page.description)
    nearest = max(float(description.vector @ text.vector) for text in (case.question, *case.references))
    fits = len(case.page.description) in case.page.description_bounds
    return Score(max(0.0, nearest) * (1 if fits else 0.5), f"{len(case.page.description)} characters")


@metric()
def page_health(case: Case) -> Score:
    """Findings of `qtgen validate` on the whole page: 1 for none, times 0.5 for each error and 0.9 for each warning.

    None for an answer without a page.
    """
    if case.page is None:
        return Score(None)
    value = 0.5 ** len(case.page.errors) * 0.9 ** len(case.page.warnings)
    return Score(value, ", ".join((*case.page.errors, *case.page.warnings)))
