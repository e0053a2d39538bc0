"""What every command prints in the same way: notes, shortened lists, diffs, costs and coloured severities."""

import difflib
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from qtgen._util.text import money, pluralize

if TYPE_CHECKING:
    from rich.progress import Progress

__all__ = ["SHOWN", "diff_lines", "listed", "money", "note", "progress_after", "warn"]

SHOWN = 5
"""Entries of a list that are printed one by one; the others are counted."""


def note(message: str) -> None:
    """Print a line for the person on stderr, beside the data on stdout."""
    click.echo(message, err=True)


def listed(lines: Sequence[str], noun: str, *, shown: int = SHOWN) -> Iterator[str]:
    """Yield the first lines, then how many more there are: `… and 7 more pages`."""
    yield from lines[:shown]
    if len(lines) > shown:
        rest = len(lines) - shown
        yield f"… and {rest:,} more {noun if rest == 1 else f'{noun}s'}"


def warn(lines: Sequence[str], noun: str, summary: str = "", *, shown: int = SHOWN) -> None:
    """Print a warning for the first lines, then one that counts all of them, followed by `summary`."""
    for line in lines[:shown]:
        note(f"warning: {line}")
    more = f" ({len(lines) - shown:,} more)" if len(lines) > shown else ""
    if lines:
        note(f"warning: {pluralize(len(lines), noun)}{more}{summary}")


def diff_lines(path: str, before: str, after: str) -> Iterator[str]:
    """Yield the lines of a unified diff of one file, without line ends."""
    old, new = (text.splitlines(keepends=True) for text in (before, after))
    for line in difflib.unified_diff(old, new, path, path):
        yield line.removesuffix("\n")
        if not line.endswith("\n"):
            yield "\\ No newline at end of file"


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
                self._bar.update(self._bar.task_ids[0], completed=self._done)

    def show(self) -> None:
        from rich.console import Console
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        count = "{task.completed:,}" if self._total is None else "{task.completed:,} of {task.total:,}"
        columns = SpinnerColumn(), TextColumn("{task.description}"), TextColumn(count), TimeElapsedColumn()
        # Data on stdout may go to a pipe, so rich must not redirect it to the terminal.
        bar = Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False)
        with self._lock:
            if not self._closed:
                bar.add_task(self._label, total=self._total, completed=self._done)
                bar.start()
                self._bar = bar

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._bar is not None:
                self._bar.stop()
