"""Metrics of wording: how many words, sequences of words or characters two texts share."""

from functools import cache, lru_cache
from typing import Any

from qtgen.evaluation.metrics.base import Case, Direction, Score, metric
from qtgen.evaluation.metrics.ngrams import bleu_score, chrf_score
from qtgen.evaluation.metrics.text import AnalyzedText, recall


@cache
def _rouge_scorer() -> Any:
    import rouge_score_rs

    return rouge_score_rs.RougeScorer(["rouge1", "rouge2", "rougeL"], True)  # type: ignore[no-untyped-call]


@lru_cache(maxsize=16)  # three metrics ask for the same pairs, one after another
def _rouge_scores(reference: str, candidate: str) -> Any:
    """Return all ROUGE scores of a pair by name, with stemmed words, as in the original implementation."""
    return _rouge_scorer().score(reference, candidate)


def rouge(reference: AnalyzedText, candidate: AnalyzedText) -> tuple[float, float, float]:
    """Return the F-measures of ROUGE-1, ROUGE-2 and ROUGE-L."""
    scores = _rouge_scores(reference.plain, candidate.plain)
    single, pairs, in_order = (float(scores[name].fmeasure) for name in ("rouge1", "rouge2", "rougeL"))
    return single, pairs, in_order


def _rouge(case: Case, name: str) -> Score:
    """Return a ROUGE F-measure."""
    candidate = case.candidate.plain
    return Score(case.best(lambda reference: float(_rouge_scores(reference.plain, candidate)[name].fmeasure)))


@metric()
def rouge_1(case: Case) -> Score:
    """Single words shared with the reference: ROUGE-1, F-measure (Lin 2004)."""
    return _rouge(case, "rouge1")


@metric()
def rouge_2(case: Case) -> Score:
    """Pairs of neighboring words shared with the reference: ROUGE-2, F-measure (Lin 2004)."""
    return _rouge(case, "rouge2")


@metric()
def rouge_l(case: Case) -> Score:
    """The longest common subsequence of words: ROUGE-L, F-measure (Lin 2004)."""
    return _rouge(case, "rougeL")


@metric()
def chrf(case: Case) -> Score:
    """Sequences of one to six characters shared with the reference: chrF (Popović 2015), equal to sacrebleu's.

    Different word endings affect it less than metrics of whole words.
    """
    return Score(case.best(lambda reference: chrf_score(case.candidate.plain, reference.plain)))


@metric()
def bleu(case: Case) -> Score:
    """Sequences of one to four words shared with the reference: BLEU (Papineni et al. 2002) of one text.

    Words are in lower case and without punctuation. The value equals that of sacrebleu with smoothing and effective
    order. BLEU is a precision. Only its penalty for short texts accounts for omissions.
    """
    return Score(bleu_score(case.candidate.words, [reference.words for reference in case.references]))


@metric()
def token_f1(case: Case) -> Score:
    """Harmonic mean of precision and recall of words, all weighted equally: F1 as in SQuAD (Rajpurkar et al. 2016)."""

    def f1(reference: AnalyzedText) -> float:
        counts = case.candidate.counts
        shared = sum(min(count, counts.get(word, 0)) for word, count in reference.counts.items())
        total = reference.counts.total() + counts.total()
        return 2 * shared / total if total else 0.0

    return Score(case.best(f1))


@metric()
def idf_recall(case: Case) -> Score:
    """Share of the reference's words that the candidate contains, with more weight on rare words.

    The weight of a word depends on its frequency in English (wordfreq). Of the metrics that compare words, this one
    agrees best with people.
    """
    given = case.candidate.counts
    missing = [word for word, count in case.references[0].counts.items() if count > given.get(word, 0)]
    longest = sorted(missing, key=lambda word: (-len(word), word))[:5]
    note = f"missing, for example: {', '.join(longest)}" if longest else ""
    return Score(case.best(lambda reference: recall(reference.counts, case.candidate.counts)), note)


@metric(direction=Direction.NONE, high=float("inf"))
def length_ratio(case: Case) -> Score:
    """Words of the candidate divided by words of the reference.

    It is for context only: it shows whether length affects a score."""
    candidate, reference = len(case.candidate.words), len(case.references[0].words)
    return Score(candidate / max(1, reference), f"{candidate} words; the reference has {reference}")
