"""Fixtures for the commands of `qtgen eval`: a copy of a shipped suite, and the command line in its folder."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from qtgen.cli import run
from support import ROOT
from support.eval_reports import restored_registries

RunEval = Callable[..., tuple[int, str, str]]


@pytest.fixture
def smoke(tmp_path: Path) -> Path:
    """A copy of the suite `smoke` that a test may damage."""
    return Path(shutil.copytree(ROOT / "evals" / "smoke", tmp_path / "evals" / "smoke"))


@pytest.fixture
def run_eval(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> RunEval:
    """Run `qtgen eval …` and return the exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: object) -> tuple[int, str, str]:
        code = run(["eval", *map(str, arguments)])
        out, err = capsys.readouterr()
        return code, out, err

    return call


@pytest.fixture
def _registries() -> Iterator[None]:
    """Remove the metrics and report formats that the test registers."""
    with restored_registries():
        yield
