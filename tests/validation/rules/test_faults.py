"""The rules about rendering, compared with what a reader sees, on real pages (tests/oracle, which needs node)."""

from collections.abc import Mapping

import pytest

from qtgen.page.profile import default_profile
from qtgen.validation.rules import PageChecker, PageFile
from qtgen.validation.selection import choose_rules
from support.default_tables import read
from support.faults import FAULTS, Fault, Shown, compare
from support.oracle import needs_renderer, parse_nodes, render, sample_answers

pytestmark = needs_renderer


def shown(answers: Mapping[str, str]) -> dict[str, Shown]:
    rendered = render(answers.values())
    parsed = parse_nodes([answer.replace("\\n", "\n") for answer in answers.values()])
    return {
        path: Shown(answer, page, nodes)
        for (path, answer), page, nodes in zip(answers.items(), rendered, parsed, strict=True)
    }


def test_the_rules_report_what_readers_see_on_real_pages(real_pages: Mapping[str, bytes]) -> None:
    answers = sample_answers(real_pages)
    checker = PageChecker(choose_rules(["QT5"], profile=default_profile()), profile=default_profile())
    codes = {path: {found.code for found in checker(PageFile(path, read(real_pages[path])))} for path in answers}
    rows = compare(shown(answers), codes)
    assert sum(row.pages for row in rows) > 0
    assert [(row.title, row.false_alarms) for row in rows if row.precision < 1] == []
    assert [(row.title, row.pages - row.found) for row in rows if row.recall < 1] == []


FAULTY = {
    "torn": r"So $a \neq b$ holds, as does $\nu = 1$.",
    "brackets": r"So \(a = b\) holds.",
    "money": "From $5 a litre to $8 with salt.",
    "code": r"Write `a\nb` here.",
    "open": r"So\n\n$$\na = b\n\nThis is the **rest** of it.",
    "error": "So $a^b^c$ holds.",
    "red": r"So $\foo + 1$ holds.",
    "table": r"| a | b |\n| c | d |\n| e | f |",
    "struck": "In H~2~O and CO~2~.",
    "hash": r"##Heading\n\nText.",
    "latex": r"So \frac{a}{b} holds.",
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_seen_where_it_is_and_nowhere_else(fault: Fault) -> None:
    valid = r"So $a = b$, `c` and **d**.\n\n$$\ne\n$$\n\n| f | g |\n|---|---|\n| h | i |"
    pages = shown(FAULTY | {"none": valid})
    assert {path for path, page in pages.items() if fault.is_seen(page)} == {fault.name}
