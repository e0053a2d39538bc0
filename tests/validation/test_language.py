"""Languages: which questions count as English."""

import pytest

from qtgen.validation.language import is_english, may_be_english

ENGLISH, FRENCH = "the water moves and this is what happens", "les eaux sont dans la mer et le vent"


@pytest.mark.parametrize(
    ("question", "answer", "expected"),
    [
        ("Explain osmosis", ENGLISH, True),
        ("Explain osmosis", "water cell membrane solute", True),
        ("Explain osmosis", FRENCH, False),
        ("What is osmosis?", FRENCH, True),
        ("What Is the Role of Water?", ENGLISH, True),
        ("What is the joie de vivre?", ENGLISH, True),
        ("What does the kanji 水 mean?", ENGLISH, True),
        ("Which angle is α?", ENGLISH, True),
        ("Explique les marées", FRENCH, False),
        ("Compare la mer et le lac", ENGLISH, False),
        ("Wat is het verschil tussen of en if?", "het water is in de zee en dat is wat het is", False),
        ("Vad betyder which?", "det är ett ord som är på engelska", False),
        ("什么是 which 和 what", "水 水", False),
        ("", ENGLISH, False),
    ],
)
def test_a_question_counts_as_english(question: str, answer: str, expected: bool) -> None:
    assert is_english(question, answer.split()) is expected
    assert may_be_english(question) or not expected
