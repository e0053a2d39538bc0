r"""Tests of the one-line answer: no backslash followed by `n` except for line breaks, and nothing lost on the way."""

import pytest

from qtgen.errors import UnwritableText
from qtgen.page import decode_answer, encode_answer
from qtgen.page.answer_text import LATEX_COLLISION, unicode_for


@pytest.mark.parametrize(
    ("markdown", "answer"),
    [
        ("a\n\nb", r"a\n\nb"),
        ("a\r\nb\rc", r"a\nb\nc"),
        ("a\n\n\n\n\nb", r"a\n\nb"),
        ("\n a \n", "a"),
        ("a\tb", "a    b"),
        (r"$\nabla f$", "$∇ f$"),
        (r"$a \neq b \ne c$", "$a ≠ b ≠ c$"),
        (r"$\nu\notin S$", "$ν∉ S$"),
        (r"$a \not= b, x \not\in S$", "$a ≠ b, x ∉ S$"),
        (r"$\neg p$", "$¬ p$"),
        (r"$a \\ nb$", r"$a \\ nb$"),
        ("$a \\\\nb$", r"$a \\ nb$"),
        ("```c\nputs(\"a\\n\");\n```", r"```c\nputs(" + '"a\\x0a");' + r"\n```"),
        (r"print `'\n'`", r"print `'\x0a'`"),
        ("$$a \\\\\nb$$", r"$$a \\\nb$$"),
        (r"one\n\n2. two", r"one\n\n2. two"),
        ("$$\ne^{i\\pi} = 1\n$$", r"$$\ne^{i\pi} = 1\n$$"),
        ("$$\nu = v\n$$\nu is it", r"$$\nu = v\n$$\nu is it"),
        ("$$\neq = 1 +\ne\n$$", r"$$\n eq = 1 +\n e\n$$"),
        ("so $a\nu$ and\nless is more", r"so $a\n u$ and\n less is more"),
        ("Part A:\nnp.dot works", r"Part A:\n np.dot works"),
        ("```\nx\nless file\n```", r"```\nx\nless file\n```"),
        (r"$\nleqslant a \nRightarrow b \not\approx c$", "$≰ a ⇏ b ≉ c$"),
        (r"$a \not\perp b$", r"$a \mathrel{\mathrlap{\,/}}\perp b$"),
        (r"$\newcommand{\R}{R}\R$", r"$\providecommand{\R}{R}\R$"),
        ("a `b\nc` d", "a `b c` d"),
        (r"write `\nabla` or `\node`", "write &#92;nabla or &#92;node"),
        (r"in `C:\new\a_b.txt` or C:\new", r"in C:&#92;new&#92;a\_b.txt or C:&#92;new"),
        ("```\nopen('C:\\new')\n```", r"```\nopen('C:/new')\n```"),
        ("```latex\n$\\nabla f$\n```", r"```latex\n$∇ f$\n```"),
        ("````\n```\na\\n\n````", r"````\n```\na\x0a\n````"),
        ("a\n\n    x\n\n\n    y\\n", r"a\n\n    x\n\n\n    y\x0a"),
        ("    x\n\n\n    y\\n", r"x\n\n    y\x0a"),
    ],
)  # fmt: skip
def test_encoding(markdown: str, answer: str) -> None:
    assert encode_answer(markdown) == answer


@pytest.mark.parametrize("markdown", ["```tex\n\\noindent x\n```", r"one.\nthen two"])
def test_what_would_be_shown_torn_is_rejected(markdown: str) -> None:
    with pytest.raises(UnwritableText, match="the site would tear"):
        encode_answer(markdown)


def test_a_command_without_a_safe_spelling_is_rejected() -> None:
    with pytest.raises(UnwritableText, match=r"the site would tear `\\nosuchcommand` at its `\\n`") as caught:
        encode_answer(r"$\nosuchcommand$", field="answer")
    assert caught.value.field == "answer"


def test_decoding_is_what_the_site_does() -> None:
    assert decode_answer(r"a\n\nb $\nabla$") == "a\n\nb $\nabla$"


def test_blank_lines_inside_code_are_kept() -> None:
    code = "```python\na = 1\n\n\nb = 2\n```"
    assert decode_answer(encode_answer(code)) == code


@pytest.mark.parametrize(
    ("answer", "characters"),
    [
        (r"$\nabla f$", "∇"),
        (r"$a \not\in S$", "∉"),
        (r"$\not= $", "≠"),
        (r"$\notag$", ""),
        (r"$x \not y$", None),
    ],
)
def test_a_collision_is_found_with_what_renders_the_same(answer: str, characters: str | None) -> None:
    match = LATEX_COLLISION.search(answer)
    assert match
    assert unicode_for(match.group()) == characters


@pytest.mark.parametrize("answer", [r"a\n\nb", r"\nabbreviation", r"\\nabla", r"\Nabla"])
def test_line_breaks_and_other_commands_are_no_collisions(answer: str) -> None:
    assert LATEX_COLLISION.search(answer) is None
