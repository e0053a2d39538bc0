"""Rules of families 5xx and 6xx on sites of other kinds: clean pages have no finding, and QT609 judges questions only."""

import re
from collections import Counter
from pathlib import Path

import pytest

from qtgen.page.profile import Profile, parse_profile
from qtgen.page.reader import read
from qtgen.validation.rules import PageChecker, PageFile
from qtgen.validation.rules.docs import describe_rule
from qtgen.validation.rules.registry import REGISTRY
from qtgen.validation.selection import choose_rules
from support.lookalikes import LOOKALIKES

_PAGES = 120
_ROOT = Path("/site")


def site_of(name: str) -> Profile:
    return parse_profile(LOOKALIKES[name].site_toml.encode(), _ROOT / "site.toml")


def codes_of(profile: Profile, pages: list[tuple[str, str]], select: tuple[str, ...]) -> Counter[str]:
    """Return how many pages have a finding, by code."""
    checker = PageChecker(choose_rules(select, (), (), profile=profile), profile=profile)
    files = (PageFile(path, read(text.encode(), profile, str(_ROOT / path))) for path, text in pages)
    return Counter(code for file in files for code in {found.code for found in checker(file)})


@pytest.mark.parametrize("name", LOOKALIKES)
def test_clean_pages_have_no_finding_about_their_texts(name: str) -> None:
    pages = [(page.path, page.text) for page in LOOKALIKES[name].generate(5, _PAGES)]
    assert not codes_of(site_of(name), pages, ("QT5", "QT6"))


def as_question(text: str) -> str:
    """Return a page whose title is the question that its instruction answers."""
    return re.sub(
        r"^title: [\"']?(.)(.*?[^?\"'])[\"']?$",
        lambda match: f'title: "How do I {match[1].lower()}{match[2]}?"',
        text,
        count=1,
        flags=re.MULTILINE,
    )


def workshop_pages() -> list[tuple[str, str]]:
    return [(page.path, as_question(page.text)) for page in LOOKALIKES["workshop"].generate(5, _PAGES)]


def test_pages_about_their_questions_are_not_off_topic() -> None:
    assert codes_of(site_of("workshop"), workshop_pages(), ("QT609",))["QT609"] <= _PAGES // 50


def test_the_body_of_another_page_is_off_topic() -> None:
    pages = workshop_pages()
    swapped = [
        (path, text.partition("\n---\n")[0] + "\n---\n" + other.partition("\n---\n")[2])
        for (path, text), (_, other) in zip(pages, pages[1:] + pages[:1], strict=True)
    ]
    assert codes_of(site_of("workshop"), swapped, ("QT609",))["QT609"] >= _PAGES // 2


def test_the_documentation_lists_what_is_compared() -> None:
    described = describe_rule(REGISTRY["QT609"], site_of("workshop"))
    assert "two of three comparisons" in described
    assert "keywords" not in described
