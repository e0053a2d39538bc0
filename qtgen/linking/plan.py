"""Plan which links pages get: from a catalog to the changes of its pages. Nothing is written here."""

import logging
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from qtgen._util.engines import Engine
from qtgen.embeddings.pages import center
from qtgen.linking.assign import assign_links, link_index
from qtgen.linking.candidates import NO_ID, PageTable
from qtgen.linking.catalog import Catalog, EmbedPages
from qtgen.linking.edits import LinkEdit, keep_slots, make_edit
from qtgen.linking.existing import FREE, ExistingLinks, existing_links
from qtgen.linking.reading import read_catalog
from qtgen.page import Profile
from qtgen.site.discovery import PageBatch
from qtgen.site.similarity import WordSets, question_words

if TYPE_CHECKING:
    from qtgen.embeddings.index import RowNumbers

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class LinkOptions:
    """How to choose links.

    Attributes:
        embed: Computes the vectors of pages, for example a `VectorCache`.
        profile: The layout of the site.
        corpus: The folder of the whole site. Links may lead anywhere in it; only the selected pages change.
        relink: Choose all links again, instead of only those that are broken or missing.
    """

    embed: EmbedPages
    profile: Profile
    corpus: Path | None = None
    relink: bool = False


def plan_links(batches: Iterable[PageBatch], options: LinkOptions) -> "LinkPlan":
    """Read the selected pages and the corpus, and choose the links of the selected pages.

    Raises:
        SettingsError: The pages of the site have no links.
        UsageError: A folder is missing or has no pages. Errors of `options.embed` pass through.
    """
    catalog = read_catalog(batches, options.profile, corpus=options.corpus, embed=options.embed)
    return LinkPlan(existing_links(catalog), relink=options.relink)


class LinkPlan:
    """Which links change on which pages.

    Attributes:
        catalog: The pages.
        existing: The links that they have.
        displaced: Number of pages that lose a good link to make room for an orphan.
    """

    def __init__(self, existing: ExistingLinks, *, relink: bool = False, engine: Engine | None = None) -> None:
        """Choose the links. This frees the catalog's vectors.

        Args:
            existing: The pages and the links that they have.
            relink: Choose all links again, instead of only those that are broken or missing.
            engine: Where to look for candidates, instead of in this process.
        """
        self.catalog = existing.catalog
        self.existing = existing
        self._order = _UrlOrder(self.catalog)
        table = _page_table(existing, self._order, relink)
        index = link_index(table)
        assignment = assign_links(table, index, engine=engine)
        # Without other pages, nothing else is chosen, and the vectors of 200,000 pages take 200 MB.
        self._choice = (table, index) if self.catalog.selected < len(self.catalog) else None
        self._after = self._order.by_number(assignment.links)
        self.displaced = len(assignment.displaced)
        logger.debug("chose links: %d pages displaced, %d orphans", self.displaced, len(assignment.orphans))

    def edits(self) -> Iterator[LinkEdit]:
        """Yield the changes of the selected pages, in the pages' order."""
        for number in range(self.catalog.selected):
            if not self.catalog.is_editable(number):
                continue
            before = self.existing.targets[number].tolist()
            after = keep_slots(before, self._after[number].tolist())
            outdated = self.existing.outdated[number]
            if after != before or outdated.any():
                yield make_edit(self.catalog, number, before, after, outdated.tolist())

    @cached_property
    def neighbor_edits(self) -> list[LinkEdit]:
        """Changes of other pages of the corpus that would give inbound links to selected pages without one from there.

        A link is replaced only if the selected page is nearer than the link's target, or if no page at all would link
        to the selected page otherwise. All other links of these pages stay as they are, even broken ones.
        """
        no_corrections = [False] * self.catalog.slots
        return [
            make_edit(self.catalog, number, self.existing.targets[number].tolist(), after, no_corrections)
            for number, after in self._neighbor_links.items()
        ]

    @property
    def orphans_before(self) -> int:
        """Number of selected pages that no page links to yet."""
        return len(self._orphans(self.existing.targets))

    def orphans(self, unchanged: AbstractSet[str] = frozenset(), *, with_neighbors: bool = False) -> list[str]:
        """Return the paths of the selected pages that no page links to after the changes.

        Args:
            unchanged: Paths of pages that could not be changed.
            with_neighbors: Whether `neighbor_edits` are made too.
        """
        links = self._after.copy()
        for number, after in self._neighbor_links.items() if with_neighbors else ():
            links[number] = after
        for number, path in enumerate(self.catalog.paths) if unchanged else ():
            if path in unchanged:
                links[number] = self.existing.targets[number]
        return self._orphans(links)

    def _orphans(self, links: "RowNumbers") -> list[str]:
        import numpy as np

        catalog = self.catalog
        inbound = np.bincount(links[links >= 0], minlength=len(catalog))
        return sorted(catalog.paths[n] for n in range(catalog.selected) if not inbound[n] and catalog.is_linkable(n))

    @cached_property
    def _neighbor_links(self) -> dict[int, list[int]]:
        """The links after `neighbor_edits`, by page number."""
        import numpy as np

        if self._choice is None:
            return {}
        chosen_from, index = self._choice
        order, before = self._order, self.existing.targets
        selected = order.numbers < self.catalog.selected
        can_change = np.array([self.catalog.is_editable(number) for number in order.numbers.tolist()], bool)
        table = replace(
            chosen_from,
            editable=~selected & can_change,
            needs_inbound=selected & chosen_from.linkable,
            kept=np.where(selected[:, None], FREE, order.by_row(before)),
        )
        # First for the gain, as if the selected pages had no links; then for those that no page at all links to.
        gains = assign_links(table, index, fill=False, require_gain=True).links
        table = replace(table, kept=np.where(selected[:, None], order.by_row(self._after), gains))
        after = order.by_number(assign_links(table, index, fill=False).links)
        is_new = after != np.where(before < 0, FREE, before)
        is_new[: self.catalog.selected] = False
        links = np.where(is_new, after, before)
        return {number: links[number].tolist() for number in np.flatnonzero(is_new.any(axis=1)).tolist()}


