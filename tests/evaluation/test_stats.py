"""The statistics, held against simulated suites of which the truth is known, against scipy, and worked by hand."""

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

from qtgen.evaluation.stats import (
    Floats,
    Interval,
    PairedComparison,
    Verdict,
    accuracy_interval,
    clusters_needed,
    compare,
    corrected,
    falls,
    mean_interval,
    pairwise_accuracy,
    power_of,
)

FEW_TO_MANY = (8, 10, 12, 14, 24, 60)  # clusters: enumerated up to 14, drawn beyond


class Suites(NamedTuple):
    """before, after: a row a simulated suite, a column an item."""

    before: Floats
    after: Floats
    clusters: list[int]


def skewed(number: int, clusters: int, generator: np.random.Generator) -> Suites:
    """Scores in 0..1 piled up near 1 with a tail of failures; nothing changed but chance, shared within a cluster."""
    of = np.repeat(np.arange(clusters), np.minimum(generator.geometric(0.35, clusters), 12))
    level = generator.beta(5, 1.2, (number, clusters))[:, of]
    return Suites(_run(level, of, generator), _run(level, of, generator), of.tolist())


def _run(level: Floats, of: NDArray[np.intp], generator: np.random.Generator) -> Floats:
    shared = generator.normal(0, 0.08, (len(level), of.max() + 1))[:, of]
    return np.clip(level + shared - generator.exponential(0.06, level.shape), 0, 1)


def heavy_tailed(number: int, clusters: int, generator: np.random.Generator) -> Suites:
    """Differences of infinite kurtosis, the more spread the fewer items a cluster has, and some clusters wilder."""
    sizes = np.minimum(generator.geometric(0.35, clusters), 12)
    of = np.repeat(np.arange(clusters), sizes)
    wild = generator.lognormal(0, 0.5, (number, clusters))
    shared = (generator.standard_t(3, (number, clusters)) * wild)[:, of]
    before = generator.random((number, len(of)))
    return Suites(before, before + shared + generator.standard_t(3, before.shape), of.tolist())


def one_sided(number: int, clusters: int, generator: np.random.Generator) -> Suites:
    """Differences that are skewed themselves, with a mean of 0: no exchange of before and after gives the same."""
    of = np.repeat(np.arange(clusters), np.minimum(generator.geometric(0.35, clusters), 12))
    change = generator.gamma(4, 1, (number, clusters))[:, of] + generator.gamma(4, 1, (number, len(of)))
    return Suites(np.zeros_like(change), change - 8, of.tolist())


def run(suites: Suites, shift: float = 0.0, clusters: list[int] | None = None) -> Iterator[PairedComparison]:
    for before, after in zip(suites.before, suites.after, strict=True):
        yield compare("score", before, after + shift, clusters or suites.clusters, higher_is_better=True)


@cache
def nulls(of: Callable[[int, int, np.random.Generator], Suites]) -> list[PairedComparison]:
    """660 suites."""
    return [one for n in FEW_TO_MANY for one in run(of(110, n, np.random.default_rng(n)))]


def rate(comparisons: list[PairedComparison]) -> float:
    return sum(one.p < 0.05 for one in comparisons) / len(comparisons)


def sample(differences: Sequence[float], **options: float) -> PairedComparison:
    """One item a cluster."""
    clusters = range(len(differences))
    return compare("score", [0.0] * len(differences), differences, clusters, higher_is_better=True, **options)


@pytest.mark.parametrize("of", [skewed, heavy_tailed])
def test_false_alarms_are_as_rare_as_promised(of: Callable[..., Suites]) -> None:
    number = len(nulls(of))
    alarms = round(rate(nulls(of)) * number)
    assert alarms <= oracle.binom.ppf(0.995, number, 0.05)
    assert alarms >= oracle.binom.ppf(0.005, number, 0.04), "nor is the test blunt"


def test_false_alarms_where_the_differences_are_skewed_themselves_are_not_many_more() -> None:
    assert rate(nulls(one_sided)) <= 0.075


