"""What commands share that choose links: links for pages that were just generated, and changes of existing ones."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qtgen.commands._linking import link_changes, link_new, open_embedder
from qtgen.embeddings.pages import PageText
from qtgen.errors import MissingExtra, SettingsError
from qtgen.linking import link
from qtgen.settings import Settings
from support.sites import change_page, current, link_fields, linked_urls, make_page, random_site, url_of, write_pages


@pytest.fixture
def corpus() -> dict[Path, bytes]:
    """A linked site of 30 pages."""
    pages = random_site(30)
    link("site", write=True)
    return current(pages)


@pytest.fixture
def new(corpus: dict[Path, bytes]) -> Path:
    """A new page without links, beside that site."""
    path, raw = make_page("What is the nucleus of a cell?", number=500)
    new = Path("outputs") / path.relative_to("site")
    write_pages({new: raw})
    assert new not in corpus
    return new


@pytest.mark.parametrize("update", [False, True])
def test_new_pages_get_links_and_inbound_links_on_request(
    capsys: pytest.CaptureFixture[str], corpus: dict[Path, bytes], new: Path, update: bool
) -> None:
    link_new([new.as_posix()], Path("site"), Settings(), update_neighbours=update)
    lines = capsys.readouterr().err.splitlines()
    assert len(linked_urls(new.read_bytes())) == 5
    linking = [path for path in corpus if url_of(new.read_bytes()) in linked_urls(path.read_bytes())]
    assert [path for path in corpus if path.read_bytes() != corpus[path]] == linking
    assert bool(linking) == update
    assert lines[0] == "added links to 1 of 1 new page"
    if update:
        assert lines[1:] == [f"{len(linking)} page of the corpus now links to new pages"]
    else:
        assert lines[1].endswith(f" should link to {new.as_posix()}")
        assert lines[-1] == "to change these pages, run `qtgen link outputs --corpus site --update-neighbours`"


def test_new_pages_with_links_are_left_alone(
    capsys: pytest.CaptureFixture[str], corpus: dict[Path, bytes], new: Path
) -> None:
    link_new([new.as_posix()], Path("site"), Settings(), update_neighbours=False)
    linked = new.read_bytes()
    capsys.readouterr()
    link_new([new.as_posix()], Path("site"), Settings(), update_neighbours=False)
    assert new.read_bytes() == linked
    assert capsys.readouterr().err == ""
    assert current(corpus) == corpus


def test_a_missing_extra_is_printed_and_not_raised(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, new: Path
) -> None:
    monkeypatch.setattr("qtgen._util.extras.find_spec", lambda _: None)
    before = new.read_bytes()
    link_new([new.as_posix()], Path("site"), Settings(), update_neighbours=False)
    err = capsys.readouterr().err
    assert err.startswith("the new pages have no links: choosing links needs the `links` extra")
    assert err.endswith("; add them later with `qtgen link`\n")
    assert new.read_bytes() == before


def test_a_page_that_cannot_be_written_is_listed(capsys: pytest.CaptureFixture[str], new: Path) -> None:
    new.chmod(0o444)
    link_new([new.as_posix()], Path("site"), Settings(), update_neighbours=False)
    first, second, *_ = capsys.readouterr().err.splitlines()
    assert first.startswith(f"not linked: {new.as_posix()}: is read-only")
    assert second == "added links to 0 of 1 new page"


def test_changes_repair_the_links_of_pages(corpus: dict[Path, bytes]) -> None:
    assert link_changes([Path("site")], Settings()) == {}
    path = next(iter(corpus))
    change_page(path, **link_fields(2, corpus[path]))
    changes = link_changes([Path("site")], Settings())
    assert set(changes) == {path.as_posix()}
    assert "related_article2.url" in changes[path.as_posix()]


def test_changes_need_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qtgen._util.extras.find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match="repairing links needs the `links` extra"):
        link_changes([Path("site")], Settings())


# --- vectors -----------------------------------------------------------------------------------------------------------


class Endpoint:
    """An embeddings endpoint that counts the texts it gets."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.texts = 0

    def __call__(self, texts: Sequence[str]) -> Any:
        self.texts += len(texts)
        return np.ones((len(texts), self.width), np.float32)


def page_texts(name: str) -> list[PageText]:
    return [PageText(f"{name} {number}", "", "") for number in range(3)]


def test_vectors_of_an_endpoint_are_cached(monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = Endpoint(4)
    monkeypatch.setattr("qtgen.llm.factory.embeddings", lambda _settings, _model: endpoint)
    for _ in range(2):
        with open_embedder(Settings(), "some-model") as embed:
            assert embed(page_texts("a")).shape == (3, 4)
    assert endpoint.texts == 3
    with open_embedder(Settings(), "some-model", cached=False) as embed:
        embed(page_texts("a"))
    assert endpoint.texts == 6


def test_vectors_of_another_length_than_cached_ones_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = Endpoint(4)
    monkeypatch.setattr("qtgen.llm.factory.embeddings", lambda _settings, _model: endpoint)
    with open_embedder(Settings(), "some-model") as embed:
        embed(page_texts("old"))
    endpoint.width = 8
    with open_embedder(Settings(), "some-model") as embed:
        assert embed(page_texts("old")).shape == (3, 4)
        with pytest.raises(SettingsError, match="some-model"):
            embed(page_texts("new"))
