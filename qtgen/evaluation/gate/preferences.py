"""Preferences of judges for pages -> one comparison by a sign test over references."""

from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean
from typing import NamedTuple

from qtgen.evaluation.judging.judges import Preference
from qtgen.evaluation.report import PreferenceCounts
from qtgen.evaluation.statistics.paired import PairedComparison, compare_preferences


class PreferenceTest(NamedTuple):
    """The preferences of all judges, and their comparison; None if no judge had an opinion."""

    counts: PreferenceCounts
    comparison: PairedComparison | None


def compare_by_preference(preferences: Sequence[tuple[str, Preference]], alpha: float = 0.05) -> PreferenceTest:
    """Return the test of pairs of a reference's id and a judge's preference between its pages.

    One reference is one observation: the preferences of all its repeats and judges are averaged first. Comparisons that
    failed do not count, but are counted.
    """
    by_reference: dict[str, list[float]] = defaultdict(list)
    for reference, preference in preferences:
        if preference.value is not None:
            by_reference[reference].append(preference.value)
    counts = count_preferences([preference for _, preference in preferences])
    if not by_reference:
        return PreferenceTest(counts, None)
    means = [fmean(values) for values in by_reference.values()]
    return PreferenceTest(counts, compare_preferences(means, items=counts.decided, alpha=alpha))


def count_preferences(preferences: Sequence[Preference]) -> PreferenceCounts:
    """Return the counts of all preferences."""
    values = [preference.value for preference in preferences]
    flips = sum(preference.flipped for preference in preferences)
    failures = [preference.error.message for preference in preferences if preference.error]
    counts = values.count(1.0), values.count(-1.0), values.count(0.0)
    return PreferenceCounts(*counts, flips, values.count(None), failures[0] if failures else "")
