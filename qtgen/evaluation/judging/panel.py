"""Let a panel of judges judge the candidates of a run, and summarize usage and agreement."""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from statistics import fmean
from typing import NamedTuple

from qtgen._util.concurrency import Stop, map_unordered
from qtgen._util.text import pluralize
from qtgen.errors import BudgetReached, Failure, ProviderUnusable
from qtgen.evaluation.judging.agreement import Opinion, judge_agreements
from qtgen.evaluation.judging.judges import JudgeScore, Sampling, judge_by_rubric, judge_claims, no_opinion
from qtgen.evaluation.judging.summary import JudgeUse, Judging, silent_judges
from qtgen.evaluation.metrics import JUDGE_METRICS
from qtgen.evaluation.metrics.confidence import LOW
from qtgen.evaluation.scoring import SampleResult
from qtgen.evaluation.suites.candidates import Candidate
from qtgen.llm.types import Provider

JUDGE_CONCURRENCY = 32  # pages that are judged at the same time
_RUBRIC, _MUST, _NICE = JUDGE_METRICS


@dataclass(frozen=True, slots=True)
class JudgePlan:
    """The judges of a run and the judgements that they give.

    Args:
        models: The judges.
        judgements: Number of independent judgements of each text by each judge.
        only_uncertain: Judge only the items whose offline score has a low confidence.
    """

    models: tuple[str, ...] = ()
    judgements: int = 1
    only_uncertain: bool = False

    def includes(self, result: SampleResult) -> bool:
        """Return whether an item is to be judged. Without a score, there is nothing to judge."""
        if result.score is None:
            return False
        confidence = result.metrics.get("confidence")
        return not self.only_uncertain or (confidence is not None and confidence < LOW)


class JudgedResult(NamedTuple):
    """The result of an item with the judges' metrics, and each judgement by its metric."""

    result: SampleResult
    scores: Mapping[str, Sequence[tuple[str, JudgeScore]]] = {}
    """The judgements by metric, each with the judge's model."""


class Panel(NamedTuple):
    """The results of all items of a run after judging."""

    results: list[SampleResult]
    judging: Judging


async def judge_candidates(
    candidates: Sequence[Candidate],
    results: Sequence[SampleResult],
    judges: Sequence[Provider],
    plan: JudgePlan | None = None,
    *,
    concurrency: int = JUDGE_CONCURRENCY,
    stop: Stop | None = None,
) -> AsyncGenerator[tuple[int, JudgedResult], None]:
    """Yield the index of each candidate with its result and the judges' metrics, as they are finished.

    The value of a judge metric is the mean over all judgements that gave one. A candidate that the plan leaves out has
    no judge metric. Raises ProviderUnusable.
    """
    plan = plan or JudgePlan()

    async def work(index: int) -> JudgedResult:
        if not plan.includes(results[index]):
            return JudgedResult(results[index])
        return await _judge(candidates[index], results[index], judges, plan.judgements)

    running = map_unordered(range(len(results)), work, concurrency=concurrency, stop=stop or Stop())
    async with aclosing(running):
        async for index, judged in running:
            yield index, judged


async def _judge(
    candidate: Candidate, result: SampleResult, judges: Sequence[Provider], judgements: int
) -> JudgedResult:
    reference, answer = candidate.reference, candidate.answer
    question, claims = reference.question.text, _claims(candidate)
    asked = [
        (metric, judge, Sampling(sample, judgements))
        for metric in claims
        for judge in judges
        for sample in range(judgements)
    ]
    given = await asyncio.gather(
        *(
            judge_by_rubric(judge, question, reference.answer, answer, sampling)
            if metric == _RUBRIC
            else judge_claims(judge, claims[metric], answer, sampling)
            for metric, judge, sampling in asked
        ),
        return_exceptions=True,  # all requests finish, whatever one raises
    )
    scores: dict[str, list[tuple[str, JudgeScore]]] = {metric: [] for metric in claims}
    for (metric, judge, _), score in zip(asked, given, strict=True):
        if isinstance(score, BaseException):
            raise score
        scores[metric].append((judge.model, score))
    return _with_scores(result, scores)


