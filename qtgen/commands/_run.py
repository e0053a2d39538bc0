"""What commands that ask a model share: the ledger and the clients of a run, and its results in order."""

import json
import tempfile
from array import array
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from qtgen._util.concurrency import Stop, stop_on_interrupt
from qtgen.commands import _progress as progress
from qtgen.errors import UsageError
from qtgen.llm.budget import Budget
from qtgen.llm.client import Client
from qtgen.llm.factory import endpoints_for, needs_fetch, open_clients
from qtgen.llm.ledger import Ledger, LedgerWriter, open_writer
from qtgen.settings import Settings


def check_budget(settings: Settings) -> None:
    """Raise UsageError where a budget could not be kept."""
    unknown = [endpoint.model for endpoint in endpoints_for(settings) if endpoint.cost(1, 1, 0) is None]
    if settings.budget is not None and unknown:
        raise UsageError(f'--budget needs the price of `{unknown[0]}`: set [prices."{unknown[0]}"] in qtgen.toml')


@asynccontextmanager
async def asking(
    settings: Settings, book: Ledger, budget: Budget, tally: progress.RunStats, shown: progress.Display, *, fresh: bool
) -> AsyncIterator[tuple[list[Client], LedgerWriter, Stop]]:
    """The models in force, ready to be asked; Ctrl-C asks to stop. Raises ProviderUnusable, SettingsError."""
    if needs_fetch(settings):
        shown.say("fetching the embedded model (98 MB, once) …")
    stop = Stop()
    async with (
        open_writer(book, fresh=fresh, stop=stop) as writer,
        open_clients(settings, writer, budget, stop) as clients,
    ):
        tally.clients = clients
        shown.say(progress.who_answers(settings, [client.model for client in clients]))
        with stop_on_interrupt(shown.say, stop):
            yield clients, writer, stop


class Results:
    """One JSON line for each step, kept on disk until they are wanted in their order."""

    def __init__(self, total: int) -> None:
        self._file = tempfile.TemporaryFile("w+b")  # noqa: SIM115 - closed at the end of the block
        self._offsets = array("q", [-1]) * total

    def __enter__(self) -> "Results":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, place: int, result: Mapping[str, Any]) -> None:
        self._offsets[place] = self._file.seek(0, 2)
        self._file.write(json.dumps(result, ensure_ascii=False).encode("utf-8", "replace") + b"\n")

    def __contains__(self, place: int) -> bool:
        return self._offsets[place] >= 0

    def lines(self) -> Iterator[str]:
        for offset in self._offsets:
            if offset >= 0:
                self._file.seek(offset)
                yield self._file.readline().decode().rstrip("\n")
