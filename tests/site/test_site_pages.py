"""Files of a folder that are not pages of the site are left out."""

from collections.abc import Callable
from pathlib import Path

import pytest

from qtgen.errors import UsageError
from qtgen.page.profile import Profile, default_profile, parse_profile
from qtgen.site.discovery import iter_batches
from qtgen.site.site_pages import SitePages
from support.lookalikes import LOOKALIKES

Command = Callable[..., tuple[int, str, str]]

LOOKALIKE = LOOKALIKES["workshop"]
OTHERS = ("README.md", "node_modules/x/README.md", "outputs/articles/new.md", "articles.md")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Profile:
    """A site with three pages and four other files, in the current folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "site.toml").write_text(LOOKALIKE.site_toml)
    for path, text in [*((page.path, page.text) for page in LOOKALIKE.generate(5, 3)), *((one, "x") for one in OTHERS)]:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(text)
    return parse_profile(LOOKALIKE.site_toml.encode(), tmp_path / "site.toml")


def paths_of(profile: Profile, *roots: Path) -> tuple[list[str], int]:
    pages = SitePages(profile)
    return [path for batch in iter_batches(roots, pages=pages) for path in batch.paths()], pages.left_out


def test_files_of_no_layout_are_left_out(site: Profile, tmp_path: Path) -> None:
    for root in (Path(), tmp_path):
        paths, left_out = paths_of(site, root)
        assert len(paths) == 3
        assert all("articles/" in path for path in paths)
        assert left_out == len(OTHERS)


@pytest.mark.parametrize("root", ["articles", "articles/rigging", "articles/engines"])
def test_folders_with_pages_lose_none(site: Profile, root: str) -> None:
    if Path(root).exists():
        assert paths_of(site, Path(root))[1] == 0


@pytest.mark.parametrize("root", ["outputs", "node_modules", "README.md"])
def test_what_is_named_explicitly_is_kept(site: Profile, root: str) -> None:
    assert len(paths_of(site, Path(root))[0]) == 1


def test_a_folder_outside_the_site_is_kept(
    site: Profile, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.mktemp("other")
    (folder / "a.md").write_text("x")
    assert len(paths_of(site, folder)[0]) == 1
    monkeypatch.chdir(folder)
    assert paths_of(site, Path())[0] == ["a.md"]


def test_the_default_site_has_every_page(site: Profile) -> None:
    assert site
    assert len(paths_of(default_profile(), Path())[0]) == 3 + len(OTHERS)


def test_a_site_without_pages_names_its_patterns(site: Profile, tmp_path: Path) -> None:
    (tmp_path / "articles").rename(tmp_path / ".hidden")
    with pytest.raises(UsageError) as caught:
        paths_of(site, Path())
    assert caught.value.remedy == "pages of the site match `articles/**/*.md`"


@pytest.mark.parametrize("command", [["validate", "."], ["validate", ".", "--diff"], ["link", ".", "--check"]])
def test_commands_count_what_they_left_out(site: Profile, qtgen: Command, command: list[str]) -> None:
    assert site
    _, out, err = qtgen(*command)
    assert "README" not in out + err
    assert err.count("left out 4 files that `files` of no layout matches") == 1


def test_a_file_that_is_named_is_checked(site: Profile, qtgen: Command) -> None:
    assert site
    code, out, err = qtgen("validate", "README.md")
    assert code == 1
    assert "QT102" in out
    assert "left out" not in err
