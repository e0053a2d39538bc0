"""The files of answers and references, found by the ids of items."""

from dataclasses import replace
from pathlib import Path

from qtgen.evaluation.reports.sources import find_page_files, find_reference_files
from qtgen.page.profile import default_profile
from support.eval_reports import make_item, make_report


def write(*paths: str) -> None:
    for path in map(Path, paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_pages_of_a_folder_are_found_by_their_names(tmp_path: Path) -> None:
    site = tmp_path / "site"
    items = [make_item(number, id=name, subject="Art History") for number, name in enumerate("abcd")]
    report = make_report(items, None, provider="pages", model=str(site))
    write(f"{site}/x/a.md", f"{site}/x/b.md", f"{site}/art-history/b.md", f"{site}/x/c.md", f"{site}/y/c.md")
    assert find_page_files(report, default_profile()) == {
        ("a", 1): site / "x/a.md",
        ("b", 1): site / "art-history/b.md",
    }


def test_generated_answers_have_no_files(tmp_path: Path) -> None:
    write(f"{tmp_path}/a.md")
    report = make_report([make_item(1, id="a")], None, model=str(tmp_path))
    assert find_page_files(report, default_profile()) == {}
    assert find_page_files(replace(report, provider="pages", model=str(tmp_path / "gone")), default_profile()) == {}


def test_references_are_found_in_the_suite(tmp_path: Path) -> None:
    write(f"{tmp_path}/references/a.md", f"{tmp_path}/references/a.nuggets.toml")
    assert find_reference_files(tmp_path) == {"a": tmp_path / "references/a.md"}
    assert find_reference_files(tmp_path / "gone") == {}
