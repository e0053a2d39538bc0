"""Nothing that qtgen prints controls a terminal, wherever it comes from."""

import json

import click
import pytest

from qtgen._util.text import _CONTROL, escape_controls, json_text, one_line
from qtgen.commands._echo import Styled, echo

HOSTILE = "a\x1b]0;owned\x07b\x9b31mc\u202ed\x7fe\rf\ufeffg"


def test_control_characters_are_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    echo(f"{HOSTILE}\nnext line")
    assert capsys.readouterr().out == r"a\x1b]0;owned\x07b\x9b31mc\u202ed\x7fe\rf\ufeffg" + "\nnext line\n"


def test_ordinary_text_stays(capsys: pytest.CaptureFixture[str]) -> None:
    text = "naïve 👩\u200d🔬 नहीं\u200c 日本語 a\u00a0b ∇"
    echo(text, err=True)
    assert capsys.readouterr().err == f"{text}\n"


def test_only_colors_and_tabs_of_styled_text_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    printed: list[str] = []
    monkeypatch.setattr(click, "echo", lambda text, **_: printed.append(text))
    echo(Styled(click.style("red", fg="red") + "\tcell\x1b[2J\x1b]0;x\x07"))
    assert printed == ["\x1b[31mred\x1b[0m\tcell\\x1b[2J\\x1b]0;x\\x07"]


def test_a_file_name_stays_on_its_line() -> None:
    assert one_line("a\n::error::b") == r"a\n::error::b"
    assert escape_controls("a\nb") == "a\nb"


def test_json_uses_its_own_escapes() -> None:
    text = json_text({"text": HOSTILE})
    assert text.isprintable()
    assert "\\u202e" in text
    assert json.loads(text) == {"text": HOSTILE}


def test_every_control_character_is_escaped_although_printable_texts_are_not_searched() -> None:
    text = "".join(map(chr, range(0x110000)))
    controls = {char for char in text if escape_controls(char) != char}
    assert all(escape_controls(f"é{char} ") == escape_controls(char).join("é ") for char in controls)
    assert controls == {char for char in text if _CONTROL.match(char)}
