"""The links that pages have already, as a table, and whether the pages that were read are the whole site."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from qtgen.errors import UsageError
from qtgen.linking.catalog import Catalog
from qtgen.linking.links import LinkFault, Links, links_of
from qtgen.page import Layout, layouts_of
from qtgen.site.entries import PageLink, links_on

if TYPE_CHECKING:
    from qtgen.embeddings.index import RowNumbers
    from qtgen.linking.links import Mask

FREE = -1  # in a table of links: the slot has no link
BROKEN = -2  # in a table of links: the slot has a link that must lead elsewhere
_SEARCHED = 200  # pages whose dangling links are looked for on disk


@dataclass(frozen=True)
class ExistingLinks:
    """The links of all pages in a catalog.

    Attributes:
        targets: For each page and slot the page that it links to, `FREE` or `BROKEN`; shape (pages, slots).
        outdated: For each page and slot, whether its copies differ from the target; shape (pages, slots).
        unparsed: Number of links that are kept although their target does not parse.
    """

    catalog: Catalog
    links: Links
    targets: "RowNumbers"
    outdated: "Mask"
    unparsed: int

    def check_whole_site(self, *, has_corpus: bool, unread: Sequence[Path] = ()) -> None:
        """Raise UsageError if many links lead out of the pages that were read, because all of them would be removed.

        Args:
            has_corpus: Whether a corpus was read besides the selected pages.
            unread: Files and folders that could not be read. A link into them raises the error too.
        """
        if file := self._file_left_out([path.absolute() for path in unread]):
            part = "the corpus is" if has_corpus else "these pages are"
            raise UsageError(
                f"pages link to {file}, which was not read, so {part} only part of a site",
                setting="corpus",
                remedy="set `corpus` to the folder of the whole site",
            )
        faults = self.links.faults[self.links.sources < self.catalog.selected]
        dangling = int((faults == LinkFault.DANGLING).sum())
        if 3 * dangling > len(faults) and not has_corpus:
            raise UsageError(
                f"{dangling:,} of {len(faults):,} links lead to none of these pages and would be removed",
                setting="corpus",
                remedy="set `corpus` to the folder of the whole site, even if these pages are all there are",
            )

    def _file_left_out(self, unread: Sequence[Path]) -> str | None:
        """Return the file of a page that is linked to and was not read, if one is found among the dangling links."""

        def is_left_out(file: str) -> bool:
            path = Path(file)
            return path.is_file() or any(path.absolute().is_relative_to(folder) for folder in unread)

        dangling = self.links.sources[self.links.faults == LinkFault.DANGLING]
        numbers = [*dict.fromkeys(dangling.tolist())]
        searched = numbers if unread else numbers[:_SEARCHED]
        files = [file for number in searched for file in _linked_files(self.catalog, number).values()]
        wanted = frozenset(files)
        read = {path for path in self.catalog.paths if path in wanted} if wanted else frozenset()
        return next((file for file in files if file not in read and is_left_out(file)), None)


def existing_links(catalog: Catalog) -> ExistingLinks:
    """Return the links of all pages in the catalog."""
    import numpy as np

    raw = links_of(catalog.site)
    links = _keep_unparsed_targets(catalog, raw)
    targets = np.full((len(catalog), catalog.slots), FREE, np.int32)
    outdated = np.zeros((len(catalog), catalog.slots), bool)
    counted = links.slots < catalog.slots  # a list can have more items
    places = links.sources[counted], links.slots[counted]
    targets[places] = np.where(links.good(), links.targets, BROKEN)[counted]
    # A target that lacks an id, title or subject cannot tell whether the link's are right.
    has_all_fields = ~np.isin(links.targets, list(catalog.problems))
    outdated[places] = ((links.faults == LinkFault.MISMATCHED) & has_all_fields)[counted]
    return ExistingLinks(catalog, links, targets, outdated, int((links.faults != raw.faults).sum()))


def _keep_unparsed_targets(catalog: Catalog, links: Links) -> Links:
    """Let links that dangle only because their target does not parse lead to it, so that they are kept."""
    import numpy as np

    unparsed = {catalog.paths[number]: number for number in catalog.problems if not catalog.urls[number]}
    if not unparsed:
        return links
    targets, faults = links.targets.copy(), links.faults.copy()

    @cache
    def linked_files(number: int) -> Mapping[int, str]:
        return _linked_files(catalog, number)

    for link in np.flatnonzero(faults == LinkFault.DANGLING).tolist():
        files = linked_files(int(links.sources[link]))
        number = unparsed.get(files.get(int(links.slots[link]), ""))
        if number is not None:
            targets[link], faults[link] = number, LinkFault.NONE
    return replace(links, targets=targets, faults=faults)


def _linked_files(catalog: Catalog, number: int) -> dict[int, str]:
    """Return the expected path of the target of each link, if keys determine the paths of files."""
    page = catalog.page(number)
    root = _root_of(catalog.paths[number], page.layout)
    files = {link.number - 1: _file_of(link, root, layouts_of(catalog.profile)) for link in links_on(page)}
    return {slot: file for slot, file in files.items() if file}


def _file_of(link: PageLink, root: Path, layouts: Sequence[Layout]) -> str | None:
    """Return the expected path of the target of a link, or None if its key does not determine it."""
    for layout in layouts:
        file = layout.path_of_key(link.key) if link.key else None
        if file is not None:
            path = (root / file).as_posix()
            return os.path.relpath(path) if path.startswith("../") else path
    return None


def _root_of(path: str, layout: Layout) -> Path:
    """Return the folder that the path of a page is relative to, if the page has the path of its layout."""
    parents, depth = Path(path).parents, layout.spec.path.count("/")
    return parents[depth] if depth < len(parents) else parents[0] / ("../" * depth)
