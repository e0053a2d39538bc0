"""Sentences about a comparison, as the gate's reasons and as failures."""

from collections.abc import Sequence
from typing import Protocol

from qtgen._util.text import pluralize
from qtgen.evaluation.metrics.base import JUDGE_METRICS
from qtgen.evaluation.results import ItemFall, LostMetric, MetricComparison, PreferenceCounts, Verdict

_LONGEST = 200  # characters of a reason


class Limits(Protocol):
    """The limits of a comparison, None in reports of older versions."""

    @property
    def alpha(self) -> float | None: ...
    @property
    def matters(self) -> float | None: ...


def lost_words(lost: LostMetric) -> str:
    """Return the lost metric, the number of items, and the reason for the first item."""
    verb = "had no opinion" if lost.metric in JUDGE_METRICS else "was lost"
    return f"{lost.metric} {verb} on {lost.items} of {pluralize(lost.of, 'item')}: {lost.reason}"


def fall_words(falls: Sequence[ItemFall], limit: float | None) -> str:
    """Return the number of references that fell by more than the limit, and the one that fell most."""
    worst = falls[0]
    count, share = pluralize(len(falls), "reference"), format_share(limit)
    return (
        f"{count} lost more than {share} of the score; "
        f"the worst is {worst.id}: {worst.before:.3f} before, {worst.after:.3f} now"
    )


def first_line(message: str) -> str:
    """Return the first line of a message, shortened if it is long."""
    line = next(iter(message.strip().splitlines()), "").rstrip(" :")
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def format_share(share: float | None) -> str:
    """Return a share as a percentage; `-` for None."""
    return "-" if share is None else f"{100 * share:g}%"


def comparison_words(comparison: MetricComparison, limits: Limits) -> str:
    """Return a metric's values before and now, the verdict, and its reasons."""
    values = f"{comparison.before:.3f} before, {comparison.after:.3f} now"
    if comparison.metric == "preference":
        values = f"{comparison.after:.0%} of the references with a preference prefer the new page"
    reason = f"{comparison.metric}: {values} (p = {comparison.p_corrected:.3g}, Holm-corrected)"
    if is_small_change(comparison, limits):
        return f"{reason}: no change that matters, because it is smaller than {limits.matters:g}"
    if comparison.verdict is not Verdict.TOO_FEW:
        return f"{reason}: {comparison.verdict.value}"
    references, visible, matters = comparison.clusters, comparison.smallest_visible, limits.matters
    if visible is None or matters is None or visible <= matters:
        return f"{reason}; too few references ({references}) for any change to be significant"
    shown = f"{references} references can show a change of {visible:.3f} or more"
    return f"{reason}; {shown}, but a change of {matters:g} matters"


def is_small_change(comparison: MetricComparison, limits: Limits) -> bool:
    """Return whether a metric changed significantly, but by less than what matters."""
    is_significant = limits.alpha is not None and comparison.p_corrected < limits.alpha
    return is_significant and comparison.verdict is Verdict.NO_CHANGE


def preference_words(counts: PreferenceCounts) -> str:
    """Return the preferences of judges, and the number of failed comparisons."""
    rate = f"{counts.flips / counts.decided:.0%}" if counts.decided else "unknown"
    failed = f"; {pluralize(counts.failed, 'comparison')} failed: {counts.failure}" if counts.failed else ""
    return (
        f"judges preferred the new page {pluralize(counts.new, 'time')}, the old one {pluralize(counts.old, 'time')} "
        f"and neither {pluralize(counts.neither, 'time')} (compared in both orders; flip rate {rate}){failed}"
    )
