"""Progress of steps that are usually quick: shown on a terminal if one takes longer than a second."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress


@contextmanager
def progress_after(label: str, total: int | None = None, seconds: float = 1.0) -> Iterator[Callable[..., None]]:
    """Show progress on stderr if the block takes longer than `seconds` and stderr is a terminal.

    Print nothing to the terminal inside the block.

    Args:
        label: What is going on: "Choosing links".
        total: Number of steps, if it is known.

    Yields:
        A function `advance(n=1)` that counts finished steps.
    """
    progress = _DelayedProgress(label, total)
    timer = threading.Timer(seconds, progress.show)
    timer.daemon = True
    if sys.stderr.isatty():
        timer.start()
    try:
        yield progress.advance
    finally:
        timer.cancel()
        progress.close()


class _DelayedProgress:
    """Counts steps, and shows them from the moment `show` is called, which a timer's thread does."""

    def __init__(self, label: str, total: int | None) -> None:
        self._label = label
        self._total = total
        self._done = 0
        self._bar: Progress | None = None
        self._closed = False
        self._lock = threading.Lock()

    def advance(self, n: int = 1) -> None:
        with self._lock:
            self._done += n
            if self._bar is not None:
                self._bar.update(self._bar.task_ids[0], description=self._text())

    def show(self) -> None:
        from rich.console import Console
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn()
        # Data on stdout may go to a pipe, so rich must not redirect it to the terminal.
        bar = Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False)
        with self._lock:
            if not self._closed:
                bar.add_task(self._text())
                bar.start()
                self._bar = bar

    def _text(self) -> str:
        total = "" if self._total is None else f" of {self._total:,}"
        return f"{self._label}: {self._done:,}{total}" if self._done else self._label

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._bar is not None:
                self._bar.stop()
