"""What readers lose by a change of an answer."""

import pytest

from qtgen.page.compile import default_layout
from qtgen.page.edits import Part
from qtgen.validation.harm import removes_content

CODEC = default_layout().codec


def changed(answer: str, *replacements: tuple[str, str]) -> tuple[str, list[Part]]:
    """Return the answer with each text replaced once, from left to right, and the parts that this replaces."""
    parts, pieces, done = [], [], 0
    for old, new in replacements:
        start = answer.index(old, done)
        parts.append(Part(start, start + len(old), len(new)))
        pieces += [answer[done:start], new]
        done = start + len(old)
    return "".join([*pieces, answer[done:]]), parts


HARMLESS: dict[str, tuple[str, list[tuple[str, str]]]] = {
    "a torn command in a line": (r"Where $a \neq b$ holds.", [(r"\neq", "≠")]),
    "a torn command in a block that swallows the rest": (r"So\n\n$$ a \neq b $$\n\nand \(x\).", [(r"\neq", "≠")]),
    "a torn command that shifts the dollars behind it": (r"# If $a \neq b$ and $c$\n\nHeat flows.", [(r"\neq", "≠")]),
    "maths in brackets": (r"Where \(a\) is \(b\).", [(r"\(", "$"), (r"\)", "$"), (r"\(", "$"), (r"\)", "$")]),
    "maths in brackets on lines": (r"So\n\n\[\na\n\]\n\nholds.", [(r"\[", "$$"), (r"\]", "$$")]),
    "money": ("It is $5 a litre, or $8 with $x$ salt.", [("$5", r"\$5"), ("$8", r"\$8")]),
    "a line break in code": (r"Run `say('a\nb')` now.", [(r"\n", r"\x0a")]),
    "residue that is replaced itself": ("As an AI, I say that heat flows.", [("As an AI, I say that heat", "Heat")]),
    "an open fence that is closed": (r"Run\n```\nls\n\nHeat flows.", [(r"ls\n\nHeat", r"ls\n```\n\nHeat")]),
    "two open blocks, one of which is closed": (r"$$ a \neq b $$\n\nis\n\n$$ c \nu d $$\n\nas", [(r"\neq", "≠")]),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_a_change_that_readers_gain_by_is_harmless(name: str) -> None:
    answer, replacements = HARMLESS[name]
    after, parts = changed(answer, *replacements)
    assert removes_content(answer, after, parts, codec=CODEC) is None


HARMFUL = {
    "text becomes a formula": (r"Where \(x $y$ z\) holds.", [(r"\(", "$"), (r"\)", "$")], "`x` would become a formula"),
    "a formula is shifted": ("Where $x$ and $y$ flow.", [("Where ", "Where $")], "`x` would no longer be a formula"),
    "a block no longer begins": (
        r"So\n\n$$\ne^{x} = 3\n$$\n\nholds.",
        [(r"\ne", "≠")],
        "`^{x} = 3` would not be shown",
    ),
    "a block swallows the rest": (
        r"So\n\nHeat flows.\n\nCold stays.",
        [("Heat", r"$$\nHeat")],
        "`flows. Cold stays.` would become a formula",
    ),
    "code swallows text": ("Run ls and `cd` now.", [("ls", "`ls")], "`and` would become code"),
    "code becomes text": (r"Run\n```\nls\n```\nnow.", [(r"\n```\nnow", r"\n~~~\nnow")], "`.` would become code"),
}


@pytest.mark.parametrize("name", HARMFUL)
def test_a_change_that_takes_something_from_readers_tells_what(name: str) -> None:
    answer, replacements, reason = HARMFUL[name]
    after, parts = changed(answer, *replacements)
    assert removes_content(answer, after, parts, codec=CODEC) == reason


def test_without_the_parts_words_and_formulas_are_counted() -> None:
    before = r"Heat flows, $a = b$.\n\nCold stays."
    assert removes_content(before, r"Cold stays.\n\nHeat flows, $a  =  b$.", codec=CODEC) is None
    assert removes_content(before, r"Heat flows, $a = b$.\n\nCold.", codec=CODEC) == "`stays` would not be shown"
    assert (
        removes_content(before, r"Heat flows, a = b.\n\nCold stays.", codec=CODEC) == "`a = b` would not be a formula"
    )


def test_the_same_answer_loses_nothing() -> None:
    assert removes_content("$a", "$a", codec=CODEC) is None


@pytest.mark.parametrize("piece", ["$a$ ", r"\(a\) ", "`a` ", "$", r"$$\n", r"\neq "])
def test_long_answers_of_many_marks_are_compared(piece: str) -> None:
    answer = piece * (100_000 // len(piece))
    after, parts = changed(answer, *[(piece, "b")] * 2_000)
    removes_content(answer, after, parts, codec=CODEC)
    removes_content(answer, after, codec=CODEC)
