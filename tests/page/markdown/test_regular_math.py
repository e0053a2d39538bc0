r"""What `regular_math` says about an answer is true for the parsers too."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qtgen.page.markdown import expand_line_breaks, mask_segments, parse
from qtgen.page.markdown.katex import check_formula
from qtgen.page.markdown.katex.check import find_error
from qtgen.page.markdown.katex.plain import _COMMANDS
from qtgen.page.markdown.regular_math import _COMMANDS_MAX, regular_math

PIECES = (
    *("$", "$$", "\\n", "\\n\\n", "\\n   ", "\\n     ", "     ", "   - a", "   - **b", "- ", "1. ", "> ", "    "),
    *("x", "E", "2", "^", "_", "{", "}", "'", " ", "\\frac{a}{b}", "\\text{if }", "\\sqrt{x^2}", "\\mathbf", "\\cdot"),
    *("\\neq", "\\(", "\\)", "\\[", "\\]", "\\", "\\ce{H2O}", "^\\circ", "`", "~~~", "<b>", "](", "&", "%", "#", "|"),
    *("\\n$$\\n", "$x$", "$x^2$", "\\n$$\\nx = 1\\n$$\\n", "   - a\\n     $$\\n     x\\n     $$", "é", "\n", "\t"),
)
answers = st.lists(st.sampled_from(PIECES), max_size=14).map("".join)


def errors(answer: str) -> list[object]:
    """Return the error or None of each formula that the parsers find."""
    document = parse(expand_line_breaks(answer))
    return [
        check_formula(document.content[slice(*part.inner)], display=part.kind == "display")
        for part in document.segments
        if part.kind in ("math", "display")
    ]


def text_beside_math(answer: str) -> str:
    """Return what is left of an answer without its math and what is between escaped brackets."""
    document = parse(expand_line_breaks(answer))
    text = mask_segments(document.content, document.segments)
    return re.sub(r"(?s)\\\(.*?\\\)|\\\[.*?\\\]", "", text)


@settings(max_examples=1500)
@given(answers)
def test_agrees_with_the_parsers(answer: str) -> None:
    certain = regular_math(answer)
    if certain.renders:
        assert not any(errors(answer))
    if certain.is_plain:
        shown = text_beside_math(answer)
        assert "$" not in shown.replace("\\$", "")
    if certain.has_no_latex:
        assert not re.search(r"\\[A-Za-z]|[\^_]\{", text_beside_math(answer))


@pytest.mark.parametrize(
    "answer",
    [
        r"Where $x^2 + \frac{a}{b} = 90^\circ$ holds, $y'$ too.",
        r"So:\n\n$$\n\text{if } x_i^2\n= \sqrt{2}\n$$\n\nand\n   $$\n   a \cdot b\n   $$",
        r"1. One\n   - Two:\n     $$\n     x = 1\n     $$\n   - Three",
        r"In a line: \n $$x = 1$$ and more",
    ],
)
def test_recognizes_common_answers(answer: str) -> None:
    assert regular_math(answer) == (True, True, True)


@pytest.mark.parametrize(
    "answer",
    [r"$\ce{H2O}$", r"$\$x$", "`$`x$", r"$x", r"$a\nb$", r"$$\nx", r"$x^2^3$", r"$\cdotx$", r"$90^\circC$", "$$"],
)
def test_leaves_doubt_to_the_parsers(answer: str) -> None:
    assert not regular_math(answer).renders


def test_the_limit_of_macros_is_far() -> None:
    longest = [name for name in _COMMANDS.split("|") if find_error(f"\\{name} " * _COMMANDS_MAX, display=False)]
    assert longest == []
