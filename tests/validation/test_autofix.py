"""Fixing: rounds, proofs, urls, and writing."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from qtgen.errors import OutputError
from qtgen.page.profile import default_profile
from qtgen.site.discovery import batches_for_paths, iter_batches
from qtgen.validation import workers
from qtgen.validation.autofix import FixedFile, fix_pages, try_fixes, write_fixes
from qtgen.validation.diagnostics import Severity
from qtgen.validation.rules import REGISTRY, Example, Finding, PageFile, PageRule
from qtgen.validation.rules.edits import change_fields, replace_parts
from qtgen.validation.rules.example import EXAMPLE_PAGE, EXAMPLE_PATH, NEIGHBOUR_PAGE, NEIGHBOUR_PATH
from qtgen.validation.rules.types import PageCheck
from qtgen.validation.run import ValidationOptions
from qtgen.validation.selection import PathRules
from support.validation import ALL_RULES, write_example_site

BROKEN = (
    EXAMPLE_PAGE.replace("Osmosis moves", r"Where \( a \neq b \), osmosis moves")
    .replace("osmosis, membrane", "osmosis,membrane")
    .replace("author: QuickTakes\n", "")
)


def fixed(*, unsafe: bool = False, **pages: str) -> dict[str, FixedFile]:
    overlay = {EXAMPLE_PATH: pages.get("page", EXAMPLE_PAGE).encode()}
    overlay[NEIGHBOUR_PATH] = pages.get("neighbour", NEIGHBOUR_PAGE).encode()
    options = ValidationOptions(ALL_RULES, overlay=overlay, profile=default_profile())
    return {file.path: file for file in fix_pages(batches_for_paths(overlay), options, unsafe=unsafe)}


def test_all_safe_fixes_of_a_page_are_applied_and_no_other_line_changes() -> None:
    file = fixed(page=BROKEN)[EXAMPLE_PATH]
    assert file.fixes == 4
    assert r"Where $a ≠ b$, osmosis moves" in file.after.decode()
    assert file.after.decode().replace(r"Where $a ≠ b$, osmosis moves", "Osmosis moves") == EXAMPLE_PAGE


def with_display(formula: str, text: str) -> str:
    return EXAMPLE_PAGE.replace("back.", rf"back:\n\n$$ {formula} $$\n\nHere {text} is warm.", 1)


REVEALED = {
    "maths in brackets": (with_display(r"p \neq q", r"\(p\)"), with_display("p ≠ q", "$p$"), 2),
    "maths in brackets on lines": (
        with_display(r"\nabla p", r"as \[p^2\]"),
        with_display("∇ p", "as $$p^2$$"),
        2,
    ),
    "maths that has no fix": (
        with_display(r"p \neq q", r"\(p $q$\)"),
        with_display("p ≠ q", r"\(p $q$\)"),
        1,
    ),
    "another torn command": (
        with_display(r"p \neq q", r"$p \nu q$ and \(q\)"),
        with_display("p ≠ q", "$p ν q$ and $q$"),
        3,
    ),
}


@pytest.mark.parametrize("name", REVEALED)
def test_a_fix_that_reveals_what_a_formula_swallowed_is_applied(name: str) -> None:
    before, after, fixes = REVEALED[name]
    file = fixed(page=before)[EXAMPLE_PATH]
    assert (file.after.decode(), file.fixes) == (after, fixes)
    assert fixed(page=after) == {}


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, PageCheck], PageRule]]:
    """Return a function that registers a rule with safe fixes for the test."""

    def register_rule(code: str, check: PageCheck) -> PageRule:
        rule = PageRule(code, "a-rule", Severity.ERROR, check, Example(), Example(), "safe")
        monkeypatch.setitem(REGISTRY, code, rule)
        workers._page_checker.cache_clear()
        return rule

    yield register_rule
    workers._page_checker.cache_clear()


def test_a_fix_that_would_break_a_formula_is_rejected_with_the_reason(
    register: Callable[[str, PageCheck], PageRule],
) -> None:
    page = EXAMPLE_PAGE.replace("back.", r"back:\n\n$$\ne^{x} = 3\n$$\n\nThat holds.", 1)
    overlay = {EXAMPLE_PATH: page.encode()}
    rules = [register("ACME501", _replace_break)]
    report = try_fixes(batches_for_paths(overlay), ValidationOptions(rules, overlay=overlay, profile=default_profile()))
    assert report.files == []
    (rejected,) = report.rejected
    assert rejected.reason == "would change what readers see: `^{x} = 3` would not be shown"


def _replace_break(file: PageFile) -> Iterator[Finding]:
    start = str(file.page.values["answer"]).find(r"\ne^")
    if start >= 0:
        fix = replace_parts(file.page, "answer", "write ≠", [(start, start + 3, "≠")])
        yield Finding("found", file.page.span("answer"), "answer", fix)


def test_a_fix_never_makes_an_error_between_pages() -> None:
    """`url` and the link's `id` are missing, so no page is compared with this one until `url` is added."""
    page = EXAMPLE_PAGE.replace("_schema: default\n", "").replace("    id: 8\n", "")
    page = page.replace("url: /learn/biology/questions/what-is-osmosis\n", "_schema: default\n")
    files = fixed(page=page, unsafe=True)
    assert files[EXAMPLE_PATH].after == EXAMPLE_PAGE.encode()


