"""Setting one value of a TOML file: everything else stays as it is, byte for byte."""

import tomllib

import pytest

from qtgen._util.toml_edit import set_value
from qtgen.errors import SettingsError


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", 'local_model = "new"\n'),
        ("# only a comment\n", '# only a comment\nlocal_model = "new"\n'),
        ("a = 1", 'a = 1\nlocal_model = "new"\n'),
        ('local_model = "old"   # why\n', 'local_model = "new"   # why\n'),
        ("local_model='old'\n[t]\na=1\n", 'local_model="new"\n[t]\na=1\n'),
        ('"local_model" = "old"\n', '"local_model" = "new"\n'),
        ('local_model = "old"', 'local_model = "new"'),
        ("a = 1\n\n# about t\n[t]\nb = 2\n", None),
        ("[t]\nb = 2\n", None),
        ('a = """\n[x]\nlocal_model = 1\n"""\n[t]\n', None),
        ('plugins = [\n  "a", # one\n  "b",\n]\n\n[prices."gpt-4.1"]\ninput = 1.0\noutput=2.0\n', None),
        ("[t]\nlocal_model = 1\n", None),
        ("a = 1\r\n\r\n[t]\r\nb = 2\r\n", None),
        ("# ∇ ünïcode\nq = 'é'\n", None),
        ("a.b = 1\n[[x]]\ny = 1\n[[x]]\ny = 2\n", None),
    ],
)
def test_one_value_changes(before: str, after: str | None) -> None:
    changed = set_value(before, "local_model", "new")
    assert tomllib.loads(changed) == tomllib.loads(before) | {"local_model": "new"}
    if after is not None:
        assert changed == after
        return
    old, new = before.splitlines(keepends=True), changed.splitlines(keepends=True)
    added = [line for line in new if line.strip() and line.startswith("local_model = ") and "new" in line]
    assert len(added) == 1
    assert [line for line in new if line.strip() and line not in added] == [line for line in old if line.strip()]
    assert {line.endswith("\r\n") for line in new} == {"\r\n" in before}


@pytest.mark.parametrize(
    ("above", "below"),
    [
        ("", "# prices of our models\n[prices]\na = 1\n"),
        ("", "[prices]\na = 1\n"),
        ("# mine\n\n", "# prices\n# in dollars\n[prices]\na = 1\n"),
        ("a = 1\n", "# prices\n[[x]]\na = 1\n# more\n[y]\n"),
        ("a.b = 1\n# model = 'x'\n\n", "  # prices\n  [prices]\n"),
        ('a = [\n[1],\n]\nb = """\n# x\n[t]\n# y"""\n', "# prices\n[prices]\n"),
        ('b = """\n# y"""\n', "[prices]\n"),
        ("a = 'x'  # \u2028 \x85\n", "# prices\n[prices]\n"),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_comment_stays_with_its_table(above: str, below: str, end: str) -> None:
    changed = set_value((above + below).replace("\n", end), "local_model", "new")
    assert changed == f'{above}local_model = "new"\n\n{below}'.replace("\n", end)


def test_a_new_key_joins_the_keys_that_are_there() -> None:
    changed = set_value("a = 1\n\n\n# about t\n[t]\n", "local_model", "new")
    assert changed == 'a = 1\nlocal_model = "new"\n\n\n# about t\n[t]\n'


@pytest.mark.parametrize("value", ["x", 'quote " and \\', "ünï"])
def test_setting_the_same_value_changes_nothing(value: str) -> None:
    once = set_value("# c\na = 1\n\n[t]\nb = 2\n", "local_model", value)
    assert set_value(once, "local_model", value) == once


@pytest.mark.parametrize("text", ["a = ", "a = 1\na = 2\n", "[t\n", "\ufeffa = 1\n"])
def test_an_invalid_file_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="is not valid TOML: "):
        set_value(text, "local_model", "new")
