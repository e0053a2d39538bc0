"""Write pages from coroutines: those that finish while others are being written are written together."""

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from types import TracebackType
from typing import NamedTuple

from qtgen.generation.output import OutputFolder
from qtgen.generation.types import Draft

_TOGETHER = 50  # pages


class _Waiting(NamedTuple):
    draft: Draft
    result: "asyncio.Future[bool]"


class PageWriter:
    """Writes new pages to an output folder, on one thread.

    It is a context manager. At its end, it writes the pages that wait; a later call of `write` raises RuntimeError.
    """

    def __init__(self, output: OutputFolder) -> None:
        self._output = output
        self._waiting: deque[_Waiting] = deque()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="pages")
        self._is_called = False  # whether the thread will look for pages that wait

    def __enter__(self) -> "PageWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.shutdown()

    async def write(self, draft: Draft) -> bool:
        """Publish a new page with its provenance. Return False if there is already a file.

        Raises OutputError. A draft whose coroutine is cancelled before its turn is not written.
        """
        loop = asyncio.get_running_loop()
        page = _Waiting(draft, loop.create_future())
        self._waiting.append(page)
        if not self._is_called:
            self._is_called = True
            try:
                self._thread.submit(self._write_waiting, loop)
            except RuntimeError:
                self._is_called = False
                self._waiting.remove(page)
                raise
        return await page.result

    def _write_waiting(self, loop: asyncio.AbstractEventLoop) -> None:
        """Write the pages that wait, in the thread."""
        self._is_called = False  # before it looks, so that no page is missed
        while pages := [*islice(self._take(), _TOGETHER)]:
            results: Sequence[bool | BaseException]
            try:
                results = self._output.write_all([page.draft for page in pages])
                if len(results) != len(pages):
                    raise ValueError("a result is missing")
            except BaseException as error:  # noqa: BLE001  # whatever it is, the coroutines must not wait for ever
                results = [error] * len(pages)
            loop.call_soon_threadsafe(_hand_over, pages, results)

    def _take(self) -> Iterator[_Waiting]:
        while self._waiting:
            page = self._waiting.popleft()
            if not page.result.cancelled():
                yield page


def _hand_over(pages: Sequence[_Waiting], results: Sequence[bool | BaseException]) -> None:
    """Wake the coroutines whose pages were written, all at once."""
    for page, result in zip(pages, results, strict=True):
        if page.result.done():  # cancelled in the meantime
            continue
        if isinstance(result, BaseException):
            page.result.set_exception(result)
        else:
            page.result.set_result(result)