def test_a_page_whose_fixes_cause_an_error_of_another_page_is_restored(
    register: Callable[[str, PageCheck], PageRule],
) -> None:
    """A plugin changes the title of a page that another one links to, whose links cannot be changed."""

    def check(file: PageFile) -> Iterator[Finding]:
        if file.page.text_of("author") == "Old":
            changes = {"author": "QuickTakes", "seo.title": "QuickTakes | Biology"}
            yield Finding("old", file.page.span("author"), "author", change_fields(file.page, "rename", changes))
        if file.page.text_of("title") == "What is diffusion?":
            changes = {"title": "What is heat?", "seo.title": "QuickTakes | Biology"}
            yield Finding("old", file.page.span("title"), "title", change_fields(file.page, "rename", changes))

    rules = [register("ACME301", check), *(rule for rule in ALL_RULES if rule.code in ("QT404", "QT405"))]
    linked = NEIGHBOUR_PAGE.replace("author: QuickTakes", "author: Old")
    linked = linked.replace("seo:\n  title: QuickTakes | Biology", "seo:\n  title: QuickTakes | Physics")
    overlay = {EXAMPLE_PATH: EXAMPLE_PAGE.replace("id: 7\n", "id: 7\nid: 7\n").encode()}
    overlay[NEIGHBOUR_PATH] = linked.encode()
    report = try_fixes(batches_for_paths(overlay), ValidationOptions(rules, overlay=overlay, profile=default_profile()))
    assert [file.path for file in report.files] == [NEIGHBOUR_PATH]
    assert b"What is heat?" not in report.files[0].after
    assert b"author: QuickTakes" in report.files[0].after
    assert {fix.reason for fix in report.rejected} == {"would cause an error between pages"}


def test_a_long_page_with_many_faults_is_fixed_in_several_runs() -> None:
    page = EXAMPLE_PAGE.replace("Osmosis moves", r"where $a \neq b$ is " * 15_000)
    overlay = {EXAMPLE_PATH: page.encode()}
    rules = [rule for rule in ALL_RULES if rule.code == "QT501"]
    report = try_fixes(batches_for_paths(overlay), ValidationOptions(rules, overlay=overlay, profile=default_profile()))
    (file,) = report.files
    assert file.fixes == file.after.decode().count("≠") > 0
    assert {fix.reason for fix in report.rejected} == {
        "is left for the next run, because the page is long and has many faults"
    }


def test_rejected_and_unsafe_fixes_are_reported_with_the_changed_pages() -> None:
    dangling = EXAMPLE_PAGE.replace("questions/what-is-diffusion", "questions/what-is-confusion")
    overlay = {EXAMPLE_PATH: dangling.encode(), NEIGHBOUR_PATH: NEIGHBOUR_PAGE.encode()}
    report = try_fixes(
        batches_for_paths(overlay), ValidationOptions(ALL_RULES, overlay=overlay, profile=default_profile())
    )
    assert (report.files, report.rejected, report.unsafe) == ([], [], 1)


def test_fixes_of_rules_that_do_not_apply_to_a_path_are_not_revealed() -> None:
    overlay = {EXAMPLE_PATH: REVEALED["maths in brackets"][0].encode()}
    by_path = [PathRules("outputs/*", (), ("QT502",))]
    options = ValidationOptions(ALL_RULES, by_path=by_path, overlay=overlay, profile=default_profile())
    (file,) = fix_pages(batches_for_paths(overlay), options)
    assert file.after.decode() == with_display("p ≠ q", r"\(p\)")


