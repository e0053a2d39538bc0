"""The fixes of `qtgen validate` as a user meets them: how many there are, which are not made and why, and where."""

import json
import textwrap
from pathlib import Path

import pytest

from qtgen.validation.rules.example import EXAMPLE_PAGE, EXAMPLE_PATH, NEIGHBOUR_PAGE, NEIGHBOUR_PATH
from support.validation import Run, write_example_site, write_page

UNSAFE = "1 finding can be fixed with `--fix --unsafe`\n"


@pytest.mark.parametrize("body", ["\n&nbsp;\n\nHeat flows.", "\nHeat flows.\n", "Cold"])
def test_a_fix_that_is_unsafe_on_this_page_alone_is_announced_as_such(qtgen: Run, body: str) -> None:
    write_page(EXAMPLE_PATH, EXAMPLE_PAGE.replace("\n&nbsp;", body))
    assert qtgen("validate", EXAMPLE_PATH)[2].endswith(UNSAFE)
    found = "1 page checked: 1 warning in 1 page\n"
    assert qtgen("validate", EXAMPLE_PATH, "--fix")[2] == f"no safe fix to apply\n{found}{UNSAFE}"
    assert qtgen("validate", EXAMPLE_PATH, "--diff") == (0, "", f"no safe fix to apply\n{UNSAFE}")
    assert qtgen("validate", EXAMPLE_PATH, "--fix", "--unsafe")[2].startswith("fixed 1 finding in 1 page\n")
    assert Path(EXAMPLE_PATH).read_text() == EXAMPLE_PAGE


def test_safe_and_unsafe_fixes_are_counted_separately(qtgen: Run) -> None:
    page = EXAMPLE_PAGE.replace("Osmosis moves", r"Where \( a \), osmosis moves").replace("membrane, ", "membrane,")
    write_page(EXAMPLE_PATH, f"{page}\nHeat flows.")
    unsafe = "1 more finding can be fixed with `--fix --unsafe`\n"
    assert qtgen("validate", EXAMPLE_PATH)[2].endswith(f"2 findings can be fixed with `--fix`\n{unsafe}")
    assert qtgen("validate", EXAMPLE_PATH, "--diff")[2] == f"would fix 2 findings in 1 page\n{unsafe}"


def test_a_finding_whose_fix_is_not_possible_is_not_announced(qtgen: Run) -> None:
    page = EXAMPLE_PAGE.replace("id: 7\n", "id: 7\nid: 7\n").replace("title: QuickTakes | Biology", "title: Biology")
    write_page(EXAMPLE_PATH, page)
    assert qtgen("validate", EXAMPLE_PATH)[2] == "1 page checked: 2 errors in 1 page\n"


def test_the_reason_is_told_if_a_fix_is_not_applied(qtgen: Run) -> None:
    """A link leads to the wrong url, so the url is not changed."""
    write_example_site()
    write_page(EXAMPLE_PATH, EXAMPLE_PAGE.replace("\nurl: /learn/biology/questions/what-is-", "\nurl: /"))
    write_page(NEIGHBOUR_PATH, NEIGHBOUR_PAGE.replace("/learn/biology/questions/what-is-osmosis", "/osmosis"))
    assert qtgen("validate", "outputs")[2].endswith(UNSAFE)
    assert qtgen("validate", "outputs", "--fix", "--unsafe")[2] == (
        f"nothing to fix\nnot fixed: {EXAMPLE_PATH}:24: QT303: the fix would change a `url` that links lead to, or give "
        "two pages the same one\n2 pages checked: 1 error in 1 page\n"
    )


def test_only_the_first_reasons_are_told(qtgen: Run) -> None:
    for number in range(12):
        text = EXAMPLE_PAGE.replace("\nurl: /learn/biology/questions/what-is-", f"\nurl: /{number}")
        write_page(f"outputs/{number}/biology/what-is-osmosis.md", text)
    err = qtgen("validate", "outputs", "--fix", "--unsafe", "--select", "QT303")[2]
    assert err.count("QT303: the fix would change a `url`") == 10
    assert "not fixed: 1 more finding for reasons like these\n" in err


