"""An event loop whose clock runs faster, so that a test with minutes of waiting takes seconds."""

import asyncio
import selectors
import time

import pytest


class _Selector(selectors.DefaultSelector):
    """Waits for a fraction of the seconds that the loop asks for."""

    speed = 1.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return super().select(timeout / self.speed if timeout else timeout)


class FastLoop(asyncio.SelectorEventLoop):
    """Args:
    speed: Seconds of the loop's clock per second.
    """

    def __init__(self, speed: float) -> None:
        self._speed = speed
        selector = _Selector()
        selector.speed = speed
        super().__init__(selector)

    def time(self) -> float:
        return time.monotonic() * self._speed


class FastClock:
    """Stands in for the module `time` where code measures how long it waited."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._start = time.time()

    def monotonic(self) -> float:
        return time.monotonic() * self._speed

    def time(self) -> float:
        return self._start + (time.time() - self._start) * self._speed


def use_fast_time(monkeypatch: pytest.MonkeyPatch, speed: float) -> None:
    """Let the loops of `asyncio.run` and the progress display count `speed` seconds per second."""
    monkeypatch.setattr(asyncio.events, "new_event_loop", lambda: FastLoop(speed))
    for module in ("qtgen.commands._progress.time", "qtgen.commands._stats.time"):
        monkeypatch.setattr(module, FastClock(speed))
