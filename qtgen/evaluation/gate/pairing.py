"""Find the items of two reports that can be compared: those with the same reference."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from qtgen.evaluation.gate.words import first_line
from qtgen.evaluation.metrics.base import JUDGE_METRICS
from qtgen.evaluation.report import EvalItem, EvalReport, LostMetric

SHORTENED = "too-large"  # the kind of error of items whose texts are shortened in the report


class Pairing(NamedTuple):
    """Two reports with only the items that can be compared, and the ids of the other references."""

    before: EvalReport
    after: EvalReport
    changed: tuple[str, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]


class ValuePair(NamedTuple):
    """A metric's values of one reference in two reports; repeats are averaged."""

    id: str
    cluster: str
    before: float
    after: float


def pair_reports(before: EvalReport, after: EvalReport) -> Pairing:
    """Return the items of both reports whose references are the same.

    Two references are the same if their digests are equal. Reports of older versions have no digests. Then all are the
    same if the suites' digests are equal, and otherwise those whose question and answer are.
    """
    old, new = _first_items(before), _first_items(after)
    is_same_suite = before.suite_digest == after.suite_digest
    same = {name for name, item in new.items() if name in old and _is_same(old[name], item, is_same_suite)}
    return Pairing(
        _only(before, same),
        _only(after, same),
        changed=tuple(name for name in new if name in old and name not in same),
        added=tuple(name for name in new if name not in old),
        removed=tuple(name for name in old if name not in new),
    )


def pair_values(before: EvalReport, after: EvalReport, metric: str) -> list[ValuePair]:
    """Return the references that are the same in both reports and have the metric in both."""
    pairing = pair_reports(before, after)
    old, new = _means(pairing.before, metric), _means(pairing.after, metric)
    clusters = {item.id: item.cluster for item in after.items}
    return [ValuePair(item_id, clusters[item_id], old[item_id], new[item_id]) for item_id in old if item_id in new]


def find_lost(pairing: Pairing, metrics: Sequence[str]) -> list[LostMetric]:
    """Return the metrics that references had before and lack on more items now, in the order of `metrics`.

    An item without a score lacks every metric. It counts for the score only, if the score is among the metrics.
    """
    lost = []
    for metric in metrics:
        counts_unscored = metric == "score" or "score" not in metrics
        found = _find_lost(pairing, metric, counts_unscored)
        if found:
            lost.append(found)
    return lost


def _find_lost(pairing: Pairing, metric: str, counts_unscored: bool) -> LostMetric | None:
    old, new = _items_by_id(pairing.before), _items_by_id(pairing.after)
    lost: list[EvalItem] = []
    expected = 0
    for name, items in old.items():
        having = [item for item in items if item.value(metric) is not None]
        if not having:
            continue
        now = [item for item in new[name] if counts_unscored or item.score is not None]
        now = [item for item in now if not _is_left_out(item, metric, pairing)]
        missing = [item for item in now if item.value(metric) is None]
        was_missing = len(items) - len(having)
        count = len(missing) if len(missing) == len(now) else max(0, len(missing) - was_missing)
        lost += missing[:count]
        expected += max(len(now) - was_missing, count)
    if not lost:
        return None
    ids = tuple(dict.fromkeys(item.id for item in lost))
    return LostMetric(metric, len(lost), expected, ids, _reason(lost[0], metric, pairing.after))


def _is_left_out(item: EvalItem, metric: str, pairing: Pairing) -> bool:
    """Return whether judges were not meant to judge an item, because both runs judge only uncertain items.

    A baseline in which every item was judged needs a run in which every item is judged.
    """
    is_partial = all(
        report.judging is not None and report.judging.scope == "uncertain" for report in (pairing.before, pairing.after)
    )
    return is_partial and metric in JUDGE_METRICS and item.score is not None and metric not in item.metrics


def _reason(item: EvalItem, metric: str, report: EvalReport) -> str:
    """Return why an item has no value of a metric."""
    note = item.notes.get(metric)
    if item.score is None and item.error:
        reason = item.error.message
    elif note:
        reason = note
    elif metric in JUDGE_METRICS and not report.judges:
        reason = "no judge was asked"
    else:
        reason = "it has no value" if metric in ("score", *item.metrics) else "it was not measured"
    return f"{item.id}, {first_line(reason)}"


def _is_same(old: EvalItem, new: EvalItem, is_same_suite: bool) -> bool:
    if old.digest is not None and new.digest is not None:
        return old.digest == new.digest
    if is_same_suite:
        return True
    size = min(len(old.reference), len(new.reference)) if SHORTENED in _error_kinds(old, new) else None
    texts = [[item.question, item.reference[:size]] for item in (old, new)]
    return _normalized(texts[0]) == _normalized(texts[1])


def _error_kinds(*items: EvalItem) -> set[str]:
    return {item.error.kind for item in items if item.error}


def _normalized(texts: Sequence[str]) -> list[str]:
    return [text.replace("\r\n", "\n").replace("\r", "\n") for text in texts]


def _only(report: EvalReport, ids: Collection[str]) -> EvalReport:
    return replace(report, items=tuple(item for item in report.items if item.id in ids))


def _first_items(report: EvalReport) -> dict[str, EvalItem]:
    return {name: items[0] for name, items in _items_by_id(report).items()}


def _items_by_id(report: EvalReport) -> Mapping[str, list[EvalItem]]:
    items: dict[str, list[EvalItem]] = defaultdict(list)
    for item in report.items:
        items[item.id].append(item)
    return items


def _means(report: EvalReport, metric: str) -> dict[str, float]:
    values: dict[str, list[float]] = defaultdict(list)
    for item in report.items:
        if (value := item.value(metric)) is not None:
            values[item.id].append(value)
    return {item_id: sum(repeats) / len(repeats) for item_id, repeats in values.items()}
