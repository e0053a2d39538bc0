"""The built-in providers. Their heavy modules are imported only when a connection is opened."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace

from qtgen._util.extras import require
from qtgen.errors import SettingsError
from qtgen.llm.endpoint import Endpoint
from qtgen.llm.providers import own_dialect, priced_endpoint, provider, style_of
from qtgen.llm.sender import Sender
from qtgen.llm.types import AnswerFormat, PromptStyle
from qtgen.settings import Settings

DEFAULT_MODEL = "gpt-4o-mini"
LOCAL_CONCURRENCY = 2


def remote_endpoint(settings: Settings, model: str | None = None) -> Endpoint:
    """Return the endpoint for a model, by default the first one in the settings.

    Raises SettingsError if the endpoint is OpenAI and no key is set.
    """
    if not settings.api_key and not settings.base_url:
        raise SettingsError(
            "the provider `openai` needs a key",
            setting="api_key",
            remedy="set a key, or `base_url` for another endpoint",
        )
    return priced_endpoint(settings, "openai", model or (settings.model[0] if settings.model else DEFAULT_MODEL))


def _remote_endpoints(settings: Settings) -> list[Endpoint]:
    return [remote_endpoint(settings, model) for model in settings.model or (DEFAULT_MODEL,)]


def _local_endpoints(settings: Settings) -> list[Endpoint]:
    from qtgen.llm.local.server import endpoint
    from qtgen.llm.local.table import select_model

    answer_format = select_model(settings.local_model).format
    style = style_of(settings, PromptStyle(answer_format, is_short=answer_format is AnswerFormat.MARKDOWN))
    local = endpoint(settings.local_model, style=style)
    own = own_dialect(settings)
    extra, remembers = {**local.extra, **settings.request}, settings.dialect.remember
    return [replace(local, extra=extra, dialect=own, own_dialect=own, remembers_dialect=remembers)]


@provider("openai", endpoints=_remote_endpoints)
@asynccontextmanager
async def connect_openai(settings: Settings, endpoint: Endpoint) -> AsyncIterator[Sender]:  # noqa: ARG001
    """Any OpenAI-compatible endpoint."""
    require("the provider `openai`", "generate", "openai")
    from qtgen.llm.openai import OpenAISender

    async with aclosing(OpenAISender(endpoint)) as sender:
        yield sender


@provider("local", endpoints=_local_endpoints, concurrency=LOCAL_CONCURRENCY)
@asynccontextmanager
async def connect_local(settings: Settings, endpoint: Endpoint) -> AsyncIterator[Sender]:  # noqa: ARG001
    """A model on this machine. Its server's address is known only once it has started."""
    require("the provider `local`", "local", "xllamacpp")
    from qtgen.llm.local import server
    from qtgen.llm.openai import OpenAISender

    with server.serve(settings.local_model, slots=settings.concurrency or LOCAL_CONCURRENCY) as served:
        async with aclosing(OpenAISender(served)) as sender:
            yield sender
