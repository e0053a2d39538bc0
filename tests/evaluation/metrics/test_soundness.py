"""Soundness: texts that are no answers in sentences, and how long and in which order answers are."""

import random
from dataclasses import replace

import pytest

from qtgen.evaluation.metrics import METRICS, AnalyzedText, Case, Score
from qtgen.page.profile import default_profile
from support import ROOT

REFERENCE = (
    "Osmosis is the movement of water through a partially permeable membrane. The membrane lets water through but holds "
    "back dissolved substances such as salt. Water moves to the side with more dissolved substance. A plant cell in pure "
    "water becomes turgid, and an animal cell may burst."
)
QUESTION = "What is osmosis?"
GERMAN = (
    "Das Wasser wandert durch die Membran auf die Seite, auf der mehr Salz gelöst ist, und die Zelle wird prall. " * 2
)


def shuffled(text: str) -> str:
    words = text.split()
    random.Random(4).shuffle(words)
    return " ".join(words) + "."


def value(name: str, candidate: str, question: str = QUESTION) -> Score:
    case = Case(AnalyzedText(question), (AnalyzedText(REFERENCE),), AnalyzedText(candidate))
    return METRICS[name].function(case)


@pytest.mark.parametrize(
    ("candidate", "most", "reason"),
    [
        (shuffled(REFERENCE), 0.1, "the reference's words in another order"),
        (REFERENCE.replace(" ", ""), 0.05, "hardly any English word"),
        (GERMAN, 0.1, "another language than the reference"),
        (f"{QUESTION} Osmosis!", 0.1, "only words of the question"),
        ("Osmosis moves water. " * 20, 0.12, "of it is repeated"),
        (REFERENCE[:-30], 0.8, "ends in the middle of a sentence"),
    ],
)
def test_a_text_that_is_no_answer_is_not_sound(candidate: str, most: float, reason: str) -> None:
    score = value("soundness", candidate)
    assert score.value is not None
    assert score.value <= most
    assert reason in score.note


@pytest.mark.parametrize(
    "candidate",
    [
        REFERENCE,
        "Water crosses a membrane that holds solutes back, towards the side where more is dissolved.",
        "It is the movement of water:\n\n1. **Membrane**: it lets water through\n2. **Salt**: it is held back",
        "Yes",
        "Water moves.\n\n$$\\Pi = iMRT$$",
        "The water potential is lower there, and so water moves through the membrane until both sides are equal",  # short
    ],
)
def test_an_answer_in_sentences_is_sound(candidate: str) -> None:
    assert value("soundness", candidate) == Score(1.0, "")


def test_every_shipped_reference_is_sound() -> None:
    from qtgen.evaluation.suites.suite import load_suite

    for reference in load_suite(ROOT / "evals" / "core", default_profile()).references:
        text = AnalyzedText(reference.answer)
        case = Case(AnalyzedText(reference.question.text), (text,), text)
        assert METRICS["soundness"].function(case).value == 1.0, reference.id


def test_the_nearest_reference_decides_whether_words_are_a_heap() -> None:
    text = AnalyzedText(shuffled(REFERENCE))
    case = Case(AnalyzedText(QUESTION), (AnalyzedText(REFERENCE), text), text)
    assert METRICS["soundness"].function(case).value == 1.0
    assert METRICS["soundness"].function(replace(case, references=case.references[:1])).value == 0.1


def test_excess_length_is_the_logarithm_of_the_ratio() -> None:
    assert value("excess_length", REFERENCE).value == 0.0
    assert value("excess_length", REFERENCE[:60]).value == 0.0
    assert value("excess_length", f"{REFERENCE} {REFERENCE}").value == pytest.approx(0.693, abs=1e-3)
    assert value("excess_length", REFERENCE * 400).value == 5.0


def test_disorder_counts_statements_in_the_opposite_order() -> None:
    sentences = [f"{sentence}." for sentence in REFERENCE.rstrip(".").split(". ")]
    assert value("disorder", REFERENCE).value == 0.0
    assert value("disorder", " ".join(sentences[::-1])).value == 1.0
    assert value("disorder", " ".join([*sentences[2:], *sentences[:2]])).value == pytest.approx(1 / 3)
    assert value("disorder", "Bananas are yellow. Trains run late.").value == 0.0


def test_an_answer_may_end_as_the_reference_does() -> None:
    text = f"{REFERENCE} The cell wall protects a plant"
    cut_off = Case(AnalyzedText(QUESTION), (AnalyzedText(REFERENCE),), AnalyzedText(text))
    assert METRICS["soundness"].function(cut_off).value == 0.8
    assert METRICS["soundness"].function(replace(cut_off, references=(AnalyzedText(text),))).value == 1.0
