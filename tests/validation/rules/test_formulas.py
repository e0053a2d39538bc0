"""QT508: formulas that KaTeX shows as an error, and their places in the page."""

import pytest

from qtgen.validation.diagnostics import Diagnostic, Severity
from support.validation import check, codes_of, example_with


def findings_in(text: str) -> list[tuple[str, str]]:
    """Return the marked part of the answer and the message for each finding of QT508."""
    raw = example_with("Osmosis moves", f"{text} Osmosis moves")
    return [(_marked(raw, finding), finding.message) for finding in check(raw) if finding.code == "QT508"]


def _marked(raw: bytes, finding: Diagnostic) -> str:
    assert finding.severity is Severity.ERROR
    assert finding.line == finding.end_line
    line = raw.decode().splitlines()[finding.line - 1]
    return line[finding.column - 1 : finding.end_column - 1]


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        (r"Water is $\ce{H2O}$ at $\SI{3}{m}$.", [r"\ce", r"\SI"]),
        ("The ion is $A_m_n$.", ["_"]),
        (r"We have $$\begin{gather} a \end{gather}$$ here.", [r"\begin"]),
        (r"In one line $$x \tag{7}$$ too.", [r"\tag"]),
        (r"Display:\n\n$$\na & b\n$$\n\nafter.", ["&"]),
        (r"Display:\n\n$$\n\begin{align}\na &= b\n\end{align} \tag{1}\n$$\n\nafter.", []),
        (r"In a list:\n\n1. One:\n\n   $$\n   \left( a\n   $$\n\n2. Two.", [r"\left"]),
        (r"A fence:\n\n```math\n\sqrt{2\n```\n\nafter.", ["{"]),
        (r"A fence:\n\n```latex\n\sqrt{2\n```\n\nafter.", []),
        (r"Code `$\ce{x}$` only.", []),
        (r"Escaped \$5 & \$6.", []),
        (r"Right: $\frac{1}{2}$, $$x_1$$ and $\text{50\% of it}$.", []),
        (r"Half: $\text{50% of it}$.", ["%"]),
    ],
)
def test_a_formula_that_katex_shows_as_an_error(text: str, marked: list[str]) -> None:
    assert [part for part, _ in findings_in(text)] == marked


def test_the_message_quotes_the_formula_in_one_line_and_says_what_to_write() -> None:
    [(_, message)] = findings_in(r"So:\n\n$$\nx =\n\alhpa\n$$\n\nafter.")
    expected = (
        r"the site shows the formula `x = \alhpa` as an error: KaTeX does not know `\alhpa`; did you mean `\alpha`?"
    )
    assert message == expected


def test_a_page_without_formulas_has_no_finding() -> None:
    assert "QT508" not in codes_of(example_with("Osmosis moves", r"Maths is \ce{x} & y. Osmosis moves"))
