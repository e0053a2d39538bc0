"""Tests of formatting for people."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qtgen._util.text import (
    ASCII_LETTERS,
    ASCII_LETTERS_AND_DIGITS,
    display_width,
    mask_unprintable,
    money,
    pluralize,
    replace_surrogates,
)


@pytest.mark.parametrize(
    ("table", "pattern"), [(ASCII_LETTERS, "[^a-zA-Z]"), (ASCII_LETTERS_AND_DIGITS, "[^a-zA-Z0-9]")]
)
def test_a_table_leaves_the_characters_of_words(table: dict[int, str], pattern: str) -> None:
    text = "".join(map(chr, range(128)))
    assert text.translate(table) == re.sub(pattern, " ", text)


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 pages"), (1, "1 page"), (2, "2 pages"), (1_234, "1,234 pages"), (-1, "-1 pages")]
)
def test_a_noun_agrees_with_its_count(count: int, words: str) -> None:
    assert pluralize(count, "page") == words


@pytest.mark.parametrize(
    ("text", "masked"),
    [("a é 日", "a é 日"), ("\x1b[31mred\x07\n", "·[31mred··"), ("a\u202eb\u2028", "a·b·"), ("", "")],
)
def test_characters_that_control_a_terminal_are_masked(text: str, masked: str) -> None:
    assert mask_unprintable(text) == masked


@given(st.text())
def test_a_masked_text_is_printable_and_as_long(text: str) -> None:
    assert mask_unprintable(text).isprintable()
    assert len(mask_unprintable(text)) == len(text)


@pytest.mark.parametrize(
    ("text", "width"), [("", 0), ("abc", 3), ("é", 1), ("e\u0301", 1), ("日本", 4), ("ｆａ", 4), ("∇f", 2)]
)
def test_wide_characters_take_two_columns_and_combining_ones_none(text: str, width: int) -> None:
    assert display_width(text) == width


@pytest.mark.parametrize(("text", "replaced"), [("a\ud83db", "a?b"), ("\U0001f600", "\U0001f600"), ("plain", "plain")])
def test_lone_surrogates_are_replaced(text: str, replaced: str) -> None:
    assert replace_surrogates(text) == replaced


@pytest.mark.parametrize(
    ("usd", "words"),
    [
        (None, "cost unknown"),
        (0.0, "$0.0000"),
        (0.00004, "$0.00004"),
        (0.00000123, "$0.00000123"),
        (0.0001, "$0.0001"),
        (0.5, "$0.5000"),
        (1.0, "$1.00"),
        (1234.5, "$1,234.50"),
    ],
)
def test_a_price_has_enough_digits_to_tell_it_from_zero(usd: float | None, words: str) -> None:
    assert money(usd) == words
