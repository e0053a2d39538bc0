"""Write pages from coroutines: those that finish while others are being written are written together."""

import asyncio
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from types import TracebackType
from typing import NamedTuple

from qtgen.errors import OutputError
from qtgen.generation.output import OutputFolder
from qtgen.generation.types import Draft

_TOGETHER = 50  # pages


class _Waiting(NamedTuple):
    draft: Draft
    result: Future[bool]


class PageWriter:
    """Writes new pages to an output folder, on one thread.

    It is a context manager. At its end, it writes the pages that wait; a later call of `write` raises RuntimeError.
    """

    def __init__(self, output: OutputFolder) -> None:
        self._output = output
        self._waiting: deque[_Waiting] = deque()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="pages")

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
        page = _Waiting(draft, Future())
        self._waiting.append(page)
        self._thread.submit(self._write_waiting)
        return await asyncio.wrap_future(page.result)

    def _write_waiting(self) -> None:
        """Write pages that wait, in the thread. The call of a page that an earlier call has written may find none."""
        pages = [page for page in islice(self._take(), _TOGETHER) if page.result.set_running_or_notify_cancel()]
        if not pages:
            return
        try:
            results = self._output.write_all([page.draft for page in pages])
            finished = [*zip(pages, results, strict=True)]
        except BaseException as error:  # whatever it is, the coroutines must not wait for ever
            for page in pages:
                page.result.set_exception(error)
            raise
        for page, result in finished:
            if isinstance(result, OutputError):
                page.result.set_exception(result)
            else:
                page.result.set_result(result)

    def _take(self) -> Iterator[_Waiting]:
        while self._waiting:
            yield self._waiting.popleft()
