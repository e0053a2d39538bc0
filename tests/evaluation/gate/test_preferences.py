"""Preferences of judges: counted, and averaged by reference before they are tested."""

import pytest

from qtgen.errors import Failure
from qtgen.evaluation.gate.preferences import compare_by_preference, count_preferences
from qtgen.evaluation.gate.words import preference_words
from qtgen.evaluation.judging.judges import Preference

FAILED = Preference(None, error=Failure("judge-off-schema", "j: not JSON"))


def test_preferences_are_counted_with_the_flip_rate() -> None:
    counts = count_preferences([Preference(1.0), Preference(0.0, flipped=True), FAILED, Preference(-1.0)])
    assert (counts.new, counts.old, counts.neither, counts.flips, counts.failed) == (1, 1, 1, 1, 1)
    assert counts.failure == "j: not JSON"
    words = preference_words(counts)
    assert words.endswith("neither 1 time (compared in both orders; flip rate 33%); 1 comparison failed: j: not JSON")
    assert "flip rate unknown" in preference_words(count_preferences([]))


def test_repeats_and_judges_of_a_reference_are_one_observation() -> None:
    votes = [(f"r{n}", Preference(value)) for n in range(6) for value in (-1.0, -1.0, 1.0, 0.0)]
    comparison = compare_by_preference(votes).comparison
    assert comparison
    assert (comparison.clusters, comparison.items, comparison.difference) == (6, 24, -1.0)
    assert comparison.p == pytest.approx(2 / 2**6)
    even = compare_by_preference([(name, Preference(value)) for name in "abcdef" for value in (1.0, -1.0)]).comparison
    assert even
    assert (even.p, even.difference) == (1.0, 0.0)


def test_failed_comparisons_do_not_count() -> None:
    test = compare_by_preference([("a", Preference(1.0)), ("a", FAILED), ("b", FAILED)])
    assert test.comparison
    assert (test.comparison.clusters, test.comparison.items, test.counts.failed) == (1, 1, 2)
    assert compare_by_preference([("a", FAILED)]).comparison is None
    assert compare_by_preference([]).comparison is None
