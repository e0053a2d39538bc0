"""Reading pages into the catalog: its columns, problems, and pages under several names."""

import logging
import os
from pathlib import Path

import numpy as np
import pytest

from qtgen.errors import FilesNotShared, UsageError
from qtgen.linking.catalog import Catalog, SkippedPage
from qtgen.linking.reading import read_catalog
from qtgen.page import default_profile
from qtgen.site.discovery import iter_batches
from support.engine_work import Elsewhere
from support.sites import change_page, embed_words, make_page, random_site, write_pages


def catalog_of(*paths: str, corpus: str | None = None) -> Catalog:
    return read_catalog(iter_batches(map(Path, paths)), default_profile(), corpus=Path(corpus) if corpus else None)


def test_columns_hold_the_facts_of_each_page() -> None:
    pages = write_pages(
        dict([make_page("What is osmosis?", number=7), make_page("What is mass?", "Physics", 8, no_index=True)])
    )
    catalog = catalog_of("site")
    assert list(catalog.paths) == [path.as_posix() for path in pages]
    assert list(catalog.urls) == ["/learn/biology/questions/what-is-osmosis", "/learn/physics/questions/what-is-mass"]
    assert list(catalog.titles) == ["What is osmosis?", "What is mass?"]
    assert catalog.subjects == ["Biology", "Physics"]
    assert catalog.ids == [7, 8]
    assert [catalog.is_hidden(number) for number in range(2)] == [False, True]
    assert [catalog.is_linkable(number) for number in range(2)] == [True, False]
    assert (len(catalog), catalog.selected, catalog.problems) == (2, 2, {})


@pytest.mark.parametrize("change", [{"id": None}, {"subject": None}, {"id": 1 << 62}])
def test_a_page_without_a_usable_id_or_subject_is_skipped(change: dict[str, object]) -> None:
    path = next(iter(random_site(1)))
    change_page(path, **change)
    assert catalog_of("site").skipped() == [SkippedPage(path.as_posix(), "the url, title, subject or id is missing")]


def test_a_page_that_does_not_parse_is_skipped_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    write_pages({Path("site/biology/broken.md"): b"---\ntitle: [\n---\n\n&nbsp;"})
    with caplog.at_level(logging.INFO, "qtgen.linking"):
        (page,) = catalog_of("site").skipped()
    assert page.path == "site/biology/broken.md"
    assert f"skipping {page.path}: {page.reason}" in caplog.text


def test_pages_of_the_corpus_follow_the_selected_pages_once() -> None:
    pages = random_site(12)
    selected = sorted(path.as_posix() for path in pages if path.parent.name == "physics")
    catalog = catalog_of("site/physics", corpus="site")
    assert catalog.paths[: catalog.selected] == selected
    assert sorted(catalog.paths) == sorted(path.as_posix() for path in pages)


def test_a_selected_page_counts_once_if_the_corpus_has_another_path() -> None:
    write_pages(dict(make_page(title) for title in ("What is osmosis?", "What is mass?", "What is a poem?")))
    selected = next(Path("site").rglob("*.md"))
    catalog = catalog_of(selected.as_posix(), corpus=Path("site").absolute().as_posix())
    assert len(catalog) == 3
    assert [catalog.paths[0], catalog.selected] == [selected.as_posix(), 1]


def test_skipped_pages_of_the_corpus_are_listed_on_request() -> None:
    random_site(3)
    write_pages({Path("corpus/biology/broken.md"): b"---\ntitle: [\n---\n\n&nbsp;"})
    catalog = catalog_of("site", corpus="corpus")
    assert catalog.skipped() == []
    assert [page.path for page in catalog.skipped(with_corpus=True)] == ["corpus/biology/broken.md"]


def test_only_the_first_page_with_a_url_is_linkable() -> None:
    path, raw = make_page("What is osmosis?")
    write_pages({path: raw, path.with_name("z.md"): raw})
    catalog = catalog_of("site")
    assert [catalog.is_linkable(number) for number in range(2)] == [True, False]


