import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import betabinom, hypergeom  # type: ignore[import-untyped, unused-ignore]

from qtgen.errors import UsageError
from qtgen.review.audits.acceptance import (
    FixedRule,
    Rule,
    SequentialRule,
    bounds_of,
    check_parameters,
    fixed_sample_size,
    limit_of,
    promise,
)

Floats = NDArray[np.float64]

BATCH = SequentialRule(5_000, 0.02, 0.95)
SMALL = [(1, 0.5), (2, 0.5), (7, 0.3), (40, 0.1), (50, 0.9), (80, 0.02)]


def fixed(allowed: int, pages: int = 5_000, tolerance: float = 0.02, confidence: float = 0.95) -> FixedRule:
    limit = limit_of(pages, tolerance)
    return FixedRule(pages, tolerance, confidence, allowed, fixed_sample_size(pages, limit, confidence, allowed))


@pytest.mark.parametrize(("allowed", "sample"), [(0, 145), (1, 229), (2, 304), (3, 373)])
def test_the_sample_sizes_of_the_plan(allowed: int, sample: int) -> None:
    assert fixed(allowed).sample == sample
    assert hypergeom.cdf(allowed, 5_000, 101, sample) <= 0.05 < hypergeom.cdf(allowed, 5_000, 101, sample - 1)


def test_the_sequential_rule_accepts_after_197_clean_pages() -> None:
    bounds = bounds_of(BATCH)
    assert bounds.accept[196] == -1
    assert bounds.accept[197] == 0
    assert not BATCH.accepts(197, 1)


@pytest.mark.parametrize(
    ("pages", "tolerance", "limit"), [(5_000, 0.02, 101), (100, 0.29, 30), (1, 0.5, 1), (3, 0.999, 3)]
)
def test_the_tolerance_counts_as_the_decimal_number_that_was_written(pages: int, tolerance: float, limit: int) -> None:
    assert limit_of(pages, tolerance) == limit


@pytest.mark.parametrize("tolerance", [0, 1, -0.1, 1.5, float("nan")])
def test_a_tolerance_that_is_no_share_is_refused(tolerance: float) -> None:
    with pytest.raises(UsageError, match="not a share between 0 and 1"):
        check_parameters(100, tolerance, 0.95)


@pytest.mark.parametrize("confidence", [0.2, 1.0, float("nan")])
def test_a_confidence_outside_the_range_is_refused(confidence: float) -> None:
    with pytest.raises(UsageError, match="not between"):
        check_parameters(100, 0.02, confidence)


def test_an_empty_batch_is_refused() -> None:
    with pytest.raises(UsageError, match="no pages"):
        check_parameters(0, 0.02, 0.95)


@pytest.mark.parametrize("allowed", [-1, 101])
def test_no_more_bad_pages_can_be_allowed_than_are_tolerated(allowed: int) -> None:
    with pytest.raises(UsageError, match="cannot be allowed"):
        fixed_sample_size(5_000, 101, 0.95, allowed)


def test_the_largest_number_of_allowed_pages_needs_nearly_the_whole_batch() -> None:
    assert fixed_sample_size(50, 5, 0.95, 4) == 50
    assert fixed_sample_size(1, 1, 0.95, 0) == 1


@pytest.mark.parametrize(("pages", "tolerance"), SMALL)
def test_the_bounds_are_those_of_the_definition(pages: int, tolerance: float) -> None:
    """Compare with the definition: the batch is accepted once every number of bad pages from the limit on is out."""
    rule = SequentialRule(pages, tolerance, 0.95)
    bounds = bounds_of(rule)
    for read in range(1, pages + 1):
        for bad in range(read + 1):
            ratios = _posterior_to_prior(rule, read, bad)
            is_out = ratios <= 0.05 * (1 + 1e-9)
            assert (bad <= bounds.accept[read]) == is_out[rule.limit :].all()
            assert (bad >= bounds.reject[read]) == is_out[: rule.limit].all()
            if not is_out.all():
                assert rule.interval(read, bad) == (np.flatnonzero(~is_out)[0], np.flatnonzero(~is_out)[-1])


def _posterior_to_prior(rule: SequentialRule, read: int, bad: int) -> Floats:
    totals = np.arange(rule.pages + 1)
    prior = betabinom.pmf(totals, rule.pages, 0.5, 0.5 / rule.tolerance)
    likelihood = hypergeom.pmf(bad, rule.pages, totals, read)
    ratios: Floats = likelihood / (prior * likelihood).sum()
    return ratios


@pytest.mark.parametrize(("pages", "tolerance"), SMALL)
def test_reading_everything_always_gives_a_verdict(pages: int, tolerance: float) -> None:
    bounds = bounds_of(SequentialRule(pages, tolerance, 0.95))
    assert bounds.accept[pages] + 1 == bounds.reject[pages] == limit_of(pages, tolerance)


def simulate(rule: Rule, bad_in_batch: int, runs: int, seed: int) -> float:
    """Return the share of batches that the rule accepts, if pages are read in random order."""
    bounds, generator = bounds_of(rule), np.random.default_rng(seed)
    batch = np.arange(rule.pages) < bad_in_batch
    accepted = 0
    for _ in range(runs):
        bad = np.cumsum(generator.permutation(batch)[: rule.most_read])
        accepts, rejects = bad <= bounds.accept[1:], bad >= bounds.reject[1:]
        first = int(np.argmax(accepts | rejects))
        accepted += bool(accepts[first])
    return accepted / runs


@pytest.mark.parametrize("rule", [BATCH, fixed(0), fixed(3)], ids=["sequential", "0 allowed", "3 allowed"])
def test_a_batch_with_too_many_bad_pages_is_rarely_accepted(rule: Rule) -> None:
    share = simulate(rule, rule.limit, 4_000, 1)
    assert share <= 0.05 + 0.01  # the exact figure is at most 0.05; three standard errors of the simulation are 0.01
    exact = promise(rule, rule.limit).accepted
    assert exact <= 0.05
    assert share == pytest.approx(exact, abs=0.012)


def test_checking_an_exact_bound_after_every_page_breaks_the_promise() -> None:
    """The bound holds for a number of pages that is known beforehand, and not for the best moment of many."""
    generator = np.random.default_rng(2)
    batch, runs, accepted = np.arange(5_000) < 101, 1_000, 0
    accept = np.array([_exact_bound(read) for read in range(1, 1_001)])
    for _ in range(runs):
        accepted += bool((np.cumsum(generator.permutation(batch)[:1_000]) <= accept).any())
    assert accepted / runs == pytest.approx(0.18, abs=0.05)


def _exact_bound(read: int) -> int:
    """Return the largest number of bad pages at which 101 in the batch are rejected with 95% confidence, or −1."""
    numbers = np.arange(0, 21)
    return int((hypergeom.cdf(numbers, 5_000, 101, read) <= 0.05).sum()) - 1


@pytest.mark.parametrize("bad", [0, 25, 50])
def test_the_promise_is_what_happens(bad: int) -> None:
    assert simulate(BATCH, bad, 300, 3) == pytest.approx(promise(BATCH, bad).accepted, abs=0.01)


def test_the_promise_of_a_fixed_plan_is_hypergeometric() -> None:
    for allowed in range(4):
        rule = fixed(allowed)
        assert promise(rule, 50).accepted == pytest.approx(hypergeom.cdf(allowed, 5_000, 50, rule.sample))
        assert promise(rule, 0).mean_read == rule.sample
    assert promise(fixed(0), 5_000) == pytest.approx((0.0, 1.0))
