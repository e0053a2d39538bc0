"""Math between brackets, written with dollar signs."""

import pytest

from qtgen.page.markdown.bracket_math import write_dollars


@pytest.mark.parametrize(
    ("markdown", "written"),
    [
        (r"\(x = 50%\) of \(y\)", r"$x = 50\%$ of $y$"),
        (r"\(x = 50 %\) or \(y = 5\%\)", r"$x = 50 \%$ or $y = 5\%$"),
        ("\\[\nx = 5%\n\\]", "$$\nx = 5\\%\n$$"),
        ("\\[\nx^2 + y % comment\n\\]", "$$\nx^2 + y % comment\n$$"),
        (r"$x$\(y^2\)\(z\)$w$", "$x$ $y^2$ $z$ $w$"),
        (r"\(5%\) and \(see below\)", r"\(5%\) and \(see below\)"),
        ("- \\[ x^2\n+ 1 \\] more", "- $$\n  x^2\n  + 1\n  $$\n  more"),
        ("Text \\[\nx\n\\]  ", "Text\n$$\nx\n$$  "),
        (r"\(x\) costs $5" + "\n\n$6", r"$x$ costs \$5" + "\n\n$6"),
    ],
)
def test_math_is_written_with_dollars(markdown: str, written: str) -> None:
    assert write_dollars(markdown) == written
