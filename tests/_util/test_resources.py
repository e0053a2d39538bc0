"""Tests of the folders that ship with qtgen."""

from pathlib import Path

import pytest

from qtgen._util import resources
from qtgen._util.resources import shipped_folder


def test_the_prompts_of_a_checkout_are_beside_the_package() -> None:
    assert list(shipped_folder("prompts").iterdir())


def test_the_folder_inside_a_wheel_is_preferred(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "qtgen"
    (package / "shipped" / "prompts").mkdir(parents=True)
    (tmp_path / "prompts").mkdir()
    (tmp_path / "examples").mkdir()
    monkeypatch.setattr(resources, "__file__", str(package / "_util" / "resources.py"))
    assert shipped_folder("prompts") == package / "shipped" / "prompts"
    assert shipped_folder("examples") == tmp_path / "examples"
