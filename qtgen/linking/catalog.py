"""Every page of a site in a few facts and one vector: what choosing its links takes, and no text but names."""

import os
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from qtgen.embeddings.pages import PageText, page_text
from qtgen.linking.graph import PageNode
from qtgen.page import Page, slug
from qtgen.site.discovery import PageBatch, exclude_pages, iter_batches, read_page
from qtgen.site.index import SiteIndex, digest, page_facts

if TYPE_CHECKING:
    from qtgen.embeddings.pages import HalfVectors

_TOGETHER = 500  # pages whose vectors are made at a time

EmbedPages = Callable[[Sequence[PageText]], "HalfVectors"]


@dataclass
class Catalog:
    """By a page's number: path, digest of what its file holds, and url, title, subject and id as far as the page has
    them; problems: why a page cannot be worked on, of those; given: pages asked about, which come first; the others are
    only their site."""

    site: SiteIndex = field(default_factory=SiteIndex)
    paths: list[str] = field(default_factory=list)
    digests: "array[int]" = field(default_factory=lambda: array("Q"))
    urls: list[str] = field(default_factory=list)
    titles: list[str] = field(default_factory=list)
    subjects: list[str] = field(default_factory=list)
    ids: list[int | None] = field(default_factory=list)
    problems: dict[int, str] = field(default_factory=dict)
    vectors: "list[HalfVectors]" = field(default_factory=list)
    given: int = 0

    def __len__(self) -> int:
        return len(self.paths)

    def add(self, path: str, page: Page) -> None:
        number = len(self.paths)
        url, title, subject = (page.text_of(name) or "" for name in ("url", "title", "subject"))
        self.paths.append(path)
        self.digests.append(digest(page.text))
        self.urls.append(url)
        self.titles.append(title)
        self.subjects.append(subject)
        found = page.values.get("id")
        self.ids.append(found if type(found) is int and abs(found) < 1 << 62 else None)
        if page.problems:
            self.problems[number] = page.problems[0].message
        elif not (url and title and subject and self.ids[-1] is not None):
            self.problems[number] = "it lacks a url, title, subject or id"

    def is_first(self, number: int) -> bool:
        """Whether the url of a page is its own, or at least no page before has it."""
        row = self.site.starts[number]
        return self.site.row_by_url.get(self.site.urls[row]) == row

    def is_hidden(self, number: int) -> bool:
        return self.site.is_hidden(self.site.starts[number])

    def may_be_named(self, number: int) -> bool:
        return number not in self.problems and self.is_first(number) and not self.is_hidden(number)

    def places(self) -> list[PageNode | None]:
        """What each page is to the graph of links."""
        return [
            PageNode(self.urls[n], self.subjects[n], slug(self.subjects[n]), self.ids[n], self.may_be_named(n))
            if self.urls[n] and self.titles[n]
            else None
            for n in range(len(self))
        ]


def census(runs: Iterable[PageBatch], corpus: Path | None, embed: EmbedPages | None) -> Catalog:
    """Read all pages. embed: None where nothing is to be chosen.

    Raises UsageError where there is nothing to read, and what `embed` raises.
    """
    found = Catalog()
    _take_in(found, runs, embed)
    found.given = len(found)
    if corpus is not None:
        known = {os.path.realpath(path) for path in found.paths}
        _take_in(found, exclude_pages(iter_batches([corpus]), known), embed)
    return found


def _take_in(found: Catalog, runs: Iterable[PageBatch], embed: EmbedPages | None) -> None:
    pages = (
        (path, read_page(path, size)) for run in runs for path, (size, _) in zip(run.paths(), run.states, strict=True)
    )
    while some := list(islice(pages, _TOGETHER)):
        found.site.add(page_facts(page) for _, page in some)
        for path, page in some:
            found.add(path, page)
        if embed is not None:
            found.vectors.append(embed([page_text(page) for _, page in some]))