@pytest.mark.parametrize("of", [skewed, heavy_tailed])
def test_items_that_are_taken_for_independent_raise_false_alarms(of: Callable[..., Suites]) -> None:
    suites = of(100, 16, np.random.default_rng(20))
    naive = list(run(suites, clusters=list(range(len(suites.clusters)))))
    assert rate(naive) > 2 * 0.05 > rate(list(run(suites)))


@pytest.mark.parametrize("clusters", [8, 12, 20, 60])
def test_the_smallest_visible_difference_is_found_four_times_of_five(clusters: int) -> None:
    generator = np.random.default_rng(clusters)
    of = np.repeat(np.arange(clusters), 1 + np.arange(clusters) % 3)
    changes = generator.normal(0, 0.1, (200, clusters))[:, of]
    spread = sample((0.1 * oracle.zscore(np.arange(clusters), ddof=1)).tolist())
    assert spread.smallest_visible is not None
    before = np.zeros_like(changes)
    found = list(run(Suites(before, changes, of.tolist()), shift=spread.smallest_visible))
    assert 0.7 < rate(found) < 0.9
    assert all(one.verdict == Verdict.BETTER for one in found if one.p < 0.05 and one.difference > 0)


def test_the_smallest_visible_difference_is_found_in_skewed_suites_too() -> None:
    suites = skewed(200, 16, np.random.default_rng(5))
    visible = float(np.mean([one.smallest_visible or nan for one in run(suites)]))
    assert 0.7 < rate(list(run(suites, shift=-visible))) < 0.9


@pytest.mark.parametrize("of", [skewed, heavy_tailed])
def test_the_interval_of_a_difference_covers_the_truth(of: Callable[..., Suites]) -> None:
    covered = [one.low <= 0 <= one.high for one in nulls(of) if one.low is not None and one.high is not None]
    assert len(covered) == len(nulls(of))
    assert 0.93 <= np.mean(covered) <= 0.975


@pytest.mark.parametrize("clusters", [8, 20, 50])
def test_the_interval_of_a_mean_covers_the_truth(clusters: int) -> None:
    generator = np.random.default_rng(clusters)
    sizes = np.minimum(generator.geometric(0.35, (200, clusters)), 12)
    levels = generator.beta(5, 2, sizes.shape)
    covered = []
    for size, level in zip(sizes, levels, strict=True):
        of = np.repeat(np.arange(clusters), size)
        interval = mean_interval(level[of] + generator.uniform(-0.2, 0.2, len(of)), of.tolist(), resamples=500)
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


# --- the test and its interval, exactly ---


def test_an_example_by_hand() -> None:
    # Of the 128 choices of signs, 4 have a sum of 26 or more on either side: 28 and 26, and their negatives.
    one = sample([-1, 2, 3, 4, 5, 6, 7])
    assert one.p == 4 / 128
    # A p of 0.05 takes 3 of 64 flips beside none: means of {-1}, {-1, 2}, {-1, 3}, and of {7}, {6, 7}, {6}.
    assert (one.low, one.high) == (1.0, 6.0)
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
    drawn = np.random.default_rng(0).normal(0.3, 1, 10)
    theirs = oracle.permutation_test((drawn,), np.mean, permutation_type="samples", n_resamples=2000)
    assert sample(drawn.tolist()).p == pytest.approx(theirs.pvalue, abs=1e-12)


@pytest.mark.parametrize("clusters", [20, 60])
def test_for_normal_differences_p_and_interval_are_near_those_of_the_t_test(clusters: int) -> None:
    for drawn in np.random.default_rng(clusters).normal(0.3, 1, (10, clusters)):
        ours, theirs = sample(drawn.tolist()), oracle.ttest_1samp(drawn, 0)
        assert ours.p == pytest.approx(theirs.pvalue, abs=0.02)
        assert (ours.low, ours.high) == pytest.approx(tuple(theirs.confidence_interval()), abs=0.12 * drawn.std())


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=18), st.sampled_from([0.01, 0.05, 0.1, 0.3]))
@example([0.1, 0.2, -0.3, 0.1, 0.2, -0.3], 0.05)
@settings(max_examples=60, deadline=None)
def test_the_interval_agrees_with_the_test(differences: list[float], alpha: float) -> None:
    one = sample(differences, alpha=alpha)
    assert 0 < one.p <= 1
    if one.low is None or one.high is None:
        assert one.p >= alpha
        return
    assert (one.p < alpha) == (not one.low <= 0 <= one.high)
    assert one.low - 1e-12 <= one.difference <= one.high + 1e-12


