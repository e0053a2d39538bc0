"""Fixes of one page: overlaps, new errors, and fields that must not change."""

from qtgen.page.profile import default_profile
from qtgen.validation.diagnostics import Diagnostic, Edit, Fix, Severity
from qtgen.validation.fixes import FixPolicy, apply_fixes, apply_safe_fixes, count_errors
from qtgen.validation.rules import PageChecker, PageFile
from qtgen.validation.rules.example import EXAMPLE_PATH
from support.default_tables import read
from support.validation import ALL_RULES, example_with

_CHECKER = PageChecker(ALL_RULES, fixes=True, profile=default_profile())
_FILE = PageFile(EXAMPLE_PATH, read(example_with("author: QuickTakes", "author: Quick")))


_POLICY = FixPolicy(_CHECKER)


def replace_line(line: int, length: int, text: str, *, safe: bool = True) -> Diagnostic:
    fix = Fix(safe, "test", (Edit(line, 1, line, length + 1, text),))
    return Diagnostic(EXAMPLE_PATH, line, 1, line, 2, "ACME201", "a-rule", Severity.WARNING, "found", None, fix, True)


def test_a_fix_that_overlaps_an_earlier_one_waits() -> None:
    first, second = replace_line(17, 13, "author: QuickTakes"), replace_line(17, 6, "author")
    outcome = apply_fixes(_FILE, [first, second], _POLICY)
    assert (outcome.applied, outcome.rejected) == (1, ())
    assert outcome.page.values["author"] == "QuickTakes"


def test_a_fix_that_causes_an_error_is_rejected_with_the_reason() -> None:
    outcome = apply_fixes(_FILE, [replace_line(3, 5, "id: x")], _POLICY)
    assert (outcome.page, outcome.applied) == (_FILE.page, 0)
    (rejected,) = outcome.rejected
    assert (rejected.line, rejected.code) == (3, "ACME201")
    assert rejected.reason.startswith("would cause QT203: `id` must be")


def test_a_fix_that_does_harm_does_not_keep_others_from_being_applied() -> None:
    bad = [replace_line(3, 5, "id: x"), replace_line(4, 16, "date: yesterday")]
    good = [replace_line(2, 16, "_schema: default"), replace_line(17, 13, "author: QuickTakes")]
    outcome = apply_fixes(_FILE, [good[0], *bad, good[1]], _POLICY)
    assert outcome.applied == 2
    assert outcome.page.values["author"] == "QuickTakes"
    assert [fix.line for fix in outcome.rejected] == [3, 4]


def test_a_fix_that_the_policy_rejects_is_left_out() -> None:
    policy = FixPolicy(_CHECKER, reject=lambda before, after: "is not wanted")
    outcome = apply_fixes(_FILE, [replace_line(17, 13, "author: QuickTakes")], policy)
    assert (outcome.applied, outcome.rejected[0].reason) == (0, "is not wanted")


def test_unsafe_fixes_and_those_of_other_rules_are_not_tried() -> None:
    unsafe = replace_line(17, 13, "author: QuickTakes", safe=False)
    assert apply_fixes(_FILE, [unsafe], _POLICY).applied == 0
    assert apply_fixes(_FILE, [unsafe], FixPolicy(_CHECKER, unsafe=True)).applied == 1
    assert apply_fixes(_FILE, [unsafe], FixPolicy(_CHECKER, unsafe=True, codes={"QT201"})).applied == 0


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
