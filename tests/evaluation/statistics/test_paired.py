"""The statistics, checked against simulated suites whose truth is known, against SciPy, and by hand."""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import product
from math import nan
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats as oracle  # type: ignore[import-untyped, unused-ignore]

from qtgen.evaluation.report import Verdict
from qtgen.evaluation.statistics.paired import (
    Floats,
    Interval,
    PairedComparison,
    compare,
    compare_preferences,
    correct_for_multiple_tests,
    falls,
    mean_interval,
)
from qtgen.evaluation.statistics.power import power_of

FEW_TO_MANY = (8, 10, 12, 14, 24, 60)  # clusters: enumerated up to 14, draws beyond


class Suites(NamedTuple):
    """Simulated suites: one row per suite, one column per item."""

    before: Floats
    after: Floats
    clusters: list[int]


def skewed(count: int, clusters: int, generator: np.random.Generator) -> Suites:
    """Return scores from 0 to 1, most near 1 with a tail of failures. Only chance differs, and clusters share it."""
    indices = np.repeat(np.arange(clusters), np.minimum(generator.geometric(0.35, clusters), 12))
    level = generator.beta(5, 1.2, (count, clusters))[:, indices]
    return Suites(_run(level, indices, generator), _run(level, indices, generator), indices.tolist())


def _run(level: Floats, indices: NDArray[np.intp], generator: np.random.Generator) -> Floats:
    shared = generator.normal(0, 0.08, (len(level), indices.max() + 1))[:, indices]
    return np.clip(level + shared - generator.exponential(0.06, level.shape), 0, 1)


def heavy_tailed(count: int, clusters: int, generator: np.random.Generator) -> Suites:
    """Return differences of infinite kurtosis that spread more in small clusters, and more in some than in others."""
    sizes = np.minimum(generator.geometric(0.35, clusters), 12)
    indices = np.repeat(np.arange(clusters), sizes)
    wild = generator.lognormal(0, 0.5, (count, clusters))
    shared = (generator.standard_t(3, (count, clusters)) * wild)[:, indices]
    before = generator.random((count, len(indices)))
    return Suites(before, before + shared + generator.standard_t(3, before.shape), indices.tolist())


def one_sided(count: int, clusters: int, generator: np.random.Generator) -> Suites:
    """Return skewed differences with a mean of 0, so that before and after are not exchangeable."""
    indices = np.repeat(np.arange(clusters), np.minimum(generator.geometric(0.35, clusters), 12))
    change = generator.gamma(4, 1, (count, clusters))[:, indices] + generator.gamma(4, 1, (count, len(indices)))
    return Suites(np.zeros_like(change), change - 8, indices.tolist())


def compare_all(suites: Suites, shift: float = 0.0, clusters: list[int] | None = None) -> Iterator[PairedComparison]:
    for before, after in zip(suites.before, suites.after, strict=True):
        yield compare("score", before, after + shift, clusters or suites.clusters, higher_is_better=True)


@cache
def comparisons_without_change(make: Callable[[int, int, np.random.Generator], Suites]) -> list[PairedComparison]:
    """Compare 660 suites in which nothing changed."""
    return [comparison for n in FEW_TO_MANY for comparison in compare_all(make(110, n, np.random.default_rng(n)))]


def rate(comparisons: list[PairedComparison]) -> float:
    return sum(comparison.p < 0.05 for comparison in comparisons) / len(comparisons)


def sample(differences: Sequence[float], **options: float) -> PairedComparison:
    """Compare differences with one item per cluster."""
    clusters = range(len(differences))
    return compare("score", [0.0] * len(differences), differences, clusters, higher_is_better=True, **options)


@pytest.mark.parametrize("make", [skewed, heavy_tailed])
def test_false_alarms_are_as_rare_as_alpha(make: Callable[..., Suites]) -> None:
    number = len(comparisons_without_change(make))
    alarms = round(rate(comparisons_without_change(make)) * number)
    assert alarms <= oracle.binom.ppf(0.995, number, 0.05)
    assert alarms >= oracle.binom.ppf(0.005, number, 0.04), "the test is not too conservative either"


def test_skewed_differences_raise_few_more_false_alarms() -> None:
    assert rate(comparisons_without_change(one_sided)) <= 0.075


