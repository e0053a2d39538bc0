"""Tests of the names that follow from title and subject."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.default_tables import file_name, seo_title, slug, url


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("What is DNA?", "what-is-dna"),
        ("  spaces  inside  ", "spaces--inside"),
        ("What is DNA - in short?", "what-is-dna--in-short"),
        ("Café & C++", "caf--c"),
        ("100% of x_y", "100-of-xy"),
        ("日本", ""),
    ],
)
def test_a_slug_keeps_letters_digits_and_spaces(text: str, expected: str) -> None:
    assert slug(text) == expected


@given(st.text())
def test_a_slug_is_its_own_slug_but_for_hyphens(text: str) -> None:
    made = slug(text)
    assert set(made) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert slug(made.replace("-", " ")) == made.strip("-")


def test_names_follow_from_title_and_subject() -> None:
    assert file_name("What is osmosis?") == "what-is-osmosis.md"
    assert url("Marine biology", "What is osmosis?") == "/learn/marine-biology/questions/what-is-osmosis"
    assert seo_title("Biology") == "QuickTakes | Biology"
