"""Who has a page open: a hint for the other reviewers, and no lock."""

import threading
from collections.abc import Callable
from typing import NamedTuple

DURATION = 600.0  # seconds


class Reservation(NamedTuple):
    """A reviewer who has a page open, and since how many minutes."""

    who: str
    minutes: int


class Reservations:
    """The pages that reviewers have open. A reservation ends after ten minutes, or with a decision.

    Args:
        clock: Returns the seconds since any fixed moment.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._opened: dict[str, dict[str, tuple[float, float]]] = {}  # first and last time, by page and reviewer
        self._lock = threading.Lock()

    def reserve(self, url: str, who: str) -> list[Reservation]:
        """Reserve a page for a reviewer. Return the other reviewers who have it open, the first one first."""
        now = self._clock()
        with self._lock:
            self._expire(now)
            readers = self._opened.setdefault(url, {})
            first, _ = readers.get(who, (now, now))
            readers[who] = (first, now)
            others = sorted((first, other) for other, (first, _) in readers.items() if other != who)
        return [Reservation(other, int((now - first) // 60)) for first, other in others]

    def release(self, url: str, who: str) -> None:
        """Forget that a reviewer has a page open."""
        with self._lock:
            readers = self._opened.get(url, {})
            readers.pop(who, None)
            if not readers:
                self._opened.pop(url, None)

    def _expire(self, now: float) -> None:
        for url, readers in list(self._opened.items()):
            for who, (_, last) in list(readers.items()):
                if now - last > DURATION:
                    del readers[who]
            if not readers:
                del self._opened[url]
