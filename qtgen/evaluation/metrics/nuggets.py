"""Nuggets: claims that an answer must or may make, and whether it makes or contradicts each claim."""

from qtgen.embeddings.static import normalize_rows
from qtgen.evaluation.metrics.base import Case, Score, metric
from qtgen.evaluation.metrics.contradiction import contradictions, has_negation
from qtgen.evaluation.metrics.semantic import soft_recall
from qtgen.evaluation.metrics.statements import Statement
from qtgen.evaluation.metrics.text import AnalyzedText, recall

ASSIGNED = 0.65
"""Support from which a nugget counts as made: the most accurate on K-QA's claims (docs/explanation/scoring.md)."""
CONTRADICTED = 0.5
"""Degree of contradiction from which a nugget does not count as made."""

_WORDING = 0.5  # what shared words take off the dispute of a claim
_NEGATION = 0.2  # what a negation in only one of the two adds to it


@metric()
def must_recall(case: Case) -> Score:
    """Share of the reference's must-have nuggets that the candidate states, assigned by similarity in meaning.

    A nugget that the candidate contradicts, for example with a negation or another number, does not count. The note
    contains it. None if the reference has no nuggets. A judge model (`--judge`) assigns nuggets more accurately.
    """
    return _recall(case.must, case.candidate)


@metric()
def nice_recall(case: Case) -> Score:
    """Share of the reference's nice-to-have nuggets that the candidate states, as `must_recall` assigns them.

    None if the reference has no such nuggets."""
    return _recall(case.nice, case.candidate)


def _recall(nuggets: tuple[AnalyzedText, ...], candidate: AnalyzedText) -> Score:
    if not nuggets:
        return Score(None)
    supported = [nugget for nugget in nuggets if claim_support(candidate, nugget) >= ASSIGNED]
    denied = [nugget for nugget in nuggets if _contradiction(candidate, nugget) >= CONTRADICTED]
    made = [nugget for nugget in supported if nugget not in denied]
    missing = [nugget for nugget in nuggets if nugget not in made and nugget not in denied]
    parts = [f"{len(made)} of {len(nuggets)}"]
    for what, texts in (("contradicted", denied), ("missing", missing)):
        if texts:
            parts.append(f"{what}: {texts[0].text}")
    return Score(len(made) / len(nuggets), "; ".join(parts))


def claim_support(candidate: AnalyzedText, claim: AnalyzedText) -> float:
    """Return how clearly a text states a claim, from 0 to 1. A denial of the claim counts as well.

    It is the mean of two values: the similarity of the claim to its nearest sentence, or pair of neighbouring
    sentences, and the share of the claim's tokens that occur anywhere in the text.
    """
    vectors = candidate.sentence_vectors
    neighbours = normalize_rows(vectors[:-1] + vectors[1:])
    nearest = max(float((rows @ claim.vector).max()) for rows in (vectors, neighbours) if len(rows))
    return (max(0.0, nearest) + max(0.0, soft_recall(claim, candidate))) / 2


def claim_dispute(candidate: AnalyzedText, claim: AnalyzedText) -> float:
    """Return a value that rises with the probability that a text contradicts a claim. Only the order of values matters.

    The value is high if a sentence has a similar meaning but shares few words with the claim, or if only one of the
    two has a negation. It is highest if a sentence follows the claim nearly word for word and contradicts it.
    """
    similarities = candidate.sentence_vectors @ claim.vector
    nearest = int(similarities.argmax())
    is_negated = [has_negation(Statement.of(text).words) for text in (claim.plain, candidate.sentences[nearest])]
    dispute = float(similarities[nearest]) - _WORDING * recall(claim.counts, candidate.counts)
    dispute += _NEGATION * (is_negated[0] != is_negated[1])
    return max(dispute, _contradiction(candidate, claim))


def _contradiction(candidate: AnalyzedText, claim: AnalyzedText) -> float:
    """Return the highest degree of contradiction between a statement of the claim and the candidate."""
    return max((found.degree for found in contradictions(claim, candidate, is_claim=True)), default=0.0)
