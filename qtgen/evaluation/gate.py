"""Two reports -> a verdict: worse, no change shown, too few items to tell, or better; and which items fell."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import stdev
from typing import Any, NamedTuple

from qtgen.errors import UsageError
from qtgen.evaluation.stats import Fall, PairedComparison, Verdict, compare, corrected, falls, mean_interval
from qtgen.evaluation.suites import Gate

Report = Mapping[str, Any]
Item = Mapping[str, Any]


def summed(items: Sequence[Item], directions: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Mean and clustered interval of every metric that has a value; items without one are counted as missing."""
    found = {
        name: [(value, item["cluster"]) for item in items if (value := value_of(item, name)) is not None]
        for name in directions
    }
    return {
        name: _interval(pairs, len(items), directions[name])
        for name, pairs in found.items()
        if pairs or name == "score"
    }


def _interval(pairs: Sequence[tuple[float, str]], items: int, direction: str) -> dict[str, Any]:
    shown = mean_interval([value for value, _ in pairs], [cluster for _, cluster in pairs])
    return {
        "mean": shown.mean,
        "low": shown.low,
        "high": shown.high,
        "items": len(pairs),
        "missing": items - len(pairs),
        "direction": direction,
    }


def value_of(item: Item, metric: str) -> float | None:
    value: float | None = item["score"] if metric == "score" else item["metrics"].get(metric)
    return value


def check_comparable(before: Report, after: Report, where: str) -> None:
    """Raises UsageError, with why, for reports whose scores have not the same meaning."""
    for key, what in (("suite", "is of suite"), ("scorer", "was scored by"), ("suite_digest", "has references")):
        if before.get(key) != after.get(key):
            raise UsageError(
                f"{where}: {what} {before.get(key)}, and this run {after.get(key)}, so their scores mean different "
                "things; make it anew with `qtgen eval run`"
            )


def judged(before: Report, after: Report, gate: Gate, where: str, directions: Mapping[str, str]) -> dict[str, Any]:
    """The report's `gate`. where: names the baseline. Items that either side could not score are left out and counted.

    Raises UsageError where the two are not to be compared.
    """
    check_comparable(before, after, where)
    by_judges = [name for name in gate.metrics if name.startswith("judge")]
    if by_judges and before.get("judges") != after.get("judges"):
        raise UsageError(f"{where}: `{by_judges[0]}` is of other judges; make a new one with --save-baseline")
    comparisons = _comparisons(before, after, gate, directions)
    pairs = _paired(before, after, "score")
    fallen = falls(*_columns(pairs), [pair.id for pair in pairs], gate.max_fall) if gate.max_fall and pairs else []
    overall = _verdict(comparisons, bool(fallen))
    questions = {item["id"]: item["question"] for item in after["items"]}
    return {
        "verdict": overall.value,
        "baseline": where,
        "comparisons": [_shown(one, directions[one.metric]) for one in comparisons],
        "falls": [{**one._asdict(), "question": questions[one.id]} for one in fallen],
        "tail_limit": gate.max_fall or None,
        "reasons": [
            *_fallen(fallen, gate),
            *_reasons(comparisons, gate),
            *_without_pairs(comparisons, gate),
            *_left_out(before, after, len(pairs)),
        ],
    }


def _comparisons(before: Report, after: Report, gate: Gate, directions: Mapping[str, str]) -> list[PairedComparison]:
    found = []
    for metric in gate.metrics:
        if directions.get(metric, "none") == "none":
            raise UsageError(f"[gate] metrics: `{metric}` is no metric with a direction")
        if pairs := _paired(before, after, metric):
            found.append(
                compare(
                    metric,
                    *_columns(pairs),
                    [pair.cluster for pair in pairs],
                    higher_is_better=directions[metric] == "higher",
                    alpha=gate.alpha,
                    matters=gate.matters,
                )
            )
    return corrected(found, gate.alpha, gate.matters)


class _Pair(NamedTuple):
    """A reference that has the metric on both sides; repeats are averaged."""

    id: str
    cluster: str
    before: float
    after: float


def _paired(before: Report, after: Report, metric: str) -> list[_Pair]:
    old, new = _means(before["items"], metric), _means(after["items"], metric)
    clusters = {item["id"]: item["cluster"] for item in after["items"]}
    return [_Pair(name, clusters[name], old[name], new[name]) for name in old if name in new]