@pytest.mark.parametrize("make", [skewed, heavy_tailed])
def test_treating_items_as_independent_raises_false_alarms(make: Callable[..., Suites]) -> None:
    suites = make(100, 16, np.random.default_rng(20))
    naive = list(compare_all(suites, clusters=list(range(len(suites.clusters)))))
    assert rate(naive) > 2 * 0.05 > rate(list(compare_all(suites)))


@pytest.mark.parametrize("clusters", [8, 12, 20, 60])
def test_the_smallest_visible_difference_is_results_with_a_power_of_80_percent(clusters: int) -> None:
    generator = np.random.default_rng(clusters)
    indices = np.repeat(np.arange(clusters), 1 + np.arange(clusters) % 3)
    changes = generator.normal(0, 0.1, (200, clusters))[:, indices]
    spread = sample((0.1 * oracle.zscore(np.arange(clusters), ddof=1)).tolist())
    assert spread.smallest_visible is not None
    before = np.zeros_like(changes)
    results = list(compare_all(Suites(before, changes, indices.tolist()), shift=spread.smallest_visible))
    assert 0.7 < rate(results) < 0.9
    for result in results:
        if result.p < 0.05 and result.difference > 0:
            assert result.verdict == (Verdict.BETTER if (result.high or 0) >= 0.05 else Verdict.NO_CHANGE)


def test_the_smallest_visible_difference_is_results_in_skewed_suites_too() -> None:
    suites = skewed(200, 16, np.random.default_rng(5))
    visible = float(np.mean([result.smallest_visible or nan for result in compare_all(suites)]))
    assert 0.7 < rate(list(compare_all(suites, shift=-visible))) < 0.9


@pytest.mark.parametrize("make", [skewed, heavy_tailed])
def test_the_interval_of_a_difference_covers_the_truth(make: Callable[..., Suites]) -> None:
    covered = [
        result.low <= 0 <= result.high
        for result in comparisons_without_change(make)
        if result.low is not None and result.high is not None
    ]
    assert len(covered) == len(comparisons_without_change(make))
    assert 0.93 <= np.mean(covered) <= 0.975


@pytest.mark.parametrize("clusters", [8, 20, 50])
def test_the_interval_of_a_mean_covers_the_truth(clusters: int) -> None:
    generator = np.random.default_rng(clusters)
    sizes = np.minimum(generator.geometric(0.35, (200, clusters)), 12)
    levels = generator.beta(5, 2, sizes.shape)
    covered = []
    for size, level in zip(sizes, levels, strict=True):
        indices = np.repeat(np.arange(clusters), size)
        interval = mean_interval(
            level[indices] + generator.uniform(-0.2, 0.2, len(indices)), indices.tolist(), resamples=500
        )
        assert interval.low is not None
        assert interval.high is not None
        covered.append(interval.low <= 5 / 7 <= interval.high)
    assert 0.9 <= np.mean(covered) <= 0.985


def test_the_plain_percentile_interval_is_too_narrow_with_few_clusters() -> None:
    values = np.random.default_rng(0).beta(5, 2, 8)
    plain = oracle.bootstrap((values,), np.mean, method="percentile", n_resamples=2000, rng=np.random.default_rng(0))
    ours = mean_interval(values, range(8))
    assert ours.low is not None
    assert ours.low < plain.confidence_interval.low


# --- the test and its interval, exactly -----------------------------------------------------------------------------


def test_an_example_worked_by_hand() -> None:
    # Of the 128 choices of signs, 4 have a sum of 26 or more on either side: 28 and 26, and their negatives.
    result = sample([-1, 2, 3, 4, 5, 6, 7])
    assert result.p == 4 / 128
    # A p of 0.05 takes 3 of 64 flips beside none: means of {-1}, {-1, 2}, {-1, 3}, and of {7}, {6, 7}, {6}.
    assert (result.low, result.high) == (1.0, 6.0)
    assert sample([-1, 2, 3, 4, 5, 6]).p == 4 / 64


def test_fishers_example_of_darwins_maize() -> None:
    eighths = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]
    assert sample(eighths, matters=8).p == pytest.approx(1726 / 32768, abs=0.006), "The Design of Experiments, sec. 21"


