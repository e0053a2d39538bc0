"""The gate: two reports -> a verdict with reasons, and the references that fell."""

from collections.abc import Mapping, Sequence
from dataclasses import fields

from qtgen._util.text import pluralize
from qtgen.errors import UsageError
from qtgen.evaluation.gate.pairing import Pairing, ValuePair, find_lost, pair_reports, pair_values
from qtgen.evaluation.gate.preferences import PreferenceTest
from qtgen.evaluation.gate.words import comparison_words, fall_words, is_small_change, lost_words, preference_words
from qtgen.evaluation.metrics import JUDGE_METRICS, Direction, metric_directions
from qtgen.evaluation.report import EvalItem, EvalReport, GateResult, ItemFall, MetricComparison, MetricSummary, Verdict
from qtgen.evaluation.statistics.paired import (
    PairedComparison,
    compare,
    correct_for_multiple_tests,
    falls,
    mean_interval,
)
from qtgen.evaluation.suites.suite import GateSettings

__all__ = ["check_comparable", "compare_reports", "pair_values", "summarize"]

_REMEDY = "create a new baseline"
_NAMED = 3  # references of a list that a sentence names


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
    """Raise UsageError with the reason if the scores of two reports are not comparable.

    `baseline` names the report `before` in the message.
    """
    for what, old, new in (("suite", before.suite, after.suite), ("scorer version", before.scorer, after.scorer)):
        if old != new:
            message = f"its {what} is {old}, this run's is {new}, so their scores are not comparable"
            raise UsageError(message, path=baseline, remedy=_REMEDY)
    if not pair_reports(before, after).after.items:
        message = "no reference is the same in the baseline and in this run, so there is nothing to compare"
        raise UsageError(message, path=baseline, remedy=_REMEDY)


def compare_reports(
    before: EvalReport,
    after: EvalReport,
    gate: GateSettings,
    baseline: str,
    preferences: PreferenceTest | None = None,
) -> GateResult:
    """Return the verdict on `after`, compared with `before`.

    References that are not the same in both reports are listed and left out. So are items that either side could not
    score, but a metric that an item has lost rules out every verdict except worse and too few items.

    Args:
        before: The baseline.
        after: The report to judge.
        gate: The metrics and limits of the comparison.
        baseline: The name of the report `before`.
        preferences: The preferences of judges, tested together with the metrics.

    Raises UsageError if the two reports cannot be compared.
    """
    check_comparable(before, after, baseline)
    _check_judges(before, after, gate, baseline)
    pairing = pair_reports(before, after)
    comparisons = _compare_metrics(pairing, gate, preferences)
    reported = [_reported(comparison) for comparison in comparisons]
    lost = find_lost(pairing, gate.metrics)
    if not comparisons and not lost and preferences is None:
        message = f"no reference has {' or '.join(gate.metrics)} in both reports, so there is nothing to compare"
        raise UsageError(message, path=baseline, remedy=_REMEDY)
    pairs = pair_values(pairing.before, pairing.after, "score")
    is_undecided = preferences is not None and preferences.comparison is None
    fallen = _find_falls(pairs, gate, after)
    return GateResult(
        verdict=_overall_verdict(comparisons, has_fallen=bool(fallen), has_lost=bool(lost) or is_undecided),
        baseline=baseline,
        comparisons=tuple(reported),
        falls=fallen,
        tail_limit=gate.max_fall or None,
        reasons=(
            *map(lost_words, lost),
            *([fall_words(fallen, gate.max_fall)] if fallen else []),
            *_comparison_reasons(reported, gate),
            *([preference_words(preferences.counts)] if preferences else []),
            *_metrics_without_pairs(comparisons, gate),
            *_left_out_reasons(pairing, len(pairs)),
            *_reference_reasons(pairing),
            *_library_warnings(before, after),
        ),
        alpha=gate.alpha,
        matters=gate.matters,
        lost=tuple(lost),
        changed=pairing.changed,
        added=pairing.added,
        removed=pairing.removed,
        preferences=preferences.counts if preferences else None,
    )


def _check_judges(before: EvalReport, after: EvalReport, gate: GateSettings, baseline: str) -> None:
    """Raise UsageError if the gate compares the marks of different judges. Marks that are missing are lost instead."""
    by_judges = [metric for metric in gate.metrics if metric in JUDGE_METRICS]
    if by_judges and before.judges and after.judges and sorted(before.judges) != sorted(after.judges):
        raise UsageError(f"`{by_judges[0]}` comes from other judges", path=baseline, remedy=_REMEDY)


