"""Nuggets: claims that a text makes, misses or contradicts."""

from dataclasses import replace

import pytest

from qtgen.evaluation.metrics import METRICS, AnalyzedText, Case, Score
from qtgen.evaluation.metrics.nuggets import ASSIGNED, claim_dispute, claim_support

CLAIM = "Water boils at 100 degrees Celsius at sea level."
TEXT = "At sea level, water boils at 100 degrees Celsius. Salt raises the boiling point a little."


def recall(text: str, *claims: str) -> Score:
    case = Case(AnalyzedText("When does water boil?"), (AnalyzedText(TEXT),), AnalyzedText(text))
    return METRICS["must_recall"].function(replace(case, must=tuple(map(AnalyzedText, claims))))


@pytest.mark.parametrize(
    "text",
    [
        "Water does not boil at 100 degrees Celsius at sea level.",
        "Water never boils at 100 degrees Celsius at sea level.",
        "Water boils at 80 degrees Celsius at sea level.",
        "Water freezes at 100 degrees Celsius at sea level.",
    ],
)
def test_a_nugget_that_the_text_contradicts_is_not_stated(text: str) -> None:
    assert claim_support(AnalyzedText(text), AnalyzedText(CLAIM)) >= ASSIGNED, "the words alone would assign it"
    assert recall(text, CLAIM) == (0.0, f"0 of 1; contradicted: {CLAIM}")


def test_a_nugget_is_stated_missing_or_contradicted() -> None:
    missing, denied = "Copper melts at 1085 degrees.", "Salt lowers the boiling point a little."
    share, note = recall(TEXT, CLAIM, missing, denied)
    assert share == pytest.approx(1 / 3)
    assert note == f"1 of 3; contradicted: {denied}; missing: {missing}"
    assert recall(f"{TEXT} Water does not boil at 100 degrees Celsius at sea level.", CLAIM)[0] == 1.0, "said as well"


def test_a_claim_is_disputed_most_by_a_text_that_contradicts_it() -> None:
    texts = [
        "Bananas are yellow.",
        TEXT,
        "No liquid reaches its boiling point of 100 degrees near the sea.",
        "Water does not boil at 100 degrees Celsius at sea level.",
    ]
    disputes = [claim_dispute(AnalyzedText(text), AnalyzedText(CLAIM)) for text in texts]
    assert disputes[3] == max(disputes) == 1.0
    assert disputes[2] > disputes[0]
    assert disputes[2] > disputes[1]