@given(st.lists(st.integers(-9, 9), min_size=2, max_size=11))
@settings(max_examples=40, deadline=None)
def test_p_is_that_of_every_choice_of_signs(differences: list[int]) -> None:
    sums = [abs(np.dot(signs, differences)) for signs in product((-1, 1), repeat=len(differences))]
    assert sample(list(map(float, differences))).p == np.mean(np.array(sums) >= abs(sum(differences)))


def test_p_is_that_of_scipy() -> None:
    draws = np.random.default_rng(0).normal(0.3, 1, 10)
    theirs = oracle.permutation_test((draws,), np.mean, permutation_type="samples", n_resamples=2000)
    assert sample(draws.tolist()).p == pytest.approx(theirs.pvalue, abs=1e-12)


@pytest.mark.parametrize("clusters", [20, 60])
def test_for_normal_differences_p_and_interval_are_near_those_of_the_t_test(clusters: int) -> None:
    for draws in np.random.default_rng(clusters).normal(0.3, 1, (10, clusters)):
        ours, theirs = sample(draws.tolist()), oracle.ttest_1samp(draws, 0)
        assert ours.p == pytest.approx(theirs.pvalue, abs=0.02)
        assert (ours.low, ours.high) == pytest.approx(tuple(theirs.confidence_interval()), abs=0.12 * draws.std())


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=18), st.sampled_from([0.01, 0.05, 0.1, 0.3]))
@example([0.1, 0.2, -0.3, 0.1, 0.2, -0.3], 0.05)
@settings(max_examples=60, deadline=None)
def test_the_interval_agrees_with_the_test(differences: list[float], alpha: float) -> None:
    result = sample(differences, alpha=alpha)
    assert 0 < result.p <= 1
    if result.low is None or result.high is None:
        assert result.p >= alpha
        return
    assert (result.p < alpha) == (not result.low <= 0 <= result.high)
    assert result.low - 1e-12 <= result.difference <= result.high + 1e-12


def test_what_lies_outside_the_interval_would_be_rejected() -> None:
    draws = np.random.default_rng(3).normal(0, 1, 13)
    result = sample(draws.tolist())
    for end, outwards in ((result.low, -1e-6), (result.high, 1e-6)):
        assert end is not None
        assert sample((draws - end + outwards).tolist()).p >= 0.05 > sample((draws - end - outwards).tolist()).p


@pytest.mark.parametrize(
    "clusters", [[0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 7, 8, 8, 9, 9, 9, 9, 9, 9], [0, 0, 0, *range(17)]]
)
@given(order=st.permutations(range(20)))
@settings(max_examples=12, deadline=None)
def test_the_order_of_items_and_the_names_of_clusters_do_not_matter(clusters: list[int], order: list[int]) -> None:
    before, after = np.random.default_rng(1).random((2, 20))
    moved = [f"cluster {-clusters[i]}" for i in order]
    again = compare("score", before[order], after[order], moved, higher_is_better=True)
    assert again == compare("score", before, after, clusters, higher_is_better=True)
    assert mean_interval(before[order], moved) == mean_interval(before, clusters)


@pytest.mark.parametrize("clusters", [9, 40])
def test_better_and_worse_are_symmetric(clusters: int) -> None:
    generator = np.random.default_rng(clusters)
    before = generator.random(clusters)
    after = before + generator.normal(0.3, 0.1, clusters)
    gain = compare("score", before, after, range(clusters), higher_is_better=True)
    loss = compare("score", after, before, range(clusters), higher_is_better=True)
    assert (gain.verdict, loss.verdict) == (Verdict.BETTER, Verdict.WORSE)
    assert gain.p == loss.p
    assert loss.low is not None
    assert loss.high is not None
    assert (gain.difference, gain.low, gain.high) == pytest.approx((-loss.difference, -loss.high, -loss.low))
    assert gain.after - gain.before == pytest.approx(gain.difference)
    assert compare("cost", before, after, range(clusters), higher_is_better=False).verdict == Verdict.WORSE


def test_a_cluster_counts_once_however_many_items_it_has() -> None:
    result = compare("score", [0] * 8, [1, 1, 1, 0, 0, 0, 0, 0], list("aaabcdef"), higher_is_better=True)
    assert (result.items, result.clusters, result.difference) == pytest.approx((8, 6, 1 / 6))


