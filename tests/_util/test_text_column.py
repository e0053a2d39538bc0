"""Texts in two blocks of memory."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qtgen._util.text_column import TextColumn

ANY_TEXT = st.text(st.characters(exclude_categories=()))  # also halves of surrogate pairs, as in names of files


@given(st.lists(ANY_TEXT), st.lists(ANY_TEXT))
def test_it_holds_the_texts_in_order(first: list[str], then: list[str]) -> None:
    column = TextColumn(first)
    for text in then:
        column.append(text)
    assert list(column) == [column[number] for number in range(len(column))] == first + then
    assert len(column) == len(first) + len(then)


def test_it_is_indexed_like_a_list() -> None:
    column = TextColumn(["a", "", "ä", "d"])
    assert (column[-1], column[1:3], column[::-2]) == ("d", ["", "ä"], ["d", ""])
    assert column.index("ä") == 2
    assert "e" not in column
    with pytest.raises(IndexError):
        column[4]
