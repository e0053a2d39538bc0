r"""Rules of texts on a site whose answer is the text after the front matter, with real line breaks and without math."""

from pathlib import Path

import pytest

from qtgen.page.profile import load_profile
from qtgen.page.reader import read_as
from qtgen.validation.diagnostics import Diagnostic, Severity
from qtgen.validation.fixes import FixPolicy, apply_fixes
from qtgen.validation.rules import PageChecker, PageFile
from qtgen.validation.rules.example import example_site_of
from qtgen.validation.rules.settings import BannedPhrase, RuleSettings
from qtgen.validation.selection import choose_rules

PROFILE = load_profile(Path(__file__).parents[2] / "fixtures" / "sites" / "workshop" / "site.toml")
SITE = example_site_of(PROFILE)
LAYOUT = SITE.layout
RULES = choose_rules((), (), (), profile=PROFILE)
FIRST_LINE = 13  # of the body
INSERTED = FIRST_LINE + 2  # the line of a text that `with_text` inserts


def with_text(text: str) -> str:
    """Return the example page with a text between the first and the second paragraph."""
    before, blank, after = SITE.text.partition("back.\n\n")
    assert blank
    return f"{before}{blank}{text}\n\n{after}"


def check(text: str, settings: RuleSettings | None = None) -> list[Diagnostic]:
    """Return the findings of families 5xx and 6xx, and of QT109, with their fixes."""
    checker = PageChecker(RULES, profile=PROFILE, fixes=True, settings=settings or RuleSettings())
    found = checker(PageFile(SITE.path, read_as(text.encode(), LAYOUT)))
    return [finding for finding in found if finding.code[2] in "56" or finding.code in ("QT105", "QT109")]


def places(text: str) -> list[tuple[str, int, int]]:
    return [(finding.code, finding.line, finding.column) for finding in check(text)]


def fixed(text: str, code: str) -> str:
    """Return the page with the fixes of a rule."""
    checker = PageChecker(RULES, profile=PROFILE, fixes=True)
    file = PageFile(SITE.path, read_as(text.encode(), LAYOUT))
    outcome = apply_fixes(
        file, [found for found in checker(file) if found.code == code], FixPolicy(checker, unsafe=True)
    )
    assert outcome.applied
    assert not outcome.rejected
    return outcome.page.text


def test_the_example_page_is_clean() -> None:
    page = read_as(SITE.text.encode(), LAYOUT)
    assert page.position(page.span("body").start).line == FIRST_LINE
    assert check(SITE.text) == []


def test_rules_about_formulas_and_escaped_line_breaks_are_absent() -> None:
    absent = {"QT207", "QT501", "QT502", "QT503", "QT504", "QT505", "QT508", "QT514", "QT605", "QT606"}
    names = {rule.code for rule in RULES if rule.name == "multiline-answer"}
    assert not names
    assert not {rule.code for rule in RULES} & (absent - {"QT207"})
    assert {"QT506", "QT507", "QT509", "QT601", "QT602", "QT603", "QT604", "QT608"} <= {rule.code for rule in RULES}


@pytest.mark.parametrize(
    ("text", "code", "line", "column"),
    [
        ("Here **bold is not closed.", "QT506", 0, 6),
        ("Text.\n\n```c\nint a;", "QT506", 2, 1),
        ("One.\nTwo<br>three", "QT507", 1, 4),
        ("<div>\nOne\n</div>", "QT507", 0, 1),
        ("| a | b |\n|---|---|\n| 1 | 2 | 3 |", "QT509", 2, 11),
        ("| a | b |\n| 1 | 2 |", "QT509", 0, 1),
        ("One.\nIn H~2~O it moves.", "QT510", 1, 5),
        ("Water moves, because it has to.\n---", "QT511", 1, 1),
        ("##Heading without a space", "QT511", 0, 1),
        ("    Water moves because of the gradient.", "QT512", 0, 5),
        ("\tWater moves because of the gradient.", "QT512", 0, 2),
        ("1. A\n\nB\n\n1. C\n\nD\n\n1. E\n\nF", "QT513", 4, 1),
        ("Text.\n\nHuman: go on", "QT608", 2, 1),
        ("Text.\nAs an AI language model, I know nothing.", "QT608", 1, 1),
        ('So: "goal": 1', "QT608", 0, 5),
        ('So: "summary": 1', "QT608", 0, 5),
        ("One.\nTw\u200bo.", "QT109", 1, 3),
    ],
)
def test_a_fault_is_found_at_its_line_and_column(text: str, code: str, line: int, column: int) -> None:
    assert (code, INSERTED + line, column) in places(with_text(text))


def test_a_key_of_another_sites_answers_is_no_residue() -> None:
    assert check(with_text('So: "page_keywords": 1')) == []


def test_a_refusal_and_a_reply_to_the_prompt_are_found_at_the_beginning() -> None:
    refusal = SITE.text.replace("Osmosis moves", "I'm sorry, but I can't help with that. Osmosis moves")
    assert ("QT604", FIRST_LINE, 1) in places(refusal)
    reply = SITE.text.replace("Osmosis moves", "Sure, here is the answer. Osmosis moves")
    assert ("QT608", FIRST_LINE, 1) in places(reply)


