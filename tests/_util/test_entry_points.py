"""The quick test for plugins agrees with `importlib.metadata`."""

import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from qtgen._util.entry_points import may_have_entry_points

GROUP = "qtgen.test_group"


def test_no_package_has_an_unknown_group() -> None:
    assert not entry_points(group=GROUP)
    assert not may_have_entry_points([GROUP])
    assert may_have_entry_points(["console_scripts"])


@pytest.mark.parametrize("name", ["sample-1.0.dist-info", "sample-1.0.egg-info"])
def test_a_package_in_a_folder_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "entry_points.txt").write_text(f"[other]\n[{GROUP}]\nsample = sample\n")
    (tmp_path / "old-1.0.egg-info").write_text("a file, without entry points")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert may_have_entry_points(["qtgen.no_group", GROUP])
    assert not may_have_entry_points(["qtgen.no_group"])


def test_missing_folders_have_no_packages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "none")])
    assert not may_have_entry_points([GROUP])


def test_an_archive_or_another_finder_can_have_packages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Finder:
        find_distributions = None

    with monkeypatch.context() as patch:
        patch.setattr(sys, "meta_path", [*sys.meta_path, Finder])
        assert may_have_entry_points([GROUP])
    archive = tmp_path / "packages.zip"
    archive.write_bytes(b"")
    monkeypatch.setattr(sys, "path", [*sys.path, str(archive)])
    assert may_have_entry_points([GROUP])