def test_what_lies_outside_the_interval_would_be_rejected() -> None:
    drawn = np.random.default_rng(3).normal(0, 1, 13)
    one = sample(drawn.tolist())
    for end, outwards in ((one.low, -1e-6), (one.high, 1e-6)):
        assert end is not None
        assert sample((drawn - end + outwards).tolist()).p >= 0.05 > sample((drawn - end - outwards).tolist()).p


@pytest.mark.parametrize(
    "clusters", [[0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 7, 8, 8, 9, 9, 9, 9, 9, 9], [0, 0, 0, *range(17)]]
)
@given(order=st.permutations(range(20)))
@settings(max_examples=12, deadline=None)
def test_neither_the_order_of_items_nor_the_names_of_clusters_matter(clusters: list[int], order: list[int]) -> None:
    before, after = np.random.default_rng(1).random((2, 20))
    moved = [f"cluster {-clusters[i]}" for i in order]
    again = compare("score", before[order], after[order], moved, higher_is_better=True)
    assert again == compare("score", before, after, clusters, higher_is_better=True)
    assert mean_interval(before[order], moved) == mean_interval(before, clusters)


@pytest.mark.parametrize("clusters", [9, 40])
def test_better_and_worse_are_each_others_mirror(clusters: int) -> None:
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
    one = compare("score", [0] * 8, [1, 1, 1, 0, 0, 0, 0, 0], list("aaabcdef"), higher_is_better=True)
    assert (one.items, one.clusters, one.difference) == pytest.approx((8, 6, 1 / 6))


# --- verdicts ---

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


def test_what_matters_is_the_users_to_say() -> None:
    assert sample(WOBBLE, matters=0.001).verdict == Verdict.TOO_FEW
    assert sample([10 * change for change in WOBBLE], matters=0.1).verdict == Verdict.NO_CHANGE


def test_the_words_of_verdicts() -> None:
    assert set(Verdict) == {"worse", "no change shown", "too few items to tell", "better"}


def test_differences_of_zero_are_no_change_and_everything_would_be_seen() -> None:
    one = sample([0.0] * 20)
    assert one[3:9] == (0.0, 0.0, 0.0, 1.0, 1.0, 0.0)


@pytest.mark.parametrize("shift", [0.1, -0.1])
def test_a_constant_shift_is_seen_and_rounding_is_not(shift: float) -> None:
    before = np.random.default_rng(0).random(9)
    one = compare("score", before, before + shift, range(9), higher_is_better=True)
    assert one.p == 2 / 2**9
    assert (one.low, one.high, one.smallest_visible) == pytest.approx((shift, shift, 0))
    assert one.verdict == (Verdict.BETTER if shift > 0 else Verdict.WORSE)
    rounded = compare("score", [0.1 + 0.2] * 9, [0.3] * 9, range(9), higher_is_better=True)
    assert (rounded.p, rounded.difference, rounded.verdict) == (1.0, 0.0, Verdict.NO_CHANGE)


@pytest.mark.parametrize(("clusters", "p"), [(1, 1.0), (2, 0.5), (5, 0.0625)])
def test_of_few_clusters_nothing_is_known(clusters: int, p: float) -> None:
    one = sample([0.5 + i / 10 for i in range(clusters)])
    assert one.p == p
    assert (one.low, one.high, one.smallest_visible, one.verdict) == (None, None, None, Verdict.TOO_FEW)


