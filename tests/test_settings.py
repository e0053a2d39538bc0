"""Tests of the three layers of settings, the origins of their values, and the messages about mistakes."""

import os
from pathlib import Path
from typing import Any

import pytest

from qtgen.errors import SettingsError
from qtgen.settings import (
    FILE_NAME,
    Settings,
    find_settings_file,
    load_settings,
    project_folder,
    unknown_variables,
)


def write_settings(folder: Path, toml: str) -> Path:
    file = folder / FILE_NAME
    file.write_text(toml, encoding="utf-8")
    return file


def test_the_command_line_overrides_the_environment_and_that_the_file(tmp_path: Path) -> None:
    file = write_settings(tmp_path, 'model = "a"\ntemperature = 0.1\nrepairs = 1\nignore = ["QT4"]\n')
    deep = tmp_path / "x" / "y"
    deep.mkdir(parents=True)
    environ = {"QTGEN_TEMPERATURE": "0.2", "QTGEN_MODEL": "b", "QTGEN_SELECT": "QT1,QT2"}
    loaded = load_settings(deep, environ, {"model": "c", "out": None})
    settings = loaded.settings
    assert (settings.model, settings.temperature, settings.repairs) == (("c",), 0.2, 1)
    assert (settings.select, settings.ignore) == (("QT1", "QT2"), ("QT4",))
    assert loaded.origins["model"] == "command line"
    assert loaded.origins["temperature"] == "environment QTGEN_TEMPERATURE"
    assert loaded.origins["repairs"] == str(file)
    assert loaded.origins["tries"] == "default"


def test_without_a_file_every_setting_has_its_default(tmp_path: Path) -> None:
    loaded = load_settings(tmp_path, {}, {})
    assert loaded.settings == Settings.model_validate({})
    assert set(loaded.origins.values()) == {"default"}


def test_the_nearest_file_upwards_is_read(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    outer_file = write_settings(tmp_path, "tries = 1")
    assert find_settings_file(inner) == outer_file
    inner_file = write_settings(tmp_path / "a", "tries = 2")
    assert find_settings_file(inner) == inner_file


def test_the_project_folder_is_that_of_the_file_or_the_current_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    assert project_folder() == tmp_path / "sub"
    write_settings(tmp_path, "")
    assert project_folder() == tmp_path


def test_paths_in_the_file_are_relative_to_it(tmp_path: Path) -> None:
    write_settings(tmp_path, 'out = "pages"\nquestions = ["q.csv"]\nplugins = ["./rules.py", "/opt/more.py"]\n')
    (tmp_path / "sub").mkdir()
    settings = load_settings(tmp_path / "sub", {}, {}).settings
    assert settings.out.resolve() == tmp_path / "pages"
    assert [path.resolve() for path in settings.questions] == [tmp_path / "q.csv"]
    assert settings.plugins == (tmp_path / "rules.py", Path("/opt/more.py"))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("qwen2.5-1.5b-instruct", "qwen2.5-1.5b-instruct"),
        ("mine.gguf", "FOLDER/mine.gguf"),
        ("models/mine", "FOLDER/models/mine"),
        ("./mine", "FOLDER/mine"),
        ("existing", "FOLDER/existing"),
        ("folder", "folder"),
        ("smollm2-135m-instruct", "smollm2-135m-instruct"),
        ("smollm2-360m-instruct", "smollm2-360m-instruct"),
        ("/abs/mine.gguf", "/abs/mine.gguf"),
    ],
)
def test_a_local_model_is_a_name_or_a_path_relative_to_the_file(tmp_path: Path, value: str, expected: str) -> None:
    folder = tmp_path / "project"
    (folder / "sub").mkdir(parents=True)
    for name in ("existing", "smollm2-135m-instruct"):
        (folder / name).write_bytes(b"GGUF")
    for name in ("folder", "smollm2-360m-instruct"):
        (folder / name).mkdir()
    (folder / "qtgen.toml").write_text(f'local_model = "{value}"\n')
    settings = load_settings(folder / "sub", {}, {}).settings
    assert str(settings.local_model) == expected.replace("FOLDER", "project")  # the current folder is above it


def test_paths_below_the_current_folder_are_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_settings(tmp_path, 'out = "pages"\n')
    monkeypatch.chdir(tmp_path)
    assert load_settings(tmp_path, {}, {}).settings.out == Path("pages")


def test_the_environment_can_name_several_plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load_settings(tmp_path, {"QTGEN_PLUGINS": os.pathsep.join(["a.py", "my plugins/b.py", ""])}, {}).settings
    assert settings.plugins == (tmp_path / "a.py", tmp_path / "my plugins" / "b.py")


