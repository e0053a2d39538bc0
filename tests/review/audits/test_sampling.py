import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import kstest  # type: ignore[import-untyped, unused-ignore]

from qtgen.review.audits.sampling import inclusion_probabilities, order_of, uniform, uniforms, weights

URLS = [f"/learn/biology/questions/{number}" for number in range(5_000)]


def test_the_numbers_are_uniform_and_depend_on_seed_url_and_purpose_alone() -> None:
    numbers = uniforms(1, URLS)
    assert kstest(numbers, "uniform").pvalue > 0.01
    assert ((numbers > 0) & (numbers < 1)).all()
    assert numbers.tolist() == [uniform(1, url) for url in URLS]
    for other in (uniforms(2, URLS), uniforms(1, URLS, "second")):
        assert abs(float(np.corrcoef(numbers, other)[0, 1])) < 0.05


def test_the_order_of_a_page_does_not_depend_on_the_other_pages() -> None:
    every = [URLS[position] for position in order_of(uniforms(7, URLS), URLS)]
    some = URLS[::3]
    assert [some[position] for position in order_of(uniforms(7, some), some)] == [
        url for url in every if url in set(some)
    ]


def test_equal_keys_are_sorted_by_url() -> None:
    assert order_of(np.array([0.5, 0.5, 0.1]), ["/b", "/a", "/c"]) == [2, 1, 0]


def test_weights_have_a_mean_of_one_and_favour_doubt() -> None:
    predictions = np.linspace(0, 1, 101)
    values = weights(predictions)
    assert values.mean() == pytest.approx(1)
    assert values.min() == values[0] == values[-1] == 0.5
    assert values.argmax() == 50


@pytest.mark.parametrize("predictions", [[], [0.3], [0.0, 0.0], [1.0], [0.9, 0.9, 0.9]])
def test_weights_without_any_difference_are_one(predictions: list[float]) -> None:
    assert weights(predictions).tolist() == pytest.approx([1.0] * len(predictions))


@pytest.mark.parametrize("count", [0, 1, 2, 5, 8, 9, 10, 50])
def test_probabilities_sum_to_the_number_of_pages(count: int) -> None:
    values = np.array([0.5, 0.5, 0.5, 0.6, 0.7, 1.0, 1.0, 2.0, 3.0, 9.0])
    probabilities = inclusion_probabilities(values, count)
    assert probabilities.sum() == pytest.approx(min(count, 10))
    assert ((probabilities >= 0) & (probabilities <= 1)).all()
    open_ones = probabilities < 1
    if count and open_ones.any():
        assert np.ptp(probabilities[open_ones] / values[open_ones]) == pytest.approx(0)
        assert (np.diff(probabilities) >= 0).all()


def test_a_share_above_one_is_given_to_the_others() -> None:
    assert inclusion_probabilities([1, 1, 8], 2).tolist() == pytest.approx([0.5, 0.5, 1.0])
    assert inclusion_probabilities([1, 1, 1], 3).tolist() == [1, 1, 1]
    assert inclusion_probabilities([], 3).tolist() == []


def test_sequential_poisson_sampling_draws_with_the_probabilities() -> None:
    """Ohlsson (1998): sorting by r/w draws each page with a probability near n·w/Σw."""
    generator = np.random.default_rng(3)
    values, count, runs = generator.uniform(0.5, 4.0, 300), 60, 4_000
    keys: NDArray[np.float64] = generator.random((runs, len(values))) / values
    drawn = np.argpartition(keys, count, axis=1)[:, :count]
    shares = np.bincount(drawn.ravel(), minlength=len(values)) / runs
    assert np.abs(shares - inclusion_probabilities(values, count)).max() < 0.035
