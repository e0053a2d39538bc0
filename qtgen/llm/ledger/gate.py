"""A gate that is closed while the ledger is unavailable."""

import asyncio
from collections.abc import Callable

from qtgen.errors import LedgerError


class Gate:
    """Holds back requests while their responses could not be recorded.

    Attributes:
        notify: Called with a line for the user when requests are held back, and when they are sent again.
        reason: Why the gate is closed, None if it is open.
    """

    def __init__(self) -> None:
        self._is_open = asyncio.Event()
        self._is_open.set()
        self._is_announced = False
        self.notify: Callable[[str], None] = lambda _: None
        self.reason: LedgerError | None = None

    @property
    def is_open(self) -> bool:
        return self._is_open.is_set()

    async def wait(self) -> None:
        """Wait until the gate is open."""
        await self._is_open.wait()

    def close(self, reason: LedgerError, *, announce: bool = False) -> None:
        """Hold back requests. If `announce`, notify the user, but only once."""
        self.reason = reason
        self._is_open.clear()
        if announce and not self._is_announced:
            self._is_announced = True
            self.notify(f"{reason.message}; qtgen sends no new request until it responds, for up to five minutes")

    def open(self) -> None:
        if self._is_announced:
            self.notify("the ledger responds again")
        self._is_announced, self.reason = False, None
        self._is_open.set()