def _compare_metrics(
    pairing: Pairing, gate: GateSettings, preferences: PreferenceTest | None
) -> list[PairedComparison]:
    directions = metric_directions()
    comparisons = []
    for metric in gate.metrics:
        direction = directions.get(metric, Direction.NONE)
        if direction is Direction.NONE:
            raise UsageError(f"the gate cannot compare `{metric}`: it is not a metric with a direction")
        if pairs := pair_values(pairing.before, pairing.after, metric):
            comparison = compare(
                metric,
                *_columns(pairs),
                [pair.cluster for pair in pairs],
                higher_is_better=direction is Direction.HIGHER,
                alpha=gate.alpha,
                matters=gate.matters,
            )
            comparisons.append(comparison)
    if preferences and preferences.comparison:
        comparisons.append(preferences.comparison)
    return correct_for_multiple_tests(comparisons, gate.alpha, gate.matters)


def _columns(pairs: Sequence[ValuePair]) -> tuple[list[float], list[float]]:
    return [pair.before for pair in pairs], [pair.after for pair in pairs]


def _find_falls(pairs: Sequence[ValuePair], gate: GateSettings, after: EvalReport) -> tuple[ItemFall, ...]:
    if not gate.max_fall or not pairs:
        return ()
    questions = {item.id: item.question for item in after.items}
    found = falls(*_columns(pairs), [pair.id for pair in pairs], gate.max_fall)
    return tuple(ItemFall(*fall, questions[fall.id]) for fall in found)


def _overall_verdict(comparisons: Sequence[PairedComparison], *, has_fallen: bool, has_lost: bool) -> Verdict:
    """Combine the verdicts of all metrics.

    The run is worse if any metric is. Otherwise, if a metric has too few items or was lost, so has the run: that metric
    may hide a change for the worse. Otherwise the first metric decides, which is normally the overall score, unless
    judges prefer the new pages.
    """
    verdicts = [comparison.verdict for comparison in comparisons]
    if has_fallen or Verdict.WORSE in verdicts:
        return Verdict.WORSE
    if has_lost or not verdicts or Verdict.TOO_FEW in verdicts:
        return Verdict.TOO_FEW
    is_preferred = comparisons[-1].is_preference and verdicts[-1] is Verdict.BETTER
    return Verdict.BETTER if is_preferred else verdicts[0]


_REPORTED = frozenset(field.name for field in fields(MetricComparison)) - {"direction"}


def _reported(comparison: PairedComparison) -> MetricComparison:
    direction = Direction.HIGHER if comparison.higher_is_better else Direction.LOWER
    values = {name: value for name, value in comparison._asdict().items() if name in _REPORTED}
    return MetricComparison(**values, direction=direction)


def _comparison_reasons(comparisons: Sequence[MetricComparison], gate: GateSettings) -> list[str]:
    changed = [
        comparison
        for comparison in comparisons
        if comparison.verdict is not Verdict.NO_CHANGE or is_small_change(comparison, gate)
    ]
    return [comparison_words(comparison, gate) for comparison in changed or comparisons[:1]]


def _metrics_without_pairs(comparisons: Sequence[PairedComparison], gate: GateSettings) -> list[str]:
    compared = {comparison.metric for comparison in comparisons}
    return [f"{metric}: no reference has it in both reports" for metric in gate.metrics if metric not in compared]


def _left_out_reasons(pairing: Pairing, pairs: int) -> list[str]:
    total = len({item.id for item in pairing.after.items})
    left_out = total - pairs
    return [f"{left_out} of {total} references have no score in one of the reports and were left out"] * bool(left_out)


def _reference_reasons(pairing: Pairing) -> list[str]:
    """Return the references that were left out because they differ between the reports."""
    total = len({item.id for item in pairing.after.items})
    lists = (("changed", pairing.changed), ("added", pairing.added), ("removed", pairing.removed))
    found = [f"{len(ids)} {what} ({_named(ids)})" for what, ids in lists if ids]
    if not found:
        return []
    return [f"{pluralize(total, 'reference')} compared; since the baseline, {', '.join(found)}"]


def _named(ids: Sequence[str]) -> str:
    more = [f"and {len(ids) - _NAMED:,} more"] if len(ids) > _NAMED else []
    return ", ".join([*ids[:_NAMED], *more])


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