@pytest.mark.parametrize(
    ("before", "after", "clusters"),
    [([nan], [0.0], "a"), ([0.0], [None], "a"), ([0.0], [float("inf")], "a"), ([], [], ""), ([0.0], [0.0], "ab"), ([0.0], [0.0, 1.0], "a")],
)  # fmt: skip
def test_what_cannot_be_compared_is_refused(before: list[float], after: list[float], clusters: str) -> None:
    with pytest.raises(ValueError, match=r"nothing to compare|finite number"):
        compare("score", before, after, clusters, higher_is_better=True)


# --- several metrics ---


def with_p(*values: float, clusters: int = 20) -> list[PairedComparison]:
    return [sample([-0.1] * clusters)._replace(metric=str(number), p=p) for number, p in enumerate(values)]


def test_holm_by_hand() -> None:
    found = corrected(with_p(0.01, 0.04, 0.03, 0.005))
    assert [one.p_corrected for one in found] == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert [one.verdict for one in found] == [Verdict.WORSE, Verdict.NO_CHANGE, Verdict.NO_CHANGE, Verdict.WORSE]
    assert [one.metric for one in found] == ["0", "1", "2", "3"]
    assert corrected(found) == found
    assert corrected([]) == []
    assert corrected(with_p(0.9, 0.8))[0].p_corrected == 1.0


def test_holm_keeps_the_error_of_the_whole_family() -> None:
    chance = np.random.default_rng(0)
    independent = chance.random((1500, 5))
    alike = oracle.norm.cdf(chance.normal(size=(1500, 1)) + chance.normal(size=(1500, 5)), scale=2**0.5)
    template = with_p(*[0.5] * 5)
    for families in (independent, alike):
        alarms = 0
        for family in families.tolist():
            found = corrected([one._replace(p=p) for one, p in zip(template, family, strict=True)])
            alarms += any(one.verdict == Verdict.WORSE for one in found)
        assert alarms <= oracle.binom.ppf(0.995, 1500, 0.05)
        assert (families.min(axis=1) < 0.05).mean() > 0.1, "without a correction they are many"


def test_a_family_whose_correction_leaves_nothing_to_find_has_too_few_clusters() -> None:
    alone, *_ = corrected([sample([0.0] * 6)])
    assert alone.verdict == Verdict.NO_CHANGE
    assert {one.verdict for one in corrected([sample([0.0] * 6)] * 2)} == {Verdict.TOO_FEW}


@pytest.mark.parametrize("clusters", [20, 60])
def test_the_smallest_visible_difference_of_a_family_is_that_of_its_strictest_test(clusters: int) -> None:
    drawn = np.random.default_rng(clusters).normal(0, 0.1, clusters)
    found = corrected([sample(drawn.tolist())] * 5)
    visible = found[0].smallest_visible
    assert visible is not None
    assert power_of(clusters, drawn.std(ddof=1), visible, 0.05 / 5) == pytest.approx(0.8, abs=1e-4)
    assert [
        one.verdict for one in corrected([sample(drawn.tolist(), matters=visible)] * 5, matters=visible * 0.99)
    ] == [Verdict.TOO_FEW] * 5
    assert corrected(found, matters=visible)[0].verdict == Verdict.NO_CHANGE


# --- planning ---


@pytest.mark.parametrize(("effect", "clusters"), [(0.2, 199), (0.5, 34), (0.8, 15)])
def test_clusters_needed_are_those_of_gpower(effect: float, clusters: int) -> None:
    assert clusters_needed(1.0, effect) == clusters_needed(0.1, -effect / 10) == clusters


@given(st.floats(0.01, 1), st.floats(0.01, 1), st.sampled_from([0.01, 0.05]), st.sampled_from([0.5, 0.8, 0.95]))
@settings(max_examples=40, deadline=None)
def test_clusters_needed_is_the_first_number_of_enough_power(
    sd: float, difference: float, alpha: float, power: float
) -> None:
    number = clusters_needed(sd, difference, alpha=alpha, power=power)
    assert power_of(number, sd, difference, alpha) >= power
    assert number == 2 or power_of(number - 1, sd, difference, alpha) < power


