"""The outcome of a run: what makes it fail, decided once for the exit code and every format of the report."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from qtgen._util.text import pluralize
from qtgen.evaluation.gate.words import comparison_words, fall_words, first_line, lost_words
from qtgen.evaluation.metrics.base import JUDGE_METRICS
from qtgen.evaluation.metrics.confidence import LOW
from qtgen.evaluation.results import EvalItem, RunFailure, Verdict

if TYPE_CHECKING:
    from qtgen.evaluation.report import EvalReport

KINDS = {
    "refused": "the suite or its baseline cannot be used",
    "lost-metric": "a metric of the gate that the baseline has and this run lost",
    "no-preference": "judges could not compare any page",
    "no-opinion": "judges could not judge",
    "no-score": "items without a score",
    "flawed-item": "items with a score and an error, such as empty answers",
    "missed-recordings": "requests without a recorded response",
    "unused-recordings": "recorded responses that no request used",
    "unfinished-recording": "responses of this run that did not become the suite's recording",
    "worse": "a metric is worse than in the baseline",
    "fall": "references that lost a larger share of their score than the limit",
    "too-few": "too few items to tell, although a decision is required",
}
"""The kinds of failures, the most severe first."""


def failures(report: "EvalReport") -> tuple[RunFailure, ...]:
    """Return the failures of a run, the most severe first. A run that is accepted or waits for a batch has none."""
    if report.accepted or report.is_pending:
        return ()
    return tuple(
        chain(
            _refusal(report),
            _lost_metrics(report),
            _judges(report),
            _unscored(report),
            _flawed(report),
            _recordings(report),
            _changes(report),
            _too_few(report),
        )
    )


def exit_code(report: "EvalReport") -> int:
    """Return 0 if nothing failed, 1 if something did, and 2 if the suite or its baseline cannot be used."""
    found = failures(report)
    return 2 if found and report.refusal is not None else int(bool(found))


def is_uncertain(item: EvalItem) -> bool:
    """Return whether an item's offline score cannot be trusted, and no judge has judged it."""
    confidence = item.metrics.get("confidence")
    is_judged = any(item.metrics.get(metric) is not None for metric in JUDGE_METRICS)
    return item.score is not None and confidence is not None and confidence < LOW and not is_judged


def blocks_baseline(report: "EvalReport") -> bool:
    """Return whether a run cannot become a baseline at all.

    This is the case if an item has no score, the recordings are incomplete, or judges could not judge.
    """
    has_no_judge = report.judging is not None and report.judging.has_failed
    return bool(report.unscored or report.recordings.missed or report.recordings.unpublished or has_no_judge)


def _refusal(report: "EvalReport") -> Iterator[RunFailure]:
    if report.refusal is not None:
        what = "" if report.is_refused else "the baseline cannot be used: "
        yield RunFailure("refused", f"{what}{report.refusal.message}")


def _lost_metrics(report: "EvalReport") -> Iterator[RunFailure]:
    for lost in report.gate.lost if report.gate else ():
        yield RunFailure("lost-metric", lost_words(lost), lost.ids, lost.metric)


def _judges(report: "EvalReport") -> Iterator[RunFailure]:
    """Yield the failures of judges.

    Judges fail if judging ended early, if they could compare no pages, if they had no opinion on any page, or if
    an opinion that the gate needs is missing.
    """
    judging = report.judging
    if judging and judging.ended:
        yield RunFailure("no-opinion", f"judging ended early: {judging.ended.message}")
    preferences = report.gate.preferences if report.gate else None
    if preferences and not preferences.decided:
        count = pluralize(preferences.failed, "comparison")
        message = (
            f"no judge had a preference in {count}: {first_line(preferences.failure)}" if preferences.failed else ""
        )
        yield RunFailure("no-preference", message or "there are no two answers that judges can compare")
    named = {lost.metric for lost in (report.gate.lost if report.gate else ())}
    if preferences and not preferences.decided:
        named.add("preference")
    for silence in find_silences(report):
        if silence.metric not in named and (silence.metric in report.gate_metrics or silence.is_total):
            named.add(silence.metric)
            yield RunFailure("no-opinion", silence.message, silence.items, silence.metric)
    for judge, metric, reason in judging.silent_by_metric() if judging and not judging.ended else ():
        if metric not in named:
            message = f"{judge} had no opinion on any item ({metric}): {first_line(reason)}"
            yield RunFailure("no-opinion", message, metric=metric)


