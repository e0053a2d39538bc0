"""What the references of a template stand for in a text that it gave."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qtgen.page import default_profile
from qtgen.page.profile import Slug
from qtgen.page.template import Reference, parse_template, slugger

SLUG = default_profile().file.slug
TITLE, SUBJECT = Reference("title", ("slug",)), Reference("subject", ("slug",))
URL = parse_template("/learn/{subject|slug}/questions/{title|slug}")


def test_the_parts_of_an_address_are_found() -> None:
    assert URL.parts_in("/learn/biology/questions/what-is-it", SLUG) == {SUBJECT: "biology", TITLE: "what-is-it"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/learn/biology/questions/",
        "/learn/bio logy/questions/x",
        "/learn/Biology/questions/x",
        "/learn/a/b/questions/x",
        "/learn/biology/questions/x\n",
        "https://a.example/learn/biology/questions/x",
    ],
)
def test_other_addresses_have_no_parts(text: str) -> None:
    assert URL.parts_in(text, SLUG) is None


def test_a_repeated_reference_must_match_the_same_text() -> None:
    template = parse_template("{title|slug}/{title|slug}.md")
    assert template.parts_in("tea/tea.md", SLUG) == {TITLE: "tea"}
    assert template.parts_in("tea/jam.md", SLUG) is None


def test_an_unfiltered_field_matches_a_name() -> None:
    template = parse_template("{number}.{title|slug}.md")
    assert template.parts_in("n 7.tea.md", SLUG) == {Reference("number", ()): "n 7", TITLE: "tea"}
    assert template.parts_in("a/7.tea.md", SLUG) is None


def test_parts_make_another_text() -> None:
    path = parse_template("{subject|slug}/{title|slug}.md")
    parts = URL.parts_in("/learn/biology/questions/what-is-it", SLUG)
    assert parts is not None
    assert path.join(parts) == "biology/what-is-it.md"
    assert parse_template("{title}.md").join(parts) is None, "the slug does not tell the title"
    assert parse_template("index.md").join({}) == "index.md"


SLUGS = [SLUG, Slug(), Slug(keep="a-z0-9 ", space="_"), Slug(keep=r"\w ", space="--", ascii=False), Slug(space=" ")]


@given(st.sampled_from(SLUGS), st.text(max_size=30), st.text(string.printable, max_size=30))
def test_the_parts_of_a_filled_template_are_the_slugs(settings: Slug, title: str, subject: str) -> None:
    slug = slugger(settings)
    text = URL.fill({"title": title, "subject": subject}, slug)
    if text and slug(title) and slug(subject):
        assert URL.parts_in(text, settings) == {SUBJECT: slug(subject), TITLE: slug(title)}
