"""Sentences that a grammar cut off, and those that only look so."""

import pytest

from qtgen.generation.cut_sentences import repair_cut_sentences
from qtgen.generation.search_grammar import SENTENCE_MAX

WHOLE = "Osmosis moves water through a membrane, and it holds the solute back until both sides balance."


@pytest.mark.parametrize(
    ("text", "repaired"),
    [
        (f"{WHOLE} Computers make knowledge easier for people to access and.",
         f"{WHOLE} Computers make knowledge easier for people to access."),
        (f"{WHOLE} Cells need water, salt, and.", f"{WHOLE} Cells need water, salt."),
        (f"{WHOLE} The pores of the wall are small, which keeps sugar inside of the.",
         f"{WHOLE} The pores of the wall are small."),
        (f"{WHOLE} Water flows to the.", WHOLE),
        (f"Water flows to a. {WHOLE}", WHOLE),
        (f"{WHOLE} Water moves because.", f"{WHOLE} Water moves."),
    ],
)  # fmt: skip
def test_a_sentence_that_ends_in_a_dangling_word_is_cut_back_or_dropped(text: str, repaired: str) -> None:
    assert repair_cut_sentences(text, is_limited=False) == repaired
    assert repair_cut_sentences(repaired, is_limited=False) == repaired


@pytest.mark.parametrize(
    "text",
    [
        WHOLE,
        f"{WHOLE} This is what a cell consists of. It is the medium they live in.",
        f"{WHOLE} Vitamin A. It is found in carrots.",
        f"{WHOLE} It is a  text with  spaces.",
        "Cells need the.",
        "The and.",
        "",
    ],
)
def test_other_texts_are_unchanged(text: str) -> None:
    assert repair_cut_sentences(text, is_limited=False) == text


@pytest.mark.parametrize("length", [SENTENCE_MAX, SENTENCE_MAX - 1])
def test_a_sentence_of_the_greatest_length_was_cut_within_a_word(length: int) -> None:
    clause = "Water moves through the membrane of each cell to the side with more solute"
    sentence = f"{clause}, which {'x' * (length - len(clause) - 9)}."
    assert len(sentence) == length
    assert repair_cut_sentences(f"{WHOLE} {sentence}", is_limited=True) == f"{WHOLE} {clause}."
    assert repair_cut_sentences(f"In summary, {sentence}", is_limited=True) == f"In summary, {clause}."
    assert repair_cut_sentences(f"{WHOLE} {sentence}", is_limited=False) == f"{WHOLE} {sentence}"
    shorter = sentence[:-3] + "."
    assert repair_cut_sentences(f"{WHOLE} {shorter}", is_limited=True) == f"{WHOLE} {shorter}"
