"""Metrics of wording: how many words, sequences of words or characters two texts share."""

from functools import cache
from typing import Any

from qtgen.evaluation.metrics.base import Case, Direction, Score, metric
from qtgen.evaluation.metrics.text import AnalyzedText, recall


@cache
def _rouge_scorer() -> Any:
    import rouge_score_rs

    return rouge_score_rs.RougeScorer(["rouge1", "rouge2", "rougeL"], True)  # type: ignore[no-untyped-call]


@cache
def _chrf_and_bleu() -> tuple[Any, Any]:
    """Return sacrebleu's metrics without a tokenizer: the words are separate already."""
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    return CHRF(), BLEU(tokenize="none", effective_order=True, force=True)


def _rouge(case: Case, name: str) -> Score:
    """Return a ROUGE F-measure with stemmed words, as in the original implementation."""

    def f_measure(reference: AnalyzedText) -> float:
        return float(_rouge_scorer().score(reference.plain, case.candidate.plain)[name].fmeasure)

    return Score(case.best(f_measure))


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


@metric(cost="4 ms")
def chrf(case: Case) -> Score:
    """Sequences of one to six characters shared with the reference: chrF (Popović 2015), by sacrebleu.

    Different word endings affect it less than metrics of whole words.
    """
    score = _chrf_and_bleu()[0].sentence_score
    return Score(case.best(lambda reference: score(case.candidate.plain, [reference.plain]).score / 100))


@metric(cost="1.5 ms")
def bleu(case: Case) -> Score:
    """Sequences of one to four words shared with the reference: BLEU (Papineni et al. 2002) of one text, by sacrebleu.

    Words are in lower case and without punctuation. BLEU is a precision. Only its penalty for short texts accounts for
    omissions.
    """
    references = [" ".join(reference.words) for reference in case.references]
    score = _chrf_and_bleu()[1].sentence_score
    return Score(min(1.0, score(" ".join(case.candidate.words), references).score / 100))


@metric()
def token_f1(case: Case) -> Score:
    """Harmonic mean of precision and recall of words, all weighted equally: F1 as in SQuAD (Rajpurkar et al. 2016)."""

    def f1(reference: AnalyzedText) -> float:
        shared = (reference.counts & case.candidate.counts).total()
        total = reference.counts.total() + case.candidate.counts.total()
        return 2 * shared / total if total else 0.0

    return Score(case.best(f1))


@metric()
def idf_recall(case: Case) -> Score:
    """Share of the reference's words that the candidate contains, with more weight on rare words.

    The weight of a word depends on its frequency in English (wordfreq). Of the metrics that compare words, this one
    agrees best with people.
    """
    missing = case.references[0].counts - case.candidate.counts
    longest = sorted(missing, key=lambda word: (-len(word), word))[:5]
    note = f"missing, for example: {', '.join(longest)}" if longest else ""
    return Score(case.best(lambda reference: recall(reference.counts, case.candidate.counts)), note)


@metric(direction=Direction.NONE, high=float("inf"))
def length_ratio(case: Case) -> Score:
    """Words of the candidate divided by words of the reference.

    It is for context only: it shows whether length affects a score."""
    candidate, reference = len(case.candidate.words), len(case.references[0].words)
    return Score(candidate / max(1, reference), f"{candidate} words; the reference has {reference}")