def test_unsafe_fixes_are_applied_only_on_request() -> None:
    dangling = EXAMPLE_PAGE.replace("questions/what-is-diffusion", "questions/what-is-confusion")
    assert fixed(page=dangling) == {}
    assert b"related_article1" not in fixed(page=dangling, unsafe=True)[EXAMPLE_PATH].after


def test_a_wrong_url_is_fixed_before_the_link_to_the_right_one_is_removed() -> None:
    moved = NEIGHBOUR_PAGE.replace("\nurl: /learn/biology/questions/what-is-diffusion", "\nurl: /wrong")
    files = fixed(neighbour=moved, unsafe=True)
    assert list(files) == [NEIGHBOUR_PATH]
    assert files[NEIGHBOUR_PATH].after == NEIGHBOUR_PAGE.encode()


def test_a_url_that_another_page_has_is_not_written() -> None:
    page = EXAMPLE_PAGE.replace("osmosis", "diffusion").replace("Osmosis", "Diffusion")
    page = page.replace("\nurl: /learn/biology/questions/what-is-diffusion", "\nurl: /other")
    options = ValidationOptions(
        ALL_RULES,
        overlay={"a/biology/what-is-diffusion.md": page.encode(), NEIGHBOUR_PATH: NEIGHBOUR_PAGE.encode()},
        profile=default_profile(),
    )
    files = fix_pages(batches_for_paths(options.overlay), options, unsafe=True)
    assert all(b"\nurl: /other\n" in file.after for file in files if file.path.startswith("a/"))


def test_two_pages_are_not_given_the_same_url() -> None:
    page = EXAMPLE_PAGE.replace("\nurl: /learn/biology/questions/what-is-osmosis", "\nurl: /{}")
    overlay = {f"{name}/biology/what-is-osmosis.md": page.format(name).encode() for name in "ab"}
    files = list(
        fix_pages(
            batches_for_paths(overlay),
            ValidationOptions(ALL_RULES, overlay=overlay, profile=default_profile()),
            unsafe=True,
        )
    )
    urls = [line for file in files for line in file.after.decode().splitlines() if line.startswith("url: /learn")]
    assert len(urls) == 1


def test_a_page_that_is_not_utf_8_is_not_written() -> None:
    raw = EXAMPLE_PAGE.replace("solute", "solut\u00e9").encode("latin-1")
    options = ValidationOptions(ALL_RULES, overlay={EXAMPLE_PATH: raw}, profile=default_profile())
    assert list(fix_pages(batches_for_paths([EXAMPLE_PATH]), options, unsafe=True)) == []


def test_fixed_pages_keep_their_mode() -> None:
    write_example_site()
    Path(EXAMPLE_PATH).write_text(BROKEN)
    Path(EXAMPLE_PATH).chmod(0o640)
    files = list(
        fix_pages(list(iter_batches([Path("outputs")])), ValidationOptions(ALL_RULES, profile=default_profile()))
    )
    assert [file.error for file in write_fixes(files)] == [None]
    assert Path(EXAMPLE_PATH).stat().st_mode & 0o777 == 0o640
    assert Path(EXAMPLE_PATH).read_bytes() == files[0].after


def test_a_page_that_changed_in_the_meantime_is_left_alone_and_the_others_are_written() -> None:
    write_example_site()
    before = EXAMPLE_PAGE.encode()
    files = [
        FixedFile(EXAMPLE_PATH, b"older", b"new", 1),
        FixedFile(NEIGHBOUR_PATH, NEIGHBOUR_PAGE.encode(), b"new", 1),
    ]
    first, second = write_fixes(files)
    assert isinstance(first.error, OutputError)
    assert Path(EXAMPLE_PATH).read_bytes() == before
    assert second.error is None
    assert Path(NEIGHBOUR_PATH).read_bytes() == b"new"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_an_error_of_its_page() -> None:
    write_example_site()
    Path(EXAMPLE_PATH).parent.chmod(0o500)
    (file,) = write_fixes([FixedFile(EXAMPLE_PATH, EXAMPLE_PAGE.encode(), b"new", 1)])
    Path(EXAMPLE_PATH).parent.chmod(0o700)
    assert file.error is not None