# --- verdicts ---------------------------------------------------------------------------------------------------------

WOBBLE = [0.01, -0.01] * 10


@pytest.mark.parametrize(
    ("differences", "verdict"),
    [
        ([-0.1, -0.12] * 10, Verdict.WORSE),
        ([0.1, 0.12] * 10, Verdict.BETTER),
        (WOBBLE, Verdict.NO_CHANGE),
        ([10 * change for change in WOBBLE], Verdict.TOO_FEW),  # 0.07 would be seen, and 0.05 matters
        ([0.0] * 20, Verdict.NO_CHANGE),
        ([0.0] * 4, Verdict.TOO_FEW),
        ([-0.3] * 6, Verdict.WORSE),
        ([-0.3] * 5, Verdict.TOO_FEW),  # one choice of signs in 16 gives as much
        ([-0.4] * 3 + [0.0] * 45, Verdict.NO_CHANGE),
    ],
)
def test_verdicts(differences: list[float], verdict: Verdict) -> None:
    assert sample(differences).verdict == verdict


def test_the_user_sets_what_matters() -> None:
    assert sample(WOBBLE, matters=0.001).verdict == Verdict.TOO_FEW
    assert sample([10 * change for change in WOBBLE], matters=0.1).verdict == Verdict.NO_CHANGE


def test_differences_of_zero_are_no_change() -> None:
    result = sample([0.0] * 20)
    assert result[3:9] == (0.0, 0.0, 0.0, 1.0, 1.0, 0.0)


@pytest.mark.parametrize("shift", [0.1, -0.1])
def test_a_constant_shift_is_detected_and_rounding_is_not(shift: float) -> None:
    before = np.random.default_rng(0).random(9)
    result = compare("score", before, before + shift, range(9), higher_is_better=True)
    assert result.p == 2 / 2**9
    assert (result.low, result.high, result.smallest_visible) == pytest.approx((shift, shift, 0))
    assert result.verdict == (Verdict.BETTER if shift > 0 else Verdict.WORSE)
    rounded = compare("score", [0.1 + 0.2] * 9, [0.3] * 9, range(9), higher_is_better=True)
    assert (rounded.p, rounded.difference, rounded.verdict) == (1.0, 0.0, Verdict.NO_CHANGE)


@pytest.mark.parametrize(("clusters", "p"), [(1, 1.0), (2, 0.5), (5, 0.0625)])
def test_few_clusters_have_no_interval(clusters: int, p: float) -> None:
    result = sample([0.5 + i / 10 for i in range(clusters)])
    assert result.p == p
    assert (result.low, result.high, result.smallest_visible, result.verdict) == (None, None, None, Verdict.TOO_FEW)


@pytest.mark.parametrize(
    ("before", "after", "clusters"),
    [([nan], [0.0], "a"), ([0.0], [None], "a"), ([0.0], [float("inf")], "a"), ([], [], ""), ([0.0], [0.0], "ab"), ([0.0], [0.0, 1.0], "a")],
)  # fmt: skip
def test_values_that_cannot_be_compared_are_rejected(before: list[float], after: list[float], clusters: str) -> None:
    with pytest.raises(ValueError, match=r"nothing to compare|finite number"):
        compare("score", before, after, clusters, higher_is_better=True)


# --- several metrics --------------------------------------------------------------------------------------------------


def with_p(*values: float, clusters: int = 20) -> list[PairedComparison]:
    return [sample([-0.1] * clusters)._replace(metric=str(number), p=p) for number, p in enumerate(values)]


def test_holm_s_correction_worked_by_hand() -> None:
    results = correct_for_multiple_tests(with_p(0.01, 0.04, 0.03, 0.005))
    assert [result.p_corrected for result in results] == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert [result.verdict for result in results] == [
        Verdict.WORSE,
        Verdict.NO_CHANGE,
        Verdict.NO_CHANGE,
        Verdict.WORSE,
    ]
    assert [result.metric for result in results] == ["0", "1", "2", "3"]
    assert correct_for_multiple_tests(results) == results
    assert correct_for_multiple_tests([]) == []
    assert correct_for_multiple_tests(with_p(0.9, 0.8))[0].p_corrected == 1.0


