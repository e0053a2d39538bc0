"""What KaTeX shows as an error, where, and what it renders."""

import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qtgen.page.markdown.katex import FormulaError, check_formula
from qtgen.page.markdown.katex.check import find_error
from qtgen.page.markdown.katex.plain import is_plain

ERRORS = [
    # formula, display, kind, the part at fault, a part of the message
    (r"\ce{H2O}", False, "unknown-command", r"\ce", r"`\mathrm{H_2O}`"),
    (r"\alhpa", False, "unknown-command", r"\alhpa", r"did you mean `\alpha`?"),
    (r"\Frac{1}{2}", False, "unknown-command", r"\Frac", r"did you mean `\frac`?"),
    (r"\mbox{a}", False, "unknown-command", r"\mbox", r"use `\text`"),
    (r"\struct{a}", False, "unknown-command", r"\struct", r"`\mathrm`"),
    (r"\frac{1}{2", False, "braces", "{", "never closed"),
    (r"x^{2", True, "braces", "{", "never closed"),
    ("a}", False, "braces", "}", r"write `\}`"),
    (r"\sqrt[3{x}", False, "braces", "[", "`]` is missing"),
    (r"\begingroup x", False, "braces", r"\begingroup", "never closed"),
    ("x^2^3", False, "script", "^", "second superscript"),
    ("A_m_n", False, "script", "_", "second subscript"),
    ("x''^2^3", False, "script", "^", "second superscript"),
    ("x^2'", False, "script", "'", "second superscript"),
    ("x^", False, "script", "^", "has no superscript"),
    ("a & b", True, "ampersand", "&", r"write `\&`"),
    (r"\begin{split} a & b & c \end{split}", True, "ampersand", "&", "too many"),
    (r"\begin{cases} a \\ b", True, "environment", r"\begin", r"has no `\end{cases}`"),
    (r"\begin{matrix} a \end{pmatrix}", True, "environment", r"\end", "same name"),
    (r"\begin{eqnarray} a \end{eqnarray}", True, "environment", r"\begin", "`aligned`"),
    (r"\begin{pmatrx} a \end{pmatrx}", True, "environment", r"\begin", "did you mean `pmatrix`?"),
    (r"\begin{array}{cx} a \end{array}", True, "environment", r"\begin", "`x`"),
    (r"\end{cases}", True, "environment", r"\end", "closes nothing"),
    (r"\hline", True, "environment", r"\hline", "start of a row"),
    (r"a \cr b", True, "unknown-command", r"\cr", r"use `\\`"),
    (r"\begin{align} a &= b \end{align}", False, "display-only", r"\begin", "lines of their own"),
    (r"\begin{gather*} a \end{gather*}", False, "display-only", r"\begin", "lines of their own"),
    (r"\begin{equation} a \end{equation}", False, "display-only", r"\begin", "lines of their own"),
    (r"x \tag{1}", False, "tag", r"\tag", "display math"),
    (r"x \tag{1} \tag{2}", True, "tag", r"\tag", "second"),
    (r"\text{95% CI} = 2", False, "braces", "%", r"write `\%`"),
    (r"\text{no_1}", False, "character", "_", r"write `\_`"),
    (r"\text{a#b}", False, "character", "#", r"write `\#`"),
    ("x # y", False, "character", "#", r"write `\#`"),
    (r"\left( a", False, "delimiter", r"\left", r"no `\right`"),
    (r"a \right)", False, "delimiter", r"\right", r"no `\left`"),
    (r"\left( \frac{a \right)}{b}", False, "delimiter", r"\right", r"no `\left`"),
    (r"\left x \right)", False, "delimiter", r"\left", "needs a delimiter"),
    (r"a \middle| b", False, "delimiter", r"\middle", r"between `\left` and `\right`"),
    (r"\frac{1}", False, "argument", "}", "add it"),
    (r"x^\frac", False, "argument", "c", "add it"),
    (r"x^\sqrt{2}", False, "argument", r"\sqrt", "braces"),
    ("$x$", False, "mode", "$", "inside math already"),
    (r"where \(x\)", False, "mode", r"\(", "inside math already"),
    (r"\text{\alpha is \frac{1}{2}}", False, "unknown-command", r"\alpha", ""),
    (r"\text{\sqrt{2}}", False, "mode", r"\sqrt", "math command inside text"),
    (r"\text{costs $5}", False, "braces", "$", r"write `\$`"),
    (r"\textbf{\texttt{x}}", False, "mode", "x", "no bold typewriter font"),
    (r"\textbf{ℝ}", False, "mode", "ℝ", "no bold `ℝ`"),
    (r"\hspace{1foo}", False, "size", "1fo", "unit `fo`"),
    (r"\rule{1}{2em}", False, "size", "{1}", "not a size"),
    (r"\color{#12345}x", False, "color", "{#12345}", "`#rrggbb`"),
    (r"a \over b \over c", False, "infix", r"\over", "second infix"),
    (r"x\limits_a", False, "limits", r"\limits", r"`\sum`"),
    (r"\newcommand{\frac}{x}", False, "macro", r"\frac", r"`\renewcommand`"),
    (r"\def\a{\a}\a", False, "macro", r"\a", "1,000 macros"),
    (r"\verb|x", False, "argument", r"\verb", "does not end"),
    (r"\href{http://example.org}{x}", False, "untrusted-command", r"\href", "markdown"),
    (r"\begin{CD} A @>> B \end{CD}", True, "environment", r"\begin", "three times"),
    (r"\begin{CD} A @x B \end{CD}", True, "environment", r"\begin", "after `@`"),
    (r"\begin{CD} A @>a@", True, "environment", r"\begin", r"no `\end{CD}`"),
    (r"\begin{CD} A } \end{CD}", True, "braces", "}", "closes nothing"),
    (r"\begin{alignat}{1} a & b & c \end{alignat}", True, "environment", r"\begin", "more columns"),
    (r"\begin{subarray}{c} a & b \end{subarray}", False, "environment", r"\begin", "one column"),
    (r"\begin{subarray}{cc} a \end{subarray}", False, "environment", r"\begin", "one column"),
    (r"\begin{pmatrix*}[x] a \end{pmatrix*}", False, "environment", "x", "`l`, `c` or `r`"),
    (r"\begin{matrix} a } \end{matrix}", False, "braces", "}", "closes nothing"),
    (r"\def\arraystretch{x}\begin{matrix} a \end{matrix}", False, "environment", r"\begin", "positive number"),
    (r"\begin{\frac12} a", False, "mode", r"\frac", "math command inside text"),
    (r"\genfrac{(}{!}{0pt}{}{a}{b}", False, "delimiter", r"\genfrac", "cannot be a delimiter"),
    (r"\smash[\frac12]{x}", False, "argument", r"\smash", "`t` or `b`"),
    (r"\char x", False, "argument", "x", "base 10"),
    (r"\char 1114111", False, "argument", r"\char", "number of a character"),
    (r"\newcommand{ab}{x}", False, "macro", r"\newcommand", r"`\newcommand{\name}{…}`"),
    (r"\renewcommand{\foo}{x}", False, "macro", r"\foo", r"use `\newcommand`"),
    (r"\newcommand{\foo}[x]{x}", False, "macro", r"\newcommand", "write a digit"),
    (r"\global x", False, "macro", r"\global", r"before `\def`"),
    (r"\def{x}", False, "macro", "{", "begin with the command"),
    (r"\def\a#2{x}", False, "macro", "2", "in order"),
    (r"\def\a", False, "macro", r"\def", "no body"),
    (r"\def\a#1{#2}\a x", False, "macro", "2", "not an argument"),
    (r"\def\a#1.{x}\a b", False, "macro", "b", "`.` is missing"),
    (r"\def\a.{x}\a b", False, "macro", "b", "does not match"),
    (r"\edef\a{\foo}", False, "unknown-command", r"\foo", r"KaTeX does not know `\foo`"),
    (r"\mathop", False, "argument", "p", "needs an argument"),
    (r"\mathop\relax", False, "argument", r"\relax", "needs an argument"),
    (r"\kern x", False, "size", "x", "such as `1em`"),
    (r"\over^2", False, "infix", "2", "script"),
    (r"\text{x \)}", False, "braces", r"\)", "closes nothing"),
    ("\U0001d6a4", False, "character", "\U0001d6a4", "no font"),
    ("a\x00b", False, "character", "\x00", "remove it"),
    ("a\u0338", False, "character", "a\u0338", "U+0338"),
    ("{" * 10_000, False, "nesting", "{", "400 nested groups"),
]


