"""OpenTelemetry spans for every request, by the conventions for generative AI. Spans contain no text."""

import importlib.util
from collections.abc import Mapping
from typing import Any

from qtgen._util.extras import require
from qtgen.errors import ProviderError, SettingsError
from qtgen.llm.sender import Request, Sender
from qtgen.llm.types import Completion

_VARIABLE = "OTEL_TRACES_EXPORTER"
_PARAMETERS = ("max_tokens", "temperature")


def set_up(environ: Mapping[str, str]) -> None:
    """Export spans as OpenTelemetry's own environment variables say, unless the surrounding program set that up.

    Raises MissingExtra, and SettingsError if the exporter cannot be used.
    """
    exporter = environ.get(_VARIABLE, "none").strip().lower()
    if exporter in ("", "none"):
        return
    require(f"{_VARIABLE}={exporter}", "otel", "opentelemetry")
    try:
        from opentelemetry import trace
        from opentelemetry.sdk._configuration import _OTelSDKConfigurator  # what OpenTelemetry's own launcher calls

        if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
            _OTelSDKConfigurator().configure()  # type: ignore[no-untyped-call]
    except (ImportError, RuntimeError, ValueError) as error:
        message = f"{_VARIABLE}={exporter}: {error}"
        raise SettingsError(message, remedy="install the package of this exporter, or unset the variable") from None


def traced(sender: Sender, provider: str, model: str) -> Sender:
    """Return a sender that records a span for each attempt; `sender` itself if OpenTelemetry is not installed."""
    return TracingSender(sender, provider, model) if importlib.util.find_spec("opentelemetry") else sender


class TracingSender:
    """Records a span for each attempt. Where spans go, and whether at all, is OpenTelemetry's configuration."""

    def __init__(self, inner: Sender, provider: str, model: str) -> None:
        from opentelemetry import trace

        self._inner, self._model, self._trace = inner, model, trace
        self._tracer, self._kind = trace.get_tracer("qtgen"), trace.SpanKind.CLIENT
        self._attributes = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": provider,
            "gen_ai.request.model": model,
        }

    async def send(self, request: Request) -> Completion:
        if self._is_unused():
            return await self._inner.send(request)
        parameters = {
            f"gen_ai.request.{name}": request.parameters[name] for name in _PARAMETERS if name in request.parameters
        }
        attributes = {**self._attributes, **parameters}
        with self._tracer.start_as_current_span(f"chat {self._model}", kind=self._kind, attributes=attributes) as span:
            try:
                completion = await self._inner.send(request)
            except ProviderError as error:
                span.set_attributes({"error.type": error.kind})
                raise
            span.set_attributes(_response_attributes(completion))
            return completion

    def _is_unused(self) -> bool:
        """Return whether nobody receives spans, because OpenTelemetry is installed and not set up."""
        trace = self._trace
        is_proxy = isinstance(self._tracer, trace.ProxyTracer)
        return is_proxy and isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


def _response_attributes(completion: Completion) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        "gen_ai.response.model": completion.model,
        "gen_ai.usage.input_tokens": completion.usage.prompt_tokens,
        "gen_ai.usage.output_tokens": completion.usage.completion_tokens,
    }
    if completion.request_id:
        attributes["gen_ai.response.id"] = completion.request_id
    if completion.kind != "ok":
        attributes["error.type"] = completion.kind
    return attributes