def test_a_path_with_a_comma_in_the_environment_is_one_path(tmp_path: Path) -> None:
    environ = {"QTGEN_QUESTIONS": "a, b.csv", "QTGEN_SUBJECTS": "Criminal or Civil Law"}
    settings = load_settings(tmp_path, environ, {}).settings
    assert settings.questions == (Path("a, b.csv"),)
    assert settings.subjects == ("Criminal or Civil Law",)


def test_the_variables_of_the_openai_package_are_read(tmp_path: Path) -> None:
    environ = {"OPENAI_API_KEY": "sk-secret\n", "OPENAI_BASE_URL": "http://x/v1"}
    loaded = load_settings(tmp_path, environ, {})
    assert loaded.settings.base_url == "http://x/v1"
    assert loaded.settings.api_key is not None
    assert loaded.settings.api_key.get_secret_value() == "sk-secret", "without the newline of the file it came from"
    assert loaded.origins["api_key"] == "environment OPENAI_API_KEY"
    own = load_settings(tmp_path, environ | {"QTGEN_BASE_URL": "http://y/v1"}, {})
    assert (own.settings.base_url, own.origins["base_url"]) == ("http://y/v1", "environment QTGEN_BASE_URL")


def test_secrets_are_never_printed(tmp_path: Path) -> None:
    write_settings(
        tmp_path,
        'ledger = "postgresql://me:s3cret@host/db"\n[request]\nextra_headers = { authorization = "s3cret" }\n'
        '[headers]\nX-Gateway-Key = "s3cret"\n'
        '[prices.m]\ninput = 1\noutput = 2\n[per_path."old/*"]\nignore = ["QT6"]\n',
    )
    loaded = load_settings(tmp_path, {"OPENAI_API_KEY": "sk-s3cret"}, {})
    lines = {line.split(" ", 1)[0]: line for line in loaded.lines()}
    assert list(lines) == list(Settings.model_fields), "one line per setting"
    assert "s3cret" not in "".join(lines.values()) + repr(loaded.settings.api_key)
    assert "= (set) " in lines["api_key"]
    assert "postgresql://***@host/db" in lines["ledger"]
    assert "{extra_headers}" in lines["request"]
    assert "{X-Gateway-Key}" in lines["headers"]
    assert "= (not set) " in lines["subject"]
    assert "= [] " in lines["plugins"]
    assert lines["api_key"].endswith("# environment OPENAI_API_KEY")


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("modle = 1", "`modle`: unknown setting; did you mean `model`?"),
        ("zzz = 1", "`zzz`: unknown setting; the settings are provider, model, "),
        ("tries = 0", "`tries`: must be at least 1, not 0"),
        ("tries = 21", "`tries`: must be at most 20, not 21"),
        ("tries = 2.5", "`tries`: must be a whole number, not 2.5"),
        ("timeout = 0", "`timeout`: must be greater than 0, not 0"),
        ("budget = inf", "`budget`: must be a finite number, not inf"),
        ('on_duplicate = "kep"', "not 'kep'; did you mean `keep`?"),
        ("[headers]\n'a b' = '1'", "`headers`: 'a b' is not the name of a header"),
        ('[headers]\nX-Key = "sk-1\\n"', "`headers`: the value of X-Key contains a character that no header can hold"),
        ("[headers]\nX-Key = 1", "`headers.X-Key`: must be "),
        ('schema_lengths = "maybe"', "`schema_lengths`: must be true or false, not 'maybe'"),
        ("subject = 3", '`subject`: must be a text in quotes, "…", not 3'),
        ("out = 3", '`out`: must be a path in quotes, "…", not 3'),
        ("ignore = 3", '`ignore`: must be a list, ["…"], not 3'),
        ('plugins = "x.py"', '`plugins`: must be a list, ["…"], not '),
        ("prices = 3", "`prices`: must be a table, [name] with keys of its own, not 3"),
        ("[prices]\nm = 3", "`prices.m`: must be a table, [name] with keys of its own, not 3"),
        ('[prices.m]\ninput = "x"\noutput = 1', "`prices.m.input`: must be a number, not 'x'"),
        ("[prices.m]\ninput = inf\noutput = 1", "`prices.m.input`: must be a finite number, not inf"),
        ("[prices.m]\ninput = 1", "`prices.m.output`: is missing"),
        (
            "[prices.m]\ninput = 1\noutput = 1\ncached = 1",
            "`prices.m.cached`: unknown setting; did you mean `cached_input`?",
        ),
        ("[prices.gpt-4.1]\ninput = 1\noutput = 1", 'write [prices."gpt-4.1"]'),
        ("[prices.gpt-4.1.x]\ninput = 1\noutput = 1", 'write [prices."gpt-4.1.x"]'),
        ('[per_path."a/*"]\nslect = ["QT1"]', '`per_path."a/*".slect`: unknown setting; did you mean `select`?'),
        ('[per_path."a/*"]\nmodel = "m"', "unknown setting; the settings here are select, ignore"),
        ('[per_path.old.faq]\nselect = ["QT1"]', 'write [per_path."old.faq"]'),
        ('[per_path]\nselect = ["QT1"]', "belongs in the table of a pattern; write [per_path."),
        ('[per_path."\\u001b*"]\nselect = 3', '`per_path."\\u001b*".select`: must be a list'),
        ('base_url = "localhost:8000"', "`base_url`: must be an address such as http://localhost:8000/v1, not "),
        ("x = [", "qtgen.toml: is not valid TOML: "),
    ],
)
def test_a_mistake_in_the_file_is_explained(tmp_path: Path, toml: str, message: str) -> None:
    file = write_settings(tmp_path, toml)
    with pytest.raises(SettingsError) as caught:
        load_settings(tmp_path, {}, {})
    assert message in str(caught.value)
    assert caught.value.path in (file, str(file))
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"QTGEN_TRIES": "many"}, "environment QTGEN_TRIES: must be a whole number, not 'many'"),
        (
            {"QTGEN_ON_DUPLICATE": "kep"},
            "environment QTGEN_ON_DUPLICATE: must be 'skip', 'keep' or 'fail', not 'kep'; did you",
        ),
        ({"OPENAI_API_KEY": "sk-1\u0001x"}, "environment OPENAI_API_KEY: contains a character that no key has"),
        ({"OPENAI_BASE_URL": "http://x:99999/v1"}, "environment OPENAI_BASE_URL: must be an address such as"),
        ({"OPENAI_BASE_URL": "http://me:sk-1@x/v1"}, "must not contain a password; set OPENAI_API_KEY"),
    ],
)
def test_a_mistake_in_the_environment_is_explained_without_secrets(
    tmp_path: Path, environ: dict[str, str], message: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(tmp_path, environ, {})
    assert message in str(caught.value)
    assert "sk-1" not in str(caught.value)


def test_a_mistake_on_the_command_line_carries_its_setting(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(tmp_path, {}, {"temperature": 9.0})
    assert (caught.value.setting, caught.value.path) == ("temperature", None)
    assert str(caught.value) == "must be at most 2, not 9.0"


def test_a_key_in_the_file_is_rejected_without_being_printed(tmp_path: Path) -> None:
    write_settings(tmp_path, 'api_key = "sk-1"')
    with pytest.raises(SettingsError, match=r"`api_key`: does not belong in a file; set OPENAI_API_KEY") as caught:
        load_settings(tmp_path, {}, {})
    assert "sk-1" not in str(caught.value)


def test_a_request_that_is_no_table_is_rejected_without_being_printed(tmp_path: Path) -> None:
    write_settings(tmp_path, 'request = "Bearer sk-1"')
    with pytest.raises(SettingsError, match="`request`: must be a table") as caught:
        load_settings(tmp_path, {}, {})
    assert "sk-1" not in str(caught.value)


@pytest.mark.parametrize(("content", "message"), [(b"\xff", "is not valid TOML"), (None, "cannot be read: ")])
def test_a_file_that_cannot_be_read_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None, message: str
) -> None:
    (tmp_path / FILE_NAME).write_bytes(content or b"")
    if content is None:

        def refuse(self: Path, **_: Any) -> str:
            raise PermissionError(13, "Permission denied", str(self))

        monkeypatch.setattr(Path, "read_text", refuse)
    with pytest.raises(SettingsError, match=message):
        load_settings(tmp_path, {}, {})


def test_variables_that_look_like_settings_are_warned_about() -> None:
    environ = {"QTGEN_CONCURENCY": "2", "QTGEN_PRICES": "x", "QTGEN_MODEL": "m", "QTGEN_ZZZ": "1", "HOME": "/"}
    assert list(unknown_variables(environ)) == [
        "QTGEN_CONCURENCY is not a setting; did you mean `QTGEN_CONCURRENCY`?",
        "QTGEN_PRICES has no effect; set `prices` in qtgen.toml",
        "QTGEN_ZZZ is not a setting",
    ]


def test_every_setting_is_described_in_words_that_begin_a_sentence() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        first = field.description.lstrip("`")
        assert first[0].isupper() or field.description.startswith("`"), name
        assert not field.description.endswith("."), name


@pytest.mark.parametrize("address", ["http://h/v1?key=s3cret", "htp://h/v1?key=s3cret", "htp://me:s3cret@h/v1"])
def test_an_address_that_cannot_be_used_is_shown_without_its_secrets(tmp_path: Path, address: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(tmp_path, {"OPENAI_BASE_URL": address}, {})
    assert "OPENAI_BASE_URL" in str(caught.value)
    assert "s3cret" not in str(caught.value)