def test_holm_s_correction_keeps_the_error_rate_of_all_metrics_together() -> None:
    chance = np.random.default_rng(0)
    independent = chance.random((1500, 5))
    alike = oracle.norm.cdf(chance.normal(size=(1500, 1)) + chance.normal(size=(1500, 5)), scale=2**0.5)
    template = with_p(*[0.5] * 5)
    for families in (independent, alike):
        alarms = 0
        for family in families.tolist():
            results = correct_for_multiple_tests(
                [comparison._replace(p=p) for comparison, p in zip(template, family, strict=True)]
            )
            alarms += any(result.verdict == Verdict.WORSE for result in results)
        assert alarms <= oracle.binom.ppf(0.995, 1500, 0.05)
        assert (families.min(axis=1) < 0.05).mean() > 0.1, "without the correction there are many"


def test_more_metrics_need_more_clusters() -> None:
    alone, *_ = correct_for_multiple_tests([sample([0.0] * 6)])
    assert alone.verdict == Verdict.NO_CHANGE
    assert {result.verdict for result in correct_for_multiple_tests([sample([0.0] * 6)] * 2)} == {Verdict.TOO_FEW}


@pytest.mark.parametrize("clusters", [20, 60])
def test_the_smallest_visible_difference_of_several_metrics_is_that_of_the_strictest_test(clusters: int) -> None:
    draws = np.random.default_rng(clusters).normal(0, 0.1, clusters)
    results = correct_for_multiple_tests([sample(draws.tolist())] * 5)
    visible = results[0].smallest_visible
    assert visible is not None
    assert power_of(clusters, draws.std(ddof=1), visible, 0.05 / 5) == pytest.approx(0.8, abs=1e-4)
    assert [
        result.verdict
        for result in correct_for_multiple_tests([sample(draws.tolist(), matters=visible)] * 5, matters=visible * 0.99)
    ] == [Verdict.TOO_FEW] * 5
    assert correct_for_multiple_tests(results, matters=visible)[0].verdict == Verdict.NO_CHANGE


# --- means and falls --------------------------------------------------------------------------------------------------


def test_means_are_over_items_and_intervals_over_clusters() -> None:
    assert mean_interval([1, 0, 0, 0], ["a", "b", "b", "b"])[0] == 0.25
    assert mean_interval([0.25, 0.75], ["a", "a"]) == Interval(0.5, None, None, 2, 1)
    assert mean_interval([], []) == Interval(None, None, None, 0, 0)
    same = mean_interval([0.1] * 7, range(7))
    assert same[:3] == pytest.approx((0.1, 0.1, 0.1))
    with pytest.raises(ValueError, match="finite number"):
        mean_interval([0.1, nan], ["a", "b"])


def test_repeats_do_not_narrow_an_interval() -> None:
    values = np.random.default_rng(0).random(20)
    once, thrice = mean_interval(values, range(20)), mean_interval(np.tile(values, 3), [*range(20)] * 3)
    assert thrice[:3] == pytest.approx(once[:3])


def test_an_interval_stays_within_the_scores_and_widens_with_its_level() -> None:
    values = [1.0] * 9 + [0.4]
    narrow, wide = mean_interval(values, range(10), level=0.8), mean_interval(values, range(10), level=0.99)
    assert 0.4 <= wide.low <= narrow.low <= narrow.high <= wide.high <= 1  # type: ignore[operator]


def test_falls_beyond_the_limit_are_sorted_worst_first() -> None:
    before, after, ids = [0.8, 0.9, 0.5, 0.7, 0.7], [0.6, 0.5, 0.6, 0.2, 0.4], ["a", "d", "c", "b", "e"]
    results = falls(before, after, ids, 0.3)
    assert [result.id for result in results] == ["b", "d", "e"]
    assert results[0] == ("b", 0.7, 0.2, 0.7 - 0.2)
    assert [result.id for result in falls(before, after, ids, 0.1, higher_is_better=False)] == ["c"]
    assert falls([0.3], [0.1], ["a"], 2 / 3) == [], "a fall that only rounding takes beyond the limit is not one"
    with pytest.raises(ValueError, match="finite number"):
        falls([nan], [0.1], ["a"], 0.2)


