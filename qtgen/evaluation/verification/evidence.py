"""Evidence for a report: the same report, derived again offline from the files of its suite."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from qtgen.evaluation.gate.baselines import compare_scored_again
from qtgen.evaluation.judging.panel import JudgePlan
from qtgen.evaluation.metrics import JUDGE_METRICS
from qtgen.evaluation.offline import (
    replay_candidates,
    replay_judges,
    replay_settings,
    suite_config,
    with_suite_settings,
)
from qtgen.evaluation.plugins import scorer_name
from qtgen.evaluation.report import EvalItem, EvalReport, GateResult
from qtgen.evaluation.runner import RunInfo, build_report, score_candidates
from qtgen.evaluation.scoring import Sample, SampleResult, score_samples
from qtgen.evaluation.suites.candidates import Candidate, find_candidates
from qtgen.evaluation.suites.suite import Suite
from qtgen.llm.factory import endpoints_for
from qtgen.llm.providers import provider_name
from qtgen.settings import Settings

PAGE_METRICS = ("keyword_quality", "description_quality", "page_health")
"""Metrics of the page around an answer. A report holds answers without their pages."""

_MOST_REPEATS = 50
_NOW = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)  # when a report was made cannot be proved


@dataclass(frozen=True, slots=True)
class Gap:
    """A part of a report for which there is no evidence.

    Args:
        part: `candidates`, `scores`, `judges`, or the name of a metric.
        reason: Why there is no evidence, as a clause.
    """

    part: str
    reason: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """A report that was derived again, and the parts for which that is impossible.

    `report` has the values of the old report for these parts.
    """

    report: EvalReport
    gaps: tuple[Gap, ...] = ()

    def lacks(self, part: str) -> bool:
        """Return whether there is no evidence for a part. Judges give the judge metrics."""
        parts = {part, "judges"} if part in JUDGE_METRICS else {part}
        return any(gap.part in parts for gap in self.gaps)


def gather_evidence(report: EvalReport, suite: Suite, settings: Settings) -> Evidence:
    """Derive a report again from its suite's recordings, or from the folder of its pages.

    If neither exists, score the report's own answers again. Raises UsageError if the recordings cannot be used.
    """
    settings = with_suite_settings(settings, suite)
    gaps = [] if report.scorer == scorer_name() else [_other_scorer(report.scorer)]
    reason = _why_without_candidates(report, suite)
    if reason:
        gaps += [Gap("candidates", reason), *(Gap(name, "it needs the page") for name in PAGE_METRICS)]
        made_again = _from_own_answers(report, suite)
    else:
        made_again = _from_candidates(report, suite, settings)
    if report.judges and (reason or not suite.judges_cassette.exists()):
        why = "they judged other answers" if suite.judges_cassette.exists() else "their responses are not recorded"
        gaps.append(Gap("judges", why))
    # As it would be read from a file: a lone surrogate, for example, is replaced there.
    return Evidence(EvalReport.from_json(made_again.to_json()), tuple(gaps))


def compare_again(report: EvalReport, baseline: EvalReport, suite: Suite) -> GateResult:
    """Compare a report with a baseline by the suite's gate. Raises UsageError if they cannot be compared."""
    name = report.gate.baseline if report.gate else ""
    metrics = suite.settings.measured_metrics
    return compare_scored_again(baseline, report, suite.settings.gate, suite.references, name, metrics=metrics)[1]


def _other_scorer(name: str) -> Gap:
    return Gap("scores", f"version {name} of the scorer made them, and this is version {scorer_name()}")


def _why_without_candidates(report: EvalReport, suite: Suite) -> str:
    """Return why the candidates cannot be derived again, or an empty text."""
    if report.provider == "pages":
        return "" if Path(report.model).is_dir() else f"the folder of the pages does not exist: {report.model}"
    return "" if suite.cassette.exists() else f"{suite.cassette} does not exist"


def _from_candidates(report: EvalReport, suite: Suite, settings: Settings) -> EvalReport:
    config = suite_config(settings, suite.profile)
    if report.provider == "pages":
        candidates, info = find_candidates(suite, Path(report.model)), RunInfo("pages", report.model)
    else:
        candidates, recordings = replay_candidates(suite, config, settings, _repeats(report, suite))
        model = endpoints_for(replay_settings(settings))[0].model
        info = RunInfo(provider_name(settings), model, config.template_digests(), recordings)
    results: Sequence[SampleResult] = score_candidates(candidates, config.checker, suite.settings.measured_metrics)
    info = replace(info, judges=report.judges)
    if report.judges and suite.judges_cassette.exists():
        panel, judgements = replay_judges(suite, candidates, results, settings, _plan(report))
        results = panel.results
        info = replace(info, recordings=info.recordings + judgements, judging=panel.judging)
    return build_report(suite, candidates, results, info, _NOW)


def _plan(report: EvalReport) -> JudgePlan:
    """Return the plan of the judges of a report."""
    if report.judging is None:
        return JudgePlan(report.judges)
    return JudgePlan(report.judges, report.judging.judgements, report.judging.scope == "uncertain")


def _repeats(report: EvalReport, suite: Suite) -> int:
    """Return how many pages per reference to replay: as many as the items say, if that is possible."""
    repeats = max((item.repeat for item in report.items), default=0)
    return repeats if 1 <= repeats <= _MOST_REPEATS else suite.settings.repeats


def _from_own_answers(report: EvalReport, suite: Suite) -> EvalReport:
    """Return the report with the scores of its own answers, for the suite's references."""
    own = {(item.id, item.repeat): item for item in report.items}
    pairs = [(reference, repeat) for repeat in range(1, _repeats(report, suite) + 1) for reference in suite.references]
    candidates = [Candidate(reference, repeat, error=reference.error) for reference, repeat in pairs]
    samples = [_sample(candidate, own.get((candidate.reference.id, candidate.repeat))) for candidate in candidates]
    results = [*score_samples(samples, suite.settings.measured_metrics)]
    made_again = build_report(suite, candidates, results, RunInfo(report.provider, report.model), _NOW)
    items = (_with_own_answer(item, own.get((item.id, item.repeat))) for item in made_again.items)
    return replace(
        made_again, items=tuple(items), prompts=report.prompts, recordings=report.recordings, judges=report.judges
    )


def _sample(candidate: Candidate, own: EvalItem | None) -> Sample | SampleResult:
    reference = candidate.reference
    if own is None or own.score is None:  # there is nothing to score, or the report says why it had no score
        return SampleResult(reference.id, None, error=own.error if own else None)
    nuggets, source = reference.nuggets, reference.question.context or ""
    question, answers = reference.question.text, (reference.answer,)
    return Sample(reference.id, question, answers, own.candidate, nuggets.must, nuggets.nice, source=source)


def _with_own_answer(item: EvalItem, own: EvalItem | None) -> EvalItem:
    return item if own is None else replace(item, candidate=own.candidate, usage=own.usage)
