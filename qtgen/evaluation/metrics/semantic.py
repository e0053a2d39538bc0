"""Metrics of meaning: vectors of texts, sentences and tokens held against each other."""

from typing import TYPE_CHECKING

from qtgen.evaluation.metrics.base import Case, Direction, Score, metric
from qtgen.evaluation.metrics.text import AnalyzedText

if TYPE_CHECKING:
    from qtgen.embeddings.static import Vectors

SUPPORTED = 0.45  # similarity from which a sentence counts as resting on one of the reference
ASSIGNED = 0.65  # and from which a nugget counts as made: the most right on K-QA's claims (docs/metrics.md)


def similarities(one: AnalyzedText, other: AnalyzedText) -> "Vectors":
    """Cosines of all sentences with all sentences: rows are of the first."""
    return one.sentence_vectors @ other.sentence_vectors.T


@metric()
def similarity(case: Case) -> Score:
    """How near the whole texts are in meaning: the cosine of their vectors, at least 0."""
    return Score(max(0.0, case.best(lambda reference: float(reference.vector @ case.candidate.vector))))


@metric()
def key_similarity(case: Case) -> Score:
    """As `similarity`, but every word counts by how telling it is, so that what the texts are about decides."""
    return Score(max(0.0, case.best(lambda reference: float(reference.key_vector @ case.candidate.key_vector))))


@metric()
def coverage(case: Case) -> Score:
    """Share of what the reference says that the candidate says in the same or in near words.

    Every different token of the reference is given its nearest in the candidate; the mean of these cosines, rare
    tokens counting more (a one-sided BERTScore, Zhang et al. 2020, over static vectors).
    """
    return Score(max(0.0, case.best(lambda reference: _soft_recall(reference, case.candidate))))


def _soft_recall(of: AnalyzedText, by: AnalyzedText) -> float:
    (wanted, weights), (given, _) = of.tokens, by.tokens
    if not len(wanted) or not len(given):
        return 0.0
    return float((wanted @ given.T).max(axis=1) @ weights / weights.sum())


@metric()
def focus(case: Case) -> Score:
    """How near every sentence of the candidate is to some sentence of the reference, by length.

    Low where an answer strays, pads or repeats a question instead of answering it.
    """
    lengths = case.candidate.sentence_lengths

    def of(reference: AnalyzedText) -> float:
        return float(similarities(case.candidate, reference).max(axis=1) @ lengths / lengths.sum())

    return Score(max(0.0, case.best(of)))


@metric(direction=Direction.LOWER)
def unsupported(case: Case) -> Score:
    """Share of the candidate, in words, whose sentences are near to nothing in any reference.

    Such extras may be right; they are what nobody has vouched for.
    """
    best = [similarities(case.candidate, reference).max(axis=1) for reference in case.references]
    nearest = [max(values) for values in zip(*best, strict=True)]
    lengths = case.candidate.sentence_lengths
    strays = [number for number, value in enumerate(nearest) if value < SUPPORTED]
    note = f"nearest to nothing: {case.candidate.sentences[min(strays, key=nearest.__getitem__)]}" if strays else ""
    return Score(float(lengths[strays].sum() / lengths.sum()), note[:200])


@metric()
def must_recall(case: Case) -> Score:
    """Share of the reference's must-have nuggets that the candidate makes, assigned by nearness in meaning.

    None where the reference has no nuggets. A judge assigns them better: `--judge`.
    """
    return _nuggets(case.must, case.candidate)


@metric()
def nice_recall(case: Case) -> Score:
    """Share of the reference's nice-to-have nuggets that the candidate makes; None where there are none."""
    return _nuggets(case.nice, case.candidate)


def _nuggets(nuggets: tuple[AnalyzedText, ...], candidate: AnalyzedText) -> Score:
    if not nuggets:
        return Score(None)
    missing = [nugget.text for nugget in nuggets if makes(candidate, nugget) < ASSIGNED]
    found = len(nuggets) - len(missing)
    note = f"{found} of {len(nuggets)}" + (f"; missing: {missing[0]}" if missing else "")
    return Score(found / len(nuggets), note)


def makes(candidate: AnalyzedText, claim: AnalyzedText) -> float:
    """How surely a text makes a claim, 0 to 1: how near its nearest sentence (or two neighbours together) comes in
    meaning, and how much of the claim stands anywhere in it, half and half."""
    from qtgen.embeddings.static import normalize_rows

    vectors = candidate.sentence_vectors
    together = normalize_rows(vectors[:-1] + vectors[1:])
    nearest = max(float((part @ claim.vector).max()) for part in (vectors, together) if len(part))
    return (max(0.0, nearest) + max(0.0, _soft_recall(claim, candidate))) / 2
