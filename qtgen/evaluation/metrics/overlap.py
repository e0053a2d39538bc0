"""Metrics of wording: how many words, runs of words or characters two texts share."""

from functools import cache
from typing import Any

from qtgen.evaluation.metrics.base import Case, Direction, Score, metric
from qtgen.evaluation.metrics.text import AnalyzedText, recall


@cache
def _scorer() -> Any:
    import rouge_score_rs

    return rouge_score_rs.RougeScorer(["rouge1", "rouge2", "rougeL"], True)  # type: ignore[no-untyped-call]


@cache
def _sacrebleu() -> tuple[Any, Any]:
    """chrF and BLEU, which need no tokenizer: words are told apart already."""
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    return CHRF(), BLEU(tokenize="none", effective_order=True, force=True)


def rouge(reference: AnalyzedText, candidate: AnalyzedText) -> dict[str, float]:
    """F-measures of ROUGE-1, ROUGE-2 and ROUGE-L by rouge-score-rs, words stemmed as in the original."""
    return {name: float(of.fmeasure) for name, of in _scorer().score(reference.plain, candidate.plain).items()}


def _rouge(case: Case, name: str) -> Score:
    return Score(case.best(lambda reference: rouge(reference, case.candidate)[name]))


@metric()
def rouge_1(case: Case) -> Score:
    """Single words shared with the reference: ROUGE-1, F-measure (Lin 2004)."""
    return _rouge(case, "rouge1")


@metric()
def rouge_2(case: Case) -> Score:
    """Pairs of neighbouring words shared with the reference: ROUGE-2, F-measure (Lin 2004)."""
    return _rouge(case, "rouge2")


@metric()
def rouge_l(case: Case) -> Score:
    """The longest run of words in the same order, gaps allowed: ROUGE-L, F-measure (Lin 2004)."""
    return _rouge(case, "rougeL")


@metric(cost="4 ms")
def chrf(case: Case) -> Score:
    """Runs of one to six characters shared with the reference: chrF (Popović 2015), by sacrebleu.

    Bears with endings of words better than metrics of whole words.
    """
    chrf_of = _sacrebleu()[0].sentence_score
    return Score(case.best(lambda reference: chrf_of(case.candidate.plain, [reference.plain]).score / 100))


@metric(cost="1.5 ms")
def bleu(case: Case) -> Score:
    """Runs of one to four words that the reference has too: BLEU (Papineni et al. 2002) of one text, by sacrebleu.

    Of words in small letters, without punctuation. A precision: it rewards nothing for what is left out but through its
    penalty for short texts.
    """
    references = [" ".join(reference.words) for reference in case.references]
    return Score(min(1.0, _sacrebleu()[1].sentence_score(" ".join(case.candidate.words), references).score / 100))


@metric()
def token_f1(case: Case) -> Score:
    """Balance of the shares of words shared, each word counting the same: F1 as in SQuAD (Rajpurkar et al. 2016)."""

    def of(reference: AnalyzedText) -> float:
        shared = (reference.counts & case.candidate.counts).total()
        total = reference.counts.total() + case.candidate.counts.total()
        return 2 * shared / total if total else 0.0

    return Score(case.best(of))


@metric()
def idf_recall(case: Case) -> Score:
    """Share of the reference's words that the candidate has, rare words counting more.

    How telling a word is comes from its frequency in English (wordfreq). Of the plain metrics the best at completeness.
    """
    missing = case.references[0].counts - case.candidate.counts
    rarest = sorted(missing, key=lambda word: (-len(word), word))[:5]
    note = f"missing, for instance: {', '.join(rarest)}" if rarest else ""
    return Score(case.best(lambda reference: recall(reference.counts, case.candidate.counts)), note)


@metric(direction=Direction.NONE, high=float("inf"))
def length_ratio(case: Case) -> Score:
    """Words of the candidate for each word of the reference, for control: whether a score is only one of length."""
    reference = case.references[0]
    return Score(
        len(case.candidate.words) / max(1, len(reference.words)),
        f"{len(case.candidate.words)} words, the reference has {len(reference.words)}",
    )
