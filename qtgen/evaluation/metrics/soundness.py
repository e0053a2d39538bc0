"""Soundness: whether a candidate is an answer in sentences, and how much longer than the reference it is."""

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from math import log
from typing import NamedTuple

from qtgen._util.memo import Memo
from qtgen.evaluation.metrics.base import Case, Direction, Score, metric
from qtgen.evaluation.metrics.overlap import rouge
from qtgen.evaluation.metrics.structure import repetition
from qtgen.evaluation.metrics.text import INFORMATION, AnalyzedText

_MAX_EXCESS = 5.0
_FOLLOWS = 0.6  # share of a statement's words that its passage must have
_SHARED, _MOSTLY_SHARED = 0.4, 0.5  # ROUGE-1 from which two texts share many words, and most of them
_NO_PAIRS, _FEW_PAIRS = 0.12, 0.2  # ROUGE-2 as a share of ROUGE-1
_FEW_IN_ORDER = 0.32  # ROUGE-L as a share of ROUGE-1
_HEAP, _NO_WORDS, _ECHO, _FOREIGN = 0.1, 0.05, 0.1, 0.1
_CUT_OFF = 0.8
_REPEATED = 0.2  # share of repeated runs of words that is common in good answers
_REPETITION_PENALTY = 0.95
_KNOWN, _ANSWERED = 0.8, 0.3  # shares of what a candidate says, and of what the reference adds to the question
_RARE = 7.9  # information of a word that English texts hardly contain
_CONTENT = 2.0  # information of a word that can answer a question
_SHORT = 20  # words; the order and the end of shorter texts are not judged
_LAST_WORD = re.compile(r"[^\W\d_],?$")
_LAYOUT = re.compile(r"^\s*(?:[-*+>#|]|\d{1,3}[.)]\s|```|\$\$)")  # a list item, a heading, a table, code, a formula


class Fault(NamedTuple):
    """Why a text is not sound, and the factor by which its score is multiplied."""

    factor: float
    reason: str


@metric(direction=Direction.LOWER, high=_MAX_EXCESS)
def excess_length(case: Case) -> Score:
    """How much longer the candidate is than the reference: the natural logarithm of the ratio of their words.

    0 if it is not longer, 0.69 if it has twice the length, and at most 5.
    """
    ratio = min(len(case.candidate.words) / max(1, len(reference.words)) for reference in case.references)
    return Score(min(_MAX_EXCESS, log(max(1.0, ratio))))


@metric(direction=Direction.LOWER)
def disorder(case: Case) -> Score:
    """Share of the candidate's neighboring statements that are in the opposite order in the reference.

    Only statements that follow a passage of the reference closely count.
    """
    return Score(min(_disorder(case.candidate, reference) for reference in case.references))


def _disorder(text: AnalyzedText, reference: AnalyzedText) -> float:
    aligned = text.statements.aligned_with(reference.statements)
    places = [alignment.place for alignment in aligned if alignment and alignment.shared >= _FOLLOWS]
    falls = sum(second < first for first, second in pairwise(places))
    return falls / (len(places) - 1) if len(places) > 1 else 0.0


@metric()
def soundness(case: Case) -> Score:
    """Whether the candidate is an answer in sentences: 1 for every normal text, and less for one with a fault.

    The value is at most 0.1 for these faults: the reference's words in another order, invented or glued words, a text
    in another language, and a repeated question. Repetition reduces it to as little as 0.05. An end in the middle of a
    sentence reduces it to 0.8. The note lists the faults.
    """
    found = [*_faults(case)]
    value = 1.0
    for fault in found:
        value *= fault.factor
    return Score(value, ", ".join(fault.reason for fault in found))


def _faults(case: Case) -> Iterator[Fault]:
    candidate = case.candidate
    if _is_heap(case):
        yield Fault(_HEAP, "the reference's words in another order")
    if _share_of_rare_words(candidate) > 0.5:
        yield Fault(_NO_WORDS, "hardly any English word")
    elif not candidate.is_english():
        yield Fault(_FOREIGN, "another language than the reference")
    if _repeats_question(case):
        yield Fault(_ECHO, "only words of the question")
    repeated = repetition(case).value or 0.0
    if repeated > _REPEATED:
        share = (repeated - _REPEATED) / (1 - _REPEATED)
        yield Fault(1 - _REPETITION_PENALTY * share, f"{repeated:.0%} of it is repeated")
    if _is_cut_off(candidate) and not any(map(_is_cut_off, case.references)):
        yield Fault(_CUT_OFF, "ends in the middle of a sentence")


def _is_heap(case: Case) -> bool:
    """Return whether a text has most words of the nearest reference, but hardly any of its sequences of words."""
    if len(case.candidate.words) < _SHORT:
        return False
    single, pairs, in_order = max(rouge(reference, case.candidate) for reference in case.references)
    if single < _SHARED:
        return False
    if single >= _MOSTLY_SHARED and pairs < _NO_PAIRS * single:
        return True
    return pairs < _FEW_PAIRS * single and in_order < _FEW_IN_ORDER * single


def _share_of_rare_words(text: AnalyzedText) -> float:
    return sum(_IS_RARE.of(text.words)) / max(1, len(text.words))


def _is_rare(word: str) -> bool:
    return INFORMATION[word] > _RARE and not any(map(str.isdigit, word))


_IS_RARE = Memo(_is_rare, 100_000)


def _repeats_question(case: Case) -> bool:
    """Return whether nearly all words of the candidate are in the question, and few others in the reference."""
    asked = case.question.counts
    said = _weights(case.candidate.counts)
    known = sum(value for word, value in said.items() if word in asked)
    if not said or known <= _KNOWN * sum(said.values()):
        return False
    added = _weights(word for word in case.references[0].counts if word not in asked)
    answered = sum(value for word, value in added.items() if word in said)
    return answered < _ANSWERED * sum(added.values())


def _weights(words: Iterable[str]) -> dict[str, float]:
    """Return the information of the words that can answer a question."""
    listed = list(words)
    return {word: value for word, value in zip(listed, INFORMATION.of(listed), strict=True) if value > _CONTENT}


def _is_cut_off(text: AnalyzedText) -> bool:
    lines = text.text.rstrip().splitlines()
    if not lines or len(text.words) < _SHORT or _LAYOUT.match(lines[-1]):
        return False
    return bool(_LAST_WORD.search(lines[-1])) and len(lines[-1].split()) > 1
