"""Contradictions: sentences with other numbers, other units, a negation or an opposite."""

import pytest

from qtgen.evaluation.metrics import METRICS, AnalyzedText, Case
from qtgen.evaluation.metrics.contradiction import amounts

REFERENCE = (
    "Short waves are scattered about 9 times as strongly as long ones. At noon the way through the air is 10 km long. "
    "The sky is blue because of scattering. The pressure rises when the gas gets hot."
)


@pytest.mark.parametrize(
    ("sentence", "reason"),
    [
        ("Short waves are scattered about 4 times as strongly as long ones.", "different number (4)"),
        ("At noon the way through the air is 10 m long.", "different unit (10m)"),
        ("At noon the way through the air is 0.5 km long.", "different number (0.5km)"),
        ("The sky is not blue because of scattering.", "negation"),
        ("The pressure falls when the gas gets hot.", "opposite (falls)"),
        ("At noon the way through the air is 10 kilometres long.", ""),
        ("At noon the way through the air is $10^3$ km long.", ""),
        ("Short waves are scattered about 9 times as strongly as long ones.", ""),
        ("Bananas are yellow, and 7 of them make a bunch.", ""),
    ],
)
def test_contradictions_are_flagged(sentence: str, reason: str) -> None:
    case = Case(AnalyzedText("Why?"), (AnalyzedText(REFERENCE),), AnalyzedText(sentence))
    score = METRICS["contradiction"].function(case)
    assert score.note.startswith(reason)
    assert (score.value == 1.0) is bool(reason)


def test_amounts_are_read_with_their_units() -> None:
    assert amounts("1,200 km in 2.5 h, 7 apples and 30%") == [(1200.0, "km"), (2.5, "h"), (7.0, ""), (30.0, "%")]
    assert amounts("10 000 metres at -5 degrees Celsius in the 1990s, 3-4 s") == [
        (10000.0, "m"), (-5.0, "°C"), (1990.0, ""), (3.0, ""), (4.0, "s")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("reference", "sentence", "least"),
    [
        ("The talks took four years of hard work.", "The talks took four months of hard work.", 1.0),
        ("Do not share a default that is not a number.", "Do share a default that is not a number.", 1.0),
        ("The valve lets oxygen into the tank.", "The valve lets mercury into the tank.", 0.4),
    ],
)
def test_signs_count_as_far_as_they_can_be_trusted(reference: str, sentence: str, least: float) -> None:
    case = Case(AnalyzedText("Why?"), (AnalyzedText(reference),), AnalyzedText(sentence))
    value = METRICS["contradiction"].function(case).value
    assert value is not None
    assert value >= least


def test_a_frequent_word_for_another_counts_little() -> None:
    case = Case(
        AnalyzedText("Why?"),
        (AnalyzedText("The balance of salt is governed by several key hormones of the body."),),
        AnalyzedText("The balance of salt is governed by several main hormones of the body."),
    )
    assert 0.0 <= (METRICS["contradiction"].function(case).value or 0.0) < 0.12


def test_a_short_item_may_have_another_order() -> None:
    case = Case(AnalyzedText("Why?"), (AnalyzedText("The pressure is lower there."),), AnalyzedText("- lower pressure"))
    assert METRICS["contradiction"].function(case).value == 0.0
