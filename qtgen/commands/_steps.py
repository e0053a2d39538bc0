"""Progress of steps that are usually quick: one line on a terminal if a step takes longer than a second.

This needs no library, because `validate` works with the base installation. Runs that send requests have a richer
display in `_progress.py`.
"""

import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from qtgen.commands._logging import is_quiet

_REDRAW = 0.1  # seconds
_ERASE = "\r\x1b[2K"


class Step:
    """Counts what a step has finished."""

    def __init__(self, label: str, total: int | None = None) -> None:
        self.label, self.total, self.done = label, total, 0

    def advance(self, n: int = 1) -> None:
        """Count `n` more."""
        self.done += n

    def update(self, done: int) -> None:
        """Set how many are done."""
        self.done = done

    def line(self, seconds: float, columns: int) -> str:
        """Return the line to show, cut to the width of the terminal so that it never wraps."""
        total = "" if self.total is None else f" of {self.total:,}"
        count = f": {self.done:,}{total}" if self.done else ""
        return f"{self.label}{count} ({seconds:.0f} s)"[: columns - 1]


@contextmanager
def progress_after(
    label: str, total: int | None = None, *, seconds: float = 1.0, enabled: bool = True
) -> Iterator[Step]:
    """Yield a Step, and show it on stderr if the block takes longer than `seconds`.

    Nothing is shown if stderr is not a terminal, with --quiet, or if `enabled` is false. The line disappears at the
    end. Print nothing to the terminal inside the block.
    """
    step, stream = Step(label, total), sys.stderr
    if not enabled or is_quiet() or not stream.isatty():
        yield step
        return
    started, finished = time.monotonic(), threading.Event()

    def draw() -> None:
        if finished.wait(seconds):
            return
        while True:
            stream.write(_ERASE + step.line(time.monotonic() - started, shutil.get_terminal_size().columns))
            stream.flush()
            if finished.wait(_REDRAW):
                stream.write(_ERASE)
                stream.flush()
                return

    thread = threading.Thread(target=draw, daemon=True)
    thread.start()
    try:
        yield step
    finally:
        finished.set()
        thread.join()
