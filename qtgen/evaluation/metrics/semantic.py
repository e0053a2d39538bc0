"""Metrics of meaning, from vectors of texts, sentences and tokens."""

from functools import lru_cache
from typing import TYPE_CHECKING

from qtgen.evaluation.metrics.base import Case, Direction, Score, metric
from qtgen.evaluation.metrics.text import AnalyzedText

if TYPE_CHECKING:
    from qtgen.embeddings.static import Vectors

SUPPORTED = 0.45  # similarity from which a sentence of the reference supports a sentence of the candidate
_UNRELATED, _RELATED = 0.15, 0.35  # similarity up to which a sentence is off topic, and from which it is not


@lru_cache(maxsize=16)
def sentence_similarities(first: AnalyzedText, second: AnalyzedText) -> "Vectors":
    """Return the cosines of all sentences with all sentences, one row per sentence of the first text."""
    return first.sentence_vectors @ second.sentence_vectors.T


@metric()
def similarity(case: Case) -> Score:
    """Similarity in meaning of the whole texts: the cosine of their vectors, at least 0."""
    return Score(max(0.0, case.best(lambda reference: float(reference.vector @ case.candidate.vector))))


@metric()
def key_similarity(case: Case) -> Score:
    """Similarity in meaning, with more weight on rare words, so that the topic of the texts counts most."""
    return Score(max(0.0, case.best(lambda reference: float(reference.key_vector @ case.candidate.key_vector))))


@metric()
def coverage(case: Case) -> Score:
    """Share of the reference that the candidate says in the same or similar words.

    Each distinct token of the reference is matched with the most similar token of the candidate. The value is the mean
    of these cosines, with more weight on rare tokens. It is a one-sided BERTScore (Zhang et al. 2020) over static
    vectors.
    """
    return Score(max(0.0, case.best(lambda reference: _soft_shares(reference, case.candidate)[0])))


@lru_cache(maxsize=16)  # several metrics ask for the same pair
def _soft_shares(first: AnalyzedText, second: AnalyzedText) -> tuple[float, float]:
    """Return the share of the first text that the second contains, and the share of the second in the first."""
    (tokens, weights), (other_tokens, other_weights) = first.tokens, second.tokens
    if not len(tokens) or not len(other_tokens):
        return 0.0, 0.0
    cosines = tokens @ other_tokens.T
    recall, precision = cosines.max(axis=1) @ weights, cosines.max(axis=0) @ other_weights
    return float(recall / weights.sum()), float(precision / other_weights.sum())


def soft_recall(wanted: AnalyzedText, given: AnalyzedText) -> float:
    """Return the mean similarity of wanted tokens to the most similar given ones, with more weight on rare tokens."""
    return _soft_shares(wanted, given)[0]


@metric()
def soft_precision(case: Case) -> Score:
    """Share of the candidate that the reference contains in the same or similar words: the reverse of `coverage`.

    It is a one-sided BERTScore (Zhang et al. 2020) over static vectors.
    """
    return Score(max(0.0, case.best(lambda reference: _soft_shares(reference, case.candidate)[1])))


@metric()
def focus(case: Case) -> Score:
    """Mean similarity of each candidate sentence to the most similar reference sentence, weighted by length.

    It is low if an answer digresses, pads, or repeats the question instead of answering it.
    """
    lengths = case.candidate.sentence_lengths

    def mean_similarity(reference: AnalyzedText) -> float:
        return float(sentence_similarities(case.candidate, reference).max(axis=1) @ lengths / lengths.sum())

    return Score(max(0.0, case.best(mean_similarity)))


@metric(direction=Direction.LOWER)
def unsupported(case: Case) -> Score:
    """Share of the candidate's words in sentences that no reference sentence supports.

    Such sentences may be correct, but the references do not confirm them.
    """
    best = [sentence_similarities(case.candidate, reference).max(axis=1) for reference in case.references]
    support = [max(values) for values in zip(*best, strict=True)]
    lengths = case.candidate.sentence_lengths
    strays = [number for number, value in enumerate(support) if value < SUPPORTED]
    note = f"least supported: {case.candidate.sentences[min(strays, key=support.__getitem__)]}" if strays else ""
    return Score(float(lengths[strays].sum() / lengths.sum()), note[:200])


@metric(direction=Direction.LOWER)
def off_topic(case: Case) -> Score:
    """Share of the candidate's words in sentences that have nothing to do with the question or a reference.

    The similarity of a sentence is the highest one to the question, a reference or a sentence of a reference. Sentences
    below 0.15 count in full, sentences from 0.35 on do not count, and others count in part. Correct facts beyond the
    reference usually have more than 0.25.
    """
    lengths = case.candidate.sentence_lengths
    related = _relatedness(case)
    shares = ((_RELATED - related) / (_RELATED - _UNRELATED)).clip(0.0, 1.0)
    worst = int(related.argmin())
    note = f"least related: {case.candidate.sentences[worst]}" if related[worst] < _RELATED else ""
    return Score(float(shares @ lengths / lengths.sum()), note[:200])


def _relatedness(case: Case) -> "Vectors":
    """Return the highest similarity of each sentence of the candidate."""
    vectors = case.candidate.sentence_vectors
    related = vectors @ case.question.vector
    for reference in case.references:
        nearest = sentence_similarities(case.candidate, reference).max(axis=1)
        related = related.clip(min=nearest).clip(min=vectors @ reference.vector)
    return related
