"""Pages on disk -> their related articles, chosen and mended; nothing is written here.

chosen = plan(page_runs(paths), Relinking(embed, corpus=site))
for one in link_edits.written(chosen.rewrites()):      # or link_edits.linked, for a page before and after
    print(one.path, one.error)
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from qtgen.embeddings.pages import center
from qtgen.linking.apply import LinkEdit
from qtgen.linking.assign import Assignment, choose, searchable
from qtgen.linking.candidates import NO_ID, Pages
from qtgen.linking.catalog import Catalog, EmbedPages, census
from qtgen.linking.graph import LinkFault, Links, links_of
from qtgen.page import Value, slug
from qtgen.page.fields import RELATED_MAX
from qtgen.site.discovery import PageBatch, read_page
from qtgen.site.similarity import WordSets, question_words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from qtgen.embeddings.index import NeighborIndex, RowNumbers

_FREE, _BROKEN = -1, -2  # of a place: no link, and one that leads where none should
_URL = re.compile("/learn/([a-z0-9-]+)/questions/([a-z0-9-]+)")
_LOOKED_AT = 200  # pages whose dangling links are looked for on disk


@dataclass(frozen=True)
class LinkOptions:
    """embed: texts to vectors (`vector_cache.VectorCache`); corpus: the whole site, of which only the pages asked about
    change; afresh: choose all links anew, else only where one is broken or missing."""

    embed: EmbedPages
    corpus: Path | None = None
    afresh: bool = False


def plan(runs: Iterable[PageBatch], how: LinkOptions) -> "LinkPlan":
    """Read the pages and choose their links. Raises UsageError where there is nothing to read, and as `embed` does."""
    return LinkPlan(census(runs, how.corpus, how.embed), how)


class LinkPlan:
    """What is to change, and what was found on the way. Pages are numbered as the census does."""

    def __init__(self, known: Catalog, how: LinkOptions) -> None:
        self.known, self._how = known, how
        self.links, self.held = _held(known, links_of(known.site))
        self.before, self._differs = _table(known, self.links)
        self._order = sorted(range(len(known)), key=lambda number: (known.urls[number], known.paths[number]))
        chosen = choose(self._pages, self._near)
        self._after = self._by_number(chosen)
        self.gave_way = len(chosen.gave_way)
        """How many pages lose a good link to one that nobody named."""

    def rewrites(self) -> Iterator[LinkEdit]:
        """The pages asked about that change, in their order."""
        for number in range(self.known.given):
            if number in self.known.problems:
                continue
            before = self.before[number].tolist()
            links = _arranged(before, self._after[number].tolist())
            differs = self._differs[number]
            if links != before or differs.any():
                yield self._rewrite(number, before, links, differs.tolist())

    @cached_property
    def neighbours(self) -> list[LinkEdit]:
        """Pages of the corpus, and how they would change to name those of the pages asked about that none of them
        names: where the new link is nearer than the one that makes room for it, and of those that no page at all names
        also where it is not. Their other links stay as they are, broken ones too."""
        return [
            self._rewrite(number, self.before[number].tolist(), links, [False] * RELATED_MAX)
            for number, links in self._naming.items()
        ]

    @property
    def unreadable(self) -> list[tuple[str, str]]:
        """Path and reason of the pages asked about that are left alone."""
        return [(self.known.paths[n], why) for n, why in self.known.problems.items() if n < self.known.given]

    @property
    def orphans_before(self) -> int:
        """How many of the pages asked about no page names as it is."""
        return len(self._unnamed(self.before))

    def orphans(self, unwritten: AbstractSet[str] = frozenset(), *, with_neighbours: bool = False) -> list[str]:
        """Paths of the pages asked about that no page then names.

        unwritten: paths of pages that stay as they are; with_neighbours: whether `neighbours` are changed.
        """
        table = self._after.copy()
        for number, links in self._naming.items() if with_neighbours else ():
            table[number] = links
        for number in [n for n, path in enumerate(self.known.paths) if path in unwritten] if unwritten else ():
            table[number] = self.before[number]
        return self._unnamed(table)

    @property
    def dangling(self) -> tuple[int, int]:
        """How many links of the pages asked about lead to no page, and how many they have."""
        faults = self.links.faults[self.links.sources < self.known.given]
        return int((faults == LinkFault.DANGLING).sum()), len(faults)

    def left_out(self) -> str | None:
        """The file of a page that is linked to and was not read, where there is one among the first that dangle."""
        dangling = self.links.sources[self.links.faults == LinkFault.DANGLING]
        paths = [self.known.paths[number] for number in dict.fromkeys(dangling.tolist())]
        linked_to = (file for path in paths[:_LOOKED_AT] for file in _linked_files(path).values())
        known = frozenset(self.known.paths)
        return next((file for file in linked_to if file not in known and Path(file).is_file()), None)

    def _unnamed(self, table: "RowNumbers") -> list[str]:
        import numpy as np

        known = self.known
        inbound = np.bincount(table[table >= 0], minlength=len(known))
        return sorted(known.paths[n] for n in range(known.given) if not inbound[n] and known.may_be_named(n))

    @cached_property
    def _naming(self) -> dict[int, list[int]]:
        """The links of `neighbours`, by their numbers."""
        import numpy as np

        pages = self._pages
        given = np.array(self._order) < self.known.given
        changeable = ~given & np.array([number not in self.known.problems for number in self._order], bool)
        kept = np.where(given[:, None], _FREE, self._in_order(self.before))
        asked = replace(pages, changeable=changeable, wanted=given & pages.linkable, kept=kept)
        gain = choose(asked, self._near, fill=False, fair=True).links
        asked = replace(asked, kept=np.where(given[:, None], self._in_order(self._after), gain))
        found = self._by_number(choose(asked, self._near, fill=False))  # of those that nobody at all names
        is_new = found != np.where(self.before < 0, _FREE, self.before)
        is_new[: self.known.given] = False
        links = np.where(is_new, found, self.before)
        return {number: links[number].tolist() for number in np.flatnonzero(is_new.any(axis=1)).tolist()}

    # --- for choosing: the same in the order of urls, which does not hang on that of files ---------------------------

    @cached_property
    def _pages(self) -> Pages:
        import numpy as np

        known, order = self.known, self._order
        codes: dict[str, int] = {}
        subjects = [codes.setdefault(slug(known.subjects[number]), len(codes)) for number in order]
        ids = [known.ids[number] for number in order]
        given = np.array(order, np.int64) < known.given
        linkable = np.array([known.may_be_named(number) for number in order], bool)
        sound = np.array([number not in known.problems for number in order], bool)
        kept = self._in_order(self.before)
        if self._how.afresh:
            kept[given & sound] = _FREE
        vectors = np.concatenate(known.vectors)[order]
        known.vectors.clear()  # of many pages they take a tenth of a gigabyte
        return Pages(
            meanings=center(vectors),
            subjects=np.array(subjects, np.int32),
            ids=np.array([NO_ID if number is None else number for number in ids], np.int64),
            questions=WordSets(_words(known.titles[number]) for number in order),
            linkable=linkable,
            wanted=linkable & given,
            changeable=given & sound,
            kept=kept,
        )

    @cached_property
    def _near(self) -> "NeighborIndex":
        return searchable(self._pages)

    def _in_order(self, table: "RowNumbers") -> "RowNumbers":
        """Rows and numbers of pages as places in `_order`; a broken link is a free place."""
        import numpy as np

        place_of = np.empty(len(self._order), np.int32)
        place_of[self._order] = np.arange(len(self._order))
        rows = table[self._order]
        return np.where(rows >= 0, place_of[np.maximum(rows, 0)], _FREE).astype(np.int32)

    def _by_number(self, chosen: Assignment) -> "RowNumbers":
        """The links chosen, of pages and to pages by their numbers."""
        import numpy as np

        order = np.array(self._order, np.int32)
        after = np.full_like(self.before, _FREE)
        after[order] = np.where(chosen.links >= 0, order[np.maximum(chosen.links, 0)], _FREE)
        return after

    # --- what changes ------------------------------------------------------------------------------------------------

    def _rewrite(self, number: int, before: list[int], after: list[int], differs: list[bool]) -> LinkEdit:
        known = self.known
        changes: dict[str, Value] = {}
        counts: Counter[str] = Counter()
        new: list[str] = []
        for place, (old, link) in enumerate(zip(before, after, strict=True)):
            if what := _what_happens(old, link, differs[place]):
                counts[what] += 1
                changes |= self._fields(place + 1, link)
                new += [known.paths[link]] if link >= 0 and link not in before else []
        kinds = (counts[kind] for kind in ("added", "corrected", "replaced", "removed"))
        return LinkEdit(known.paths[number], changes, tuple(new), known.digests[number], *kinds)

    def _fields(self, place: int, link: int) -> dict[str, Value]:
        """The fields of a link to a page, or none of them."""
        section, known = f"related_article{place}", self.known
        if link < 0:
            return {section: None}
        values: dict[str, Value] = {
            "id": known.ids[link],
            "title": known.titles[link],
            "subject": known.subjects[link],
            "url": known.urls[link],
        }
        return {f"{section}.{key}": value for key, value in values.items() if value not in (None, "")}


def _table(known: Catalog, links: Links) -> "tuple[RowNumbers, NDArray[np.bool_]]":
    """Of each page and place the page that it leads to, and whether id, title or subject are others there, which a page
    that lacks some of them cannot say."""
    import numpy as np

    leads = np.full((len(known), RELATED_MAX), _FREE, np.int32)
    differs = np.zeros((len(known), RELATED_MAX), bool)
    leads[links.sources, links.places] = np.where(links.good(), links.targets, _BROKEN)
    is_whole = ~np.isin(links.targets, list(known.problems))
    differs[links.sources, links.places] = (links.faults == LinkFault.DIFFERS) & is_whole
    return leads, differs


def _arranged(before: list[int], after: list[int]) -> list[int]:
    """The links of `after`: those that were there before in their places, the others in the free ones, and no gap."""
    places = [link if link >= 0 and link in after else _FREE for link in before]
    rest = iter([link for link in after if link >= 0 and link not in places])
    filled = [link if link >= 0 else next(rest, _FREE) for link in places]
    links = [link for link in filled if link >= 0]
    return links + [_FREE] * (RELATED_MAX - len(links))


def _what_happens(old: int, new: int, differs: bool) -> str:
    """To a place; empty for nothing."""
    if old == new:
        return "corrected" if differs else ""
    if old == _FREE:
        return "added"
    return "replaced" if new >= 0 else "removed"


def _held(known: Catalog, links: Links) -> tuple[Links, int]:
    """The links with those that dangle only because their target does not parse leading there, and how many these
    are."""
    import numpy as np

    unread = {known.paths[number]: number for number in known.problems if not known.urls[number]}
    targets, faults = links.targets.copy(), links.faults.copy()
    files = cache(lambda source: _linked_files(known.paths[source]))
    for row in np.flatnonzero(faults == LinkFault.DANGLING).tolist() if unread else ():
        number = unread.get(files(int(links.sources[row])).get(int(links.places[row]), ""))
        if number is not None:
            targets[row], faults[row] = number, LinkFault.NONE
    return replace(links, targets=targets, faults=faults), int((faults != links.faults).sum())


def _linked_files(path: str) -> dict[int, str]:
    """By place where the pages lie that the page at `path` links to, if files lie as urls say."""
    page, folder = read_page(path), Path(path).parent.parent
    urls = ((place, page.text_of(f"related_article{place + 1}.url") or "") for place in range(RELATED_MAX))
    found = ((place, _URL.fullmatch(url)) for place, url in urls)
    return {place: (folder / one[1] / f"{one[2]}.md").as_posix() for place, one in found if one}


def _words(title: str) -> frozenset[str]:
    """Of a question; all of it where it has only small words."""
    return question_words(title) or frozenset({title.strip().lower()})
