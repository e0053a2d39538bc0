"""QT109: invisible characters in every text of a page, and the fix that changes nothing that readers see."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from qtgen.page import Page
from qtgen.page.edits import apply_edits
from qtgen.page.profile import default_profile
from qtgen.validation.rules import REGISTRY, Finding, PageChecker, PageFile, PageRule
from qtgen.validation.rules.example import EXAMPLE_PAGE, EXAMPLE_PATH
from qtgen.validation.rules.invisible import invisible_character
from support.default_tables import read
from support.validation import check, example_with


def found(raw: bytes) -> list[tuple[str | None, str]]:
    return [(finding.field, finding.message) for finding in check(raw) if finding.code == "QT109"]


def fixes(raw: bytes) -> list[tuple[bool, Page]]:
    page = read(raw)
    results = []
    for finding in invisible_character(PageFile(EXAMPLE_PATH, page)):
        fix = finding.fix() if finding.fix else None
        if fix:
            results.append((fix.safe, read(apply_edits(page.text, fix.edits).encode())))
    return results


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("title: >-\n    What is osmosis?\nart", "title: >-\n    What is os\u200bmosis?\nart", "title"),
        ("by moving water", "by mo\u2060ving water", "answer"),
        ("by moving water", "by mo\ufeffving water", "answer"),
        ("Osmosis is the passage", "Osmosis is the pas\u00adsage", "seo.page_description"),
        ("osmosis, membrane", "osmosis, mem\u200dbrane", "seo.page_keywords"),
        ("What is diffusion?", "What is diffu\u200csion?", "related_article1.title"),
        ("subject: Biology\nfile", "subject: Bio\u00adlogy\nfile", "subject"),
        ("author: QuickTakes", 'author: "Quick\\u200bTakes"', "author"),
    ],
)
def test_each_text_of_the_page_is_searched(old: str, new: str, field: str) -> None:
    ((path, message),) = found(example_with(old, new))
    assert path == field
    assert message.startswith(f"`{field}` contains invisible characters (U+")


def test_the_message_names_and_counts_the_code_points() -> None:
    raw = example_with("by moving water", "b\u200by mov\u200bing wat\u00ader \ufffd \u202eup\u202c")
    assert [message for _, message in found(raw)] == [
        "`answer` contains invisible characters (U+200B zero width space (2 times) and U+00AD soft hyphen); remove them",
        "`answer` contains U+FFFD replacement character; write the character that was lost",
        "`answer` contains characters that change the text's direction (U+202E right-to-left override and U+202C pop "
        "directional formatting); remove them",
    ]


@pytest.mark.parametrize(
    ("new", "is_safe"),
    [
        ("by mov\u200bing water", True),
        ("by moving\u2060 water,\u200b", True),
        ("by \u2066moving\u2069 water", True),
        ("by \u202emoving\u202c water", False),
        ("by *\u200b*moving water", False),
        ("by moving\\\u200bn water", False),
        (r"by moving\n\n" + "\u200b1. water", False),
        (r"by moving\n\n" + "1\u200b. water", False),
        (r"by moving\n\n" + "\u200bWater", True),
    ],
)
def test_a_fix_is_safe_only_if_markdown_cannot_change(new: str, is_safe: bool) -> None:
    ((safe, page),) = fixes(example_with("by moving water", new))
    assert safe is is_safe
    answer = page.text_of("answer") or ""
    assert not any(char in answer for char in "\u200b\u2060\u2066\u2069\u202c\u202e")
    assert answer.endswith("instead of solute.")


def test_the_fix_of_an_escaped_value_writes_it_again() -> None:
    ((safe, page),) = fixes(example_with("author: QuickTakes", 'author: "Quick\\u200bTakes"'))
    assert (safe, page.text_of("author")) == (True, "QuickTakes")


def test_a_lost_character_has_no_fix() -> None:
    assert fixes(example_with("by moving water", "by mo\ufffding water")) == []


def test_ascii_pages_and_pages_with_other_letters_are_skipped_early() -> None:
    calls: list[str] = []

    def record(file: PageFile) -> list[Finding]:
        calls.append(file.path)
        return []

    rule = REGISTRY["QT109"]
    assert isinstance(rule, PageRule)
    counted = replace(rule, check=record)
    for text in (EXAMPLE_PAGE, EXAMPLE_PAGE.replace("by moving water", "by moving water \u2014 caf\u00e9")):
        PageChecker([counted], profile=default_profile())(PageFile(EXAMPLE_PATH, read(text.encode())))
    assert calls == []
    PageChecker([counted], profile=default_profile())(
        PageFile(EXAMPLE_PATH, read(example_with("by moving water", "by mo\u200bving water")))
    )
    assert calls == [EXAMPLE_PATH]


def test_real_pages_have_no_finding(real_pages: Mapping[str, bytes]) -> None:
    checker = PageChecker([REGISTRY["QT109"]], profile=default_profile())
    assert [path for path, raw in real_pages.items() if checker(PageFile(path, read(raw)))] == []
