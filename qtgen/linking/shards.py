"""The work of one worker: read some pages, and find the candidates of some pages.

The functions depend only on their arguments and the files. They use no cache and no database.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING

from qtgen._util.engines import Shared
from qtgen.embeddings.pages import PageText, StaticEmbedder, page_text, vector_key
from qtgen.page import Layout, Page, Profile
from qtgen.site.discovery import Overlay, load_page, why_unreadable
from qtgen.site.entries import page_key
from qtgen.site.index import digest, page_facts

if TYPE_CHECKING:
    from qtgen.embeddings.index import NeighborIndex
    from qtgen.embeddings.pages import HalfVectors
    from qtgen.linking.candidates import PageTable

_ID_LIMIT = 1 << 62  # larger ids would overflow when two of them are subtracted


class Wanted(Enum):
    """What a shard returns for the vectors of its pages."""

    NOTHING = "nothing"
    TEXTS = "the texts from which vectors are computed"
    KEYS = "the keys of static vectors"
    VECTORS = "the keys, and the static vectors"


@dataclass(frozen=True, slots=True)
class CatalogShard:
    """The facts of some pages for the catalog, in columns. Problems are by the number of the page in the shard.

    Attributes:
        layouts: The number of each page's layout.
        unreadable: Numbers of the pages whose files could not be read.
        texts, keys, vectors: Empty, or None, unless they are wanted.
    """

    facts: list[bytes]
    digests: "array[int]"
    layouts: bytes
    urls: list[str]
    titles: list[str]
    subjects: list[str]
    ids: list[int | None]
    problems: dict[int, str]
    unreadable: list[int]
    texts: list[PageText]
    keys: list[bytes]
    vectors: "HalfVectors | None"


def catalog_shard(pages: Sequence[tuple[str, int]], overlay: Overlay, wanted: Wanted, profile: Profile) -> CatalogShard:
    """Read pages.

    Args:
        pages: The path and the size of each page; a size of -1 is unknown.
        overlay: Contents to use instead of those of the files, by path.
        wanted: What to return for the vectors of the pages.
        profile: The layout of the site.
    """
    read = [load_page(path, size, overlay, profile) for path, size in pages]
    urls = [page_key(page) for page in read]
    titles = [page.text_of(page.layout.roles.question) or "" for page in read]
    subjects = [page.text_of(page.layout.roles.subject or "") or "" for page in read]
    ids = [_usable_id(page) for page in read]
    all_problems = map(_problem, read, urls, titles, subjects, ids)
    problems = {number: problem for number, problem in enumerate(all_problems) if problem}
    texts = [] if wanted is Wanted.NOTHING else [page_text(page) for page in read]
    with_keys = wanted in (Wanted.KEYS, Wanted.VECTORS)
    return CatalogShard(
        facts=[page_facts(page) for page in read],
        digests=array("Q", (digest(page.text) for page in read)),
        layouts=bytes(page.layout.number for page in read),
        urls=urls,
        titles=titles,
        subjects=subjects,
        ids=ids,
        problems=problems,
        unreadable=[number for number in problems if why_unreadable(read[number])],
        texts=texts if wanted is Wanted.TEXTS else [],
        keys=[vector_key(StaticEmbedder, text) for text in texts] if with_keys else [],
        vectors=_static_vectors(texts) if wanted is Wanted.VECTORS else None,
    )


def _usable_id(page: Page) -> int | None:
    page_id = page.values.get(page.layout.roles.id or "")
    return page_id if type(page_id) is int and abs(page_id) < _ID_LIMIT else None


def _problem(page: Page, url: str, title: str, subject: str, page_id: int | None) -> str | None:
    """Return why a page cannot be linked, if it cannot."""
    if page.problems:
        return page.problems[0].message
    roles = page.layout.roles
    if url and title and (subject or not roles.subject) and (page_id is not None or not roles.id):
        return None
    if roles.key is None:
        return "pages of this kind have no key that links could name"
    needed = _needed(page.layout)
    is_complete = url and title and (subject or roles.subject not in needed)
    if is_complete and (page_id is not None or roles.id not in needed):
        return None
    return f"the {', '.join(needed[:-1])} or {needed[-1]} is missing"


@cache
def _needed(layout: Layout) -> tuple[str, ...]:
    """Return the fields without which a page cannot be linked: key and question, and a required subject and id."""
    roles = layout.roles
    others = [path for path in (roles.subject, roles.id) if path]
    required = [path for path in others if path in layout.fields and layout.fields[path].required]
    return (roles.key or "", roles.question, *required)


def _static_vectors(texts: Sequence[PageText]) -> "HalfVectors":
    import numpy as np

    return _static_embedder()(texts).astype(np.float16)


@cache
def _static_embedder() -> StaticEmbedder:
    return StaticEmbedder()


def candidates_shard(rows: bytes, shared: "Shared[tuple[PageTable, NeighborIndex]]") -> bytes:
    """Return the candidates of some pages, `POOL` for each, as 32-bit numbers.

    Args:
        rows: Rows of the table, as 32-bit numbers.
        shared: The table and the index of the pages that can be found.
    """
    import numpy as np

    from qtgen.linking.candidates import find_candidates

    table, index = shared.get()
    blocks = find_candidates(table, np.frombuffer(rows, np.int32), index)
    return b"".join(block.astype(np.int32).tobytes() for block in blocks)
