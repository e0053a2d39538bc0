"""qtgen's reading of formulas, compared with KaTeX itself (tests/oracle, which needs node)."""

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from qtgen.page.markdown.katex import tables
from qtgen.page.markdown.katex.check import find_error
from qtgen.page.markdown.katex.plain import is_plain
from support.katex import NEEDS_KATEX, errors_of, run_script

pytestmark = NEEDS_KATEX

Formula = tuple[str, bool]

FORMULAS = [
    "a^2 + b^2 = c^2",
    r"x = \frac{-b \pm \sqrt{b^2 - 4ac}}{2a}",
    r"\sum_{i=1}^{n} x_i \leq \int_a^b f(x) \, dx",
    r"\left( \frac{a}{b} \right)^{n-1} = \left\{ x \middle| y \right.",
    r"\begin{cases} x & \text{if } x > 0 \\ -x & \text{otherwise} \end{cases}",
    r"\begin{align} a &= b + c \\ &= d \tag{1} \end{align}",
    r"\begin{array}{c|cc} 1 & 2 & 3 \\ \hline 4 & 5 & 6 \end{array}",
    r"\mathrm{CO}_2 + \mathrm{H_2O} \rightarrow \mathrm{H_2CO_3}",
    r"P(A \mid B) = \dfrac{P(B \mid A)\,P(A)}{P(B)}, \quad 95\%",
    r"\text{the force } \vec{F} \text{ in $N$ and } 5\,\text{m/s}",
    r"\lim_{x \to 0} \frac{\sin x}{x} = 1, \qquad \hat{\mathbf{x}}' \neq \bar{y}''",
    r"\underbrace{x + y}_{z} \xrightarrow[a]{b} \overset{!}{=} \binom{n}{k}",
    r"{n \choose k} \displaystyle \operatorname*{arg\,max}_{\theta} \mathcal{L}(\theta)",
    r"\def\a#1{#1^2} \a{x} \newcommand{\b}{y} \b \color{red} z",
    r"f'(x) \approx \textbf{bold} \cdots \ldots \dots, \not= \verb|a_b| é²",
]

PIECES = [
    *"{}&^_%#$~'[]|<\n²é中\x00",
    *(
        "\\",
        "\\\\",
        "\\left",
        "\\right)",
        "\\begin{matrix}",
        "\\end{matrix}",
        "\\begin{align}",
        "\\end{align}",
        "\\text{",
    ),
    *(
        "\\frac",
        "\\sqrt[",
        "\\over",
        "\\limits",
        "\\tag{1}",
        "\\hline",
        "\\middle|",
        "\\big(",
        "\\kern1em",
        "\\verb|x|",
    ),
    *(
        "\\ce{x}",
        "\\url{a}",
        "\\rm",
        "\\textbf{",
        "\\texttt{",
        "\\char",
        "\\global",
        "\\let",
        "\\Set{x|y}",
        "\\cr",
        "\\noexpand",
    ),
]

SURROUNDINGS = [
    *("%", "%{x}", "%{x}{y}", "%[a]{x}", "\\text{%}", "\\text{%{x}}", "x^%", "x^{%}^2", "\\frac%x", "\\left%x\\right."),
    *("%{1em}{1em}", "%{red}{x}", "\\mathop%", "\\begin{matrix}%&b\\\\%\\end{matrix}", "\\textbf{%}\\texttt{%}"),
    *("\\let\\a%\\a{x}", "\\genfrac{%}{%}{0pt}{}{a}{b}", "\\Set{%|%}"),
]


def mutants(count: int) -> Iterator[Formula]:
    """Return formulas with one to three accidents each."""
    chance = random.Random(17)
    for _ in range(count):
        tex = chance.choice(FORMULAS)
        for _ in range(chance.randint(1, 3)):
            place = chance.randrange(len(tex) + 1)
            accident = chance.randrange(4)
            if accident == 0:
                tex = tex[:place] + tex[place + 1 :]
            elif accident == 1:
                tex = tex[:place] + chance.choice(PIECES) + tex[place:]
            elif accident == 2:
                tex = tex[:place] + tex[max(0, place - 3) :]
            else:
                tex = tex[:place] + chance.choice(FORMULAS)[place:]
        yield tex, chance.random() < 0.5


def commands() -> Iterator[Formula]:
    """Return every name that KaTeX knows, and some that it does not, in half of the places: right and wrong uses."""
    known = tables.load_tables()
    symbols = [name for mode in known.symbols.values() for group in mode.values() for name in group]
    names = dict.fromkeys([*known.functions, *known.macros, *symbols, *known.implicit, "\\foo", "\\right", "\\cr"])
    for number, name in enumerate(names):
        for around in SURROUNDINGS[number % 2 :: 2]:
            tex = around.replace("%", name)
            yield tex, "begin" in tex or "tag" in tex


def disagreements(formulas: Sequence[Formula]) -> list[tuple[str, bool, str | None]]:
    """Return the formulas on which qtgen and KaTeX disagree, with KaTeX's error."""
    return [
        (tex, display, error)
        for (tex, display), error in zip(formulas, errors_of(formulas), strict=True)
        if (find_error(tex, display=display) is None) != (error is None)
        or (error is not None and is_plain(tex, display=display))
    ]


def test_the_tables_are_those_of_the_installed_katex() -> None:
    assert json.loads(run_script("katex_data.mjs")) == json.loads(
        (Path(tables.__file__).parent / "commands.json").read_text()
    )


def test_katex_renders_the_formulas() -> None:
    assert errors_of([(tex, True) for tex in FORMULAS]) == [None] * len(FORMULAS)


def test_katex_agrees_on_formulas_with_accidents() -> None:
    formulas = list(dict.fromkeys([*mutants(3000), *((tex, False) for tex in FORMULAS)]))
    assert 0.3 < sum(error is not None for error in errors_of(formulas)) / len(formulas) < 0.9  # both kinds are there
    assert disagreements(formulas) == []


@pytest.mark.parametrize("part", range(2))
def test_katex_agrees_on_every_command(part: int) -> None:
    formulas = list(commands())[part::2]
    assert len(formulas) > 5_000
    assert disagreements(formulas) == []


def test_katex_agrees_on_what_real_pages_have_between_dollars(real_pages: Mapping[str, bytes]) -> None:
    texts = (raw.decode().replace("\\n", "\n") for raw in list(real_pages.values())[::10])
    formulas = [(part, False) for text in texts for part in text.split("$")[1::2] if len(part) < 2000]
    assert disagreements(list(dict.fromkeys(formulas))) == []
