"""The public function that reads one page."""

from pathlib import Path

import pytest

import qtgen
from qtgen.errors import SettingsError, UsageError
from qtgen.page import load_profile
from qtgen.validation.rules.example import EXAMPLE_PAGE

WORKSHOP = Path(__file__).parents[1] / "fixtures" / "sites" / "workshop" / "site.toml"


@pytest.mark.parametrize("kind", [str, Path])
def test_a_page_is_read_from_a_path(tmp_path: Path, kind: type) -> None:
    file = tmp_path / "page.md"
    file.write_text(EXAMPLE_PAGE, encoding="utf-8")
    page = qtgen.read_page(kind(file))
    assert page.text_of("title") == "What is osmosis?"
    assert page.problems == ()


def test_a_text_that_is_no_page_has_problems(tmp_path: Path) -> None:
    file = tmp_path / "page.md"
    file.write_text("no front matter", encoding="utf-8")
    assert [problem.kind for problem in qtgen.read_page(file).problems] == ["missing-front-matter"]


@pytest.mark.parametrize("name", ["missing.md", "."])
def test_a_file_that_cannot_be_read_raises(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError) as caught:
        qtgen.read_page(tmp_path / name)
    assert caught.value.path == tmp_path / name


def test_a_page_of_another_site_is_read_with_its_layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = tmp_path / "site" / "site.toml"
    file = site.parent / "articles" / "page.md"
    file.parent.mkdir(parents=True)
    site.write_bytes(WORKSHOP.read_bytes())
    file.write_text("---\ntitle: Rope\n---\n\nHemp and sisal.\n", encoding="utf-8")
    assert qtgen.read_page(file).text_of("body") is None, "there is no site.toml above the current folder"
    pages = [qtgen.read_page(file, site=given) for given in (site, str(site), load_profile(site))]
    monkeypatch.chdir(file.parent)
    assert {page.text_of("body") for page in [*pages, qtgen.read_page(file)]} == {"Hemp and sisal."}


def test_a_profile_that_cannot_be_read_raises(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"site\.toml"):
        qtgen.read_page(tmp_path / "page.md", site=tmp_path / "site.toml")