def test_the_limit_of_falls_is_a_share_of_what_was_there() -> None:
    assert [fall.id for fall in falls([0.05, 0.9], [0.0, 0.7], ["low", "high"], 0.4)] == ["low"]
    assert falls([0.0], [0.0], ["nothing"], 0.4) == []
    assert falls([0.5], [0.0], ["all"], 1) == []


# --- what matters -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sign", [1, -1])
def test_a_significant_change_that_cannot_matter_is_no_change(sign: int) -> None:
    tiny = [sign * (0.002 + number / 10_000) for number in range(8)]
    result = sample(tiny, matters=0.1)
    assert result.p < 0.05
    assert result.verdict == Verdict.NO_CHANGE
    assert sample(tiny, matters=0.002).verdict == (Verdict.BETTER if sign > 0 else Verdict.WORSE)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_change_matters_from_the_end_of_its_interval_on(sign: int) -> None:
    differences = [sign * (0.05 + number / 100) for number in range(10)]
    result = sample(differences)
    end = result.high if sign > 0 else result.low
    assert end is not None
    changed = Verdict.BETTER if sign > 0 else Verdict.WORSE
    assert sample(differences, matters=abs(end)).verdict == changed
    assert sample(differences, matters=abs(end) * 1.001).verdict == Verdict.NO_CHANGE


@given(st.lists(st.lists(st.floats(-1, 1), min_size=9, max_size=9), min_size=1, max_size=5))
@settings(max_examples=40, deadline=None)
def test_corrected_intervals_agree_with_corrected_p_values(metrics: list[list[float]]) -> None:
    for result in correct_for_multiple_tests([sample(differences) for differences in metrics]):
        if result.low is None or result.high is None:
            assert result.p_corrected >= 0.05
        else:
            assert (result.p_corrected < 0.05) == (not result.low <= 0 <= result.high)


# --- preferences ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("new", "old", "neither", "verdict"),
    [
        (0, 9, 1, Verdict.WORSE),
        (9, 0, 1, Verdict.BETTER),
        (5, 5, 0, Verdict.NO_CHANGE),
        (0, 0, 12, Verdict.NO_CHANGE),
        (0, 5, 0, Verdict.TOO_FEW),  # 2 of 32 outcomes are as one-sided
        (0, 6, 0, Verdict.WORSE),
    ],
)
def test_preferences_are_decided_by_a_sign_test(new: int, old: int, neither: int, verdict: Verdict) -> None:
    result = compare_preferences([0.5] * new + [-1.0] * old + [0.0] * neither, items=40)
    assert result.verdict == verdict
    assert result.p == (pytest.approx(oracle.binomtest(new, new + old).pvalue) if new + old else 1.0)
    assert (result.items, result.clusters, result.metric) == (40, new + old + neither, "preference")


@given(st.integers(0, 30), st.integers(0, 30), st.sampled_from([0.01, 0.05, 0.2]))
@settings(deadline=None)
def test_the_interval_of_preferences_agrees_with_the_test(new: int, old: int, alpha: float) -> None:
    if new + old:
        result = compare_preferences([1.0] * new + [-1.0] * old, items=new + old, alpha=alpha)
        assert result.low is not None
        assert result.high is not None
        assert (result.p < alpha) == (not result.low <= 0 <= result.high)
        assert result.low <= result.difference <= result.high


@pytest.mark.parametrize("count", [8, 20, 48])
def test_the_smallest_visible_preference_is_found_with_a_power_of_80_percent(count: int) -> None:
    visible = compare_preferences([0.0] * count, items=count).smallest_visible
    assert visible is not None
    wins = np.random.default_rng(count).binomial(count, 0.5 + visible / 2, 4000)
    p_values = {number: oracle.binomtest(number, count).pvalue for number in range(count + 1)}
    assert np.mean([p_values[int(number)] < 0.05 for number in wins]) == pytest.approx(0.8, abs=0.025)


def test_preferences_are_corrected_with_the_metrics() -> None:
    preferences = compare_preferences([-1.0] * 6, items=6)
    assert preferences.verdict == Verdict.WORSE
    alone, together = correct_for_multiple_tests([sample([0.0] * 20), preferences])
    assert (alone.verdict, together.verdict) == (Verdict.NO_CHANGE, Verdict.TOO_FEW)
    assert together.p_corrected == pytest.approx(0.0625)
