"""The local server's process, without a model."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from qtgen.errors import ProviderUnusable
from qtgen.llm.local import server


def scripted_child(monkeypatch: pytest.MonkeyPatch, code: str) -> list["subprocess.Popen[str]"]:
    """Run Python code in place of the server."""
    started: list[subprocess.Popen[str]] = []
    real = subprocess.Popen

    def popen(command: list[str], **options: Any) -> "subprocess.Popen[str]":
        started.append(real([sys.executable, "-c", code], **options))
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", popen)
    return started


@pytest.fixture
def model(tmp_path: Path) -> Path:
    file = tmp_path / "tiny.gguf"
    file.write_bytes(b"GGUF")
    return file


def test_the_server_runs_until_the_block_ends(monkeypatch: pytest.MonkeyPatch, model: Path) -> None:
    code = "import sys; print('http://127.0.0.1:4711', flush=True); sys.stdin.read()"
    started = scripted_child(monkeypatch, code)
    with server.serve(model, slots=2) as endpoint:
        assert (endpoint.base_url, endpoint.model) == ("http://127.0.0.1:4711/v1", "tiny")
        assert (endpoint.extra, endpoint.is_free) == ({"seed": 7}, True)
        assert started[0].poll() is None
    assert started[0].returncode == 0


def test_a_server_that_does_not_end_is_killed(monkeypatch: pytest.MonkeyPatch, model: Path) -> None:
    monkeypatch.setattr(server, "_GRACE", 0.1)
    code = "import time; print('http://127.0.0.1:4711', flush=True); time.sleep(60)"
    started = scripted_child(monkeypatch, code)
    with server.serve(model, slots=1):
        pass
    assert started[0].returncode == -9


def test_waiting_threads_sleep_unless_the_user_wants_otherwise(monkeypatch: pytest.MonkeyPatch, model: Path) -> None:
    code = "import os; print(os.environ['OMP_WAIT_POLICY'], os.environ['GOMP_SPINCOUNT'])"
    scripted_child(monkeypatch, code)
    monkeypatch.setenv("GOMP_SPINCOUNT", "4711")
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    with server.serve(model, slots=1) as endpoint:
        assert endpoint.base_url == "passive 4711/v1"


def test_the_model_gets_as_many_threads_as_usable_cpus(monkeypatch: pytest.MonkeyPatch, model: Path) -> None:
    commands: list[list[str]] = []
    real = subprocess.Popen

    def popen(command: list[str], **options: Any) -> "subprocess.Popen[str]":
        commands.append(command)
        return real([sys.executable, "-c", "print('http://127.0.0.1:4711')"], **options)

    monkeypatch.setattr(subprocess, "Popen", popen)
    monkeypatch.setattr(server, "usable_cpus", lambda: 3)
    for threads in (None, 1):
        with server.serve(model, slots=1, threads=threads):
            pass
    assert [command[-1] for command in commands] == ["3", "1"]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (
            "raise SystemExit('tensor is broken')",
            "cannot be run as a model (tensor is broken); check that it is a whole",
        ),
        ("pass", "cannot be run as a model (it printed no reason)"),
        ("raise ImportError('xllamacpp: no such instruction')", "no local model can run on this machine: ImportError"),
    ],
)
def test_a_server_that_ends_at_once_has_a_reason(
    monkeypatch: pytest.MonkeyPatch, model: Path, code: str, words: str
) -> None:
    scripted_child(monkeypatch, code)
    with pytest.raises(ProviderUnusable) as caught, server.serve(model, slots=1):
        pass
    assert words in str(caught.value)


def test_a_missing_model_file_is_a_wrong_setting(tmp_path: Path) -> None:
    words = r"no such model file: .*no\.gguf; name a GGUF file"
    with pytest.raises(ProviderUnusable, match=words) as caught, server.serve(tmp_path / "no.gguf", slots=1):
        pass
    assert caught.value.setting == "local_model"