def test_a_missing_folder_is_an_error() -> None:
    with pytest.raises(UsageError, match="nowhere"):
        catalog_of("nowhere")


# --- several names of one page -----------------------------------------------------------------------------------------


def test_a_symbolic_link_to_another_page_of_the_folder_does_not_count() -> None:
    pages = random_site(3)
    target = next(iter(pages))
    Path("site/a-link.md").symlink_to(target.resolve())
    catalog = catalog_of("site")
    assert sorted(catalog.paths) == sorted(path.as_posix() for path in pages)


def test_a_symbolic_link_to_a_page_elsewhere_counts_once() -> None:
    random_site(2)
    path, raw = make_page("What is osmosis?", number=90)
    elsewhere = Path("elsewhere") / path.name
    write_pages({elsewhere: raw})
    for name in ("link-1.md", "link-2.md"):
        Path("site", name).symlink_to(elsewhere.resolve())
    catalog = catalog_of("site")
    assert len(catalog) == 3
    assert catalog.paths[-1] == "site/link-1.md"
    assert catalog.titles[-1] == "What is osmosis?"


def test_a_symbolic_link_of_the_corpus_to_a_selected_page_does_not_count() -> None:
    random_site(3)
    path, raw = make_page("What is osmosis?", number=90)
    new = Path("new") / path.name
    write_pages({new: raw})
    Path("site/link.md").symlink_to(new.resolve())
    catalog = catalog_of("new", corpus="site")
    assert (catalog.selected, len(catalog)) == (1, 4)


def test_a_symbolic_link_to_nothing_is_skipped() -> None:
    random_site(1)
    Path("site/link.md").symlink_to("gone.md")
    assert [page.path for page in catalog_of("site").skipped()] == ["site/link.md"]


# --- vectors -----------------------------------------------------------------------------------------------------------


def test_vectors_follow_the_order_of_pages_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    random_site(7)
    whole = read_catalog(iter_batches([Path("site")]), default_profile(), embed=embed_words)
    monkeypatch.setattr("qtgen.linking.reading._CHUNK", 3)
    counts: list[int] = []
    chunks = read_catalog(iter_batches([Path("site")]), default_profile(), embed=embed_words, on_read=counts.append)
    assert counts == [3, 3, 1]
    assert len(chunks.vectors) == len(whole.vectors) == 7
    places = np.arange(7, dtype=np.int32)
    assert np.array_equal(chunks.vectors.take(places), whole.vectors.take(places))


def test_nodes_leave_out_pages_without_a_url() -> None:
    (path, raw), other = make_page("What is osmosis?"), make_page("What is mass?", "Physics", 2)
    write_pages(dict([(path, raw), other]))
    os.truncate(path, 20)
    missing, node = catalog_of("site").nodes()
    assert missing is None
    assert node is not None
    assert (node.url, node.subject, node.subject_key, node.id, node.linkable) == (
        "/learn/physics/questions/what-is-mass",
        "Physics",
        "physics",
        2,
        True,
    )


def test_workers_without_the_files_end_the_run() -> None:
    random_site(2)
    with pytest.raises(FilesNotShared, match=r"a worker cannot read this file \(No such file or directory\)"):
        read_catalog(iter_batches([Path("site")]), default_profile(), engine=Elsewhere())


def test_workers_get_contents_that_replace_files() -> None:
    pages = random_site(5)
    contents = {path.as_posix(): path.read_bytes() for path in pages}
    there = read_catalog(
        iter_batches([Path("site")]), default_profile(), overlay=contents, engine=Elsewhere(), embed=embed_words
    )
    here = read_catalog(iter_batches([Path("site")]), default_profile(), embed=embed_words)
    for name in ("paths", "urls", "titles", "subjects", "ids", "digests"):
        assert list(getattr(there, name)) == list(getattr(here, name))
    places = np.arange(len(here), dtype=np.int32)
    assert np.array_equal(there.vectors.take(places), here.vectors.take(places))
