"""Agreement between judgements: Krippendorff's alpha against published and computed values."""

import random

import pytest

from qtgen.evaluation.judging.agreement import Opinion, judge_agreements, krippendorff_alpha
from qtgen.review.audits.agreement import krippendorff_alpha as nominal_alpha

# Krippendorff (2011), section D: 12 units, up to 4 observers, None for a missing value.
_OBSERVERS = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
    [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
]
UNITS = [[value for value in unit if value is not None] for unit in zip(*_OBSERVERS, strict=True)]


def test_the_published_example() -> None:
    numbers = [[float(value) for value in unit] for unit in UNITS]
    labels = [[str(value) for value in unit] for unit in UNITS]
    places = list(range(len(UNITS)))
    assert krippendorff_alpha(numbers, places)[0] == pytest.approx(0.849, abs=5e-4)
    alpha, low, high = krippendorff_alpha(labels, places)
    assert alpha is not None
    assert low is not None
    assert high is not None
    assert alpha == pytest.approx(0.743, abs=5e-4)
    assert 0.3 < low < alpha < high <= 1


def test_labels_give_the_nominal_alpha_of_the_audits() -> None:
    source = random.Random(3)
    units = [[source.choice(("made", "missing", "contradicted")) for _ in range(3)] for _ in range(40)]
    assert krippendorff_alpha(units, list(range(40)))[0] == pytest.approx(nominal_alpha(units))


@pytest.mark.parametrize("units", [[], [[1.0]], [[0.5, 0.5], [0.5, 0.5]], [["made", "made"]] * 9])
def test_without_differences_alpha_is_undefined(units: list[list[float | str]]) -> None:
    assert krippendorff_alpha(units, list(range(len(units)))) == (None, None, None)


def test_few_items_have_no_interval() -> None:
    assert krippendorff_alpha([[0.0, 0.0], [1.0, 1.0]] * 2, [0, 1, 2, 3]) == (1.0, None, None)
    many_claims_of_two_items = [["made", "made"], ["missing", "made"]] * 20
    assert krippendorff_alpha(many_claims_of_two_items, [0, 1] * 20)[1:] == (None, None)


def test_the_interval_counts_items_and_not_claims() -> None:
    source = random.Random(5)
    units, items = [], []
    for item in range(12):
        agrees = item % 2 == 0
        for _ in range(10):
            first = source.choice(("made", "missing"))
            units.append([first, first if agrees else source.choice(("made", "missing"))])
            items.append(item)
    _, low, high = krippendorff_alpha(units, items)
    _, low_of_claims, high_of_claims = krippendorff_alpha(units, list(range(len(units))))
    assert None not in (low, high, low_of_claims, high_of_claims)
    assert (high or 0) - (low or 0) > (high_of_claims or 0) - (low_of_claims or 0)


def _opinions(judge: str, values: list[list[float]]) -> list[Opinion]:
    return [Opinion(judge, "judge", item, value) for item, row in enumerate(values) for value in row]


def test_judgements_of_one_judge_and_judges_are_compared() -> None:
    first = _opinions("a", [[1.0, 1.0, 1.0], [0.5, 0.5, 0.25], [0.0, 0.0, 0.0]])
    second = _opinions("b", [[1.0], [0.5], [0.0]])
    found = judge_agreements([*first, *second])
    assert [(one.metric, one.between, one.judgements, one.units) for one in found] == [
        ("judge", "a", 3, 3),
        ("judge", "judges", 2, 3),
    ]
    assert found[0].equal == pytest.approx(2 / 3)
    assert found[0].alpha is not None
    assert 0.8 < found[0].alpha < 1


def test_verdicts_are_compared_claim_by_claim() -> None:
    def opinion(judge: str, item: int, *labels: str) -> Opinion:
        return Opinion(judge, "judge_must_recall", item, labels.count("made") / len(labels), labels)

    opinions = [
        opinion("a", 0, "made", "missing"),
        opinion("a", 0, "made", "missing"),
        opinion("a", 0, "made", "made"),
        opinion("b", 0, "made", "missing"),
        opinion("a", 1, "missing"),
        opinion("a", 1, "missing"),
        opinion("b", 1, "made"),
    ]
    of_a, between = judge_agreements(opinions)
    assert (of_a.between, of_a.units, of_a.items) == ("a", 3, 2)
    assert (between.units, between.items) == (3, 2)
    assert of_a.equal == pytest.approx(2 / 3)
    assert between.equal == pytest.approx(2 / 3), "a's most frequent verdicts count"


def test_one_judgement_has_nothing_to_agree_with() -> None:
    assert judge_agreements(_opinions("a", [[1.0], [0.5]])) == ()
    assert judge_agreements([]) == ()
