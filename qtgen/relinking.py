"""Pages on disk -> their related articles, chosen and mended; nothing is written here.

chosen = plan(page_runs(paths), Relinking(embed, corpus=site))
for one in link_edits.written(chosen.rewrites()):      # or link_edits.linked, for a page before and after
    print(one.path, one.error)
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from qtgen.candidates import NO_ID, Pages
from qtgen.census import Census, Embed, census
from qtgen.corpus import Run
from qtgen.link_edits import LinkEdit
from qtgen.link_graph import Fault, Links, links_of
from qtgen.linking import Chosen, choose, searchable
from qtgen.page import Value, slug
from qtgen.page.fields import RELATED_MAX
from qtgen.similar import WordSets, question_words
from qtgen.vectors import centred

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from qtgen.neighbours import Neighbours, Numbers

_FREE, _BROKEN = -1, -2  # of a place: no link, and one that leads where none should


@dataclass(frozen=True)
class Relinking:
    """embed: texts to vectors (`vector_cache.VectorCache`); corpus: the whole site, of which only the pages asked about
    change; afresh: choose all links anew, else only where one is broken or missing."""

    embed: Embed
    corpus: Path | None = None
    afresh: bool = False


def plan(runs: Iterable[Run], how: Relinking) -> "Plan":
    """Read the pages and choose their links. Raises UsageError where there is nothing to read, and as `embed` does."""
    return Plan(census(runs, how.corpus, how.embed), how)


class Plan:
    """What is to change, and what was found on the way. Pages are numbered as the census does."""

    def __init__(self, known: Census, how: Relinking) -> None:
        self.known, self._how = known, how
        self.links = links_of(known.site)
        self.before, self._differs = _table(len(known), self.links)
        self._order = sorted(range(len(known)), key=lambda number: (known.urls[number], known.paths[number]))
        self._chosen = choose(self._pages, self._near)

    def rewrites(self) -> Iterator[LinkEdit]:
        """The pages asked about that change, in their order."""
        return self._changed(self._chosen, range(self.known.given))

    @cached_property
    def neighbours(self) -> list[LinkEdit]:
        """Pages of the corpus, and how they would change to name those of the pages asked about that no page of the
        corpus names. The others of their links stay."""
        import numpy as np

        pages = self._pages
        given = np.array(self._order) < self.known.given
        changeable = ~given & np.array([number not in self.known.problems for number in self._order], bool)
        kept = np.where(given[:, None], _FREE, self._in_order(self.before))
        asked = replace(pages, changeable=changeable, wanted=given & pages.linkable, kept=kept)
        found = choose(asked, self._near, fill=False)
        return list(self._changed(found, range(self.known.given, len(self.known))))

    @property
    def unreadable(self) -> list[tuple[str, str]]:
        """Path and reason of the pages asked about that are left alone."""
        return [(self.known.paths[n], why) for n, why in self.known.problems.items() if n < self.known.given]

    @property
    def orphans(self) -> list[str]:
        """Paths of the pages asked about that no page could name."""
        return sorted(self.known.paths[self._order[place]] for place in self._chosen.orphans)

    @property
    def orphans_before(self) -> int:
        """How many of the pages asked about no page named before."""
        import numpy as np

        inbound = np.bincount(self.links.targets[self.links.good()], minlength=len(self.known))
        return int((self._pages.wanted & (inbound[self._order] == 0)).sum())

    @property
    def dangling(self) -> tuple[int, int]:
        """How many links of the pages asked about lead to no page, and how many they have."""
        faults = self.links.faults[self.links.sources < self.known.given]
        return int((faults == Fault.DANGLING).sum()), len(faults)

    @property
    def gave_way(self) -> int:
        """How many pages lost a good link to one that nobody named."""
        return len(self._chosen.gave_way)

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
            vectors=centred(vectors),
            subjects=np.array(subjects, np.int32),
            ids=np.array([NO_ID if number is None else number for number in ids], np.int64),
            questions=WordSets(_words(known.titles[number]) for number in order),
            linkable=linkable,
            wanted=linkable & given,
            changeable=given & sound,
            kept=kept,
        )

    @cached_property
    def _near(self) -> "Neighbours":
        return searchable(self._pages)

    def _in_order(self, table: "Numbers") -> "Numbers":
        """Rows and numbers of pages as places in `_order`; a broken link is a free place."""
        import numpy as np

        place_of = np.empty(len(self._order), np.int32)
        place_of[self._order] = np.arange(len(self._order))
        rows = table[self._order]
        return np.where(rows >= 0, place_of[rows], _FREE).astype(np.int32)

    # --- what changes ------------------------------------------------------------------------------------------------

    def _changed(self, chosen: Chosen, numbers: range) -> Iterator[LinkEdit]:
        import numpy as np

        order = np.array(self._order)
        after = np.full_like(self.before, _FREE)
        after[order] = np.where(chosen.links >= 0, order[chosen.links], _FREE)
        for number in numbers:
            if number in self.known.problems:
                continue
            before = self.before[number].tolist()
            links = _arranged(before, after[number].tolist())
            differs = self._differs[number]
            if links != before or differs.any():
                yield self._rewrite(number, before, links, differs.tolist())

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
        said = known.links_of(number)
        kinds = (counts[kind] for kind in ("added", "corrected", "replaced", "removed"))
        return LinkEdit(known.paths[number], changes, tuple(new), said, *kinds)

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


def _table(pages: int, links: Links) -> "tuple[Numbers, NDArray[np.bool_]]":
    """Of each page and place the page that it leads to, and whether id, title or subject are others there."""
    import numpy as np

    leads = np.full((pages, RELATED_MAX), _FREE, np.int32)
    differs = np.zeros((pages, RELATED_MAX), bool)
    leads[links.sources, links.places] = np.where(links.good(), links.targets, _BROKEN)
    differs[links.sources, links.places] = links.faults == Fault.DIFFERS
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


def _words(title: str) -> frozenset[str]:
    """Of a question; all of it where it has only small words."""
    return question_words(title) or frozenset({title.strip().lower()})
