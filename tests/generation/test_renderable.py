r"""Answers as the site renders them: what models write, and correct Markdown, which stays as it is.

A correct answer is never refused: the rules of family 5xx find nothing in it once it is encoded.
"""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qtgen.generation.renderable import find_open_mark, make_renderable
from qtgen.page import encode_answer, splice
from qtgen.validation.rules import PageFile, check_page
from qtgen.validation.rules.example import EXAMPLE_PAGE, EXAMPLE_PATH
from support.default_tables import read_text
from support.oracle import needs_renderer, render
from support.validation import ALL_RULES

# What a model writes, and the formulas that a reader must see: their LaTeX, and whether each is a block.
MODEL_TEXTS = {
    "We have\n\n\\[\na = b\n+ c\n\\]\n\nIt is **so**.": [("a = b\n+ c", True)],
    "Text:\n\\[ a = b \\]\nmore text.": [("a = b", True)],
    "\\[\na\n=\nb\n\\]\n\nwhere \\[\nx\n- y\n\\]\nholds": [("a\n=\nb", True), ("x\n- y", True)],
    "We \\[ \\begin{align} a &= b \\\\ c &= d \\end{align} \\] so.": [
        ("\\begin{align} a &= b \\\\ c &= d \\end{align}", True)
    ],
    "1. Item:\n\n   \\[\n   a = b\n   \\]\n\n2. Next \\[x^2\\] done\n   - nested:\n     \\[\n   a\n     \\]\n\n3. end": [
        ("a = b", True), ("x^2", False), ("a", True),
    ],
    "- item:\n\\[\na = b\n\\]\n- next\n  $$\n  c = d\n$$\n- third **b**": [("a = b", True), ("c = d", True)],
    "- $$a = b\n  + c$$\n- \\[\n  x = y\n  \\]\n- end": [("a = b\n+ c", True), ("x = y", True)],
    "We have\n\n$$\na = b\n$$ where $a$ is so.\n\nAnd the **rest**.": [("a = b", True), ("a", False)],
    "We have\n\n$$a = b\n$$\n\nAnd the **rest**.": [("a = b", True)],
    "We have\n\n$$\na = b\n$$, where it holds.": [("a = b,", True)],
    "We have $$a = b\n$$ so it is.\n\nMore **x**.": [("a = b", True)],
    "We have:\n$$\na = b$$\nand more\n\n$$\nc\n$$\n\nend": [("a = b", True), ("c", True)],
    "$$\na = b\n$$ where it holds and \\(x^2\\).\n\n$$\nc = d$$\n\nLast \\[\ny^2\n\\].": [
        ("a = b", True), ("x^2", False), ("c = d", True), ("y^2.", True),
    ],
    "Text:\n\\begin{align}\na &= b \\\\\n- c &= d\n\\end{align}\nmore \\begin{gather*} x \\\\ y \\end{gather*} so.": [
        ("\\begin{align}\na &= b \\\\\n- c &= d\n\\end{align}", True), ("\\begin{gather*} x \\\\ y \\end{gather*}", True),
    ],
    "Text:\n\n    $$\n    a = b\n    $$\n\nMore\n\n    \\[\n    c = d\n    \\]\n\nend": [("a = b", True), ("c = d", True)],
    "So $a = b \\tag{1}$ and $\\begin{cases} a \\\\ b \\end{cases}$ hold.": [
        ("a = b \\tag{1}", True), ("\\begin{cases} a \\\\ b \\end{cases}", False),
    ],
    "We have \\\\( a = b \\\\) and \\\\[ c = \\\\frac{1}{2} \\\\] here.": [("a = b", False), ("c = \\frac{1}{2}", False)],
    "| f | v |\n| --- | --- |\n| $|x|$ | 3 |\n| y | 4 |": [("\\vert x\\vert", False)],
    "| $|f|$ | v |\n| --- | --- |\n| $\\|x\\|$ | `a|b` |": [("\\vert f\\vert", False), ("\\Vert x\\Vert", False)],
    "It costs $5 for one and $10 for two, $3-$4 for less.": [],
    "It costs $5 and $x = 3$ holds, or \\$5 and $6 for \\(y = 1\\).": [("x = 3", False), ("y = 1", False)],
    "> Quoted \\(x^2\\)\n\nand \\(y_1\\)": [("x^2", False), ("y_1", False)],
}  # fmt: skip


def findings(answer: str) -> list[tuple[str, str]]:
    """Return the findings of family 5xx in the example page with this answer."""
    page = read_text(splice(read_text(EXAMPLE_PAGE), {"answer": answer}))
    diagnostics = check_page(PageFile(EXAMPLE_PATH, page), ALL_RULES)
    return [(found.code, found.message) for found in diagnostics if found.code.startswith("QT5")]


@pytest.mark.parametrize("markdown", MODEL_TEXTS)
def test_what_models_write_has_no_finding(markdown: str) -> None:
    renderable = make_renderable(markdown)
    assert findings(encode_answer(renderable)) == []
    assert make_renderable(renderable) == renderable


class TestRendered:
    pytestmark = needs_renderer

    def test_what_models_write_is_shown_as_meant(self) -> None:
        answers = [encode_answer(make_renderable(markdown)) for markdown in MODEL_TEXTS]
        for shown, expected in zip(render(answers), MODEL_TEXTS.values(), strict=True):
            assert [(re.sub(r"\n +", "\n", node["tex"]), node["display"]) for node in shown["math"]] == expected
            assert shown["katex_messages"] == []
            assert "\\" not in shown["text"]


