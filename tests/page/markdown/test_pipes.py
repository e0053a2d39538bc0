r"""The `|` of formulas and code in tables."""

import pytest

from qtgen.page.markdown.pipes import escape_pipes, write_pipes


@pytest.mark.parametrize(
    ("cell", "escaped"),
    [
        ("a | b", r"a \| b"),
        (r"a \| b", r"a \| b"),
        ("$|x|$ | y", r"$\vert x\vert$ \| y"),
        (r"$\|x\|$", r"$\Vert x\Vert$"),
        (r"$\left|x\right|$", r"$\left\vert x\right\vert$"),
        ("`a|b`", r"`a\|b`"),
        ("none", "none"),
    ],
)
def test_pipes_of_a_cell(cell: str, escaped: str) -> None:
    assert escape_pipes(cell) == escaped


@pytest.mark.parametrize(
    ("row", "written"),
    [
        ("| $|x|$ | 3 |", r"| $\vert x\vert$ | 3 |"),
        ("| `a|b` | $P(A|B)$ |", r"| `a\|b` | $P(A\vert B)$ |"),
        ("| $5 | $6 |", "| $5 | $6 |"),
        ("| a | b | c |", "| a | b | c |"),
        ("| $|x|$ | 3 | surplus |", "| $|x|$ | 3 | surplus |"),
    ],
)
def test_a_row_changes_only_if_its_cells_fit_then(row: str, written: str) -> None:
    table = "| f | v |\n|---|---|\n{}\n\n$|x|$ stays."
    assert write_pipes(table.format(row)) == table.format(written)


def test_a_header_with_math_becomes_that_of_a_table() -> None:
    assert write_pipes("| $|f|$ | v |\n|---|---|\n| 1 | 2 |").startswith(r"| $\vert f\vert$ | v |")
