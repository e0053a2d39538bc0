"""Tests of the export of a review as HTML files."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote

import pytest

from qtgen.errors import OutputError, UsageError
from qtgen.generation.output import OutputFolder
from qtgen.page.profile import default_profile
from qtgen.review.web import static_site
from qtgen.review.web.static_site import write_static_site
from qtgen.review.web.workspace import Workspace, open_workspace
from qtgen.settings import Settings
from support.browser import OpenPage
from support.html_outline import OutlineParser
from support.pages import page_path, write_site
from support.reviews import request_for, save_rewrite

EXPORT = Path("export")
OLD = "Osmosis moves **water** through a membrane.\\n\\nIt evens out $a + b$ on both sides of it."
NEW = "Osmosis moves **water** through a thin membrane.\\n\\nIt evens out $a + c$ on both sides of it."


@contextmanager
def opened(*paths: str) -> Iterator[Workspace]:
    workspace = open_workspace(
        [Path(path) for path in paths or ("site",)], Settings(out=Path("out")), default_profile(), read_only=True
    )
    try:
        yield workspace
    finally:
        workspace.close()


def export() -> static_site.StaticSite:
    with opened() as workspace:
        return write_static_site(workspace, EXPORT)


def html_of(name: str) -> str:
    return (EXPORT / name).read_text(encoding="utf-8")


def links(name: str) -> set[str]:
    return {unquote(value or "") for _, key, value in OutlineParser(html_of(name)).attributes if key in ("href", "src")}


def test_every_link_leads_to_a_file() -> None:
    write_site(osmosis={}, cell={}, dna={})
    done = export()
    assert (done.start, done.pages, done.skipped) == (EXPORT / "index.html", 3, [])
    files = [path.relative_to(EXPORT).as_posix() for path in EXPORT.rglob("*.html")]
    assert set(files) >= {"index.html", "pages/what-is-osmosis.html", "pages/what-is-cell.html"}
    for name in files:
        for link in links(name):
            assert ((EXPORT / name).parent / link).is_file(), f"{name}: {link}"


def test_the_files_contain_no_script_and_no_address_to_load() -> None:
    answer = "<script>alert(1)</script> [x](http://out.invalid/) ![y](http://out.invalid/z.png) \u202e"
    write_site(osmosis={"answer": answer, "seo.page_description": "<img src=http://out.invalid/>"})
    export()
    for path in EXPORT.rglob("*.html"):
        parser = OutlineParser(path.read_text(encoding="utf-8"))
        assert not {"script", "img", "iframe", "form", "style"} & parser.names
        values = [(name, value) for _, name, value in parser.attributes if name != "title"]
        assert not [value for name, value in values if name.startswith("on") or "out.invalid" in str(value)]
        assert "\u202e" not in parser.text


def test_a_long_list_has_several_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(static_site, "ROWS", 2)
    monkeypatch.setattr(static_site, "_BATCH", 3)
    write_site(**{f"cell-{number}": {} for number in range(5)})
    export()
    assert "index-2.html" in links("index.html")
    assert {"index.html", "index-3.html"} <= links("index-2.html")
    parts = [
        {link for link in links(name) if link.startswith("pages/")}
        for name in ("index.html", "index-2.html", "index-3.html")
    ]
    assert [len(part) for part in parts] == [2, 2, 1]
    assert len(set.union(*parts)) == 5


def test_a_rewrite_is_shown_with_its_changes() -> None:
    write_site(osmosis={"answer": OLD}, cell={})
    save_rewrite(OutputFolder(Path("out")), {"answer": NEW})
    export()
    html = html_of("pages/what-is-osmosis.html")
    assert html.count("<ins>thin</ins>") == 2, "merged, and beside the old text"
    assert len(re.findall("<del><math", html)) == 2
    assert "the new description says less" in html
    assert "The page has the old text." in html
    assert "pages/what-is-osmosis.html" in links("rewrites.html")
    assert "pages/what-is-cell.html" not in links("rewrites.html")
    assert "Changes of the rewrite" not in html_of("pages/what-is-cell.html")


def test_a_taken_rewrite_of_a_search_field_is_shown() -> None:
    write_site(osmosis={})
    save_rewrite(OutputFolder(Path("out")), is_taken=True)
    export()
    html = html_of("pages/what-is-osmosis.html")
    assert "<dt>Old</dt>" in html
    assert "<ins>" in html


def test_pages_with_the_same_name_have_files_of_their_own() -> None:
    write_site(osmosis={}, cell={"url": "/learn/physics/questions/what-is-osmosis"}, dna={"url": "/a/WHAT-is-osmosis/"})
    assert export().pages == 3
    names = {path.name for path in (EXPORT / "pages").iterdir()}
    assert names == {"what-is-osmosis.html", "what-is-osmosis-2.html", "what-is-osmosis-3.html"}


def test_a_later_export_replaces_the_files_of_an_earlier_one(monkeypatch: pytest.MonkeyPatch) -> None:
    write_site(osmosis={}, cell={})
    with monkeypatch.context() as patch:
        patch.setattr(static_site, "ROWS", 1)
        export()
    assert {path.name for path in EXPORT.glob("*.html")} == {"index.html", "index-2.html"}
    Path(page_path("cell")).unlink()
    write_site(osmosis={"answer": "Other **words** are here."})
    assert export().pages == 1
    assert [path.name for path in (EXPORT / "pages").iterdir()] == ["what-is-osmosis.html"]
    assert [path.name for path in EXPORT.glob("*.html")] == ["index.html"]
    assert "<strong>words</strong>" in html_of("pages/what-is-osmosis.html")


def test_a_folder_with_other_files_is_refused() -> None:
    write_site(osmosis={})
    EXPORT.mkdir()
    (EXPORT / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="contains other files") as refusal:
        export()
    assert (refusal.value.path, [path.name for path in EXPORT.iterdir()]) == (EXPORT, ["mine.txt"])


def test_a_file_in_place_of_the_folder_is_an_error() -> None:
    write_site(osmosis={})
    EXPORT.write_text("a file")
    with pytest.raises(OutputError) as error:
        export()
    assert error.value.path == EXPORT


def test_a_page_that_is_gone_is_listed_with_the_reason() -> None:
    write_site(osmosis={}, cell={})
    with opened() as workspace:
        Path(page_path("cell")).unlink()
        done = write_static_site(workspace, EXPORT)
    assert (done.pages, len(done.skipped)) == (1, 1)
    assert "deleted" in html_of("index.html")
    assert "pages/what-is-cell.html" not in links("index.html")


def test_pages_that_cannot_be_reviewed_are_listed_with_the_reason() -> None:
    write_site(osmosis={}, cell={"url": "/learn/biology/questions/what-is-osmosis"})
    assert export().pages == 1
    assert "Cannot be reviewed" in html_of("index.html")


def test_an_empty_review_says_so() -> None:
    Path("site").mkdir()
    assert export().pages == 0
    assert "There are no pages." in html_of("index.html")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_a_browser_shows_the_files(open_page: OpenPage, width: int, scheme: str) -> None:
    write_site(osmosis={"answer": OLD}, cell={})
    save_rewrite(OutputFolder(Path("out")), {"answer": NEW})
    page = open_page(viewport={"width": width, "height": 800}, color_scheme=scheme, java_script_enabled=False)
    page.goto(export().start.resolve().as_uri())
    page.get_by_role("link", name="What is osmosis").click()
    assert page.locator("ins").first.inner_text() == "thin"
    assert page.locator("math").first.is_visible()
    color = page.locator("body").evaluate("(body) => getComputedStyle(body).backgroundColor")
    assert color == ("rgb(236, 238, 242)" if scheme == "light" else "rgb(38, 43, 52)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_role("link", name="All pages").click()
    assert page.get_by_role("heading").inner_text() == "All pages"


def test_the_list_names_the_last_decision() -> None:
    write_site(osmosis={}, cell={})
    with opened() as workspace:
        workspace.actions.perform(request_for("approve"), Path(page_path("osmosis")))
    export()
    assert re.search(r"ada <span class=\"muted\">2\d{3}-\d\d-\d\d", html_of("index.html"))
    assert "pages/what-is-osmosis.html" in links("state-approved.html")
    assert "pages/what-is-cell.html" in links("state-open.html")


def test_the_command_writes_the_files(qtgen: Callable[..., tuple[int, str, str]]) -> None:
    write_site(osmosis={}, cell={})
    code, out, err = qtgen("review", "site", "--out", "out", "--static", EXPORT)
    assert (code, out) == (0, f"{EXPORT / 'index.html'}\n")
    assert "wrote 2 pages" in err
    assert (EXPORT / "pages/what-is-osmosis.html").is_file()


def test_the_command_refuses_a_folder_with_other_files(qtgen: Callable[..., tuple[int, str, str]]) -> None:
    write_site(osmosis={})
    code, out, err = qtgen("review", "site", "--out", "out", "--static", "site")
    assert (code, out) == (2, "")
    assert "site: contains other files" in err
    assert qtgen("review", "site", "--static", EXPORT, "--port", 1)[0] == 2
    assert Path(page_path("osmosis")).is_file()