@pytest.mark.parametrize(("tex", "display", "kind", "part", "message"), ERRORS, ids=lambda value: str(value)[:30])
def test_an_error_has_its_kind_place_and_remedy(tex: str, display: bool, kind: str, part: str, message: str) -> None:
    error = check_formula(tex, display=display)
    assert error is not None
    assert (error.kind, tex[error.start : error.end].strip()) == (kind, part)
    assert message in error.message
    assert error.message.isprintable()


@pytest.mark.parametrize(
    "tex",
    [
        "",
        " ",
        "x^2_3",
        "{x^2}^3",
        "x''_a",
        "x²₃",
        r"\frac12 + \frac{a}{b}",
        r"\text{a $x^2$ b \% \_}",
        "50% of x",  # the rest is a comment: lost, but not an error
        "a 中文 é ≠ ∑",
        r"\left\{ a \middle| b \right.",
        r"\begin{cases} a & b \\ c & d \end{cases}",
        r"\begin{array}{c|c} a & b \\[1em] \hline c & d \\ \end{array}",
        r"\begin{aligned} a &= b \\ &= c \end{aligned}",
        r"\def\half#1{\frac{#1}{2}} \half{x}",
        r"\newcommand{\vect}[1]{\mathbf{#1}} \vect{v}",
        r"\let\a=\alpha \a",
        r"\futurelet\a\relax b \a \global\let\c= d \c \long\gdef\d#1#{x}\d{a}",
        r"\edef\a{\noexpand\frac12}\a \providecommand{\b}{x}",
        r"\begin{pmatrix*}[r] a & b \cr c & d \end{pmatrix*}",
        r"\def\arraystretch{1.5}\begin{array}{c} a \end{array}",
        r"\Braket{a|b||c} \Set{a||b|c} \message{x} \show x \TextOrMath{a}{b}",
        r"\sum\limits_{i}^n \operatorname*{argmax}\limits_x",
        r"a \over b",
        r"{n \choose k}",
        r"\not= \not\in",
        r"\verb|a_b%|",
        r"\Set{x | y} \braket{a|b}",
        r"\hat{x} \widehat{ab} \'e",
        r"\textbf{bold \textit{and italic}}",
        r"\xrightarrow[a]{b} \overset{a}{b} \underbrace{x}_{y}",
        r"\kern1em \hspace*{-2.5pt} \rule{1em}{.5ex}",
        r"\color{red} x \textcolor{#f00}{y}",
        r"\char`x \char\"41 \char65".replace('\\"', '"'),
        r"\sqrt[3]{x}",
        r"\substack{a \\ b}",
        r"\boxed{x} \cancel{x} \phantom{x} \smash[b]{x}",
    ],
)
def test_what_katex_renders_is_no_error(tex: str) -> None:
    assert check_formula(tex, display=False) is None
    assert find_error(tex, display=True) is None


