"""QT207: an answer that is not on one line is written on one, and reads as its author wrote it."""

from collections.abc import Mapping

import pytest

from qtgen.page import decode_answer
from qtgen.page.profile import default_profile
from qtgen.site.discovery import batches_for_paths
from qtgen.validation.autofix import fix_pages
from qtgen.validation.diagnostics import Severity
from qtgen.validation.rules import REGISTRY, PageFile, check_page
from qtgen.validation.rules.example import EXAMPLE_PAGE, EXAMPLE_PATH
from qtgen.validation.run import ValidationOptions
from support.default_tables import read
from support.validation import check

_START = EXAMPLE_PAGE.index("answer: >-")
_END = EXAMPLE_PAGE.index("subject: Biology\nfile_name")

PARAGRAPHS = "First paragraph.\n\nSecond paragraph,\nwrapped."
LIST = "Steps:\n\n1. One\n2. Two\n    - inner\n\nEnd."


def page_with(answer_lines: str) -> bytes:
    return (EXAMPLE_PAGE[:_START] + answer_lines + EXAMPLE_PAGE[_END:]).encode()


def block(header: str, markdown: str, indent: int = 4) -> bytes:
    lines = (" " * indent + line if line else "" for line in markdown.split("\n"))
    return page_with(f"answer: {header}\n" + "\n".join(lines) + "\n")


def fixed_page(raw: bytes) -> bytes:
    options = ValidationOptions([REGISTRY["QT207"]], overlay={EXAMPLE_PATH: raw}, profile=default_profile())
    return next(fix_pages(batches_for_paths([EXAMPLE_PATH]), options)).after


CASES = {
    "folded paragraphs": (block(">-", PARAGRAPHS), PARAGRAPHS, Severity.ERROR),
    "folded list": (block(">-", LIST), LIST, Severity.ERROR),
    "folded list without blank lines": (block(">-", "Steps:\n1. One\n2. Two"), "Steps:\n1. One\n2. Two", Severity.ERROR),
    "folded, deeper indent": (block(">-", PARAGRAPHS, indent=7), PARAGRAPHS, Severity.ERROR),
    "folded with a final line break": (block(">", PARAGRAPHS), PARAGRAPHS, Severity.ERROR),
    "wrapped prose": (block(">-", "One sentence,\nwrapped\n- once."), "One sentence, wrapped - once.", Severity.WARNING),
    "wrapped encoded answer": (block(">-", r"One.\n\n## A long" + "\n" + r"heading\n\nTwo."), "One.\n\n## A long heading\n\nTwo.", Severity.WARNING),
    "encoded answer with a paragraph": (block(">-", r"One.\n\n1. a" + "\n\nTwo."), "One.\n\n1. a\n\nTwo.", Severity.ERROR),
    "literal": (block("|-", LIST), LIST, Severity.WARNING),
    "literal with a final line break": (block("|", LIST), LIST, Severity.WARNING),
    "plain": (page_with("answer: First paragraph.\n\n  Second paragraph,\n  wrapped.\n"), PARAGRAPHS, Severity.ERROR),
    "single-quoted": (page_with("answer: 'It''s first.\n\n  Second.'\n"), "It's first.\n\nSecond.", Severity.ERROR),
    "double-quoted": (page_with('answer: "First.\n\n  Second."\n'), "First.\n\nSecond.", Severity.ERROR),
    "double-quoted with escapes": (page_with(r'answer: "First.\n\nSecond."' + "\n"), "First.\n\nSecond.", Severity.WARNING),
}  # fmt: skip


@pytest.mark.parametrize(("raw", "markdown", "severity"), CASES.values(), ids=CASES)
def test_the_fix_restores_the_markdown(raw: bytes, markdown: str, severity: Severity) -> None:
    (finding,) = [found for found in check(raw) if found.code == "QT207"]
    assert finding.severity is severity
    after = fixed_page(raw)
    answer = str(read(after).values["answer"])
    assert "\n" not in answer
    assert decode_answer(answer) == markdown
    assert f"answer: >-\n    {answer}\nsubject: ".encode() in after


@pytest.mark.parametrize(("raw", "markdown", "severity"), CASES.values(), ids=CASES)
def test_the_fix_changes_no_other_line(raw: bytes, markdown: str, severity: Severity) -> None:
    before, after = read(raw), read(fixed_page(raw))
    assert {**before.values, "answer": ""} == {**after.values, "answer": ""}
    text = raw.decode()
    assert after.text.startswith(text[:_START])
    assert after.text.endswith(EXAMPLE_PAGE[_END:])


def test_the_finding_covers_the_lines_after_the_first() -> None:
    (finding,) = [found for found in check(block(">-", PARAGRAPHS)) if found.code == "QT207"]
    lines = block(">-", PARAGRAPHS).decode().split("\n")
    first = lines.index("    Second paragraph,") + 1
    assert (finding.line, finding.column) == (first, 5)
    assert (finding.end_line, finding.end_column) == (first + 1, len("    wrapped.") + 1)


@pytest.mark.parametrize("raw", [EXAMPLE_PAGE.encode(), block(">", "One line."), block("|", "One line.")])
def test_an_answer_on_one_line_is_not_reported(raw: bytes) -> None:
    assert "QT207" not in [found.code for found in check(raw)]


def test_a_tab_has_no_fix_because_a_page_cannot_hold_it() -> None:
    raw = page_with('answer: "First.\\n\\tSecond."\n')
    assert "QT207" in [found.code for found in check(raw)]
    options = ValidationOptions([REGISTRY["QT207"]], overlay={EXAMPLE_PATH: raw}, profile=default_profile())
    assert list(fix_pages(batches_for_paths([EXAMPLE_PATH]), options)) == []


def test_a_comment_behind_the_answer_is_not_made_part_of_it() -> None:
    raw = page_with("answer: First.\n\n  Second. # to be reviewed\n")
    options = ValidationOptions([REGISTRY["QT207"]], overlay={EXAMPLE_PATH: raw}, profile=default_profile())
    assert list(fix_pages(batches_for_paths([EXAMPLE_PATH]), options)) == []


def test_real_pages_have_no_finding(real_pages: Mapping[str, bytes]) -> None:
    rule = [REGISTRY["QT207"]]
    assert [path for path, raw in real_pages.items() if check_page(PageFile(path, read(raw)), rule)] == []
