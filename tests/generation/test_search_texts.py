"""Descriptions and keywords that are taken from an answer."""

import pytest

from qtgen.generation.search_texts import describe, describe_by, finish, keywords, shorten
from support.default_site import DESCRIPTION_TEXT, KEYWORDS_TEXT
from support.default_tables import DESCRIPTION_MAX, DESCRIPTION_MIN, KEYWORDS_MIN, KEYWORDS_REQUESTED

SENTENCE = "Osmosis is the passage of water through a membrane to the side with more solute."
LONG = (
    "Osmosis moves water through a membrane that holds the solute back, which goes on until both sides have the same "
    "concentration or the pressure stops it."
)


QUESTION = "What is osmosis?"


@pytest.mark.parametrize(
    ("sentence", "short"),
    [
        (SENTENCE, SENTENCE),
        (LONG, "Osmosis moves water through a membrane that holds the solute back."),
        ("Too short.", None),
        ("x" * 200, None),
        (f"{'word ' * 30}(an aside, which is long) and more.", None),
    ],
)
def test_a_long_sentence_is_cut_at_a_clause(sentence: str, short: str | None) -> None:
    assert shorten(sentence, low=50, high=122) == short
    assert short is None or DESCRIPTION_MIN <= len(short) <= DESCRIPTION_MAX


@pytest.mark.parametrize(
    ("texts", "description"),
    [
        ([SENTENCE], SENTENCE),
        ([f"Short. {SENTENCE}"], SENTENCE),
        ([LONG], "Osmosis moves water through a membrane that holds the solute back."),
        ([f"It depends on the solute and on the pressure of the water. {SENTENCE}"], SENTENCE),
        ([f"The **law** of van 't Hoff says how large the pressure becomes. {SENTENCE}"], SENTENCE),
        (["", SENTENCE], SENTENCE),
        (["Short."], None),
        ([], None),
    ],
)
def test_a_description_is_a_sentence_that_can_stand_alone(texts: list[str], description: str | None) -> None:
    assert describe(texts, QUESTION, limits=DESCRIPTION_TEXT) == description


def test_a_sentence_with_the_words_of_the_question_is_the_description() -> None:
    other = "Every living cell is surrounded by a membrane with many small pores in it."
    assert describe([other, SENTENCE], "What is osmosis?", limits=DESCRIPTION_TEXT) == SENTENCE
    assert describe([other, SENTENCE], "What surrounds a living cell?", limits=DESCRIPTION_TEXT) == other


def test_a_sentence_that_begins_with_a_clause_is_not_cut_before_its_statement() -> None:
    text = (
        "When the days grow shorter and the nights become colder, leaves lose their green because chlorophyll decays "
    )
    description = describe(
        [f"{text}and is not replaced by the tree."], "Why do leaves change?", limits=DESCRIPTION_TEXT
    )
    assert description == "When the days grow shorter and the nights become colder, leaves lose their green."


def test_a_written_description_of_a_suitable_length_is_kept() -> None:
    two = "Water moves through membranes. Osmosis is the name of that process."
    assert describe_by(two, [SENTENCE], QUESTION, limits=DESCRIPTION_TEXT) == two
    assert describe_by("Too short.", [SENTENCE], QUESTION, limits=DESCRIPTION_TEXT) == SENTENCE
    assert describe_by("", ["No."], QUESTION, limits=DESCRIPTION_TEXT) is None


def test_the_last_resort_is_the_beginning_of_a_text() -> None:
    endless = "Water " + "flows " * 60
    description = describe_by("", [endless], QUESTION, limits=DESCRIPTION_TEXT)
    assert description
    assert description.endswith("flows…")
    assert DESCRIPTION_MIN <= len(description) <= DESCRIPTION_MAX


@pytest.mark.parametrize(
    ("description", "finished"),
    [
        (f"{SENTENCE[:-1]} and of the.", SENTENCE),
        (SENTENCE, SENTENCE),
        ("Water flows to the.", "Water flows to the."),
    ],
)
def test_words_that_a_limit_left_at_the_end_are_dropped(description: str, finished: str) -> None:
    assert finish(description, limits=DESCRIPTION_TEXT) == finished


ANSWER = "Osmosis moves water through membranes. The solute stays. Water again, and water in cells."


def test_written_keywords_come_first_and_headings_and_the_question_fill_up() -> None:
    assert keywords(["water", "Water", "", "…"], "What is osmosis in cells?", ["Membrane", "One heading of far too many words"], ANSWER, limits=KEYWORDS_TEXT) == [
        "water", "membrane", "osmosis", "cells", "moves",
    ]  # fmt: skip


def test_keywords_that_a_small_model_invented_are_the_last_resort() -> None:
    written = ["photosynthesis", "osmosis", "membrane", "solutes"]
    assert keywords(written, "Why?", ["Cells"], ANSWER, limits=KEYWORDS_TEXT)[:4] == written
    found = keywords(written, "Why?", ["Cells"], ANSWER, only_found=True, limits=KEYWORDS_TEXT)
    assert found == ["osmosis", "membrane", "solutes", "cells", "water"], "plurals count as found"
    assert keywords(["zebra"], "Why?", [], "Water.", only_found=True, limits=KEYWORDS_TEXT) == ["water", "zebra"]


@pytest.mark.parametrize(
    ("keyword", "answer"),
    [("glass", "Glasses break."), ("glasses", "The glass."), ("cities", "A city."), ("Boyle's law", "Boyle laws."),
     ("dog", "Dogs."), ("waves", "One wave.")],
)  # fmt: skip
def test_a_plural_is_the_same_keyword(keyword: str, answer: str) -> None:
    assert keywords([keyword], "Why?", ["A", "B"], answer, only_found=True, limits=KEYWORDS_TEXT)[0] == keyword
    assert (
        keywords([keyword, "zebra"], "Why?", ["The heading"], "Nothing.", only_found=True, limits=KEYWORDS_TEXT)[0]
        == "heading"
    )


def test_the_number_and_the_length_of_keywords_are_limited() -> None:
    many = [f"word number {n}" for n in range(30)]
    assert len(keywords(many, "Why?", [], "", limits=KEYWORDS_TEXT)) == KEYWORDS_REQUESTED
    assert keywords(["x" * 41, "y"], "What is osmosis?", ["z" * 41], ANSWER, limits=KEYWORDS_TEXT)[0] == "osmosis"


def test_frequent_words_of_the_answer_are_the_last_keywords() -> None:
    found = keywords([], "Why?", [], ANSWER, limits=KEYWORDS_TEXT)
    assert len(found) == KEYWORDS_MIN
    assert found[0] == "water"
