"""The gate: two reports -> a verdict with reasons, and the references that fell."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from qtgen._util.text import pluralize
from qtgen.errors import UsageError
from qtgen.evaluation.metrics import JUDGE_METRICS, Direction, metric_directions
from qtgen.evaluation.report import EvalItem, EvalReport, GateResult, ItemFall, MetricComparison, MetricSummary, Verdict
from qtgen.evaluation.stats import (
    Fall,
    PairedComparison,
    compare,
    correct_for_multiple_tests,
    falls,
    mean_interval,
)
from qtgen.evaluation.suites import GateSettings

_REMEDY = "make a new baseline"


def summarize(items: Sequence[EvalItem], directions: Mapping[str, Direction]) -> dict[str, MetricSummary]:
    """Return the mean and the clustered interval of every metric that has a value, and of the score in any case."""
    summaries = {}
    for metric, direction in directions.items():
        pairs = [(value, item.cluster) for item in items if (value := item.value(metric)) is not None]
        if pairs or metric == "score":
            interval = mean_interval([value for value, _ in pairs], [cluster for _, cluster in pairs])
            missing = len(items) - len(pairs)
            summaries[metric] = MetricSummary(
                interval.mean, interval.low, interval.high, len(pairs), missing, direction
            )
    return summaries


def check_comparable(before: EvalReport, after: EvalReport, baseline: str) -> None:
    """Raise UsageError, saying why, if the scores of two reports do not mean the same.

    `baseline` names the report `before` in the message.
    """
    for what, old, new in (
        ("suite", before.suite, after.suite),
        ("scorer version", before.scorer, after.scorer),
        ("digest of references", before.suite_digest, after.suite_digest),
    ):
        if old != new:
            message = f"its {what} is {old}, this run's is {new}, so their scores are not comparable"
            raise UsageError(message, path=baseline, remedy=_REMEDY)


def compare_reports(before: EvalReport, after: EvalReport, gate: GateSettings, baseline: str) -> GateResult:
    """Return the verdict on `after`, compared with `before`.

    Items that either side could not score are left out and counted. `baseline` names the report `before`. Raises
    UsageError if the two reports cannot be compared.
    """
    check_comparable(before, after, baseline)
    by_judges = [metric for metric in gate.metrics if metric in JUDGE_METRICS]
    if by_judges and before.judges != after.judges:
        raise UsageError(f"`{by_judges[0]}` was given by other judges", path=baseline, remedy=_REMEDY)
    comparisons = _compare_metrics(before, after, gate)
    pairs = pair_values(before, after, "score")
    fallen = falls(*_columns(pairs), [pair.id for pair in pairs], gate.max_fall) if gate.max_fall and pairs else []
    questions = {item.id: item.question for item in after.items}
    return GateResult(
        verdict=_overall_verdict(comparisons, bool(fallen)),
        baseline=baseline,
        comparisons=tuple(_reported(comparison) for comparison in comparisons),
        falls=tuple(ItemFall(*fall, questions[fall.id]) for fall in fallen),
        tail_limit=gate.max_fall or None,
        reasons=(
            *_fall_reasons(fallen, gate),
            *_comparison_reasons(comparisons, gate),
            *_metrics_without_pairs(comparisons, gate),
            *_left_out_reasons(before, after, len(pairs)),
            *_library_warnings(before, after),
        ),
    )


def add_reasons(report: EvalReport, reasons: Sequence[str]) -> EvalReport:
    """Return the report with more reasons in its gate."""
    if report.gate is None:
        return report
    return replace(report, gate=replace(report.gate, reasons=(*report.gate.reasons, *reasons)))


def _compare_metrics(before: EvalReport, after: EvalReport, gate: GateSettings) -> list[PairedComparison]:
    directions = metric_directions()
    comparisons = []
    for metric in gate.metrics:
        direction = directions.get(metric, Direction.NONE)
        if direction is Direction.NONE:
            raise UsageError(f"the gate cannot compare `{metric}`: it is not a metric with a direction")
        if pairs := pair_values(before, after, metric):
            comparison = compare(
                metric,
                *_columns(pairs),
                [pair.cluster for pair in pairs],
                higher_is_better=direction is Direction.HIGHER,
                alpha=gate.alpha,
                matters=gate.matters,
            )
            comparisons.append(comparison)
    return correct_for_multiple_tests(comparisons, gate.alpha, gate.matters)


class ValuePair(NamedTuple):
    """A metric's values of one reference in two reports; repeats are averaged."""

    id: str
    cluster: str
    before: float
    after: float


