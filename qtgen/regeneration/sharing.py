"""Stale pages in blocks, if several processes share them.

The processes may find different pages stale, because one process may rewrite a page before another process checks it.
So a page's URL and the number of all pages determine its block. Both stay the same.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from qtgen.generation.plan import BLOCK
from qtgen.generation.sharing import Block
from qtgen.generation.types import Status
from qtgen.page import Layout
from qtgen.regeneration.plan import not_attempted
from qtgen.regeneration.rewrite import RewriteJob, RewriteResult
from qtgen.regeneration.staleness import StalePage

Version = tuple[int, int]


class SharedPages:
    """Stale pages in the order of their blocks.

    Args:
        pages: The stale pages, the most urgent ones first.
        total: The number of all pages that were checked.
        layout: The layout of the pages.

    Attributes:
        pages: The stale pages, block by block. The block with the most urgent page comes first.
        blocks: The blocks of the stale pages.
    """

    def __init__(self, pages: Sequence[StalePage], total: int, layout: Layout) -> None:
        self._layout = layout
        numbers = {page.path: _block(page, total) for page in pages}
        order = {number: index for index, number in enumerate(dict.fromkeys(numbers.values()))}
        self.pages = sorted(pages, key=lambda page: order[numbers[page.path]])
        sizes = Counter(numbers.values())
        self.blocks = [Block(number, sizes[number]) for number in order]
        self._numbers, self._order = numbers, order
        self._versions = {page.path: _version(page.path) for page in pages}

    def number_of(self, page: StalePage) -> int:
        """Return the number of a page's block in the ledger."""
        return self._numbers[page.path]

    def index_of(self, page: StalePage) -> int:
        """Return the index of a page's block in `blocks`."""
        return self._order[self._numbers[page.path]]

    def steps(
        self,
        plan_page: Callable[[StalePage], RewriteJob | RewriteResult],
        lease: Callable[[int], bool],
        on_changed: Callable[[int], None] | None = None,
    ) -> Iterator[RewriteJob | RewriteResult]:
        """Yield the job or the result of each page. Pages of other processes get the result `elsewhere`.

        Args:
            plan_page: Decides what to do about a page.
            lease: Tells whether this process has a block, by its index.
            on_changed: Called with the index of the block of a page that another process has rewritten before it ended.
                None if no block has been another process's.
        """
        for page in self.pages:
            index = self.index_of(page)
            is_own = lease(index)
            if is_own and on_changed and _version(page.path) != self._versions[page.path]:
                on_changed(index)
                is_own = False
            yield plan_page(page) if is_own else elsewhere(page, self._layout)


def elsewhere(page: StalePage, layout: Layout) -> RewriteResult:
    """Return the result of a page whose block another process has."""
    return not_attempted(page, None, layout, Status.ELSEWHERE)


def _block(page: StalePage, total: int) -> int:
    digest = sha256((page.url or Path(page.path).name).encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") % max(1, -(-total // BLOCK))


def _version(path: str) -> Version | None:
    """Return a value that changes if a file is replaced. Return None if the file does not exist."""
    try:
        status = Path(path).stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
