"""Summarize all decisions: how far each audit is, who decided what, and how far reviewers agree.

Three agreements are computed: of reviewers with each other, of reviewers with the score, and of reviewers with the
comparison of rewrites. The first two rest on the pages of draws that count, each of which represents 1/π pages.
Rewrites are not drawn at random, so the third one describes only the rewrites that were judged.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from qtgen.generation.decisions import Action, DecisionLog
from qtgen.review.audits.agreement import Agreement, Pair, agreement_of
from qtgen.review.audits.plans import NEXT
from qtgen.review.audits.progress import AuditProgress
from qtgen.review.audits.readings import Outcome, outcome_of
from qtgen.review.audits.sampling import inclusion_probabilities, uniform

READERS, SCORE, COMPARISON = "readers", "score", "comparison"
"""What reviewers are compared with: each other, the score, and the comparison of rewrites."""
_CHOICES = {Action.TAKE: "new", Action.KEEP: "old"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The summary of all decisions.

    Args:
        audits: How far each audit is, the oldest first.
        next: How far the queue `next` is; None if it has no plan.
        decisions: The number of decisions in force.
        undone: The number of decisions that were undone.
        by_reader: The number of decisions in force, by reviewer and action.
        agreement: By what the reviewers are compared with.
        score_from: The score from which a page counts as publishable; None without scores.
    """

    audits: Sequence[AuditProgress]
    next: AuditProgress | None
    decisions: int
    undone: int
    by_reader: Mapping[str, Mapping[Action, int]]
    agreement: Mapping[str, Agreement]
    score_from: float | None

    @property
    def by_action(self) -> Mapping[Action, int]:
        """The number of decisions in force, by action."""
        return sum((Counter(actions) for actions in self.by_reader.values()), Counter[Action]())


def summarize(every: Sequence[AuditProgress], log: DecisionLog) -> Summary:
    """Return the summary of all decisions.

    Args:
        every: How far each audit is, and the queue `next`.
        log: All decisions.
    """
    counts, total = _by_reader(log)
    agreement, score_from = agreements(every, log)
    return Summary(
        audits=[one for one in every if one.plan.kind != NEXT],
        next=next((one for one in every if one.plan.kind == NEXT), None),
        decisions=total,
        undone=sum(log.is_undone(one) for one in log if one.action is not Action.UNDO),
        by_reader=counts,
        agreement=agreement,
        score_from=score_from,
    )


def agreements(every: Sequence[AuditProgress], log: DecisionLog) -> tuple[dict[str, Agreement], float | None]:
    """Return how far reviewers agree, by what they are compared with, and the score of the least publishable page."""
    drawn = [(outcome, weight) for one in every for outcome, weight in _drawn(one, log)]
    scored = [(outcome, outcome.page.score, weight) for outcome, weight in drawn if outcome.page.score is not None]
    cut = _score_cut(scored)
    pairs = {
        READERS: [pair for outcome, weight in drawn if (pair := _reader_pair(outcome, weight))],
        SCORE: [
            Pair(int(not outcome.is_bad), int(score >= (cut or 0.0)), outcome.page.url, weight)
            for outcome, score, weight in scored
        ],
        COMPARISON: list(_comparison_pairs(log)),
    }
    return {name: agreement_of(some) for name, some in pairs.items()}, cut


def _by_reader(log: DecisionLog) -> tuple[dict[str, dict[Action, int]], int]:
    counts: dict[str, Counter[Action]] = defaultdict(Counter)
    for url in log.urls():
        for decision in log.effective(url):
            counts[decision.who][decision.action] += 1
    return {who: dict(counts[who]) for who in sorted(counts)}, sum(map(Counter.total, counts.values()))


def _drawn(now: AuditProgress, log: DecisionLog) -> Iterator[tuple[Outcome, float]]:
    """Yield the pages of a draw that count and that somebody read, with the number of pages that each represents."""
    probabilities = inclusion_probabilities(now.plan.weights, now.read)
    for position in now.plan.order[: now.read]:
        outcome = outcome_of(now.plan, now.plan.pages[position], log, lambda _url: None)
        if outcome.readings:
            yield outcome, 1 / float(probabilities[position])


def _reader_pair(outcome: Outcome, weight: float) -> Pair | None:
    """Return the first two blind readings of a page, in random order, because neither reviewer is a reference."""
    blind = [reading for reading in outcome.readings if reading.is_blind][:2]
    if len(blind) < 2:
        return None
    first, second = (int(reading.label == 1) for reading in blind)
    if uniform(0, outcome.page.url, "pair") < 0.5:
        first, second = second, first
    return Pair(first, second, outcome.page.url, weight)


def _score_cut(scored: Sequence[tuple[Outcome, float, float]]) -> float | None:
    """Return the score from which as many pages are publishable as by the reviewers' labels.

    A fixed limit would measure how high scores are, and not whether they order pages as reviewers do.
    """
    if not scored:
        return None
    weights = np.array([weight for _, _, weight in scored])
    scores = np.array([score for _, score, _ in scored])
    wanted = float(weights[[not outcome.is_bad for outcome, _, _ in scored]].sum())
    cuts = np.unique(scores)
    above = np.array([weights[scores >= cut].sum() for cut in cuts])
    return float(cuts[int(np.argmin(np.abs(above - wanted)))])


def _comparison_pairs(log: DecisionLog) -> Iterator[Pair]:
    """Yield which of two texts reviewers and the comparison preferred: 1 is the new one."""
    for url in log.urls():
        for decision in log.effective(url):
            preferred = decision.prefers or _CHOICES.get(decision.action)
            if preferred in ("new", "old") and decision.seen.compared in ("new", "old"):
                yield Pair(int(preferred == "new"), int(decision.seen.compared == "new"), url)
