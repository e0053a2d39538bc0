"""No fix takes a word or a formula from readers, as the site's own renderer sees it."""

import os
from collections.abc import Mapping, Sequence

import pytest

from qtgen.page.profile import default_profile
from qtgen.site.discovery import batches_for_paths
from qtgen.validation.autofix import FixReport, try_fixes
from qtgen.validation.rules.example import EXAMPLE_PAGE
from qtgen.validation.run import ValidationOptions
from qtgen.validation.selection import choose_rules
from support.default_tables import read
from support.oracle import needs_renderer, render
from support.renderings import lost_content

_SHARE = int(os.environ.get("QTGEN_FIX_SHARE", "20"))  # one of so many real pages is fixed

pytestmark = needs_renderer


def fix_all(pages: Mapping[str, bytes], *, unsafe: bool) -> FixReport:
    options = ValidationOptions(
        choose_rules(ignore=["QT4"], profile=default_profile()), overlay=pages, profile=default_profile()
    )
    return try_fixes(batches_for_paths(pages), options, unsafe=unsafe)


def losses(report: FixReport) -> dict[str, list[str]]:
    """Return what each changed answer loses."""
    answers = [
        (file.path, str(read(file.before).values["answer"]), str(read(file.after).values["answer"]))
        for file in report.files
    ]
    changed = [(path, before, after) for path, before, after in answers if before != after]
    assert changed
    renderings = render([answer for _, *both in changed for answer in both])
    lost = (
        (path, lost_content((before, after), (renderings[2 * number], renderings[2 * number + 1])))
        for number, (path, before, after) in enumerate(changed)
    )
    return {path: content for path, content in lost if content}


ANSWERS: Sequence[str] = (
    r"Where $a \neq b$ and $\nabla f$, \(c\) holds.",
    r"So\n\n$$ p \neq q $$\n\nand \( r \) holds.\n\n$$\ns\n$$\n\nThen $t$.",
    r"So\n\n$$\ne^{x} = 3\n$$\n\nholds, and $u \nu$.",
    r"# If $p \neq q$ and also now $r$\n\nThen \[s\] is $t$.",
    r"1. First $a \nu b$\n2. Then \(c\) for $5 a litre, or $8 with salt\n3. Last $d$",
    r"| Sign | Use |\n|---|---|\n| $a \neq b$ | \(c\) |\n| $d$ | $e$ |",
    r"Run `say('a\nb')` and\n\n```\nprint(\"\n\")\n```\n\nfor \(x\).",
    r"Where \(a $b$ c\) and \[d\n\ne\] hold, $f$.",
    r"$$\begin{aligned}\na &= b \\\nc &\neq d\n\end{aligned}$$",
    r"- It is $5 or $6\n- or $7\n\n$x \notin A$, \(y\)",
)


@pytest.mark.parametrize("unsafe", [False, True])
def test_fixes_of_answers_with_several_faults_take_nothing_from_readers(unsafe: bool) -> None:
    pages = {
        f"outputs/biology/{number}.md": EXAMPLE_PAGE.replace("Osmosis moves", f"{answer}\\n\\nOsmosis moves").encode()
        for number, answer in enumerate(ANSWERS)
    }
    assert losses(fix_all(pages, unsafe=unsafe)) == {}


@pytest.mark.parametrize("unsafe", [False, True])
def test_fixes_of_real_pages_take_nothing_from_readers(real_pages: Mapping[str, bytes], unsafe: bool) -> None:
    sample = {path: raw for number, (path, raw) in enumerate(sorted(real_pages.items())) if number % _SHARE == 0}
    assert losses(fix_all(sample, unsafe=unsafe)) == {}
