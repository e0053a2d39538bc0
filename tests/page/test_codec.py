"""How a site writes and shows an answer, as its renderer says."""

from pathlib import Path

import pytest

from qtgen.errors import UnwritableText
from qtgen.page.compile import default_layout, main_layout
from qtgen.page.layout import Layout
from qtgen.page.profile import parse_profile

_SITE = """
format = 1
name = "A"

[[layout]]
path = "{{title|slug}}.md"
roles = {{question="title", answer="{answer}"}}
fields = [{{key="title", source="question"}}, {{key="text", source="model"}}]

[renderer]
newline = '{newline}'
math = {math}
"""


def _layout(newline: str, *, answer: str = "text", math: str = "[]") -> Layout:
    raw = _SITE.format(newline=newline, answer=answer, math=math).encode()
    return main_layout(parse_profile(raw, Path("site.toml").absolute()))


def test_the_default_site_writes_line_breaks_as_two_characters() -> None:
    layout = default_layout()
    assert layout.encode("a\n\nb") == r"a\n\nb"
    assert layout.decode(r"a\n\nb") == "a\n\nb"
    assert layout.codec.line_break == "\\n"
    assert layout.codec.on_one_line(r"a\nb") == r"a\nb"


def test_real_line_breaks_are_the_text_itself() -> None:
    layout = _layout("real", answer="body")
    text = 'a\n\n```c\nprintf("a\\n");\n```'
    assert layout.encode(text) == text
    assert layout.decode(text) == text
    assert layout.codec.expand(text) == text
    assert layout.codec.line_break == "\n"
    assert layout.codec.on_one_line("a\nb") == r"a\nb"


def test_a_body_has_real_line_breaks_with_any_renderer() -> None:
    layout = _layout("\\n", answer="body")
    assert layout.decode(r"a\nb") == r"a\nb"
    assert layout.encode("a\nb") == "a\nb"


@pytest.mark.parametrize("markdown", ["\r\n\r\n    one\r\ntwo\r\n\n", " \n\t\n    one\ntwo  "])
def test_a_body_has_newlines_only_and_no_blank_lines_around_it(markdown: str) -> None:
    assert _layout("real", answer="body").encode(markdown) == "    one\ntwo"


def test_a_value_of_the_front_matter_has_no_tabs_and_a_body_keeps_them() -> None:
    assert _layout("real").encode("a\n\tb") == "a\n    b"
    assert _layout("real", answer="body").encode("a\n\tb") == "a\n\tb"


def test_dollar_signs_are_plain_characters_without_math() -> None:
    text = "It costs $5 and $8.\n\n$$\nnot a formula\n"
    assert _layout("real").codec.document(text).segments == ()
    document = _layout("real", math='["$", "$$"]').codec.document(text)
    assert [segment.kind for segment in document.segments] == ["math", "display"]


def test_an_error_contains_the_field_of_the_layout() -> None:
    with pytest.raises(UnwritableText) as caught:
        _layout("\\n").encode(r"$\nosuchcommand$")
    assert caught.value.field == "text"
