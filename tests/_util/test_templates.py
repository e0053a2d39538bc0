"""Tests of the template engine of HTML reports."""

from pathlib import Path

import pytest
from jinja2 import UndefinedError

from qtgen._util.templates import html_environment


def render(template: str, /, **values: object) -> str:
    Path("page.j2").write_text(template)
    return html_environment(Path()).get_template("page.j2").render(values)


def test_all_text_is_escaped() -> None:
    assert render("<p>{{ text }}</p>\n", text="<script>&") == "<p>&lt;script&gt;&amp;</p>\n"


def test_an_undefined_name_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="'nothing' is undefined"):
        render("{{ nothing }}")


def test_blocks_leave_no_blank_lines() -> None:
    assert render("{% if yes %}\n  a\n  {% endif %}\nb\n", yes=True) == "  a\nb\n"
