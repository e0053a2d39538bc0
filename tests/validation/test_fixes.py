"""Fixes of one page: overlaps, new errors, and fields that must not change."""

from qtgen.page import read
from qtgen.validation.diagnostics import Edit, Fix
from qtgen.validation.fixes import apply_fixes, apply_safe_fixes, count_errors
from qtgen.validation.rules import PageChecker, PageFile
from qtgen.validation.rules.example import EXAMPLE_PATH
from support.validation import ALL_RULES, example_with

_CHECKER = PageChecker(ALL_RULES, fixes=True)
_FILE = PageFile(EXAMPLE_PATH, read(example_with("author: QuickTakes", "author: Quick")))


def replace_line(line: int, length: int, text: str) -> Fix:
    return Fix(True, "test", (Edit(line, 1, line, length + 1, text),))


def test_a_fix_that_overlaps_an_earlier_one_waits() -> None:
    first, second = replace_line(17, 13, "author: QuickTakes"), replace_line(17, 6, "author")
    page, applied = apply_fixes(_FILE, [first, second], _CHECKER, lambda before, after: True)
    assert applied == 1
    assert page.values["author"] == "QuickTakes"


def test_a_fix_that_causes_an_error_is_left_out() -> None:
    page, applied = apply_fixes(_FILE, [replace_line(3, 5, "id: x")], _CHECKER, lambda before, after: True)
    assert (page, applied) == (_FILE.page, 0)


def test_a_fix_that_is_not_accepted_is_left_out() -> None:
    fix = replace_line(17, 13, "author: QuickTakes")
    assert apply_fixes(_FILE, [fix], _CHECKER, lambda before, after: False)[1] == 0


def test_only_the_named_fields_change() -> None:
    raw = example_with("Osmosis moves", r"Where \( a \), osmosis moves").replace(
        b"osmosis, membrane", b"osmosis,membrane"
    )
    file = PageFile(EXAMPLE_PATH, read(raw))
    page = apply_safe_fixes(file, _CHECKER, ["answer"])
    assert "$a$" in str(page.values["answer"])
    assert page.values["seo.page_keywords"] == file.page.values["seo.page_keywords"]


def test_errors_are_counted_by_code() -> None:
    assert count_errors(_FILE, _CHECKER) == {"QT205": 1}
