r"""The one-line answer: no backslash followed by `n` but for line breaks, and nothing lost on the way."""

import pytest

from qtgen.errors import UnwritableText
from qtgen.page import decode_answer, encode_answer
from qtgen.page.answer_text import to_dollar_math


@pytest.mark.parametrize(
    ("markdown", "answer"),
    [
        ("a\n\nb", r"a\n\nb"),
        ("a\r\nb\rc", r"a\nb\nc"),
        ("a\n\n\n\n\nb", r"a\n\nb"),
        ("\n a \n", "a"),
        (r"$\nabla f$", "$∇ f$"),
        (r"$a \neq b \ne c$", "$a ≠ b ≠ c$"),
        (r"$\nu\notin S$", "$ν∉ S$"),
        (r"$a \not= b, x \not\in S$", "$a ≠ b, x ∉ S$"),
        (r"$\neg p$", "$¬ p$"),
        ("```c\nputs(\"a\\n\");\n```", r"```c\nputs(" + '"a\\x0a");' + r"\n```"),
        (r"print `'\n'`", r"print `'\x0a'`"),
        ("$$a \\\\\nb$$", r"$$a \\\nb$$"),
        (r"one\n\n2. two", r"one\n\n2. two"),
    ],
)  # fmt: skip
def test_encoding(markdown: str, answer: str) -> None:
    assert encode_answer(markdown) == answer


def test_a_collision_without_a_safe_spelling_is_refused() -> None:
    with pytest.raises(UnwritableText, match=r"\\nosuchcommand"):
        encode_answer(r"$\nosuchcommand$")


def test_decoding_is_what_the_site_does() -> None:
    assert decode_answer(r"a\n\nb $\nabla$") == "a\n\nb $\nabla$"


def test_blank_lines_inside_code_stand() -> None:
    code = "```python\na = 1\n\n\nb = 2\n```"
    assert decode_answer(encode_answer(code)) == code


def test_latex_delimiters_become_dollars_outside_code() -> None:
    assert to_dollar_math(r"\(x\) and \[ y \] but `\(z\)`") == r"$x$ and $$y$$ but `\(z\)`"