def pair_values(before: EvalReport, after: EvalReport, metric: str) -> list[ValuePair]:
    """Return the references that have the metric in both reports."""
    old, new = _means(before, metric), _means(after, metric)
    clusters = {item.id: item.cluster for item in after.items}
    return [ValuePair(item_id, clusters[item_id], old[item_id], new[item_id]) for item_id in old if item_id in new]


def _means(report: EvalReport, metric: str) -> dict[str, float]:
    values: dict[str, list[float]] = defaultdict(list)
    for item in report.items:
        if (value := item.value(metric)) is not None:
            values[item.id].append(value)
    return {item_id: sum(repeats) / len(repeats) for item_id, repeats in values.items()}


def _columns(pairs: Sequence[ValuePair]) -> tuple[list[float], list[float]]:
    return [pair.before for pair in pairs], [pair.after for pair in pairs]


def _overall_verdict(comparisons: Sequence[PairedComparison], has_fallen: bool) -> Verdict:
    """Combine the verdicts of all metrics.

    The run is worse if any metric is. Otherwise, if a metric has too few items, so has the run: that metric may hide a
    change for the worse. Otherwise the first metric decides, which is normally the overall score.
    """
    verdicts = [comparison.verdict for comparison in comparisons]
    if has_fallen or Verdict.WORSE in verdicts:
        return Verdict.WORSE
    return verdicts[0] if verdicts and Verdict.TOO_FEW not in verdicts else Verdict.TOO_FEW


def _reported(comparison: PairedComparison) -> MetricComparison:
    values = comparison._asdict()
    higher_is_better = values.pop("higher_is_better")
    del values["standard_error"]
    return MetricComparison(**values, direction=Direction.HIGHER if higher_is_better else Direction.LOWER)


def _fall_reasons(fallen: Sequence[Fall], gate: GateSettings) -> list[str]:
    if not fallen:
        return []
    worst = fallen[0]
    count = pluralize(len(fallen), "reference")
    return [f"{count} fell by more than {gate.max_fall:g}; the worst is {worst.id}, which fell by {worst.fall:.3f}"]


def _comparison_reasons(comparisons: Sequence[PairedComparison], gate: GateSettings) -> list[str]:
    changed = [comparison for comparison in comparisons if comparison.verdict is not Verdict.NO_CHANGE]
    return [_comparison_reason(comparison, gate) for comparison in changed or comparisons[:1]]


def _comparison_reason(comparison: PairedComparison, gate: GateSettings) -> str:
    values = f"{comparison.before:.3f} before, {comparison.after:.3f} now"
    reason = f"{comparison.metric}: {values} (p = {comparison.p_corrected:.3g}, Holm-corrected)"
    if comparison.verdict is not Verdict.TOO_FEW:
        return f"{reason}: {comparison.verdict.value}"
    references, visible = comparison.clusters, comparison.smallest_visible
    if visible is None or visible <= gate.matters:
        return f"{reason}; too few references ({references}) for any change to be significant"
    return f"{reason}; {references} references can show a change of {visible:.3f} or more, but {gate.matters:g} matters"


def _metrics_without_pairs(comparisons: Sequence[PairedComparison], gate: GateSettings) -> list[str]:
    compared = {comparison.metric for comparison in comparisons}
    return [f"{metric}: no reference has it in both reports" for metric in gate.metrics if metric not in compared]


def lost_references(before: EvalReport, after: EvalReport) -> list[str]:
    """Return the ids of the references all of whose items had a score before, and not all have one now."""
    return sorted(_fully_scored(before) - _fully_scored(after))


def _fully_scored(report: EvalReport) -> set[str]:
    return {item.id for item in report.items} - {item.id for item in report.unscored}


def _left_out_reasons(before: EvalReport, after: EvalReport, pairs: int) -> list[str]:
    total = len({item.id for report in (before, after) for item in report.items})
    reasons = []
    if left_out := total - pairs:
        reasons.append(f"{left_out} of {total} references have no score in one of the reports and were left out")
    if lost := lost_references(before, after):
        reasons.append(f"{len(lost)} of {total} references lost their score; the first is {lost[0]}")
    return reasons


def _library_warnings(before: EvalReport, after: EvalReport) -> list[str]:
    """Return a warning if packages that compute metrics have other versions; it does not change the verdict."""
    changed = [
        f"{name} {old} -> {after.libraries[name]}"
        for name, old in before.libraries.items()
        if after.libraries.get(name, old) != old
    ]
    if not changed:
        return []
    return [f"warning: library versions differ from the baseline's, which can move scores: {', '.join(changed)}"]
