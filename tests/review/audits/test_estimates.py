from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import hypergeom  # type: ignore[import-untyped, unused-ignore]

from qtgen.review.audits.estimates import Rate, audit_rate, exact_interval, next_rate
from qtgen.review.audits.sampling import inclusion_probabilities, weights

Floats = NDArray[np.float64]
PAGES, READ, RUNS = 2_000, 300, 600


def population(bad_share: float, seed: int, *, useful: bool = True) -> tuple[Floats, Floats]:
    """Return the labels of all pages, exactly `bad_share` of them bad, and predictions that know something of them."""
    generator = np.random.default_rng(seed)
    labels = np.ones(PAGES)
    labels[: round(bad_share * PAGES)] = 0.0
    noise = generator.normal(0, 1, PAGES)
    linear = 1.5 + 2 * labels * useful + noise
    return labels, 1 / (1 + np.exp(-linear))


@pytest.mark.parametrize("useful", [True, False])
@pytest.mark.parametrize("bad_share", [0.02, 0.05, 0.1, 0.2])
def test_the_interval_of_an_audit_covers_the_true_rate(bad_share: float, useful: bool) -> None:
    labels, predictions = population(bad_share, 1, useful=useful)
    generator, covered = np.random.default_rng(2), 0
    for _ in range(RUNS):
        drawn = generator.permutation(PAGES)[:READ]
        bad = int((labels[drawn] < 1).sum())
        low, high = _exact_rate(bad) if bad < 10 else audit_rate(labels[drawn], predictions[drawn], predictions)[1:3]
        covered += low <= 1 - bad_share + 1e-12 and high >= 1 - bad_share - 1e-12
    assert covered / RUNS >= 0.92


@cache
def _exact_rate(bad: int) -> tuple[float, float]:
    labels = np.ones(READ)
    labels[:bad] = 0.0
    rate = audit_rate(labels, np.zeros(READ), np.zeros(PAGES))
    assert rate.method == "exact"
    return rate.low, rate.high


@pytest.mark.parametrize("useful", [True, False])
@pytest.mark.parametrize("bad_share", [0.05, 0.1, 0.2])
def test_the_interval_of_the_queue_next_covers_the_true_rate(bad_share: float, useful: bool) -> None:
    labels, predictions = population(bad_share, 3, useful=useful)
    page_weights = weights(predictions)
    probabilities = inclusion_probabilities(page_weights, READ)
    generator, covered, known, errors = np.random.default_rng(4), 0, 0, []
    for _ in range(RUNS):
        drawn = np.argpartition(generator.random(PAGES) / page_weights, READ)[:READ]
        rate = next_rate(labels[drawn], predictions[drawn], probabilities[drawn], predictions)
        if rate is None:
            continue
        known += 1
        covered += rate.low <= 1 - bad_share <= rate.high
        errors.append((rate.value or 0.0) - (1 - bad_share))
    assert known > 0.8 * RUNS
    assert covered / known >= 0.92
    assert abs(float(np.mean(errors))) < 0.004


def test_a_good_prediction_narrows_the_interval_and_a_useless_one_costs_nothing() -> None:
    generator = np.random.default_rng(5)
    widths = {}
    for name, useful in (("useful", True), ("useless", False)):
        labels, predictions = population(0.2, 6, useful=useful)
        drawn = generator.permutation(PAGES)[:READ]
        rate = audit_rate(labels[drawn], predictions[drawn], predictions)
        plain = audit_rate(labels[drawn], np.full(READ, 0.5), np.full(PAGES, 0.5))
        assert plain.slope == 0.0
        widths[name] = (rate.high - rate.low) / (plain.high - plain.low)
    assert widths["useful"] < 0.9
    assert widths["useless"] == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize(("pages", "read", "bad"), [(50, 10, 0), (50, 10, 3), (50, 10, 10), (20, 19, 4), (7, 1, 1)])
def test_the_exact_interval_is_that_of_two_tests(pages: int, read: int, bad: int) -> None:
    totals = np.arange(bad, pages - (read - bad) + 1)
    fits = (hypergeom.sf(bad - 1, pages, totals, read) > 0.025) & (hypergeom.cdf(bad, pages, totals, read) > 0.025)
    assert exact_interval(pages, read, bad) == (totals[fits][0], totals[fits][-1])


def test_the_exact_interval_at_the_ends() -> None:
    assert exact_interval(100, 0, 0) == (0, 100)
    assert exact_interval(100, 100, 7) == (7, 7)
    assert exact_interval(1, 1, 1) == (1, 1)
    assert exact_interval(1, 0, 0) == (0, 1)


def test_without_pages_or_labels_nothing_is_claimed() -> None:
    nothing = np.zeros(0)
    assert audit_rate(nothing, nothing, nothing) == Rate(None, 0.0, 1.0, "exact", 0, 0)
    assert audit_rate(nothing, nothing, np.full(9, 0.5)) == Rate(None, 0.0, 1.0, "exact", 0, 0)
    assert next_rate(nothing, nothing, nothing, nothing) is None


def test_all_labels_equal() -> None:
    rate = audit_rate(np.ones(50), np.full(50, 0.9), np.full(1_000, 0.9))
    assert rate.value == 1.0
    assert rate.low == pytest.approx(0.93, abs=0.01)
    assert rate.high == 1.0
    assert rate.bad_share == pytest.approx((0.0, 0.0, 1 - rate.low))
    assert audit_rate(np.zeros(50), np.full(50, 0.9), np.full(1_000, 0.9)).value == 0.0
    assert next_rate(np.ones(50), np.full(50, 0.9), np.full(50, 0.05), np.full(1_000, 0.9)) is None


def test_a_batch_that_was_read_completely_has_no_doubt_left() -> None:
    labels, predictions = population(0.1, 7)
    rate = audit_rate(labels, predictions, predictions)
    assert (rate.low, rate.value, rate.high) == pytest.approx((0.9, 0.9, 0.9))
    everything = next_rate(labels, predictions, np.ones(PAGES), predictions)
    assert everything is not None
    assert (everything.low, everything.value, everything.high) == pytest.approx((0.9, 0.9, 0.9))


def test_disputed_labels_count_half() -> None:
    labels = np.array([1.0] * 60 + [0.5] * 20 + [0.0] * 20)
    rate = audit_rate(labels, np.full(100, 0.5), np.full(1_000, 0.5))
    assert rate.value == pytest.approx(0.7)
    assert (rate.read, rate.bad, rate.method) == (100, 40, "difference")