def _means(items: Iterable[Item], metric: str) -> dict[str, float]:
    found: dict[str, list[float]] = defaultdict(list)
    for item in items:
        if (value := value_of(item, metric)) is not None:
            found[item["id"]].append(value)
    return {name: sum(values) / len(values) for name, values in found.items()}


def _columns(pairs: Sequence[_Pair]) -> tuple[list[float], list[float]]:
    return [pair.before for pair in pairs], [pair.after for pair in pairs]


def _verdict(comparisons: Sequence[PairedComparison], has_fallen: bool) -> Verdict:
    """Worse if anything is, and nothing to be told where a metric is blind: it may hide what is worse. Else what the
    first of them says, the overall score.
    """
    said = [one.verdict for one in comparisons]
    if has_fallen or Verdict.WORSE in said:
        return Verdict.WORSE
    return said[0] if said and Verdict.TOO_FEW not in said else Verdict.TOO_FEW


def _fallen(fallen: Sequence[Fall], gate: Gate) -> list[str]:
    if not fallen:
        return []
    return [f"{len(fallen)} references fell by more than {gate.max_fall:g}; {fallen[0].id} by {fallen[0].fall:.3f}"]


def _reasons(comparisons: Sequence[PairedComparison], gate: Gate) -> list[str]:
    telling = [one for one in comparisons if one.verdict is not Verdict.NO_CHANGE] or comparisons[:1]
    return [_reason(one, gate) for one in telling]


def _without_pairs(comparisons: Sequence[PairedComparison], gate: Gate) -> list[str]:
    compared = {one.metric for one in comparisons}
    return [f"{name}: no reference has it on both sides" for name in gate.metrics if name not in compared]


def _reason(one: PairedComparison, gate: Gate) -> str:
    said = f"{one.metric}: {one.before:.3f} before, {one.after:.3f} now (p = {one.p_corrected:.3g} after Holm)"
    if one.verdict is Verdict.TOO_FEW:
        return f"{said}; {_blindness(one, gate)}"
    return f"{said}: {one.verdict.value}"


def _blindness(one: PairedComparison, gate: Gate) -> str:
    if one.smallest_visible is None or one.smallest_visible <= gate.matters:
        return f"too few references ({one.clusters}) for any change to be significant"
    return (
        f"what {one.clusters} references could show is a change of {one.smallest_visible:.3f}; {gate.matters:g} matters"
    )


def lost(before: Report, after: Report) -> list[str]:
    """Ids of the references whose pages all had a score before, and have not now."""
    return sorted(_whole(before) - _whole(after))


def _whole(report: Report) -> set[str]:
    return {item["id"] for item in report["items"]} - {item["id"] for item in report["items"] if item["score"] is None}


def _left_out(before: Report, after: Report, pairs: int) -> list[str]:
    ids = {item["id"] for report in (before, after) for item in report["items"]}
    left = len(ids) - pairs
    said = [f"{left} of {len(ids)} references have no score on one side, and were left out"] if left else []
    if gone := lost(before, after):
        said.append(f"{len(gone)} of {len(ids)} references lost the score that they had; {gone[0]} did")
    return said


def _shown(one: PairedComparison, direction: str) -> dict[str, Any]:
    shown = {**one._asdict(), "direction": direction, "verdict": one.verdict.value}
    del shown["higher_is_better"], shown["standard_error"]
    return shown


def deviation_between(before: Report, after: Report, metric: str) -> tuple[float, int]:
    """Standard deviation of the references' differences, and how many they are. Raises UsageError for under two."""
    check_comparable(before, after, "the first report")
    differences = [pair.after - pair.before for pair in _paired(before, after, metric)]
    if len(differences) < 2:
        raise UsageError(f"--metric {metric}: fewer than two references have it in both reports")
    return stdev(differences), len(differences)


def deviation_at_most(report: Report, metric: str) -> tuple[float, int]:
    """The same if the pages of a second run had nothing to do with those of this one. Raises UsageError as above."""
    values = [*_means(report["items"], metric).values()]
    if len(values) < 2:
        raise UsageError(f"--metric {metric}: fewer than two references have it")
    return stdev(values) * 2**0.5, len(values)
