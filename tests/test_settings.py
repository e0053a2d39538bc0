"""Three layers, and a word on where each value came from; secrets never in clear."""

from pathlib import Path
from typing import Any

import pytest

from qtgen.errors import SettingsError
from qtgen.settings import load, unknown_names


def test_file_then_environment_then_command_line(tmp_path: Path) -> None:
    (tmp_path / "qtgen.toml").write_text('model = "a"\ntemperature = 0.1\nrepairs = 1\nignore = ["QT4"]\n')
    deep = tmp_path / "x" / "y"
    deep.mkdir(parents=True)
    loaded = load(
        deep, {"QTGEN_TEMPERATURE": "0.2", "QTGEN_MODEL": "b", "QTGEN_SELECT": "QT1,QT2"}, {"model": "c", "out": None}
    )
    settings = loaded.settings
    assert (settings.model, settings.temperature, settings.repairs) == (("c",), 0.2, 1)
    assert (settings.select, settings.ignore) == (("QT1", "QT2"), ("QT4",))
    assert loaded.origins["model"] == "command line"
    assert loaded.origins["temperature"] == "environment QTGEN_TEMPERATURE"
    assert loaded.origins["repairs"] == str(tmp_path / "qtgen.toml")
    assert loaded.origins["tries"] == "default"


def test_paths_in_the_file_are_relative_to_it(tmp_path: Path) -> None:
    (tmp_path / "qtgen.toml").write_text('out = "pages"\nquestions = ["q.csv"]\n')
    (tmp_path / "sub").mkdir()
    settings = load(tmp_path / "sub", {}, {}).settings
    assert settings.out.resolve() == tmp_path / "pages"
    assert [path.resolve() for path in settings.questions] == [tmp_path / "q.csv"]


def test_the_clients_own_names_are_read_and_the_key_is_never_shown() -> None:
    loaded = load(Path(), {"OPENAI_API_KEY": "sk-secret\n", "OPENAI_BASE_URL": "http://x/v1"}, {})
    shown = "\n".join(loaded.lines())
    assert loaded.settings.base_url == "http://x/v1"
    assert "sk-secret" not in shown + repr(loaded)
    assert "environment OPENAI_API_KEY" in shown


@pytest.mark.parametrize(
    ("toml", "environ", "flags", "words"),
    [
        ("modle = 1", {}, {}, "unknown setting `modle`"),
        ("tries = 0", {}, {}, "qtgen.toml: `tries`: input should be greater than or equal to 1 (is 0)"),
        ("", {"QTGEN_TRIES": "many"}, {}, "environment QTGEN_TRIES: `tries`: "),
        ("", {}, {"temperature": 9.0}, "command line: `temperature`: "),
        ("x = [", {}, {}, "qtgen.toml: "),
        ('api_key = "sk-1"', {}, {}, "`api_key` does not belong in a file; set OPENAI_API_KEY"),
        ('[prices.m]\ninput = "x"', {}, {}, "`prices.m.input`"),
        ("[prices.m]\ninput = inf\noutput = 1", {}, {}, "`prices.m.input`"),
        ("", {"OPENAI_API_KEY": "sk-1\u0001x"}, {}, "environment OPENAI_API_KEY: `api_key`: holds a character"),
        ("", {"OPENAI_BASE_URL": "localhost:8000"}, {}, "environment OPENAI_BASE_URL: `base_url`: must be an address"),
        ("", {"OPENAI_BASE_URL": "http://x:99999/v1"}, {}, "must be an address"),
        ("", {"OPENAI_BASE_URL": "http://me:sk-1@x/v1"}, {}, "must not hold a password"),
        ("[prices.m]\ninput = 1\noutput = 1\ncached = 1", {}, {}, "`prices.m.cached`; did you mean `cached_input`?"),
        ("[prices.gpt-4.1]\ninput = 1\noutput = 1", {}, {}, 'quote a model\'s name that has a dot: [prices."gpt-4.1"]'),
        ("budget = inf", {}, {}, "`budget`: "),
        ("[headers]\n'a b' = '1'", {}, {}, "qtgen.toml: `headers`: 'a b' is not a header name"),
        ('[headers]\nX-Key = "sk-1\\n"', {}, {}, "the value of X-Key contains a character that no header can hold"),
        ("[headers]\nX-Key = 1", {}, {}, "`headers.X-Key`: input should be a valid string"),
    ],
)
def test_what_is_wrong_is_named_with_its_origin(
    tmp_path: Path, toml: str, environ: dict[str, str], flags: dict[str, Any], words: str
) -> None:
    (tmp_path / "qtgen.toml").write_text(toml)
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, environ, flags)
    assert words in str(caught.value)
    assert "sk-1" not in str(caught.value)


@pytest.mark.parametrize(
    ("line", "words"),
    [("prices = 3", "must be a table"), ("[prices]\nm = 3", "must be a table"), ("ignore = 3", "must be a list")],
)
def test_what_has_the_wrong_form_is_said_in_the_files_words(tmp_path: Path, line: str, words: str) -> None:
    (tmp_path / "qtgen.toml").write_text(line)
    with pytest.raises(SettingsError, match=words):
        load(tmp_path, {}, {})


def test_the_values_of_headers_are_never_shown(tmp_path: Path) -> None:
    (tmp_path / "qtgen.toml").write_text('[headers]\nX-Key = "sk-1"\nX-Team = "$TEAM"\n')
    loaded = load(tmp_path, {}, {})
    assert loaded.settings.headers == {"X-Key": "sk-1", "X-Team": "$TEAM"}
    assert "sk-1" not in repr(loaded) + "\n".join(loaded.lines())
    assert any(line.startswith("headers ") and "{X-Key, X-Team}" in line for line in loaded.lines())


def test_a_variable_that_is_no_setting_is_named_with_the_nearest() -> None:
    environ = {"QTGEN_CONCURENCY": "5", "QTGEN_MODEL": "m", "QTGEN_PRICES": "1", "HOME": "/"}
    assert list(unknown_names(environ)) == [
        "QTGEN_CONCURENCY is no setting; did you mean QTGEN_CONCURRENCY?",
        "QTGEN_PRICES is no setting of the environment",
    ]
