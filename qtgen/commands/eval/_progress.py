"""A line on the terminal that counts up while a command works."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")
_DELAY = 1.0  # seconds before the line appears, so that short work shows nothing
_INTERVAL = 0.1  # seconds between updates


class ProgressLine:
    """A line such as `scored 12 of 480`, on stderr if it is a terminal. It disappears when `close` is called."""

    def __init__(self, verb: str, total: int | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._verb, self._total, self._clock = verb, total, clock
        self._count = 0
        self._shown_at = clock() + _DELAY - _INTERVAL
        self._is_visible = False
        self._is_terminal = sys.stderr.isatty()

    def advance(self) -> None:
        """Count one more item."""
        self._count += 1
        now = self._clock()
        if self._is_terminal and now - self._shown_at >= _INTERVAL:
            self._shown_at, self._is_visible = now, True
            total = "" if self._total is None else f" of {self._total:,}"
            sys.stderr.write(f"\r\x1b[K{self._verb} {self._count:,}{total}")
            sys.stderr.flush()

    def close(self) -> None:
        """Remove the line."""
        if self._is_visible:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._is_visible = False


def track(items: Iterable[Item], verb: str, total: int | None = None) -> Iterator[Item]:
    """Yield the items and count them on a ProgressLine."""
    line = ProgressLine(verb, total)
    try:
        for item in items:
            yield item
            line.advance()
    finally:
        line.close()