@pytest.mark.parametrize(
    "tex",
    [
        r"\begin{align} a &= b \\ c &= d \end{align}",
        r"\begin{equation} a = b \end{equation}",
        r"\begin{alignat}{2} a & b & c \end{alignat}",
        r"\begin{CD} A @>f>> B \\ @VVV @AAA \\ C @= D \end{CD}",
        r"\begin{gather} a \tag{1} \\ b \notag \end{gather}",
        r"x \tag{1}",
    ],
)
def test_what_only_display_math_renders(tex: str) -> None:
    assert find_error(tex, display=True) is None
    error = find_error(tex, display=False)
    assert error is not None
    assert error.kind in ("display-only", "tag")


@pytest.mark.parametrize(
    "tex",
    [
        "{" * 399 + "}" * 399,
        r"\left(" * 399 + r"\right)" * 399,
        r"\begin{matrix}" * 399 + r"\end{matrix}" * 399,
        r"\raisebox{1em}{$" * 199 + "$}" * 199,
    ],
)
def test_nesting_as_deep_as_katex_allows_is_read(tex: str) -> None:
    before = sys.getrecursionlimit()
    assert find_error(tex, display=True) is None
    assert sys.getrecursionlimit() == before


LONG = 100_000


@pytest.mark.parametrize(
    "tex",
    [
        "x" * LONG,
        "'" * LONG,
        "^" * LONG,
        "²" * LONG,
        "&" * LONG,
        "~" * LONG,
        "\\" * LONG,
        "%\n" * (LONG // 2),
        "\\" + "a" * LONG,
        r"\kern" + "1" * LONG,
        r"\color{" + "a" * LONG + "}",
        r"\char" + "1" * LONG,
        r"\sqrt{" * 380 + "x" * LONG + "}" * 380,
        r"\begin{matrix}" + "a&" * (LONG // 2) + r"\end{matrix}",
        r"\begin{matrix}" * (LONG // 14),
        r"\def\a#1{#1#1}" + r"\a{" * 30 + "x" + "}" * 30,
        r"\def\a#1{" + "#1x" * (LONG // 3) + r"}\a{y}",
        r"\verb|" * (LONG // 6),
    ],
    ids=lambda tex: tex[:12],
)
def test_hostile_formulas_get_a_verdict(tex: str) -> None:
    error = check_formula(tex, display=True)
    assert error is None or (error.message.isprintable() and len(error.message) < 300)


PIECES = st.sampled_from(
    [
        *"{}[]()^_&$#%~' \n\tx1+|<é中²́\x00\ue000",
        "\\",
        "\\\\",
        "\\frac",
        "\\sqrt",
        "\\left",
        "\\right",
        "\\begin{align}",
        "\\begin{cases}",
        "\\end{cases}",
        "\\end",
        "\\text{",
        "\\textbf{",
        "\\over",
        "\\limits",
        "\\def\\a",
        "\\a",
        "\\let",
        "\\verb",
        "\\char",
        "\\newcommand",
        "\\tag",
        "\\hline",
        "\\color",
        "\\kern",
        "\\expandafter",
        "\\edef",
        "\\global",
        "\\operatorname",
        "\\Set",
        "\\middle",
        "\\dots",
        "\\genfrac",
        "\\smash[",
        "\\url",
        "\\ce",
        "�",
        "😀",
    ]
)


@given(st.lists(PIECES, max_size=25).map("".join) | st.text(max_size=60), st.booleans())
@example("\\", False)
@example("\ud800", True)
def test_any_text_gets_a_verdict_with_a_place_inside_it(tex: str, display: bool) -> None:
    error = find_error(tex, display=display)
    assert error is None or isinstance(error, FormulaError)
    if error:
        assert 0 <= error.start < error.end <= len(tex)
        assert error.message.isprintable()
    assert not (error and is_plain(tex, display=display))


@given(
    st.lists(
        st.sampled_from(
            [
                *"{}^_&'xy12+ ()[]|",
                "\\\\",
                "\\frac",
                "\\sqrt",
                "\\alpha",
                "\\sum",
                "\\left(",
                "\\right)",
                "\\text{ab}",
                "\\hat",
                "\\begin{matrix}",
                "\\end{matrix}",
                "\\begin{align}",
                "\\end{align}",
                "\\mathbb",
                "\\,",
                "\\{",
                "\\iff",
                "{x}",
            ]
        ),
        max_size=14,
    ).map("".join),
    st.booleans(),
)
@example(r"\mathbf\text{A}", False)
@example("I^A ^A", False)
@example(r"\theta@", False)
@example(r"\left(x\right\lvertneqq", False)
@example(r"\mbox{a}", False)
def test_a_plain_formula_has_no_error(tex: str, display: bool) -> None:
    assert not (is_plain(tex, display=display) and find_error(tex, display=display))


def test_most_formulas_are_plain() -> None:
    formulas = [
        "x",
        "a^2 + b^2 = c^2",
        r"\frac{-b \pm \sqrt{b^2 - 4ac}}{2a}",
        r"\sum_{i=1}^{n} x_i \leq \int_a^b f(x) \, dx",
        r"\vec{F} = m \vec{a}, \quad \text{the force}",
        r"P(A \mid B) = \frac{P(B \mid A) P(A)}{P(B)}",
        r"\begin{pmatrix} 1 & 0 \\ 0 & 1 \end{pmatrix}",
        r"\left( \frac{a}{b} \right)^2",
        r"\mathrm{H_2O} + \mathrm{CO}_2 \rightarrow \mathrm{H_2CO_3}",
    ]
    assert [tex for tex in formulas if not is_plain(tex, display=False)] == []
