"""The outcome in words that all formats of the evaluation report share: headline, explanation and lists."""

from typing import NamedTuple

from qtgen._util.text import pluralize
from qtgen.evaluation.gate.outcome import find_silences
from qtgen.evaluation.gate.words import is_small_change
from qtgen.evaluation.metrics.base import JUDGE_METRICS
from qtgen.evaluation.report import EvalItem, EvalReport, MetricComparison, RunFailure, Verdict
from qtgen.evaluation.reports.common import format_interval, format_number

_VERDICT_WORDS = {  # tone of a verdict, and the headline
    Verdict.WORSE: ("bad", "Worse than the baseline"),
    Verdict.NO_CHANGE: ("even", "No change from the baseline shown"),
    Verdict.TOO_FEW: ("unsure", "Too few items to tell a change from the baseline"),
    Verdict.BETTER: ("good", "Better than the baseline"),
}
_FAILED = "Failed"
_REFUSED = "Not evaluated"
_PENDING = "Not evaluated yet"
_FIRST = ("refused", "lost-metric", "no-preference", "no-opinion")  # failures that are graver than a worse verdict


class VerdictSummary(NamedTuple):
    """The outcome for people.

    `tone` is bad if the run fails. Otherwise it is unsure, even or good, and none without a baseline.

    `headline`, a colon and `detail` make one sentence without a full stop.
    """

    tone: str
    headline: str
    detail: str

    @property
    def sentence(self) -> str:
        return f"{self.headline}: {self.detail}."


def summarize_verdict(report: EvalReport) -> VerdictSummary:
    """Return the outcome with its most severe failure, the mean score, and how many items failed or fell.

    The tone is bad exactly if the run fails.
    """
    gate, failures = report.gate, report.failures
    tone, headline = _headline(report)
    of_score = next((known for known in gate.comparisons if known.metric == "score"), None) if gate else None
    parts = [failures[0].message] if failures and headline in (_FAILED, _REFUSED) else []
    if report.refusal and report.is_pending:
        parts = [report.refusal.message]
    if not report.is_refused:
        parts.append(_score_change(of_score) if of_score else _mean_score(report))
    if unscored := len(report.unscored):
        parts.append(f"{unscored} of {pluralize(len(report.items), 'item')} without a score")
    if gate and gate.falls:
        parts.append(f"{pluralize(len(gate.falls), 'item')} fell by more than the limit")
    return VerdictSummary(tone, headline, "; ".join(parts))


def _headline(report: EvalReport) -> tuple[str, str]:
    """Return the tone and the headline. A failure other than the verdict has a headline of its own."""
    gate, failures = report.gate, report.failures
    if report.is_pending:
        return "unsure", _PENDING
    if report.is_refused:
        return "bad", _REFUSED
    if failures:
        is_worse = gate is not None and gate.verdict is Verdict.WORSE and failures[0].kind not in _FIRST
        return "bad", _VERDICT_WORDS[Verdict.WORSE][1] if is_worse else _FAILED
    if report.accepted:
        return "even", "Accepted as the new baseline"
    if gate is None:
        return "none", "Not compared with a baseline"
    if gate.comparisons and gate.verdict is Verdict.NO_CHANGE and is_small_change(gate.comparisons[0], gate):
        return "even", "No change that matters"
    return _VERDICT_WORDS[gate.verdict]


def explanations(report: EvalReport) -> list[str]:
    """Return sentences that explain the outcome: every failure, the most severe first, then the other reasons.

    The failure that the headline names is left out.
    """
    messages = [failure.message for failure in report.failures]
    refusal = [report.refusal.message] if report.refusal and report.accepted else []
    silences = [silence.message for silence in find_silences(report)]
    reasons = report.gate.reasons if report.gate else ()
    named = messages[:1] if _headline(report)[1] in (_FAILED, _REFUSED) else []
    return [message for message in dict.fromkeys([*messages, *refusal, *silences, *reasons]) if message not in named]


def failures_of_judges(report: EvalReport) -> list[RunFailure]:
    """Return the failures that only the judges can end: no further references do."""
    return [
        failure
        for failure in report.failures
        if failure.kind in ("no-preference", "no-opinion")
        or (failure.kind == "lost-metric" and failure.metric in JUDGE_METRICS)
    ]


def reference_lists(report: EvalReport) -> list[tuple[str, tuple[str, ...]]]:
    """Return the references that are not compared because they differ from the baseline's, each list with its title."""
    gate = report.gate
    if gate is None:
        return []
    lists = (("changed", gate.changed), ("added", gate.added), ("removed", gate.removed))
    return [(f"{pluralize(len(ids), 'reference')} {what} since the baseline", ids) for what, ids in lists if ids]


def uncertain_title(report: EvalReport) -> str:
    """Return the title of the list of items whose offline score cannot be trusted."""
    count = len(report.uncertain)
    return f"{pluralize(count, 'item')} {'needs' if count == 1 else 'need'} a judge or a person"


def uncertain_reason(item: EvalItem) -> str:
    """Return the confidence of an item's score, with the reason."""
    note = item.notes.get("confidence", "")
    return f"confidence {format_number(item.metrics.get('confidence'))}" + (f": {note}" if note else "")


def verdict_tone(verdict: Verdict) -> str:
    """Return the tone of a verdict: bad, unsure, even or good."""
    return _VERDICT_WORDS[verdict][0]


def _score_change(comparison: MetricComparison) -> str:
    before, after, change = map(format_number, (comparison.before, comparison.after, abs(comparison.difference)))
    way = "down" if comparison.difference < 0 else "up"
    items = pluralize(comparison.items, "item")
    return f"mean score {before} before, {after} now, {way} {change}, over {items}"


def _mean_score(report: EvalReport) -> str:
    summary = report.metrics.get("score")
    if summary is None or summary.mean is None:
        return f"no score from {pluralize(len(report.items), 'item')}"
    items = pluralize(summary.items, "item")
    return f"mean score {format_number(summary.mean)} ({format_interval(summary)}) over {items}"