def _claims(candidate: Candidate) -> dict[str, Sequence[str]]:
    """Return the claims of each metric that applies to a candidate. The rubric has none."""
    nuggets = candidate.reference.nuggets
    by_metric: dict[str, Sequence[str]] = {_RUBRIC: (), _MUST: nuggets.must, _NICE: nuggets.nice}
    return {metric: claims for metric, claims in by_metric.items() if claims or metric == _RUBRIC}


def _with_scores(result: SampleResult, scores: Mapping[str, Sequence[tuple[str, JudgeScore]]]) -> JudgedResult:
    metrics, notes = dict(result.metrics), dict(result.notes)
    for name in JUDGE_METRICS:
        given = [score for _, score in scores.get(name, ())]
        values = [score.value for score in given if score.value is not None]
        metrics[name] = fmean(values) if values else None
        notes[name] = " / ".join(score.note for score in given)
    return JudgedResult(replace(result, metrics=metrics, notes=notes), scores)


class PanelLog:
    """Collects the judged items of a run, in any order, and the reason if judging ended early."""

    def __init__(self, candidates: Sequence[Candidate], results: Sequence[SampleResult], plan: JudgePlan) -> None:
        self._candidates, self._results, self._plan = candidates, results, plan
        self._judged: dict[int, JudgedResult] = {}
        self._unusable: ProviderUnusable | None = None

    def add(self, index: int, judged: JudgedResult) -> None:
        """Add an item."""
        self._judged[index] = judged

    def end(self, error: ProviderUnusable) -> None:
        """Record that judging ended. Earlier judgements count."""
        self._unusable = error

    @property
    def remaining(self) -> int:
        """The number of items that are neither judged nor skipped."""
        return 0 if self._unusable else len(self._results) - len(self._judged)

    def panel(self) -> Panel:
        """Return the results in the order of the items. Skipped items have notes with the reason."""
        judged = [self._judged.get(index) or self._given_up(index) for index in range(len(self._results))]
        return Panel([one.result for one in judged], self._judging(judged))

    def _given_up(self, index: int) -> JudgedResult:
        result = self._results[index]
        if not self._plan.includes(result):
            return JudgedResult(result)
        failure = self._failure or Failure("interrupted", "the run was interrupted")
        missing = [
            (model, no_opinion(model, failure, JudgeUse(asked=1, failed=1)))
            for model in self._plan.models
            for _ in range(self._plan.judgements)
        ]
        return _with_scores(result, dict.fromkeys(_claims(self._candidates[index]), missing))

    @property
    def _failure(self) -> Failure | None:
        return Failure(self._unusable.kind, str(self._unusable)) if self._unusable else None

    def _judging(self, judged: Sequence[JudgedResult]) -> Judging:
        use = {model: JudgeUse() for model in self._plan.models}
        given = list(_all_scores(judged))
        for model, _, score in given:
            use[model] = use.get(model, JudgeUse()) + score.use
        opinions = [
            Opinion(model, metric, index, score.value, score.labels)
            for index, one in enumerate(judged)
            for metric, scores in one.scores.items()
            for model, score in scores
            if score.value is not None
        ]
        return Judging(
            use,
            items=sum(map(self._plan.includes, self._results)),
            judgements=self._plan.judgements,
            scope="uncertain" if self._plan.only_uncertain else "all",
            agreement=judge_agreements(opinions),
            silent=silent_judges((model, metric, score.error) for model, metric, score in given),
            ended=self._failure or _budget_end([score for _, _, score in given]),
        )


def _all_scores(judged: Sequence[JudgedResult]) -> Iterator[tuple[str, str, JudgeScore]]:
    """Yield each judgement with the judge and the metric."""
    for one in judged:
        for metric, scores in one.scores.items():
            for model, score in scores:
                yield model, metric, score


def _budget_end(scores: Sequence[JudgeScore]) -> Failure | None:
    """Return why judging ended if the budget did not allow some judgements."""
    refused = [score.note.partition(": no opinion: ")[2] for score in scores if _is_left_by_budget(score)]
    if not refused:
        return None
    left = f"{len(refused):,} of {pluralize(len(scores), 'judgement')} left"
    return Failure(BudgetReached.kind, f"{refused[0].partition(':')[0]} with {left}")


def _is_left_by_budget(score: JudgeScore) -> bool:
    return score.error is not None and score.error.kind == BudgetReached.kind