class _UrlOrder:
    """Translates between page numbers and the order of urls, in which links are chosen.

    Page numbers follow the order of files. Choosing in the order of urls makes links independent of it.
    """

    def __init__(self, catalog: Catalog) -> None:
        import numpy as np

        numbers = sorted(range(len(catalog)), key=lambda number: (catalog.urls[number], catalog.paths[number]))
        self.numbers = np.array(numbers, np.int32)
        """The page number of each row."""
        self.rows = np.empty(len(numbers), np.int32)
        """The row of each page number."""
        self.rows[self.numbers] = np.arange(len(numbers))

    def by_row(self, links: "RowNumbers") -> "RowNumbers":
        """Translate a table of links from page numbers to rows; broken links become free slots."""
        return _translate(links[self.numbers], self.rows)

    def by_number(self, links: "RowNumbers") -> "RowNumbers":
        """Translate a table of links from rows to page numbers."""
        return _translate(links, self.numbers)[self.rows]


def _translate(links: "RowNumbers", names: "RowNumbers") -> "RowNumbers":
    """Replace each target N of a table of links by `names[N]`."""
    import numpy as np

    return np.where(links >= 0, names[np.maximum(links, 0)], FREE).astype(np.int32)


def _page_table(existing: ExistingLinks, order: _UrlOrder, relink: bool) -> PageTable:
    """Return the table from which links are chosen."""
    import numpy as np

    catalog, numbers = existing.catalog, order.numbers.tolist()
    subject_codes: dict[str, int] = {}
    subjects = [subject_codes.setdefault(catalog.subject_key(n), len(subject_codes)) for n in numbers]
    ids = [catalog.ids[n] for n in numbers]
    linkable = np.array([catalog.is_linkable(n) for n in numbers], bool)
    selected = order.numbers < catalog.selected
    editable = selected & np.array([catalog.is_editable(n) for n in numbers], bool)
    kept = order.by_row(existing.targets)
    if relink:
        kept[editable] = FREE
    return PageTable(
        meanings=center(catalog.vectors.take(order.rows)),
        subjects=np.array(subjects, np.int32),
        ids=np.array([NO_ID if page_id is None else page_id for page_id in ids], np.int64),
        questions=WordSets(_title_words(catalog.titles[n]) for n in numbers),
        linkable=linkable,
        needs_inbound=linkable & selected,
        editable=editable,
        kept=kept,
    )


def _title_words(title: str) -> frozenset[str]:
    """Return the words of a question, or the whole question if all its words are too common."""
    return question_words(title) or frozenset({title.strip().lower()})
