"""The package as a library: `link` and `graph_of`."""

import subprocess
import sys
from pathlib import Path

import pytest

import qtgen.linking
from qtgen.errors import MissingExtra, UsageError
from qtgen.linking import graph_of, link
from support.sites import (
    change_page,
    current,
    embed_words,
    link_fields,
    linked_urls,
    make_page,
    random_site,
    url_of,
    write_pages,
)


def test_link_plans_by_default_and_writes_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    pages = random_site(12)
    plan = link("site", embed=embed_words)
    assert (plan.written, plan.selected, len(plan.results), plan.errors) == (False, 12, 12, [])
    assert current(pages) == pages
    report = link("site", write=True, embed=embed_words)
    assert report.written
    assert report.results == plan.results
    assert (report.orphans_before, report.orphans) == (12, [])
    assert all(len(linked_urls(raw)) == 5 for raw in current(pages).values())
    assert link(["site/biology", Path("site/physics")], corpus="site", embed=embed_words).results == []
    assert capsys.readouterr() == ("", ""), "a library prints nothing"


def test_the_default_embedder_needs_no_settings() -> None:
    pages = random_site(6)
    assert len(link(Path("site"), write=True).results) == 6
    assert all(linked_urls(raw) for raw in current(pages).values())


def test_only_relinking_replaces_a_good_link() -> None:
    pages = random_site(20)
    first = next(iter(pages))
    link("site", write=True, embed=embed_words)
    urls = linked_urls(first.read_bytes())
    other = next(raw for path, raw in pages.items() if path != first and url_of(raw) not in urls)
    change_page(first, **link_fields(1, other))
    assert first.as_posix() not in [result.path for result in link("site", embed=embed_words).results]
    assert first.as_posix() in [result.path for result in link("site", relink=True, embed=embed_words).results]


def test_neighbors_are_suggested_or_updated() -> None:
    random_site(30)
    link("site", write=True, embed=embed_words)
    path, raw = make_page("What is the nucleus of a cell?", number=500)
    new = Path("new") / path.relative_to("site")
    write_pages({new: raw})
    report = link("new", corpus="site", embed=embed_words)
    assert report.suggestions
    assert (report.neighbors, report.orphans) == ([], [new.as_posix()])
    updated = link("new", corpus="site", write=True, update_neighbors=True, embed=embed_words)
    assert [result.path for result in updated.neighbors] == [edit.path for edit in report.suggestions]
    assert (updated.suggestions, updated.orphans) == ([], [])


def test_errors_of_pages_are_listed() -> None:
    pages = random_site(6)
    victim = next(iter(pages))
    victim.chmod(0o444)
    report = link("site", write=True, embed=embed_words)
    assert [error.partition(":")[0] for error in report.errors] == [victim.as_posix()]


def test_part_of_a_site_is_an_error() -> None:
    pages = random_site(30)
    link("site", write=True, embed=embed_words)
    before = current(pages)
    with pytest.raises(UsageError, match="only part of a site"):
        link("site/biology", relink=True, write=True, embed=embed_words)
    assert current(pages) == before


def test_no_pages_are_an_error() -> None:
    with pytest.raises(UsageError, match="there are no pages"):
        link([])


def test_a_missing_extra_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    random_site(2)
    monkeypatch.setattr("qtgen.linking.run.REQUIRED_MODULES", ("no_such_module",))
    with pytest.raises(MissingExtra) as error:
        link("site")
    assert (error.value.extra, error.value.module) == ("links", "no_such_module")


def test_the_graph_of_pages_and_corpus() -> None:
    pages = random_site(12)
    assert graph_of("site").without_links == 12
    assert graph_of("site/biology").pages < graph_of("site/biology", corpus="site").pages == len(pages)


def test_the_public_names_exist_and_importing_them_loads_no_numeric_library() -> None:
    assert all(hasattr(qtgen.linking, name) for name in qtgen.linking.__all__)
    heavy = "numpy", "scipy", "faiss", "wordllama", "jinja2", "rich", "openai", "pydantic"
    script = f"import sys, qtgen.linking; print([name for name in {heavy} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert loaded == "[]\n"