def test_a_repeated_point_is_found() -> None:
    point = "2. **Gradient**: Its own concentration is lower towards the side with more solute, so water moves there."
    start = SITE.text.index("2. **Membrane**")
    text = SITE.text.replace(SITE.text[start : SITE.text.index("\n", start)], point)
    assert ("QT607", FIRST_LINE + 4, 6) in places(text)


def test_incoherent_and_off_topic_text_is_found() -> None:
    start = SITE.text.index("1. **Gradient**")
    bad = "1. **the gradient that is there**: Water moves to a side. and then it moves again. so there is more of it."
    assert ("QT610", FIRST_LINE + 2, 6) in places(
        SITE.text.replace(SITE.text[start : SITE.text.index("\n", start)], bad)
    )
    other = SITE.text.replace("title: What is osmosis?", "title: How does a vaccine protect against a disease?")
    [finding] = [found for found in check(other) if found.code == "QT609"]
    assert (finding.line, finding.field) == (FIRST_LINE, "body")
    assert "use its words in `summary`" in finding.message


def test_a_banned_phrase_is_found_in_prose_and_not_in_code() -> None:
    settings = RuleSettings((BannedPhrase("delve into"),))
    text = with_text("One `delve into` two.\nWe delve into it.\n\n```\ndelve into\n```")
    found = [(finding.line, finding.column) for finding in check(text, settings)]
    assert found == [(INSERTED + 1, 4)]


def test_the_length_of_the_summary_has_the_limits_of_the_profile() -> None:
    summary = read_as(SITE.text.encode(), LAYOUT).text_of("summary") or ""
    long = check(SITE.text.replace(summary, "w" * 161))
    assert [(found.code, found.line, found.column) for found in long if found.code < "QT604"] == [("QT601", 4, 170)]
    assert long[0].message == "`summary` has 161 characters; shorten it to at most 160"
    [short] = [found for found in check(SITE.text.replace(summary, "w" * 39)) if found.code < "QT604"]
    assert (short.code, short.message) == ("QT602", "`summary` has 39 characters; write at least 40")


@pytest.mark.parametrize(
    ("tags", "message", "column", "after"),
    [
        ("[osmosis]", "`tags` has 1 keyword; write 2 to 6", 7, None),
        ("[a-b, b, c, d, e, f, g]", "`tags` has 7 keywords; write 2 to 6", 7, None),
        ("[osmosis, water, osmosis]", "`tags` is malformed; write each keyword once", 24, "[osmosis, water]"),
    ],
)
def test_the_list_of_tags_has_the_limits_of_the_profile(
    tags: str, message: str, column: int, after: str | None
) -> None:
    text = SITE.text.replace("[osmosis, membrane, solute, water, diffusion]", tags)
    [finding] = [found for found in check(text) if found.code == "QT603"]
    assert (finding.message, finding.line, finding.column) == (message, 8, column)
    if after:
        assert fixed(text, "QT603") == text.replace(tags, after)


def test_model_residue_in_an_item_of_a_list_is_found_at_the_item() -> None:
    text = SITE.text.replace("solute, water", '"[insert tag]", water')
    [finding] = [found for found in check(text) if found.code == "QT608"]
    assert (finding.line, finding.column, finding.field) == (8, 27, "tags")


@pytest.mark.parametrize(
    ("code", "before", "after"),
    [
        ("QT510", "One.\n\nIn H~2~O it moves.", "One.\n\nIn H\\~2\\~O it moves."),
        ("QT513", "1. A\n\nB\n\n1. C\n\nD\n\n1. E\n\nF", "1. A\n\nB\n\n2. C\n\nD\n\n3. E\n\nF"),
        ("QT109", "One.\nTw\u200bo \\n three.", "One.\nTwo \\n three."),
    ],
)
def test_a_fix_changes_only_the_fault(code: str, before: str, after: str) -> None:
    assert fixed(with_text(before), code) == with_text(after)


@pytest.mark.parametrize(
    "text",
    [
        "It costs $5 and $8.",
        "It costs 5$, then 6$ and $$ again.",
        "$$\nno formula",
        r"Write \(see below\), \frac{1}{2} and x^{2}.",
        'Run `printf("done\\n")` and `C:\\new`.',
        '```c\nprintf("a\\nb\\n");\n```',
        "```make\nall:\n\tgcc a.c\n\n\tgcc b.c\n```",
        "- An item\n\n\tgoes on after a tab.\n\n\t\tx = [1, 2];",
        "Above the line.\n\n---\n\nBelow the line: key: value\n\n---",
        "a \\\\nu and \\neq and $\\nabla$ are words here.",
    ],
)
def test_plain_text_of_this_site_is_not_a_fault(text: str) -> None:
    assert places(with_text(text)) == []


def test_a_line_like_the_end_of_the_front_matter_is_a_part_of_the_body() -> None:
    text = with_text("Above.\n\n---\n\nIn H~2~O it moves.")
    assert places(text) == [("QT510", INSERTED + 4, 5)]
    assert fixed(text, "QT510") == text.replace("H~2~O", "H\\~2\\~O")


def test_carriage_returns_are_reported_as_on_any_site() -> None:
    found = check(with_text("One.\r\nTwo."))
    assert "QT105" in {finding.code for finding in found}


def test_every_tag_is_an_error_if_the_renderer_rejects_html() -> None:
    [finding] = [found for found in check(with_text("One<br>two")) if found.code == "QT507"]
    assert finding.severity is Severity.ERROR
