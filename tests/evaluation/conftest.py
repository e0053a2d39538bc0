"""Fixtures for the evaluation: a copy of a shipped suite, and registries that are restored."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import ROOT
from support.eval_reports import restored_registries


@pytest.fixture
def smoke(tmp_path: Path) -> Path:
    """A copy of the suite `smoke` that a test may damage."""
    return Path(shutil.copytree(ROOT / "evals" / "smoke", tmp_path / "evals" / "smoke"))


@pytest.fixture
def _registries() -> Iterator[None]:
    """Remove the metrics and report formats that the test registers."""
    with restored_registries():
        yield
