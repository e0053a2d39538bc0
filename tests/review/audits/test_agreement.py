import numpy as np
import pytest

from qtgen.review.audits.agreement import Agreement, Figure, Pair, agreement_of, cohen_kappa, krippendorff_alpha

# Krippendorff (2011), example C: four observers, twelve units, missing values.
_OBSERVERS = ["123321412...", "1233224125.3", ".3332342251.", "1233244125 1.".replace(" ", "")]


def units() -> list[list[str]]:
    return [[label for label in column if label != "."] for column in zip(*_OBSERVERS, strict=True)]


def pairs_of(a: int, b: int, c: int, d: int) -> list[Pair]:
    """Return pairs with the counts of a table: both positive, first only, second only, both negative."""
    kinds = [(1, 1)] * a + [(1, 0)] * b + [(0, 1)] * c + [(0, 0)] * d
    return [Pair(first, second, f"/{number}") for number, (first, second) in enumerate(kinds)]


def test_the_published_kappa() -> None:
    assert cohen_kappa([[20, 5], [10, 15]]) == pytest.approx(0.40)


def test_the_published_alpha() -> None:
    assert krippendorff_alpha(units()) == pytest.approx(0.743, abs=0.0005)


def test_the_published_alpha_of_two_observers() -> None:
    """Krippendorff (2011), example A: binary labels of ten units by two observers."""
    first, second = "0100000010", "1110010000"
    assert krippendorff_alpha([*zip(first, second, strict=True)]) == pytest.approx(0.095, abs=0.0005)
    pairs = [Pair(int(a), int(b), str(n)) for n, (a, b) in enumerate(zip(first, second, strict=True))]
    assert agreement_of(pairs).alpha.value == pytest.approx(0.095, abs=0.0005)


def test_all_figures_of_a_table() -> None:
    agreement = agreement_of(pairs_of(20, 5, 10, 15))
    assert agreement.pairs == 50
    assert agreement.table == ((15, 10), (5, 20))
    assert agreement.raw.value == pytest.approx(0.70)
    assert agreement.positive.value == pytest.approx(40 / 55)
    assert agreement.negative.value == pytest.approx(30 / 45)
    assert agreement.kappa.value == pytest.approx(0.40)
    assert agreement.is_enough
    for figure in (agreement.raw, agreement.positive, agreement.negative, agreement.kappa, agreement.alpha):
        assert figure.low is not None
        assert figure.high is not None
        assert figure.value is not None
        assert figure.low < figure.value < figure.high


@pytest.mark.parametrize("table", [[[0, 0], [0, 0]], [[7, 0], [0, 0]], [[0, 0], [0, 9]]])
def test_kappa_is_undefined_if_chance_explains_everything(table: list[list[float]]) -> None:
    assert cohen_kappa(table) is None


@pytest.mark.parametrize("labels", [[], [[]], [["a"], ["b"]], [["a", "a"], ["a", "a"]]])
def test_alpha_is_undefined_without_pairs_or_differences(labels: list[list[str]]) -> None:
    assert krippendorff_alpha(labels) is None


def test_extreme_agreement() -> None:
    assert cohen_kappa([[5, 0], [0, 5]]) == 1
    assert cohen_kappa([[0, 5], [5, 0]]) == -1
    assert krippendorff_alpha([["a", "a"], ["b", "b"]]) == 1


def test_without_pairs_nothing_is_claimed() -> None:
    nothing = Figure(None)
    assert agreement_of([]) == Agreement(0, ((0, 0), (0, 0)), nothing, nothing, nothing, nothing, nothing)


def test_equal_labels_leave_kappa_undefined_and_agreement_complete() -> None:
    agreement = agreement_of(pairs_of(40, 0, 0, 0))
    assert agreement.kappa == agreement.alpha == agreement.negative == Figure(None)
    assert agreement.raw == agreement.positive == Figure(1.0)  # resampling equal pairs tells no interval


def test_few_pages_give_no_interval() -> None:
    agreement = agreement_of(pairs_of(2, 1, 0, 1))
    assert agreement.kappa.value == pytest.approx(0.5)
    assert agreement.kappa.low is None
    assert not agreement.is_enough


def test_a_page_stands_for_as_many_as_its_weight_says() -> None:
    weighted = [Pair(1, 1, "a", 2.0), Pair(1, 0, "b", 1.0), Pair(0, 0, "c", 3.0)]
    repeated = [pair._replace(weight=1.0) for pair in weighted for _ in range(int(pair.weight))]
    assert agreement_of(weighted).kappa.value == pytest.approx(agreement_of(repeated).kappa.value)
    assert agreement_of(weighted).raw.value == pytest.approx(5 / 6)
    scaled = [pair._replace(weight=pair.weight * 64) for pair in weighted]
    assert agreement_of(scaled) == agreement_of(weighted)


def test_weights_of_units_count_relative_to_each_other() -> None:
    assert krippendorff_alpha(units(), [7.0] * 12) == pytest.approx(0.743, abs=0.0005)
    assert krippendorff_alpha(units(), [1.0] * 11 + [100.0]) == pytest.approx(0.743, abs=0.0005)  # one label: no pair
    assert krippendorff_alpha(units(), [9.0] + [1.0] * 11) != pytest.approx(0.743, abs=0.0005)


def test_judgements_of_one_page_are_resampled_together() -> None:
    alone = agreement_of(pairs_of(40, 10, 10, 40))
    together = agreement_of([pair._replace(cluster=str(n // 10)) for n, pair in enumerate(pairs_of(40, 10, 10, 40))])
    assert together.kappa.value == alone.kappa.value
    assert _width(together.kappa) > 1.5 * _width(alone.kappa)


def _width(figure: Figure) -> float:
    assert figure.high is not None
    assert figure.low is not None
    return figure.high - figure.low


def test_the_interval_of_kappa_covers_the_true_value() -> None:
    """Two reviewers who each see the truth with a probability of 0.9, and 20% bad pages."""
    generator, runs, covered = np.random.default_rng(5), 150, 0
    p, right = 0.2, 0.9
    both = [[0.0, 0.0], [0.0, 0.0]]
    for truth, share in ((0, p), (1, 1 - p)):
        for first in (0, 1):
            for second in (0, 1):
                chance = (right if first == truth else 1 - right) * (right if second == truth else 1 - right)
                both[first][second] += share * chance
    true_kappa = cohen_kappa(both)
    for _ in range(runs):
        is_good = generator.random(200) >= p
        judged = [np.where(generator.random(200) < right, is_good, ~is_good).astype(int).tolist() for _ in range(2)]
        kappa = agreement_of([Pair(a, b, str(n)) for n, (a, b) in enumerate(zip(*judged, strict=True))]).kappa
        covered += (kappa.low or 0) <= (true_kappa or 0) <= (kappa.high or 0)
    assert covered / runs >= 0.9
