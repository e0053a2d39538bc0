"""Write pages from coroutines: those that finish while others are being written are written together."""

import asyncio
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import TracebackType
from typing import NamedTuple

from qtgen.errors import OutputError
from qtgen.generation.output import OutputFolder
from qtgen.generation.types import Draft

_TOGETHER = 50  # pages; each holds an open file


class _Waiting(NamedTuple):
    draft: Draft
    result: asyncio.Future[bool]


class PageWriter:
    """Writes new pages to an output folder, on one thread. It is a context manager, which waits for the thread."""

    def __init__(self, output: OutputFolder) -> None:
        self._output = output
        self._waiting: deque[_Waiting] = deque()
        self._is_busy = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="pages")

    def __enter__(self) -> "PageWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.shutdown()

    async def write(self, draft: Draft) -> bool:
        """Do what `OutputFolder.write` does. A draft whose coroutine is cancelled before its turn is not written."""
        result: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(draft, result))
        if not self._is_busy:
            self._write_next()
        return await result

    def _write_next(self) -> None:
        """Write what waits, if anything does."""
        pages: list[_Waiting] = []
        while self._waiting and len(pages) < _TOGETHER:
            page = self._waiting.popleft()
            if not page.result.done():
                pages.append(page)
        self._is_busy = bool(pages)
        if pages:
            drafts = [page.draft for page in pages]
            written = asyncio.get_running_loop().run_in_executor(self._thread, self._output.write_all, drafts)
            written.add_done_callback(partial(self._finish, pages))

    def _finish(self, pages: list[_Waiting], written: asyncio.Future[list[bool | OutputError]]) -> None:
        error = None if written.cancelled() else written.exception()
        results = written.result() if error is None and not written.cancelled() else [error] * len(pages)
        for page, result in zip(pages, results, strict=True):
            if page.result.done():  # it was cancelled
                continue
            if isinstance(result, bool):
                page.result.set_result(result)
            elif result is not None:
                page.result.set_exception(result)
        self._write_next()