@pytest.mark.parametrize("clusters", [6, 15, 100])
def test_the_smallest_visible_difference_has_that_power(clusters: int) -> None:
    drawn = np.random.default_rng(clusters).normal(0, 0.1, clusters)
    visible = sample(drawn.tolist()).smallest_visible
    assert visible is not None
    assert power_of(clusters, drawn.std(ddof=1), visible) == pytest.approx(0.8, abs=1e-4)


def test_power_at_its_ends() -> None:
    assert power_of(10, 1.0, 0.0) == pytest.approx(0.05)
    assert power_of(2, 0.001, 1e6) == pytest.approx(1.0)
    assert (power_of(1, 1.0, 5.0), power_of(9, 0.0, 0.0), power_of(9, 0.0, 0.1)) == (0.0, 0.0, 1.0)
    assert clusters_needed(0.0, 0.1) == 2
    for sd, difference in ((1.0, 0.0), (-1.0, 1.0)):
        with pytest.raises(ValueError, match="must not be 0"):
            clusters_needed(sd, difference)


# --- means, tails and humans ---


def test_means_count_items_and_intervals_count_clusters() -> None:
    assert mean_interval([1, 0, 0, 0], ["a", "b", "b", "b"])[0] == 0.25
    assert mean_interval([0.25, 0.75], ["a", "a"]) == Interval(0.5, None, None, 2, 1)
    assert mean_interval([], []) == Interval(None, None, None, 0, 0)
    same = mean_interval([0.1] * 7, range(7))
    assert same[:3] == pytest.approx((0.1, 0.1, 0.1))
    with pytest.raises(ValueError, match="finite number"):
        mean_interval([0.1, nan], ["a", "b"])


def test_repeats_of_a_question_make_an_interval_no_narrower() -> None:
    values = np.random.default_rng(0).random(20)
    once, thrice = mean_interval(values, range(20)), mean_interval(np.tile(values, 3), [*range(20)] * 3)
    assert thrice[:3] == pytest.approx(once[:3])


def test_an_interval_stays_within_the_scores_and_widens_with_its_level() -> None:
    values = [1.0] * 9 + [0.4]
    narrow, wide = mean_interval(values, range(10), level=0.8), mean_interval(values, range(10), level=0.99)
    assert 0.4 <= wide.low <= narrow.low <= narrow.high <= wide.high <= 1  # type: ignore[operator]


def test_falls_beyond_the_limit_worst_first() -> None:
    before, after, ids = [0.8, 0.9, 0.5, 0.7, 0.7], [0.55, 0.5, 0.6, 0.2, 0.4], ["a", "d", "c", "b", "e"]
    found = falls(before, after, ids, 0.25)
    assert [one.id for one in found] == ["b", "d", "e"]
    assert found[0] == ("b", 0.7, 0.2, 0.7 - 0.2)
    assert [one.id for one in falls(before, after, ids, 0.05, higher_is_better=False)] == ["c"]
    assert falls([0.3], [0.1], ["a"], 0.2) == [], "what only rounding takes beyond the limit is at it"
    with pytest.raises(ValueError, match="finite number"):
        falls([nan], [0.1], ["a"], 0.2)


def test_pairwise_accuracy() -> None:
    humans = [1, -1, 2, -1, 0]
    assert pairwise_accuracy([0.3, -0.1, 0.0, nan, 0.9], humans) == (1 + 1 + 0.5 + 0.5) / 4
    assert pairwise_accuracy([-1, 1, -1, 1, 1], humans) == 0
    with pytest.raises(ValueError, match="tied every pair"):
        pairwise_accuracy([0.1], [0])
    with pytest.raises(ValueError, match="finite number"):
        pairwise_accuracy([0.1], [nan])


def test_the_interval_of_an_accuracy() -> None:
    metric, humans, clusters = [1, 1, -1, 1, 0, 1, 1], [1, 1, 1, 1, 1, 0, 1], list("aabbcdd")
    found = accuracy_interval(metric, humans, clusters)
    assert (found.mean, found.items, found.clusters) == (pairwise_accuracy(metric, humans), 6, 4)
    assert found.low < found.mean < found.high  # type: ignore[operator]
    assert accuracy_interval([1], [0], ["a"]) == Interval(None, None, None, 0, 0)
