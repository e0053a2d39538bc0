"""Choose links and write them, or look at the link graph: the package as a library."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from qtgen._util.extras import require
from qtgen.linking.apply import preview_edits, write_edits
from qtgen.linking.catalog import EmbedPages, SkippedPage
from qtgen.linking.edits import LinkEdit, LinkResult
from qtgen.linking.existing import existing_links
from qtgen.linking.graph import Graph
from qtgen.linking.plan import LinkPlan
from qtgen.linking.reading import read_catalog
from qtgen.page import Profile
from qtgen.site.discovery import PathName, PathNames, as_paths, iter_batches
from qtgen.site.profiles import resolve_profile

"""One page or folder of pages, or several."""

REQUIRED_MODULES = ("faiss", "numpy", "scipy", "wordllama")
"""What the `links` extra installs."""


@dataclass(frozen=True, slots=True)
class LinkReport:
    """What changed, or would change if nothing was written.

    Attributes:
        selected: Number of pages that were asked for.
        results: One for each selected page whose links change.
        neighbors: One for each other page of the corpus whose links change.
        suggestions: Changes of other pages of the corpus that were not made: they would give selected pages inbound
            links.
        skipped: Selected pages that cannot be linked.
        orphans: Paths of the selected pages that no page links to in the end.
        orphans_before: Number of selected pages that no page linked to at first.
        displaced: Number of pages that lost a good link to make room for an orphan.
        written: Whether the changes were written.
    """

    selected: int
    results: list[LinkResult]
    neighbors: list[LinkResult]
    suggestions: list[LinkEdit]
    skipped: list[SkippedPage]
    orphans: list[str]
    orphans_before: int
    displaced: int
    written: bool

    @property
    def errors(self) -> list[str]:
        """Why pages could not be changed, each with the page's path."""
        return [result.error for result in self.results + self.neighbors if result.error]


def link(
    paths: PathNames,
    *,
    corpus: PathName | None = None,
    relink: bool = False,
    write: bool = False,
    update_neighbors: bool = False,
    embed: EmbedPages | None = None,
    site: Profile | PathName | None = None,
) -> LinkReport:
    """Choose related pages for every page. The layout limits their number.

    By default nothing is written and good links are kept: only broken and missing ones change.

    Args:
        paths: Pages, or folders of pages, whose links may change.
        corpus: The folder of the whole site. Links may lead anywhere in it. By default the pages themselves are the
            whole site.
        relink: Choose all links again.
        write: Write the changed pages.
        update_neighbors: Also change pages of the corpus, so that they link to the selected pages.
        embed: Computes the vectors of pages. By default qtgen uses built-in word vectors, which need no network.
        site: The layout of the site: a profile or the path of a `site.toml`. By default, the nearest `site.toml`, in
            the current folder or above it. If there is none, the default layout.

    Returns:
        What changed, or what would change. A page that could not be written is listed with its error.

    Raises:
        UsageError: There are no pages, or they are only part of a site whose other pages were not given.
        SettingsError: The `site.toml` is not valid, or its pages have no links.
        MissingExtra: The `links` extra is not installed.
    """
    require("choosing links", "links", *REQUIRED_MODULES)
    profile, folder = resolve_profile(site), None if corpus is None else Path(corpus)
    catalog = read_catalog(iter_batches(as_paths(paths)), profile, corpus=folder, embed=embed or _static_embedder())
    existing = existing_links(catalog)
    existing.check_whole_site(has_corpus=folder is not None)
    plan = LinkPlan(existing, relink=relink)
    neighbor_edits = plan.neighbor_edits if folder is not None else []
    apply = write_edits if write else _preview
    results = list(apply(plan.edits()))
    neighbors = list(apply(neighbor_edits)) if update_neighbors else []
    return report_of(plan, results, neighbors, [] if update_neighbors else neighbor_edits, written=write)


def report_of(
    plan: LinkPlan,
    results: list[LinkResult],
    neighbors: list[LinkResult],
    suggestions: list[LinkEdit],
    *,
    written: bool,
) -> LinkReport:
    """Return the report of a plan whose changes were made or previewed."""
    failed = frozenset(result.path for result in results + neighbors if result.error)
    return LinkReport(
        selected=plan.catalog.selected,
        results=results,
        neighbors=neighbors,
        suggestions=suggestions,
        skipped=plan.catalog.skipped(),
        orphans=plan.orphans(failed, with_neighbors=bool(neighbors)),
        orphans_before=plan.orphans_before,
        displaced=plan.displaced,
        written=written,
    )


def graph_of(paths: PathNames, *, corpus: PathName | None = None, site: Profile | PathName | None = None) -> Graph:
    """Return the link graph of the pages and the corpus together.

    Args:
        site: The layout of the site, as in `link`.

    Raises:
        UsageError: There are no pages.
        SettingsError: The `site.toml` is not valid, or its pages have no links.
        MissingExtra: The `links` extra is not installed.
    """
    require("the link graph", "links", "numpy")
    profile, folder = resolve_profile(site), None if corpus is None else Path(corpus)
    return read_catalog(iter_batches(as_paths(paths)), profile, corpus=folder).graph()


def _preview(edits: Iterable[LinkEdit]) -> Iterator[LinkResult]:
    return (result for result, _ in preview_edits(edits))


def _static_embedder() -> EmbedPages:
    from qtgen.embeddings.cache import VectorCache
    from qtgen.embeddings.pages import StaticEmbedder

    return VectorCache(StaticEmbedder(), None)
