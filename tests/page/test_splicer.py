"""Tests of edits to pages that are not canonical, and of those that are rejected."""

import pytest

from qtgen.errors import SpliceError, UnwritableText
from qtgen.page import Span, TextEdit, Value, apply_edits, splice, splice_edits, splicer
from qtgen.page.document import Page
from qtgen.page.splicer import Changes
from qtgen.validation.rules.example import EXAMPLE_PAGE
from support.default_tables import read_text


def page(front_matter: str) -> Page:
    return read_text(f"---\n{front_matter}---\n\n&nbsp;")


@pytest.mark.parametrize(
    ("before", "changes", "after"),
    [
        ("id: 1\n", {"subject": "Biology"}, "id: 1\nsubject: Biology\n"),
        ("subject: Biology\n", {"id": 1}, "id: 1\nsubject: Biology\n"),
        ("subject: B\nid: 1\n", {"title": "T"}, "subject: B\nid: 1\ntitle: >-\n    T\n"),
        ("id: 1\nscore: 0.50\n", {"score": 0.75}, "id: 1\nscore: 0.75\n"),
        ("id: 1\nseo: {}\n", {"seo.title": "S"}, "id: 1\nseo:\n  title: S\n"),
        ("id: 1\n", {"seo.title": "S"}, "id: 1\nseo:\n  title: S\n"),
        ("id: 1\nseo:\n  title: S\n", {"seo": None}, "id: 1\n"),
        ("id: 1\nseo:\n  title: S\n", {"seo.title": None}, "id: 1\n"),
        ("id: 1\nseo:\n  title: S\n  other: x\n", {"seo.title": None}, "id: 1\nseo:\n  other: x\n"),
        ("seo:\n      title: S\n", {"seo.title": "T"}, "seo:\n      title: T\n"),
        ("title: >-\n    one\n    two\nid: 1\n", {"title": "T"}, "title: >-\n    T\nid: 1\n"),
        ("title: 'a'\nid: 1 \n", {"title": "T", "id": 2}, "title: >-\n    T\nid: 2\n"),
        ("seo:\n  x: 1\n  title: S\nid: 1\n", {"author": "A"}, "seo:\n  x: 1\n  title: S\nauthor: A\nid: 1\n"),
        ("id: 1\n", {"id": 1, "title": None}, "id: 1\n"),
        ("id: 1\n", {"id": True}, "id: True\n"),
    ],
)
def test_fields_are_changed_added_and_removed(before: str, changes: Changes, after: str) -> None:
    assert splice(page(before), changes) == page(after).text


@pytest.mark.parametrize("separator", [" ", " >-\n        "])
def test_a_new_related_title_is_written_like_the_others(separator: str) -> None:
    before = read_text(
        EXAMPLE_PAGE.replace("    title: >-\n        What is diffusion?", f"    title:{separator}Diffusion")
    )
    assert before.text_of("related_article1.title") == "Diffusion"
    new: dict[str, Value] = {"id": 2, "title": "Title", "subject": "S", "url": "/u"}
    text = splice(before, {f"related_article2.{key}": value for key, value in new.items()})
    section = f"related_article2:\n    id: 2\n    title:{separator}Title\n    subject: S\n    url: /u\n"
    assert text == before.text.replace("---\n\n&nbsp;", f"{section}---\n\n&nbsp;")


@pytest.mark.parametrize(
    ("front_matter", "changes", "message"),
    [
        ("id: 1 # a comment\n", {"id": 2}, "`id`: a comment after the value would be lost"),
        ("{id: 1, title: x}\n", {"id": 2}, "`id`: shares its line with something else"),
        ("id: 1\n", {"colour": "red"}, "`colour`: is not a field of a page"),
        ("id: 1\nid: 2\n", {"id": 3}, "the page has a problem to correct first: the key `id` is here a second time"),
        ("seo: {title: x}\n", {"seo.title": "y"}, "`seo.title`: shares its line with something else"),
    ],
)
def test_a_page_that_cannot_be_edited_line_by_line_is_rejected(
    front_matter: str, changes: Changes, message: str
) -> None:
    with pytest.raises(SpliceError) as caught:
        splice(page(front_matter), changes)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (["a"], "`subject`: a field cannot hold a value of type list"),
        ("", "`subject`: is empty"),
        ("a\x07", "`subject`: a page cannot hold the character U+0007 at position 2"),
    ],
)
def test_a_value_that_no_page_can_hold_is_rejected(value: Value, message: str) -> None:
    with pytest.raises(UnwritableText) as caught:
        splice_edits(page("subject: x\n"), {"subject": value})
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (TextEdit(Span(4, 10), "id: [\n"), "the edited page would have a problem: "),
        (TextEdit(Span(4, 10), "id: 3\n"), "`id`: would not be read back as the value that was written"),
        (TextEdit(Span(4, 4), "author: x\n"), "`author`: would not be read back"),
    ],
)
def test_a_wrong_edit_fails_the_proof(monkeypatch: pytest.MonkeyPatch, edit: TextEdit, message: str) -> None:
    monkeypatch.setattr(splicer, "splice_edits", lambda *_: [edit])
    with pytest.raises(SpliceError, match=message):
        splice(page("id: 1\n"), {"id": 2})


def test_edits_that_overlap_are_rejected() -> None:
    with pytest.raises(SpliceError, match="two edits change the same characters"):
        apply_edits("abcdef", [TextEdit(Span(0, 3), "x"), TextEdit(Span(2, 4), "y")])
    assert apply_edits("abcdef", [TextEdit(Span(3, 4), ""), TextEdit(Span(0, 3), "x")]) == "xef"
