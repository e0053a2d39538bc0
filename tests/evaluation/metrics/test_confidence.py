"""Confidence: whether an offline score can be trusted."""

import pytest

from qtgen.evaluation.metrics.confidence import LOW
from qtgen.evaluation.scoring import score

QUESTION = "Why is the sky blue?"
REFERENCE = (
    "Sunlight holds all colours. Molecules of the air scatter short wavelengths far more strongly than long ones, so blue "
    "light reaches our eyes from every part of the sky."
)


@pytest.mark.parametrize(
    ("candidate", "is_low"),
    [
        (REFERENCE, False),
        (
            "Air molecules scatter the short wavelengths of sunlight more than the long ones, so the sky looks blue.",
            False,
        ),
        (
            "Tiny gas particles overhead knock the bluish part of daylight sideways, so you meet its glow anywhere.",
            True,
        ),
        ("The sky is blue because it mirrors the oceans, whose colour the clouds throw back.", True),
        ("A good loaf starts with flour, salt and a lively starter. Bake it in a hot pot for twenty minutes.", False),
    ],
)
def test_an_answer_on_the_topic_in_other_words_needs_a_judge(candidate: str, is_low: bool) -> None:
    result = score(QUESTION, REFERENCE, candidate)
    confidence = result.metrics["confidence"]
    assert confidence is not None
    assert (confidence < LOW) is is_low
    assert ("few words of the reference" in result.notes.get("confidence", "")) is is_low


def test_confidence_is_measured_whatever_metrics_are_chosen() -> None:
    assert "confidence" in score(QUESTION, REFERENCE, REFERENCE, metrics=["bleu"]).metrics