class Silence(NamedTuple):
    """A metric of judges that have no opinion on some of the items that they were asked about."""

    metric: str
    message: str
    items: tuple[str, ...]
    is_total: bool


def find_silences(report: "EvalReport") -> Iterator[Silence]:
    """Yield the metrics on which judges have no opinion on some item."""
    for metric in JUDGE_METRICS if report.judges else ():
        asked = [item for item in report.items if item.value(metric) is not None or item.notes.get(metric)]
        silent = [item for item in asked if item.value(metric) is None]
        if silent:
            count = f"{len(silent)} of {pluralize(len(asked), 'item')}"
            reason = first_line(silent[0].notes[metric])
            message = f"{metric} had no opinion on {count}: {silent[0].id}, {reason}"
            yield Silence(metric, message, _ids(silent), len(silent) == len(asked))


def _unscored(report: "EvalReport") -> Iterator[RunFailure]:
    """Yield the items without a score by the kind of their error, except those that a lost score names already."""
    lost = {
        reference
        for lost in (report.gate.lost if report.gate else ())
        if lost.metric == "score"
        for reference in lost.ids
    }
    unscored = [item for item in report.unscored if item.id not in lost]
    for kind, items in _by_kind(unscored):
        yield RunFailure("no-score", f"{_has(items)} no score ({kind}): {_first_error(items)}", _ids(items))


def _flawed(report: "EvalReport") -> Iterator[RunFailure]:
    flawed = [item for item in report.items if item.error is not None and item.score is not None]
    for kind, items in _by_kind(flawed):
        what = "an empty answer" if kind == "empty-candidate" else f"an error ({kind})"
        yield RunFailure("flawed-item", f"{_has(items)} {what}: {_first_error(items)}", _ids(items))


def _recordings(report: "EvalReport") -> Iterator[RunFailure]:
    missed, unused = report.recordings.missed, report.recordings.unused
    if missed:
        verb = "has" if len(missed) == 1 else "have"
        yield RunFailure("missed-recordings", f"{pluralize(len(missed), 'request')} {verb} no recording")
    if unused:
        verb = "was" if len(unused) == 1 else "were"
        yield RunFailure(
            "unused-recordings", f"{pluralize(len(unused), 'recording')} {verb} not used: {first_line(unused[0])}"
        )
    if report.recordings.unpublished:
        message = f"the recording is unfinished: {first_line(report.recordings.unpublished[0])}"
        yield RunFailure("unfinished-recording", message)


def _changes(report: "EvalReport") -> Iterator[RunFailure]:
    gate = report.gate
    if gate is None:
        return
    worse = [comparison for comparison in gate.comparisons if comparison.verdict is Verdict.WORSE]
    for comparison in worse:
        yield RunFailure("worse", comparison_words(comparison, gate), metric=comparison.metric)
    if gate.falls:
        ids = tuple(fall.id for fall in gate.falls)
        yield RunFailure("fall", fall_words(gate.falls, gate.tail_limit), ids, "score")
    if gate.verdict is Verdict.WORSE and not worse and not gate.falls:
        yield RunFailure("worse", "the verdict is worse")


def _too_few(report: "EvalReport") -> Iterator[RunFailure]:
    if not report.requires_power or report.refusal is not None:
        return
    if report.gate is None:
        yield RunFailure("too-few", "there is no baseline to compare with")
    elif report.gate.verdict is Verdict.TOO_FEW:
        few = [known for known in report.gate.comparisons if known.verdict is Verdict.TOO_FEW]
        message = comparison_words(few[0], report.gate) if few else "there are too few items to tell"
        yield RunFailure("too-few", message, metric=few[0].metric if few else None)


def _by_kind(items: Iterable[EvalItem]) -> list[tuple[str, list[EvalItem]]]:
    kinds: dict[str, list[EvalItem]] = defaultdict(list)
    for item in items:
        kinds[item.error.kind if item.error else "unknown"].append(item)
    return sorted(kinds.items(), key=lambda kind: (-len(kind[1]), kind[0]))


def _has(items: Sequence[EvalItem]) -> str:
    return f"{pluralize(len(items), 'item')} {'has' if len(items) == 1 else 'have'}"


def _first_error(items: Sequence[EvalItem]) -> str:
    first = items[0]
    place = "" if len(items) == 1 else "the first is "
    return f"{place}{first.id}" + (f", {first_line(first.error.message)}" if first.error else "")


def _ids(items: Iterable[EvalItem]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item.id for item in items))
