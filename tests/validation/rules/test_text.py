"""Texts: banned phrases, sentences on many pages, and residue between them."""

from pathlib import Path

import pytest

from qtgen.page.profile import default_profile
from qtgen.validation.diagnostics import Diagnostic, Severity
from qtgen.validation.plugins import rules_key
from qtgen.validation.rules import PageFile, check_page
from qtgen.validation.rules.example import EXAMPLE_PAGE, EXAMPLE_PATH
from qtgen.validation.rules.settings import BannedPhrase, RuleSettings
from qtgen.validation.run import ValidationOptions
from support.default_tables import read
from support.validation import ALL_RULES, Run, codes_of, example_with, validate_paths, write_page


def banned(raw: bytes, *phrases: str) -> list[Diagnostic]:
    settings = RuleSettings(tuple(map(BannedPhrase, phrases)))
    found = check_page(PageFile(EXAMPLE_PATH, read(raw)), ALL_RULES, settings)
    return [diagnostic for diagnostic in found if diagnostic.code == "QT612"]


@pytest.mark.parametrize(
    ("text", "phrase", "count"),
    [
        ("It is IMPORTANT  to\\nnote that osmosis moves", "important to note", 1),
        ("Osmosis delves and moves", "delve", 0),
        ("It’s key: osmosis moves", "it's key", 1),
        ("In C++ (a language), osmosis moves", "c++ (a", 1),
        ("Osmosis — a word — moves", "—", 2),
        ("`delve` and $delve$ and osmosis moves", "delve", 0),
        ("Osmosis.*moves", ".*", 1),
        ("5 \u00b5m of osmosis moves", "5 \u03bcm", 1),
        ("Osmo\u017fi\u017f moves", "OSMOSIS moves", 1),
        ("Kıng osmosis moves", "king", 1),
        ("100 \u212a of osmosis moves", "100 k", 1),
        ("İstanbul osmosis moves", "İstanbul", 1),
        ("Osmosis isn't and isn’t moves", "ISN’T", 2),
    ],
)
def test_a_banned_phrase_is_found_as_whole_words(text: str, phrase: str, count: int) -> None:
    assert len(banned(example_with("Osmosis moves", text), phrase)) == count


def test_each_phrase_has_its_own_remedy() -> None:
    phrases = (BannedPhrase("note", "say"), BannedPhrase("a µ", "a micro"), BannedPhrase("to note", "to see"))
    raw = example_with("Osmosis moves", "Note a \u03bc to  NOTE: osmosis moves")
    found = check_page(PageFile(EXAMPLE_PATH, read(raw)), ALL_RULES, RuleSettings(phrases))
    messages = [diagnostic.message.split("; ")[1] for diagnostic in found if diagnostic.code == "QT612"]
    assert messages == [f"write `{instead}` instead" for instead in ("say", "a micro", "to see")]


def test_a_banned_phrase_is_an_error_except_in_the_question() -> None:
    found = banned(EXAMPLE_PAGE.encode(), "osmosis")
    assert {(diagnostic.field, diagnostic.severity) for diagnostic in found} == {
        ("title", Severity.WARNING),
        ("seo.page_description", Severity.ERROR),
        ("seo.page_keywords", Severity.ERROR),
        ("answer", Severity.ERROR),
    }


def test_banned_phrases_change_the_key_of_the_cache() -> None:
    keys = {
        rules_key(RuleSettings(tuple(map(BannedPhrase, phrases))), profile=default_profile())
        for phrases in ((), ("a",), ("a", "b"))
    }
    assert len(keys) == 3


def test_settings_reach_the_command(qtgen: Run) -> None:
    write_page(EXAMPLE_PATH)
    assert qtgen("validate", "outputs")[0] == 0
    setting = '["nowhere", { phrase = "in summary", instead = "in short" }]'
    Path("qtgen.toml").write_text(f"banned_phrases = {setting}\n", encoding="utf-8")
    code, out, _ = qtgen("validate", "outputs")
    assert code == 1
    assert "`answer` contains the banned phrase `In summary`; write `in short` instead" in out


@pytest.mark.parametrize("value", ['[""]', '["  "]', "[3]", '[{ instead = "x" }]', '[{ phrase = "x", why = "y" }]'])
def test_an_invalid_phrase_names_the_setting(qtgen: Run, value: str) -> None:
    write_page(EXAMPLE_PATH)
    Path("qtgen.toml").write_text(f"banned_phrases = {value}\n", encoding="utf-8")
    code, _, err = qtgen("validate", "outputs")
    assert code == 2
    assert "banned_phrases" in err


def test_a_sentence_on_more_pages_than_allowed_is_reported() -> None:
    for number in range(4):
        unique = f"Number {number} of the pages is about water and a wall number {number}."
        boilerplate = "Ask a teacher or a friend if you want to know more" if number < 3 else "Nothing"
        answer = f"{unique} {boilerplate}. We know $x$."
        start = EXAMPLE_PAGE.index("    Osmosis moves")
        page = EXAMPLE_PAGE[:start] + f"    {answer}" + EXAMPLE_PAGE[EXAMPLE_PAGE.index("\nsubject: ") :]
        write_page(f"outputs/biology/page-{number}.md", page)
    for limit, jobs, count in ((2, 1, 3), (2, 2, 3), (3, 1, 0)):
        options = ValidationOptions(
            ALL_RULES, jobs=jobs, settings=RuleSettings(repeated_sentence_pages=limit), profile=default_profile()
        )
        found = [diagnostic for diagnostic in validate_paths(["outputs"], options) if diagnostic.code == "QT611"]
        assert len(found) == count
        assert all("on 3 pages: `Ask a teacher" in diagnostic.message for diagnostic in found)


@pytest.mark.parametrize(
    "residue",
    [
        "{{<answer>}} ",
        "x}}]} ",
        "[{id:7, ",
        "x},{} // This sentence has a comment. ",
        "</think> ",
        "{question} ",
        "{% if x %} ",
        '"heading": "Water" ',
    ],
)
def test_residue_is_found(residue: str) -> None:
    assert "QT608" in codes_of(example_with("Osmosis moves", f"We say {residue}osmosis moves"))
    assert "QT608" not in codes_of(example_with("Osmosis moves", f"We say `{residue}` osmosis moves"))


@pytest.mark.parametrize(
    "text", ["See https://example.com/a and", r"$\frac{{a}}{{b}}$ and", r"\( x_{{n}} \) and", "x < y and"]
)
def test_normal_texts_are_no_residue(text: str) -> None:
    assert "QT608" not in codes_of(example_with("Osmosis moves", f"{text} osmosis moves"))


def test_sentences_are_compared_only_on_request(qtgen: Run) -> None:
    for number in range(3):
        write_page(f"outputs/biology/page-{number}.md")

    def reported(*arguments: str) -> bool:
        return "QT611" in qtgen("validate", "outputs", *arguments)[1]

    assert not reported()
    assert reported("--select", "QT611") is False, "three pages are fewer than the default of ten"
    Path("qtgen.toml").write_text("repeated_sentence_pages = 2\n", encoding="utf-8")
    assert reported(), "although the cache holds the pages without their sentences"
    assert not reported("--ignore", "QT611")
    assert not reported("--select", "QT5")
    assert reported(), "from the cache"
