"""From settings to providers that are ready to be used."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from qtgen._util.concurrency import Stop
from qtgen._util.extras import require
from qtgen.llm.brake import Brake
from qtgen.llm.budget import Budget
from qtgen.llm.builtin import remote_endpoint
from qtgen.llm.client import Client
from qtgen.llm.dialect.value import Dialect, from_json
from qtgen.llm.endpoint import Endpoint
from qtgen.llm.ledger import Ledger, LedgerWriter, open_writer
from qtgen.llm.pacing import AdaptiveLimiter, Allowance, Pacer
from qtgen.llm.providers import Connection, provider_entry, provider_name, with_learned
from qtgen.llm.sender import Sender
from qtgen.settings import Settings, project_folder

if TYPE_CHECKING:
    from qtgen.embeddings.static import TextEmbedder

_HEAD_START = 2.0  # seconds; an endpoint rejects a request sooner than it answers one
_HEAD_START_WITH_BUDGET = 60.0  # seconds; the first answer shows what the provider charges


def concurrency(settings: Settings) -> int:
    """Return the most requests in flight: the setting, else the provider's default. Raises SettingsError."""
    return settings.concurrency or provider_entry(settings).concurrency


def endpoints_for(settings: Settings, ledger: Ledger | None = None) -> list[Endpoint]:
    """Return the endpoints that requests go to, the preferred one first. Nothing is opened. Raises SettingsError.

    Args:
        settings: The settings in force.
        ledger: Where earlier runs have recorded the dialects that they learned, or None to ignore them.
    """
    endpoints = provider_entry(settings).endpoints(settings)
    if ledger is None or not settings.dialect.remember:
        return list(endpoints)
    return [with_learned(endpoint, _learned(ledger, endpoint), settings) for endpoint in endpoints]


def _learned(ledger: Ledger, endpoint: Endpoint) -> Dialect | None:
    stored = ledger.dialect(endpoint.place, endpoint.model)
    return from_json(stored.text) if stored else None


def needs_fetch(settings: Settings) -> bool:
    """Return True if the embedded model will answer and is not on this machine yet."""
    from qtgen.llm.local.download import find
    from qtgen.llm.local.table import select_model

    if provider_name(settings) != "local":
        return False
    return select_model(settings.local_model).is_embedded and find(os.environ) is None


@asynccontextmanager
async def open_clients(
    settings: Settings,
    writer: LedgerWriter | None = None,
    budget: Budget | None = None,
    stop: Stop | None = None,
) -> AsyncIterator[list[Client]]:
    """Open a client for each model in the settings, the preferred one first, and close all of them at the end.

    Once `stop` is requested, requests that are not sent yet raise Interrupted. Raises ProviderUnusable, SettingsError
    and MissingExtra.
    """
    entry = provider_entry(settings)
    budget, stop = budget or Budget(), stop or Stop()
    async with AsyncExitStack() as stack:
        allowance = Allowance(concurrency(settings), settings.rpm, settings.tpm)
        pacers, clients = [], []
        endpoints = endpoints_for(settings, writer.earlier if writer else None)
        brake = Brake(is_known=writer is not None and writer.has_answers([endpoint.model for endpoint in endpoints]))
        for endpoint in endpoints:
            transport = await _enter(stack, entry.connect(settings, endpoint))
            head_start = _HEAD_START if budget.limit is None else _HEAD_START_WITH_BUDGET
            head_start = 0.0 if endpoint.provider == "local" else head_start
            limiter = AdaptiveLimiter(allowance.max_concurrency, allowance, head_start=head_start)
            pacers.append(Pacer(limiter))
            client = Client(
                transport,
                endpoint,
                pacers[-1],
                tries=settings.tries,
                writer=writer,
                budget=budget,
                stop=stop,
                brake=brake,
            )
            clients.append(client)
        watcher = asyncio.create_task(_interrupt_when_stopped(stop, [budget, *pacers]))
        stack.callback(watcher.cancel)
        yield clients


@asynccontextmanager
async def open_providers(settings: Settings, *, fresh: bool = False) -> AsyncIterator[list[Client]]:
    """Open the providers in the settings with their ledger and budget, for use as a library.

        async with open_providers(Settings(model=("gpt-4o-mini",))) as providers:
            completion = await providers[0].complete(prompt)

    Recorded responses come from the ledger, unless `fresh` is true. Raises LedgerError and what `open_clients`
    raises.
    """
    with open_ledger(settings) as ledger:
        async with (
            open_writer(ledger, fresh=fresh) as writer,
            open_clients(settings, writer, Budget(settings.budget)) as clients,
        ):
            yield clients


def ledger_url(settings: Settings) -> str:
    """Return the URL of the ledger's database, or the path of its file, which lies beside qtgen.toml."""
    return settings.ledger if "://" in settings.ledger else str(project_folder() / settings.ledger)


@contextmanager
def open_ledger(settings: Settings) -> Iterator[Ledger]:
    """Open the ledger in the settings. Raises LedgerError, SettingsError and MissingExtra."""
    ledger = Ledger(ledger_url(settings), folder=project_folder() / ".qtgen")
    try:
        yield ledger
    finally:
        ledger.close()


def embeddings(settings: Settings, model: str) -> "TextEmbedder":
    """Return a function that turns texts into vectors by an endpoint. Its calls raise ProviderError.

    Raises SettingsError if no endpoint is set, and MissingExtra.
    """
    require("an embeddings endpoint", "generate", "openai")
    from qtgen.llm.openai_embeddings import OpenAIEmbeddings

    return OpenAIEmbeddings(remote_endpoint(settings, model))


async def _enter(stack: AsyncExitStack, connection: Connection) -> Sender:
    """Return the sender of a connection that closes with the stack."""
    if isinstance(connection, AbstractAsyncContextManager):
        return await stack.enter_async_context(connection)
    return connection


async def _interrupt_when_stopped(stop: Stop, waiting: list[Budget | Pacer]) -> None:
    await stop.wait_requested()
    for queue in waiting:
        queue.interrupt()
