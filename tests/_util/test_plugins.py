"""Tests of loading plugins from files and from installed packages."""

from pathlib import Path

import pytest

from qtgen._util.plugins import identity, installed, load_file
from qtgen.errors import PluginError

GROUP = "qtgen.rules"


def write_package(folder: Path, monkeypatch: pytest.MonkeyPatch, entry_points: str, version: str = "1.0") -> None:
    """Write an installed package `sample` with one module and make it importable."""
    folder.mkdir(exist_ok=True)
    (folder / "sample_plugin_module.py").write_text("value = 41 + 1\n")
    info = folder / "sample.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: sample\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(f"[{GROUP}]\n{entry_points}\n")
    monkeypatch.syspath_prepend(folder)


# --- files ------------------------------------------------------------------------------------------------------------


def test_a_file_is_imported_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "my rules.py"
    file.write_text("from dataclasses import dataclass\n@dataclass\nclass Mine:\n    value: int = 1\n")
    module = load_file(file)
    assert module.Mine().value == 1
    monkeypatch.chdir(tmp_path)
    assert load_file(Path("my rules.py")) is module, "whatever way leads to the file"


def test_files_of_the_same_name_are_two_plugins(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "rules.py").write_text(f"name = {folder!r}\n")
    assert [load_file(tmp_path / folder / "rules.py").name for folder in ("a", "b")] == ["a", "b"]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("gone.py", None, "gone.py: no such file; correct the setting `plugins`"),
        ("folder", None, "folder: no such file"),
        ("rules.txt", "x = 1", "rules.txt: is not a Python file; give it a name that ends in .py"),
        ("rules.py", "x = ", "rules.py: cannot be loaded: SyntaxError: invalid syntax"),
        ("rules.py", "import no_such_package", "cannot be loaded: ModuleNotFoundError: No module named"),
        ("rules.py", "raise ValueError('two\\nlines \\x1b[31m')", "cannot be loaded: ValueError: two lines ·[31m"),
        ("rules.py", "raise SystemExit(3)", "cannot be loaded: SystemExit: 3"),
    ],
)
def test_a_file_that_cannot_be_loaded_is_reported(tmp_path: Path, name: str, text: str | None, message: str) -> None:
    (tmp_path / "folder").mkdir()
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(PluginError) as caught:
        load_file(tmp_path / name)
    assert message in str(caught.value)
    assert caught.value.path == tmp_path / name


def test_a_file_that_failed_can_be_corrected_and_loaded(tmp_path: Path) -> None:
    file = tmp_path / "rules.py"
    file.write_text("x = ")
    with pytest.raises(PluginError):
        load_file(file)
    file.write_text("x = 'corrected'")
    assert load_file(file).x == "corrected"


# --- installed packages -----------------------------------------------------------------------------------------------


def test_entry_points_are_loaded_in_the_order_of_their_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_package(tmp_path / "site", monkeypatch, "zebra = sample_plugin_module:value\napple = sample_plugin_module")
    found = {entry_point.name: plugin for entry_point, plugin in installed(GROUP)}
    assert list(found) == ["apple", "zebra"]
    assert found["zebra"] == 42
    assert list(installed("qtgen.no_such_group")) == []


def test_an_entry_point_that_cannot_be_loaded_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_package(tmp_path / "site", monkeypatch, "bad = sample_plugin_module:missing")
    with pytest.raises(PluginError) as caught:
        list(installed(GROUP))
    assert "the plugin `bad` of the package sample cannot be loaded: AttributeError: " in str(caught.value)
    assert caught.value.remedy == "update or uninstall sample"


# --- identity ---------------------------------------------------------------------------------------------------------


def test_the_identity_changes_with_the_contents_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "rules.py"
    file.write_text("x = 1")
    before = identity(GROUP, [file])
    assert before == identity(GROUP, [file]) != ""
    file.write_text("x = 2")
    assert identity(GROUP, [file]) != before
    assert identity(GROUP, [tmp_path / "gone.py"]) == ""


def test_the_identity_changes_with_the_version_of_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_package(tmp_path / "site", monkeypatch, "mine = sample_plugin_module", "1.0")
    assert identity(GROUP, []) == "mine=sample-1.0"
    assert identity("qtgen.metrics", []) == ""
    write_package(tmp_path / "site", monkeypatch, "mine = sample_plugin_module", "1.1")
    assert identity(GROUP, []) == "mine=sample-1.1"


def test_the_identity_is_found_without_importing_a_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_package(tmp_path / "site", monkeypatch, "bad = no_such_module_at_all")
    assert identity(GROUP, []) == "bad=sample-1.0"
