"""The registry of providers: where completions can come from.

`openai` and `local` are built in. A project adds its own in a plugin file, which `plugins` in `qtgen.toml` lists:

    from qtgen.llm import Completion, Usage, provider

    class Echo:
        async def send(self, request):
            return Completion("…", "echo-1", Usage())

    @provider("echo")
    def connect(settings, endpoint):
        return Echo()

An installed package registers the same function as an entry point of the group `qtgen.providers`. The function gets
`Settings` and the `Endpoint` of one model, and returns a sender or an asynchronous context manager that yields one.
The ledger, retries, pacing, the budget and traces are added around it.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from qtgen._util import plugins
from qtgen.errors import PluginError, SettingsError
from qtgen.llm.dialect.models import model_dialect
from qtgen.llm.dialect.value import Dialect, for_request
from qtgen.llm.endpoint import Endpoint
from qtgen.llm.prices import price_of
from qtgen.llm.sender import Sender
from qtgen.llm.types import STANDARD_STYLE, AnswerFormat, PromptStyle
from qtgen.settings import Settings

GROUP = "qtgen.providers"
DEFAULT_CONCURRENCY = 64
Connection = Sender | AbstractAsyncContextManager[Sender]
Connect = Callable[[Settings, Endpoint], Connection]
Endpoints = Callable[[Settings], Sequence[Endpoint]]


@dataclass(frozen=True, slots=True)
class ProviderEntry:
    """A registered provider.

    Attributes:
        connect: Opens a connection for one endpoint.
        endpoints: Returns the endpoints of the models in the settings, without opening anything.
        concurrency: The most requests in flight by default.
    """

    name: str
    connect: Connect
    endpoints: Endpoints
    concurrency: int = DEFAULT_CONCURRENCY


_REGISTRY: dict[str, ProviderEntry] = {}


def provider(
    name: str, *, endpoints: Endpoints | None = None, concurrency: int = DEFAULT_CONCURRENCY
) -> Callable[[Connect], Connect]:
    """Return a decorator that registers a connecting function as the provider `name`.

    Args:
        endpoints: Returns the endpoints for the settings. By default there is one for each name in `model`.
        concurrency: The default limit of requests in flight.
    """

    def register(connect: Connect) -> Connect:
        if name in _REGISTRY and _REGISTRY[name].connect.__module__.startswith("qtgen."):
            raise PluginError(f"the provider `{name}` is built in", remedy="choose another name")
        _REGISTRY[name] = ProviderEntry(name, connect, endpoints or _default_endpoints(name), concurrency)
        return connect

    return register


def provider_name(settings: Settings) -> str:
    """Return the provider in force: the one set, else `openai` if a key or an address is set, else `local`."""
    return settings.provider or ("openai" if settings.api_key or settings.base_url else "local")


def provider_entry(settings: Settings) -> ProviderEntry:
    """Return the entry of the provider in force. Plugins are loaded only if it is not built in.

    Raises SettingsError if there is no such provider, and PluginError.
    """
    name = provider_name(settings)
    _load_builtin()
    if name not in _REGISTRY:
        _load_plugins(settings.plugins)
    if name not in _REGISTRY:
        near = get_close_matches(name, _REGISTRY, n=1)
        hint = f"did you mean `{near[0]}`?" if near else f"the providers are {', '.join(sorted(_REGISTRY))}"
        raise SettingsError(f"unknown provider `{name}`; {hint}", setting="provider")
    return _REGISTRY[name]


def priced_endpoint(settings: Settings, provider: str, model: str, **fields: Any) -> Endpoint:
    """Return the endpoint of a model with what the settings say about endpoints and the model's price."""
    price = price_of(model, settings.prices)
    own = own_dialect(settings)
    return Endpoint(
        provider,
        model,
        settings.base_url,
        settings.api_key.get_secret_value() if settings.api_key else None,
        **{
            "headers": settings.headers,
            "timeout": settings.timeout,
            "query": settings.query,
            "extra": settings.request,
            "dialect": own.over(for_request(model_dialect(model), settings.request)),
            "own_dialect": own,
            "remembers_dialect": settings.dialect.remember,
            "schema_lengths": settings.schema_lengths,
            "style": style_of(settings),
            "sends_grammar": settings.grammar,
            "price_input": price.input if price else None,
            "price_output": price.output if price else None,
            "price_cached": price.cached_input if price else None,
            "price_batch": price.batch if price else None,
            **fields,
        },
    )


def own_dialect(settings: Settings) -> Dialect:
    """Return the dialect that is set by hand."""
    own = settings.dialect
    return Dialect(
        omit=own.omit,
        rename=tuple(own.rename.items()),
        omit_schema_keywords=own.omit_schema_keywords,
        merge_system=own.merge_system,
        system_role=own.system_role,
        stream=own.stream,
        token_factor=own.token_factor,
        max_output_tokens=own.max_output_tokens,
    )


def with_learned(endpoint: Endpoint, learned: Dialect | None, settings: Settings) -> Endpoint:
    """Return the endpoint with a dialect that an earlier run learned. What is set by hand takes precedence."""
    if learned is None:
        return endpoint
    learned = for_request(learned, settings.request)
    if settings.answer_format is not None or "response_format" in settings.request:
        learned = replace(learned, rejected_formats=())
    dialect = endpoint.own_dialect.over(learned)
    return replace(endpoint, dialect=dialect, learned_dialect=learned, style=dialect.style(endpoint.style))


def style_of(settings: Settings, default: PromptStyle = STANDARD_STYLE) -> PromptStyle:
    """Return how prompts are written, by the settings or else by the provider's default.

    Raises SettingsError if short prompts are combined with another format than Markdown.
    """
    is_short = settings.short_prompts if settings.short_prompts is not None else default.is_short
    if settings.answer_format is None:
        return PromptStyle(AnswerFormat.MARKDOWN if is_short else default.format, is_short)
    answer_format = AnswerFormat(settings.answer_format)
    if settings.short_prompts and answer_format is not AnswerFormat.MARKDOWN:
        remedy = 'set `answer_format = "markdown"`, or `short_prompts = false`'
        raise SettingsError("short prompts ask for Markdown", setting="short_prompts", remedy=remedy)
    return PromptStyle(answer_format, is_short and answer_format is AnswerFormat.MARKDOWN)


def _default_endpoints(name: str) -> Endpoints:
    return lambda settings: [priced_endpoint(settings, name, model) for model in settings.model or (name,)]


def _load_builtin() -> None:
    from qtgen.llm import builtin  # noqa: F401  # registers the providers


def _load_plugins(files: Iterable[Path]) -> None:
    for entry_point, connect in plugins.installed(GROUP):
        provider(entry_point.name)(connect)
    for file in files:
        plugins.load_file(file)
