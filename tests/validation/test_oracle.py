"""What the rules of family 5xx say, held against the site's own renderer (tests/oracle, node)."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from qtgen.page import read
from qtgen.page.markdown import expand_line_breaks, find_segments
from qtgen.site.discovery import batches_for_paths
from qtgen.validation.autofix import fix
from qtgen.validation.rules.example import EXAMPLE_PAGE, EXAMPLE_PATH
from qtgen.validation.run import ValidationOptions
from qtgen.validation.selection import choose_rules

ORACLE = Path(__file__).parents[1] / "oracle"

pytestmark = [
    pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed"),
    pytest.mark.skipif(not (ORACLE / "node_modules").is_dir(), reason="`make oracle` was not run: no site renderer"),
]


def render(answers: list[str]) -> list[dict[str, Any]]:
    """What the site makes of raw answers."""
    lines = "".join(json.dumps({"id": n, "answer": answer}) + "\n" for n, answer in enumerate(answers))
    done = subprocess.run(
        ["node", "render.mjs"],
        cwd=ORACLE,
        input=lines,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env={**os.environ, "NODE_ENV": "production"},
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def mended(answer: str) -> str:
    """The answer after `--fix --unsafe`."""
    raw = EXAMPLE_PAGE.replace("Osmosis moves", answer + " Osmosis moves").encode()
    check = ValidationOptions(choose_rules(["QT5"]), overlay={EXAMPLE_PATH: raw})
    made = list(fix(batches_for_paths([EXAMPLE_PATH]), check, unsafe=True))
    return str(read(made[0].after if made else raw).values["answer"]).partition(" Osmosis moves")[0]


DEFECTS = {
    r"Where $a \neq b$ and $\nabla f$.": ["a ≠ b", "∇ f"],
    r"As $p \not\equiv q$ and $x\notin A$.": ["p ≢ q", "x∉ A"],
    r"Where \( a = b \) and \(c\).": ["a = b", "c"],
    r"So\n\n\[\nx^2 = 4\n\]\n\nholds.": ["x^2 = 4"],
    "It costs $5 a litre, or $8 with salt.": [],
}


@pytest.mark.parametrize(("answer", "maths"), DEFECTS.items())
def test_a_fixed_answer_is_rendered_as_it_was_meant(answer: str, maths: list[str]) -> None:
    before, after = render([answer, mended(answer)])
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
def test_the_layout_agrees_with_the_sites_own_parser(answer: str) -> None:
    found = [
        "".join(expand_line_breaks(answer)[slice(*piece.inner)].split())
        for piece in find_segments(expand_line_breaks(answer))
        if piece.kind in ("math", "display")
    ]
    assert found == ["".join(node["tex"].split()) for node in render([answer])[0]["math"]]


def test_raw_html_and_open_marks_are_what_the_site_sees() -> None:
    html, comparison, bold = render(["a <b>bold</b>", "a < b and b > c", "**open and **closed**"])
    assert html["html_nodes"] == ["<b>", "</b>"]
    assert comparison["html_nodes"] == []
    assert "**" in bold["text"]
