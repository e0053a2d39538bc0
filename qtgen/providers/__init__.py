"""Who answers. `open_provider` is the one place where a name becomes a provider."""

import contextlib
import os
from collections.abc import AsyncIterator

from qtgen.errors import SettingsError
from qtgen.providers.endpoint import Endpoint
from qtgen.records import Provider
from qtgen.settings import Settings

LOCAL_SLOTS = 2
REMOTE_SLOTS = 8
_DEFAULT_MODEL = "gpt-4o-mini"


def chosen(settings: Settings) -> str:
    """The provider in force: the one named, else `openai` if a key or an address is set, else `local`."""
    return settings.provider or ("openai" if settings.api_key or settings.base_url else "local")


def concurrency(settings: Settings) -> int:
    return settings.concurrency or (LOCAL_SLOTS if chosen(settings) == "local" else REMOTE_SLOTS)


def remote_endpoint(settings: Settings) -> Endpoint:
    """The endpoint that the settings name. Raises SettingsError if there is no key for OpenAI's own."""
    if not settings.api_key and not settings.base_url:
        raise SettingsError("--provider openai needs OPENAI_API_KEY, or --base-url for an endpoint without a key")
    model = settings.model or _DEFAULT_MODEL
    price = settings.prices.get(model)
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


def endpoint_for(settings: Settings) -> Endpoint:
    """What a request would be made for; nothing is started."""
    if chosen(settings) == "local":
        from qtgen.providers.local import endpoint

        return endpoint(settings.local_model)
    return remote_endpoint(settings)


def needs_fetch(settings: Settings) -> bool:
    """True if the embedded model will answer and is not on this machine yet."""
    from qtgen.providers.embedded import find

    return chosen(settings) == "local" and settings.local_model is None and find(os.environ) is None


@contextlib.asynccontextmanager
async def open_provider(settings: Settings) -> AsyncIterator[Provider]:
    """The provider in force, with its retries; closed at the end. Raises ProviderUnusable, SettingsError."""
    from qtgen.providers.openai import OpenAIProvider
    from qtgen.providers.retry import Retrying

    with contextlib.ExitStack() as stack:
        if chosen(settings) == "local":
            from qtgen.providers.local import serve

            endpoint = stack.enter_context(serve(settings.local_model, slots=concurrency(settings)))
        else:
            endpoint = remote_endpoint(settings)
        provider = OpenAIProvider(endpoint)
        try:
            yield Retrying(provider, tries=settings.tries)
        finally:
            await provider.close()
