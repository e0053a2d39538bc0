"""Tests of `qtgen init`."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from qtgen._util.resources import shipped_folder
from qtgen.page.profile import load_profile
from support.inference import numbered
from support.lookalikes import LOOKALIKES

SITES = Path(__file__).parents[1] / "fixtures" / "sites"
Run = Callable[..., tuple[int, str, str]]
SHAPE = {"file", "pages", "conforming", "unusable", "findings"}
FINDING = {"layout", "field", "kind", "standing", "statement", "for", "against", "places"}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with pages of which one has a boolean as its title."""
    monkeypatch.chdir(tmp_path)
    pages = numbered(300, "title: Page {n}\nnote: word {n}")
    pages["pages/page-9.md"] = pages["pages/page-9.md"].replace("title: Page 9\n", "title: on\n")
    write(pages)
    return tmp_path


def write(pages: dict[str, str]) -> None:
    for path, text in pages.items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(text, encoding="utf-8", newline="")


def test_a_new_project(qtgen: Run, tmp_path: Path) -> None:
    code, out, err = qtgen("init", tmp_path / "new")
    assert (code, out) == (0, "")
    assert "created" in err
    assert not (tmp_path / "new/site.toml").exists()


def test_the_prompts_are_those_for_any_site_if_there_is_a_site_toml(qtgen: Run, tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text((SITES / "workshop" / "site.toml").read_text(encoding="utf-8"))
    assert qtgen("init", tmp_path / "new")[0] == 0
    copies = {file.name: file.read_bytes() for file in (tmp_path / "new/prompts").iterdir()}
    shipped = shipped_folder("prompts")
    assert copies == {file.name: file.read_bytes() for file in (shipped / "site").iterdir()}
    assert copies["_house.md.j2"] != (shipped / "_house.md.j2").read_bytes()


def test_site_toml_and_a_report(qtgen: Run, site: Path) -> None:
    code, out, err = qtgen("init", "--from", "pages")
    assert code == 0
    assert "  asserted   title: type: text (299 for, 1 against)\n    pages/page-9.md:2:8: true (bool)\n" in out
    assert err == (
        "created  site.toml: 299 of 300 pages conform to it\nnext: read site.toml, then run qtgen validate pages\n"
    )
    layout = load_profile(Path("site.toml")).file.layout[0]
    assert (layout.path, [spec.key for spec in layout.fields]) == ("pages/{title|slug}.md", ["title", "note"])


def test_the_report_as_json(qtgen: Run, site: Path) -> None:
    Path("pages/toml.md").write_text("+++\n+++\n")
    code, out, _ = qtgen("init", "--from", "pages", "--json")
    report = json.loads(out)
    assert code == 1  # a page could not be used
    assert report.keys() == SHAPE
    assert (report["file"], report["pages"], report["conforming"]) == ("site.toml", 300, 299)
    [unusable] = report["unusable"]
    assert (unusable["path"], unusable["line"], unusable["column"]) == ("pages/toml.md", 1, 1)
    assert all(finding.keys() == FINDING for finding in report["findings"])
    [found] = [finding for finding in report["findings"] if (finding["field"], finding["kind"]) == ("title", "type")]
    assert (found["standing"], found["statement"], found["for"], found["against"]) == ("asserted", "text", 299, 1)
    assert found["places"] == [
        {"path": "pages/page-9.md", "line": 2, "column": 8, "field": "title", "value": "true (bool)"}
    ]


def test_another_folder_and_several_paths(qtgen: Run, site: Path) -> None:
    write({f"more/{path}": text for path, text in numbered(30, "title: Other {n}\nnote: word {n}").items()})
    code, _, err = qtgen("init", site, "--from", "pages", "--from", "more", "--jobs", 2)
    assert code == 0
    assert err.startswith(f"created  {site / 'site.toml'}: 329 of 330 pages")


def test_processes_make_no_difference(qtgen: Run, site: Path) -> None:
    texts = []
    for jobs in (1, 2):
        assert qtgen("init", "--from", "pages", "--jobs", jobs)[0] == 0
        texts.append(Path("site.toml").read_text())
        Path("site.toml").unlink()
    assert texts[0] == texts[1]


def test_text_lists_some_places_and_json_all(qtgen: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(numbered(200, "title: Page {n}\nnote: word {n}"))
    other = numbered(60, "note: word {n}\ntitle: Page {n}")
    write({path.replace("page-", "other-"): text for path, text in other.items()})
    _, out, _ = qtgen("init", "--from", "pages")
    assert "… and 36 more places" in out
    Path("site.toml").unlink()
    report = json.loads(qtgen("init", "--from", "pages", "--json")[1])
    assert [len(finding["places"]) for finding in report["findings"] if finding["kind"] == "order"] == [60]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--from", "missing"), "qtgen: missing: no such file or folder\n"),
        (("--from", "empty"), "qtgen: empty: no pages (*.md) in this folder\n"),
        (("inner", "--from", "pages"), "the page is not below inner, the folder of site.toml; create site.toml in a"),
        (("--json",), "--json needs --from"),
        (("--jobs", "2"), "--jobs needs --from"),
        (("--from", ""), "the path is empty"),
    ],
)
def test_invalid_calls(qtgen: Run, site: Path, arguments: tuple[str, ...], message: str) -> None:
    Path("empty").mkdir()
    Path("inner").mkdir()
    code, out, err = qtgen("init", *arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert not Path("site.toml").exists()
    assert not Path("inner/site.toml").exists()


def test_an_existing_file_stays(qtgen: Run, site: Path) -> None:
    Path("site.toml").write_text("mine")
    code, out, err = qtgen("init", "--from", "pages")
    assert (code, out) == (2, "")
    assert err == "qtgen: site.toml: the file exists already; rename or remove it, or choose another FOLDER\n"
    assert Path("site.toml").read_text() == "mine"


def test_no_usable_pages(qtgen: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write({"pages/a.md": "---\r\ntitle: x\r\n---\r\n", "pages/b.md": "x"})
    code, _, err = qtgen("init", "--from", "pages")
    assert code == 2
    assert err.startswith("qtgen: pages/a.md:1: none of the pages can be used (2); the first one: carriage return")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root can read and write every file")
def test_a_page_that_cannot_be_read(qtgen: Run, site: Path) -> None:
    Path("pages/page-1.md").chmod(0)
    code, out, _ = qtgen("init", "--from", "pages")
    assert code == 1
    assert "pages/page-1.md:1:1: Permission denied" in out


def test_the_lines_of_missing_and_moved_fields(qtgen: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every planted fault is reported at its line. Of keys that changed places, either may have moved, and what a map
    lacks at its end is reported at the key of the map.
    """
    monkeypatch.chdir(tmp_path)
    lookalike = LOOKALIKES["reference"]
    pages, planted = lookalike.plant(lookalike.generate(1, 300), 1, 22)
    write({page.path: page.text for page in pages})
    report = json.loads(qtgen("init", "--from", "reference", "--json")[1])
    places = {(place["path"], place["line"]) for finding in report["findings"] for place in finding["places"]}
    files = {path for path, _ in places}
    for fault in planted:
        is_vague = fault.kind == "out-of-order" or (fault.kind == "missing-key" and "." in fault.key)
        assert fault.path in files if is_vague else (fault.path, fault.line) in places, fault
