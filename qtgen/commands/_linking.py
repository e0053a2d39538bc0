"""What commands share that choose links: vectors as the settings say, and links for pages that were just generated."""

import os
import shlex
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from qtgen._util.extras import require
from qtgen._util.text import pluralize
from qtgen.commands._errors import describe
from qtgen.commands._output import listed, note
from qtgen.commands._site import profile_of, site_arguments
from qtgen.errors import QtgenError
from qtgen.page import Page
from qtgen.settings import Settings, project_folder
from qtgen.site.discovery import batches_for_paths, iter_batches, read_page
from qtgen.site.site_pages import SitePages

if TYPE_CHECKING:
    from qtgen.embeddings.cache import VectorCache
    from qtgen.linking import LinkEdit, LinkPlan
    from qtgen.page.splicer import Changes


def require_links_extra(what: str) -> None:
    """Raise MissingExtra if the `links` extra is not installed.

    Args:
        what: What needs it, as the subject of a sentence.
    """
    # The matrices are small, so threads of the linear algebra would only wait for each other. numpy reads this variable
    # when it is loaded.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    require(what, "links", "faiss", "numpy", "scipy", "wordllama")


@contextmanager
def open_embedder(settings: Settings, model: str | None = None, *, cached: bool = True) -> "Iterator[VectorCache]":
    """Provide what computes the vectors of pages, and keeps them in the project's cache.

    Args:
        model: A model of the endpoint that the settings name; by default static word vectors.

    Raises:
        SettingsError: The endpoint cannot be used.
    """
    from qtgen.embeddings.cache import VectorCache
    from qtgen.embeddings.pages import EndpointEmbedder, StaticEmbedder
    from qtgen.llm.factory import embeddings

    embedder = EndpointEmbedder(embeddings(settings, model), model, settings.base_url) if model else StaticEmbedder()
    cache = VectorCache(embedder, project_folder() / ".qtgen" / "cache" if cached else None)
    try:
        yield cache
    finally:
        cache.close()


def link_changes(paths: Iterable[Path], settings: Settings) -> "dict[str, Changes]":
    """Return the changes of fields that would repair the links of the pages, by path.

    Raises:
        MissingExtra: The `links` extra is not installed.
    """
    from qtgen.linking import LinkOptions, plan_links

    require_links_extra("repairing links")
    with open_embedder(settings) as embed:
        profile = profile_of(settings)
        # Whoever chose the pages has named paths that cannot be used.
        batches = iter_batches(paths, lambda _: None, SitePages(profile))
        plan = plan_links(batches, LinkOptions(embed, profile, settings.corpus))
        return {edit.path: edit.changes for edit in plan.edits()}


def link_new(pages: Iterable[str], corpus: Path, settings: Settings, *, update_neighbours: bool) -> None:
    """Give links to new pages without any, and print which pages of the corpus should link to them.

    Errors are printed and not raised, because the pages themselves are finished.

    Args:
        pages: Paths of the new pages.
        update_neighbours: Also change those pages of the corpus.
    """
    new = sorted(path for path in pages if not _has_link(read_page(path, -1, profile_of(settings))))
    if not new:
        return
    try:
        plan = _plan_new(new, corpus, settings)
    except QtgenError as error:
        note(f"the new pages have no links: {describe(error)}; add them later with `qtgen link`")
        return
    _write_new(plan, len(new), update_neighbours)
    if not update_neighbours:
        _suggest(plan.neighbor_edits, settings, corpus)


def _has_link(page: Page) -> bool:
    links = page.layout.links
    if links is None or links.form != "numbered":
        return links is None or bool(page.values.get(links.field))
    return bool(page.text_of(f"{links.path(1)}.{links.key}"))


def _plan_new(new: list[str], corpus: Path, settings: Settings) -> "LinkPlan":
    from qtgen.linking import LinkOptions, plan_links

    require_links_extra("choosing links")
    with open_embedder(settings) as embed:
        return plan_links(batches_for_paths(new), LinkOptions(embed, profile_of(settings), corpus))


def _write_new(plan: "LinkPlan", count: int, update_neighbours: bool) -> None:
    from qtgen.linking import write_edits

    results = list(write_edits(plan.edits()))
    neighbors = list(write_edits(plan.neighbor_edits)) if update_neighbours else []
    for result in (*results, *neighbors):
        if result.error:
            note(f"not linked: {result.error}")
    linked = sum(not result.error for result in results)
    note(f"added links to {linked:,} of {pluralize(count, 'new page')}")
    if update_neighbours:
        changed = sum(not result.error for result in neighbors)
        note(f"{pluralize(changed, 'page')} of the corpus now {'links' if changed == 1 else 'link'} to new pages")


def _suggest(edits: "list[LinkEdit]", settings: Settings, corpus: Path) -> None:
    """Print which pages of the corpus should change, and the command that changes them."""
    for line in listed([f"{edit.path} should link to {', '.join(edit.targets)}" for edit in edits], "page"):
        note(line)
    if edits:
        words = [
            str(settings.out),
            "--corpus",
            str(corpus),
            "--update-neighbours",
            *site_arguments(profile_of(settings)),
        ]
        note(f"to change these pages, run `qtgen link {shlex.join(words)}`")
