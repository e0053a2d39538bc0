"""A path that cannot be used does not stop the others; it is named on stderr, and the call ends with exit code 2."""

import json
from pathlib import Path

import pytest

from qtgen.commands._paths import UnusablePaths
from qtgen.errors import DamagedPack, UsageError
from support.pages import LONG_DESCRIPTION, page_path, write_site
from support.validation import Run, write_page

GONE = "qtgen: gone: no such file or folder\n"


@pytest.fixture(autouse=True)
def _site() -> None:
    write_site(osmosis={"seo.page_description": LONG_DESCRIPTION}, diffusion={})
    Path("empty").mkdir()


@pytest.mark.parametrize("form", ["text", "json", "github", "gitlab", "sarif", "junit"])
def test_validate(qtgen: Run, form: str) -> None:
    code, out, err = qtgen("validate", "gone", "site", "gone.md", "--format", form, "--no-cache")
    assert code == 2
    assert "QT601" in out
    assert err.endswith(f"{GONE}qtgen: gone.md: no such file or folder\n")


def test_validate_a_folder_without_pages_and_one_that_cannot_be_read(
    qtgen: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    from qtgen.site import discovery

    scan = discovery.os.scandir  # type: ignore[attr-defined]

    def scandir(folder: str) -> object:
        if folder.endswith("closed/"):
            raise PermissionError(13, "Permission denied")
        return scan(folder)

    Path("site/closed").mkdir()
    monkeypatch.setattr(discovery.os, "scandir", scandir)  # type: ignore[attr-defined]
    code, out, err = qtgen("validate", "empty", "site", "--no-cache")
    assert (code, "QT601" in out) == (2, True)
    assert err.endswith("qtgen: empty: no pages (*.md) in this folder\nqtgen: site/closed/: Permission denied\n")


def test_validate_fix_and_diff(qtgen: Run) -> None:
    path = Path(page_path("diffusion"))
    good = path.read_text()
    path.write_text(good.replace("QuickTakes | Biology", "Biology"))
    code, out, err = qtgen("validate", "site", "gone", "--diff")
    assert (code, "+  title: QuickTakes | Biology" in out, err.endswith(GONE)) == (2, True, True)
    code, _, err = qtgen("validate", "site", "gone", "--fix")
    assert (code, path.read_text(), err.count(GONE)) == (2, good, 1)


@pytest.mark.parametrize("options", [[], ["--json"], ["--fix"], ["--diff"], ["--format", "sarif"]])
def test_validate_nothing_but_unusable_paths(qtgen: Run, options: list[str]) -> None:
    code, out, err = qtgen("validate", "gone", "empty", *options)
    assert (code, out) == (2, "")
    assert err == f"{GONE}qtgen: empty: no pages (*.md) in this folder\n"


@pytest.mark.parametrize("options", [["--check"], ["--dry-run"], ["--json"], []])
def test_link(qtgen: Run, options: list[str]) -> None:
    code, out, err = qtgen("link", "site", "gone", *options, "--no-cache")
    assert (code, err.count(GONE)) == (2, 1)
    assert out or "0 of 2 pages" in err
    assert qtgen("link", "gone", *options) == (2, "", GONE)


def test_link_changes_nothing_if_pages_link_into_a_path_that_is_gone(qtgen: Run) -> None:
    link = {"id": 9, "title": "What is x?", "subject": "Physics", "url": "/learn/physics/questions/what-is-x"}
    write_site(osmosis={f"related_article1.{key}": value for key, value in link.items()})
    before = Path(page_path()).read_bytes()
    code, _, err = qtgen("link", "site/biology", "site/physics", "--no-cache")
    assert (code, Path(page_path()).read_bytes()) == (2, before)
    assert "pages link to site/physics/what-is-x.md, which was not read" in err


def test_regenerate(qtgen: Run) -> None:
    code, out, err = qtgen("regenerate", "gone", "site", "--check", "--json")
    assert (code, json.loads(out)["stale"], err) == (2, 1, GONE)
    code, out, err = qtgen("regenerate", "gone", "site", "--dry-run", "--json", "--provider", "local")
    assert (code, json.loads(out)["pages"], err.count(GONE)) == (2, 2, 1)
    assert qtgen("regenerate", "gone", "empty")[:2] == (2, "")


def test_generate(qtgen: Run) -> None:
    Path("q.csv").write_text("question,subject\nWhat is heat?,Physics\n")
    code, out, err = qtgen("generate", "gone.csv", "q.csv", "--dry-run", "--json", "--provider", "local")
    assert (code, json.loads(out)["requests"]["low"]) == (2, 1), out
    assert "qtgen: gone.csv: No such file or directory\n" in err


def test_paths_are_read_once_each_although_named_twice(qtgen: Run) -> None:
    write_page("a.md")
    _, _, err = qtgen("validate", "gone", "gone", "a.md")
    assert err.count("gone") == 1


def test_much_damage_of_a_pack_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    unusable = UnusablePaths()
    for number in range(25):
        unusable(DamagedPack("not used", path="out/pages-00000.parquet", field=f"{number}.md"))
    assert unusable.exit_code(0) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 21
    assert lines[0] == "qtgen: out/pages-00000.parquet: `0.md`: not used"
    assert lines[-1] == "… and 5 more damaged parts"
    unusable(UsageError("no such folder", path="gone"))
    assert unusable.exit_code(0) == 2