FAULTS = r"Heat flows.\n\nWhere $p \neq q$ and \( r \) hold.\n\n1. **Warm**, yes\n2. **Cold, no\n\nOsmosis moves"
PAGE = EXAMPLE_PAGE.replace("**: ", "** ")  # a plain value cannot hold a colon and a space
HEAD, _, TAIL = PAGE.replace("Osmosis moves", FAULTS).partition("answer: >-\n    ")
ANSWER, _, TAIL = TAIL.partition("\n")
LINES = textwrap.wrap(ANSWER, 78, break_on_hyphens=False)
MARKDOWN = ANSWER.replace(r"\neq", "≠").split(r"\n")
STYLES = {
    "folded": ">-\n  " + "\n  ".join(LINES),
    "plain": "\n  ".join(LINES),
    "single-quoted": "'" + "\n  ".join(LINES) + "'",
    "double-quoted": '"' + " \\\n  ".join(line.replace("\\", "\\\\") for line in LINES) + '"',
    "literal": "|-\n" + "\n".join(f"    {line}".rstrip() for line in MARKDOWN),
}


@pytest.mark.parametrize("style", STYLES)
def test_findings_and_fixes_are_exact_however_an_editor_saves_the_answer(qtgen: Run, style: str) -> None:
    page = f"{HEAD}answer: {STYLES[style]}\n{TAIL}"
    write_page(EXAMPLE_PATH, page)
    found = {found["code"]: found for found in json.loads(qtgen("validate", EXAMPLE_PATH, "--json")[1])}
    marked = {code: _marked(page, found[code]) for code in found if code.startswith("QT5")}
    backslash = r"\\" if style == "double-quoted" else "\\"
    assert marked["QT502"] == rf"{backslash}( r {backslash})"
    assert marked["QT506"] == "**"
    assert marked.get("QT501") == (None if style == "literal" else f"{backslash}neq")
    qtgen("validate", EXAMPLE_PATH, "--fix")
    fixed = FAULTS.replace(r"\neq", "≠").replace(r"\( r \)", "$r$")
    assert Path(EXAMPLE_PATH).read_text() == PAGE.replace("Osmosis moves", fixed)


@pytest.mark.parametrize("style", STYLES)
def test_one_fix_alone_is_an_edit_at_its_place(qtgen: Run, style: str) -> None:
    page = f"{HEAD}answer: {STYLES[style]}\n{TAIL}"
    write_page(EXAMPLE_PATH, page)
    qtgen("validate", EXAMPLE_PATH, "--fix", "--select", "QT502")
    backslash = r"\\" if style == "double-quoted" else "\\"
    assert Path(EXAMPLE_PATH).read_text() == page.replace(f"{backslash}( r {backslash})", "$r$")


@pytest.mark.parametrize("wrapped", [">-\n    {}\n    {}", "{}\n    {}", '"{}\n    {}"', "'{}\n    {}'"])
def test_places_in_a_wrapped_description_are_exact(qtgen: Run, wrapped: str) -> None:
    first = "Osmosis is the passage of water through a membrane towards the side that holds"
    second = "more solute, as an AI language model, I know because of the pressure that it needs."
    page = EXAMPLE_PAGE.replace(
        ">-\n    Osmosis is the passage of water through a membrane towards the side that holds more solute.",
        wrapped.format(first, second),
    )
    write_page(EXAMPLE_PATH, page)
    found = {found["code"]: found for found in json.loads(qtgen("validate", EXAMPLE_PATH, "--json")[1])}
    assert _marked(page, found["QT608"]) == "as an AI language model,"
    assert _marked(page, found["QT601"]) == (first + " " + second)[122:]


def _marked(page: str, finding: dict[str, int]) -> str:
    """Return what a finding on one line marks."""
    assert finding["line"] == finding["end_line"]
    return page.split("\n")[finding["line"] - 1][finding["column"] - 1 : finding["end_column"] - 1]


def test_the_unsafe_fix_of_a_rule_with_safe_fixes_is_announced_as_unsafe(qtgen: Run) -> None:
    write_page(EXAMPLE_PATH, EXAMPLE_PAGE.replace("Osmosis moves", r"The path C:\new\notes is torn. Osmosis moves"))
    assert qtgen("validate", EXAMPLE_PATH)[2].endswith(UNSAFE)
    assert qtgen("validate", EXAMPLE_PATH, "--fix")[2].endswith(UNSAFE)
