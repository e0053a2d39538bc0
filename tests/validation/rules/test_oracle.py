"""The findings and fixes of family 5xx, compared with the site's own renderer (tests/oracle, which needs node)."""

import pytest

from qtgen.page.markdown import expand_line_breaks, find_segments
from qtgen.page.profile import default_profile
from qtgen.site.discovery import batches_for_paths
from qtgen.validation.autofix import fix_pages
from qtgen.validation.rules.example import EXAMPLE_PAGE, EXAMPLE_PATH
from qtgen.validation.run import ValidationOptions
from qtgen.validation.selection import choose_rules
from support.default_tables import read
from support.oracle import needs_renderer, render

pytestmark = needs_renderer


def fixed(answer: str) -> str:
    """Return the answer after safe and unsafe fixes."""
    raw = EXAMPLE_PAGE.replace("Osmosis moves", answer + " Osmosis moves").encode()
    options = ValidationOptions(
        choose_rules(["QT5"], profile=default_profile()), overlay={EXAMPLE_PATH: raw}, profile=default_profile()
    )
    files = list(fix_pages(batches_for_paths([EXAMPLE_PATH]), options, unsafe=True))
    return str(read(files[0].after if files else raw).values["answer"]).partition(" Osmosis moves")[0]


DEFECTS = {
    r"Where $a \neq b$ and $\nabla f$.": ["a ≠ b", "∇ f"],
    r"As $p \not\equiv q$ and $x\notin A$.": ["p ≢ q", "x∉ A"],
    r"Where \( a = b \) and \(c\).": ["a = b", "c"],
    r"So\n\n\[\nx^2 = 4\n\]\n\nholds.": ["x^2 = 4"],
    "It costs $5 a litre, or $8 with salt.": [],
}


@pytest.mark.parametrize(("answer", "maths"), DEFECTS.items())
def test_a_fixed_answer_renders_as_intended(answer: str, maths: list[str]) -> None:
    before, after = render([answer, fixed(answer)])
    assert [node["tex"].strip() for node in before["math"]] != maths
    assert [node["tex"].strip() for node in after["math"]] == maths
    assert after["katex_errors"] == []
    assert "\\" not in after["text"]


@pytest.mark.parametrize(
    "answer",
    [
        r"Plain $a$ and $$b$$, `$c$` and \$5.\n\n$$\nd\n$$\n\nend",
        r"1. One $x$\n\n   $$\n   y\n   $$\n\n2. Two ``a ` $b$`` end",
        r"```\n$a$\n```\n\n$b\nc$ and $open",
        r"$5 and $8, then $9",
        r"- $$\n  x\n  $$\n- $y$",
    ],
)
def test_the_layout_agrees_with_the_parser_of_the_site(answer: str) -> None:
    found = [
        "".join(expand_line_breaks(answer)[slice(*piece.inner)].split())
        for piece in find_segments(expand_line_breaks(answer))
        if piece.kind in ("math", "display")
    ]
    assert found == ["".join(node["tex"].split()) for node in render([answer])[0]["math"]]


def test_the_site_shows_html_as_text_and_open_marks_as_asterisks() -> None:
    html, comparison, bold = render(["a <b>bold</b>", "a < b and b > c", "**open and **closed**"])
    assert html["html_nodes"] == ["<b>", "</b>"]
    assert comparison["html_nodes"] == []
    assert "**" in bold["text"]