@pytest.mark.parametrize(
    "markdown",
    [
        r"A \(see below\) and \[1\] and [a](b) \[link\](x).",
        "x\n\n$$ where the text is cut and never closed.\n\nMore **bold**",  # only the model knows where it ends
        "$$a = b$$ where this is a sentence.\n\n$$\nc\n$$",
        "```\n\\[x^2\\]\n$5 and $6 | `\n```\n\n    code = 1\n",
        "`\\begin{align}` and `$5 for $6`",
        "It costs $5$ and $3 x$, $2^n$ and $ 5 $.",
        "| $5 | $6 |\n|---|---|\n| $7 | $8 |",
        "| a |\n|---|\n| $\\begin{array}{c|c} 1 & 2 \\end{array}$ |",
        "> \\[\n> x^2\n> \\]",
        "## \\begin{align} a \\end{align}",
        "no math",
    ],
)
def test_what_is_correct_or_not_certain_stays(markdown: str) -> None:
    assert make_renderable(markdown) == markdown


@pytest.mark.parametrize(
    ("markdown", "mark"),
    [
        ("a\n\n```python\nx", "code fence"),
        ("a\n\n$$\nx", "`$$`"),
        ("a $$x", "`$$`"),
        ("$$\na\n\nA sentence of words is lost.\n\n$$\n\nend", "`$$`"),
        ("$$\na\n\nb \\text{if it is so}\n$$", ""),
        ("a\n\n\\[\nx^2 + 1\n\nMore.", "`\\[`"),
        ("- a\n  \\[\n  x^2", "`\\[`"),
        ("> \\[\n> x^2\n> \\]", ""),
        ("```\n\\[\n```", ""),
        ("see \\[1\\] and \\[", ""),
        ("~~~\n```\n~~~", ""),
        ("````\n```\n````\n\n$$\nx\n$$", ""),
        ("`$$` and $$x$$", ""),
    ],
)
def test_a_mark_that_is_never_closed_is_found(markdown: str, mark: str) -> None:
    assert find_open_mark(markdown) == mark


@pytest.mark.parametrize(
    "unit", ["\\(", "\\[x", "$$", "$5 ", "$$\n", "\\begin{align}", "| $|x| ", "- $$a\n", "\\\\[ x "]
)
def test_a_hostile_answer_takes_little_time(unit: str) -> None:
    for length in (4_500, 500_000):
        make_renderable(unit * (length // len(unit)))


INLINE = st.sampled_from(
    ["x", "a = b", r"\frac{1}{2}", r"\nabla f", r"a \neq b", r"\nu", r"e^{i\pi}", r"\not\in S", r"\not\perp", "n!",
     r"\nleqslant", r"\nRightarrow b", r"\begin{pmatrix} a & b \\ c & d \end{pmatrix}", "a\nu", "x_1 +\ne"]
)  # fmt: skip
DISPLAY = st.sampled_from(
    ["a = b\n+ c", "e^{x} = 1", "u_n = 3\nne = 4", "a\n= b\n- c", "abla = 3\neq = 2\nu = 1", "a +\ni", "neg = 1",
     "\\begin{align}\na &= b \\\\\nu &= d \\\\\n\\neq e\n\\end{align}", "x = \\nabla f \\\\\n\\neq 3", "a = b \\tag{1}"]
)  # fmt: skip
WORD = st.sampled_from(
    [
        "water",
        "less",
        "parallel",
        "mid",
        "sim",
        "u",
        "e",
        "nu",
        "ni",
        "in",
        "eq",
        "exists",
        "abla",
        "C:",
        "otin",
        "and",
        "because",
    ]
)
CODE = st.sampled_from(["x = 1\nless file\ne = 2", "print('\\n')\nu = 3", "for i in x:\n    y\n\n\n    z", "a | $x$"])


@st.composite
def sentences(draw: st.DrawFn) -> str:
    formulas = INLINE.map(lambda formula: f"${formula}$")
    code = st.sampled_from(["`code`", "`a\nb`", r"`'\n'`", r"`\nabla`", r"`C:\new`", "**bold**"])
    parts = draw(st.lists(WORD | formulas | code, max_size=12))
    separators = draw(st.lists(st.sampled_from([" ", " ", " ", "\n"]), min_size=len(parts), max_size=len(parts)))
    return "So" + "".join(f"{before}{part}" for before, part in zip(separators, parts, strict=True)) + " it is."


@st.composite
def lists(draw: st.DrawFn, blocks: st.SearchStrategy[str]) -> str:
    is_ordered = draw(st.booleans())
    items = []
    for number in range(1, draw(st.integers(1, 3)) + 1):
        marker = f"{number}. " if is_ordered else "- "
        content = "\n\n".join([draw(sentences()), *draw(st.lists(blocks, max_size=2))])
        items.append(marker + content.replace("\n", "\n" + " " * len(marker)))
    return "\n".join(items)


FLAT = st.one_of(
    sentences(),
    DISPLAY.map(lambda formula: f"$$\n{formula}\n$$"),
    st.tuples(sentences(), DISPLAY, WORD).map(lambda parts: f"{parts[0]}\n$$\n{parts[1]}\n$$\n{parts[2]} follows."),
    CODE.map(lambda code: f"```python\n{code}\n```"),
    st.lists(INLINE.filter(lambda formula: "\n" not in formula), min_size=1, max_size=3).map(
        lambda formulas: "\n".join(["| a | b |", "|---|---|", *(f"| eq | ${formula}$ |" for formula in formulas)])
    ),
)
DOCUMENTS = st.lists(st.recursive(FLAT, lists, max_leaves=6), min_size=1, max_size=5).map("\n\n".join)


@given(DOCUMENTS)
def test_a_correct_answer_stays_and_is_accepted(markdown: str) -> None:
    assert make_renderable(markdown) == markdown
    assert findings(encode_answer(markdown)) == []
