"""Who answers. `open_clients` is the one place where names become providers."""

import contextlib
import os
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from qtgen.errors import SettingsError
from qtgen.llm.budget import Budget
from qtgen.llm.client import Client
from qtgen.llm.endpoint import Endpoint
from qtgen.llm.ledger import LedgerWriter
from qtgen.llm.pacing import Allowance, Pace, Pacer
from qtgen.llm.prices import price_of
from qtgen.settings import Settings

if TYPE_CHECKING:
    from qtgen.embeddings.static import TextEmbedder

LOCAL_SLOTS = 2
REMOTE_SLOTS = 64
_DEFAULT_MODEL = "gpt-4o-mini"


def chosen(settings: Settings) -> str:
    """The provider in force: the one named, else `openai` if a key or an address is set, else `local`."""
    return settings.provider or ("openai" if settings.api_key or settings.base_url else "local")


def concurrency(settings: Settings) -> int:
    return settings.concurrency or (LOCAL_SLOTS if chosen(settings) == "local" else REMOTE_SLOTS)


def remote_endpoint(settings: Settings, model: str | None = None) -> Endpoint:
    """The endpoint that the settings name. model: another than the first of them.

    Raises SettingsError if there is no key for OpenAI's own.
    """
    if not settings.api_key and not settings.base_url:
        raise SettingsError("--provider openai needs OPENAI_API_KEY, or --base-url for an endpoint without a key")
    model = model or (settings.model[0] if settings.model else _DEFAULT_MODEL)
    price = price_of(model, settings.prices)
    return Endpoint(
        "openai",
        model,
        settings.base_url,
        settings.api_key.get_secret_value() if settings.api_key else None,
        timeout=settings.timeout,
        extra=settings.request,
        schema_lengths=settings.schema_lengths,
        price_input=price.input if price else None,
        price_output=price.output if price else None,
        price_cached=price.cached_input if price else None,
    )


def endpoints_for(settings: Settings) -> list[Endpoint]:
    """What requests would be made for, in the order in which they are tried; nothing is started."""
    if chosen(settings) == "local":
        from qtgen.llm.local.server import endpoint

        return [endpoint(settings.local_model)]
    return [remote_endpoint(settings, model) for model in settings.model or (_DEFAULT_MODEL,)]


def needs_fetch(settings: Settings) -> bool:
    """True if the embedded model will answer and is not on this machine yet."""
    from qtgen.llm.local.download import find

    return chosen(settings) == "local" and settings.local_model is None and find(os.environ) is None


@contextlib.asynccontextmanager
async def open_clients(
    settings: Settings, desk: LedgerWriter | None = None, budget: Budget | None = None
) -> AsyncIterator[list[Client]]:
    """The models in force, the first to be asked first; closed at the end. Raises ProviderUnusable, SettingsError."""
    from qtgen.llm.openai import OpenAISender

    async with contextlib.AsyncExitStack() as stack:
        endpoints = endpoints_for(settings)
        if chosen(settings) == "local":
            from qtgen.llm.local.server import serve

            endpoints = [stack.enter_context(serve(settings.local_model, slots=concurrency(settings)))]
        allowance = Allowance(concurrency(settings), settings.rpm, settings.tpm)
        clients = []
        for endpoint in endpoints:
            sender = OpenAISender(endpoint)
            stack.push_async_callback(sender.close)
            pacer = Pacer(Pace(allowance.cap, allowance))
            clients.append(Client(sender, endpoint, pacer, tries=settings.tries, desk=desk, budget=budget))
        yield clients


def embeddings(settings: Settings, model: str) -> "TextEmbedder":
    """Texts -> vectors by an endpoint. Raises SettingsError where none is set; what it returns, ProviderError."""
    from qtgen.llm.openai import OpenAIEmbeddings

    return OpenAIEmbeddings(remote_endpoint(settings, model))
