"""Metrics of form: how an answer is laid out, how it reads, and what stands around it on its page."""

import re
from functools import cache, lru_cache
from typing import Any

from qtgen.evaluation.metrics.base import Case, Direction, Score, metric
from qtgen.evaluation.metrics.text import AnalyzedText, ngrams
from qtgen.page.fields import DESCRIPTION_MAX, DESCRIPTION_MIN, KEYWORDS_MAX, KEYWORDS_MIN

_POINT = re.compile(r"^\s*(?:\d{1,3}[.)]|[-*+]) +\S", re.MULTILINE)
_HEADING = re.compile(r"^#{1,6} +\S|\*\*[^*\n]{2,80}\*\*", re.MULTILINE)
_TABLE = re.compile(r"^\|?(?:[ :-]*-{3}[ :-]*\|)+", re.MULTILINE)
_CODE = re.compile(r"^```", re.MULTILINE)
_MATHS = re.compile(r"\$[^$\n]+\$")
_SUMMARY = re.compile(r"^(?:in summary|in short|to sum up|in conclusion|overall)\b", re.IGNORECASE | re.MULTILINE)
_PARTS = {"list": _POINT, "headings": _HEADING, "table": _TABLE, "code": _CODE, "maths": _MATHS, "summary": _SUMMARY}
_RUN = 4  # words whose return counts as a repetition


@metric()
def structure(case: Case) -> Score:
    """Share of the reference's parts (list, headings, table, code, maths, summary) that the candidate has too.

    A list counts by how near its number of points comes.
    """
    reference = case.references[0].text
    wanted = {name: len(found) for name, part in _PARTS.items() if (found := part.findall(reference))}
    if not wanted:
        return Score(None)
    got = {name: len(_PARTS[name].findall(case.candidate.text)) for name in wanted}
    parts = {name: _part(name, wanted[name], got[name]) for name in wanted}
    missing = [name for name, value in parts.items() if value == 0]
    return Score(sum(parts.values()) / len(parts), f"without {', '.join(missing)}" if missing else "")


def _part(name: str, wanted: int, got: int) -> float:
    return min(wanted, got) / max(wanted, got) if name == "list" else float(got > 0)


@metric(direction=Direction.LOWER)
def repetition(case: Case) -> Score:
    """Share of runs of four words that stood in the candidate before."""
    runs = list(ngrams(case.candidate.stems, _RUN))
    return Score(1 - len(set(runs)) / len(runs) if runs else 0.0)


@metric(direction=Direction.NONE, low=-100.0, high=121.0)
def readability(case: Case) -> Score:
    """How easily the candidate reads: Flesch Reading Ease (Flesch 1948), 60 to 70 being plain English.

    For control: a subject may ask for long words. Syllables are counted by pyphen.
    """
    candidate = case.candidate
    if not candidate.words:
        return Score(None)
    syllables = sum(map(_syllables, candidate.words)) / len(candidate.words)
    value = 206.835 - 1.015 * len(candidate.words) / len(candidate.sentences) - 84.6 * syllables
    return Score(max(-100.0, min(121.0, value)))


@lru_cache(maxsize=200_000)
def _syllables(word: str) -> int:
    return int(_hyphens().inserted(word).count("-")) + 1


@cache
def _hyphens() -> Any:
    import pyphen

    return pyphen.Pyphen(lang="en_GB")


@metric()
def keyword_quality(case: Case) -> Score:
    """Share of a page's keywords that the question or a reference speaks of, less where there are too few or too many.

    None for an answer without a page.
    """
    if case.page is None:
        return Score(None)
    keywords = [word.strip() for word in case.page.keywords.split(",") if word.strip()]
    if not keywords:
        return Score(0.0, "none")
    spoken = {word for text in (case.question, *case.references) for word in text.counts}
    strange = [keyword for keyword in keywords if not set(AnalyzedText(keyword).stems) & spoken]
    count = min(1.0, len(keywords) / KEYWORDS_MIN, KEYWORDS_MAX / len(keywords))
    note = f"not spoken of: {', '.join(strange[:3])}" if strange else ""
    return Score(count * (1 - len(strange) / len(keywords)), note)


@metric()
def description_quality(case: Case) -> Score:
    """How near a page's description is in meaning to the question and the reference, halved where its length is wrong.

    None for an answer without a page.
    """
    if case.page is None:
        return Score(None)
    description = case.candidate.same(case.page.description)
    near = max(float(description.vector @ text.vector) for text in (case.question, *case.references))
    fits = DESCRIPTION_MIN <= len(case.page.description) <= DESCRIPTION_MAX
    return Score(max(0.0, near) * (1 if fits else 0.5), f"{len(case.page.description)} characters")


@metric()
def page_health(case: Case) -> Score:
    """What `qtgen validate` says of the whole page: 1 for none, halved by every error, less a tenth for a warning."""
    if case.page is None:
        return Score(None)
    value = 0.5 ** len(case.page.errors) * 0.9 ** len(case.page.warnings)
    return Score(value, ", ".join((*case.page.errors, *case.page.warnings)))
