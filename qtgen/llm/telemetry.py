"""Spans of OpenTelemetry for every request, by its conventions for generative AI; nothing where it is not installed."""

import importlib.util
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from qtgen.errors import SettingsError


class TraceSpan(Protocol):
    def set_attributes(self, attributes: Mapping[str, Any]) -> None: ...


class _NoSpan:
    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Nobody listens."""


_NO_SPAN = _NoSpan()
_INSTALLED = importlib.util.find_spec("opentelemetry") is not None


def set_up(environ: Mapping[str, str]) -> None:
    """Send the spans to where OpenTelemetry's own environment variables say, unless the program around us did so.

    Raises SettingsError where OTEL_TRACES_EXPORTER names what cannot be used.
    """
    named = environ.get("OTEL_TRACES_EXPORTER", "none").strip().lower()
    if named in ("", "none"):
        return
    try:
        from opentelemetry import trace
        from opentelemetry.sdk._configuration import _OTelSDKConfigurator  # what OpenTelemetry's own launcher calls

        if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
            _OTelSDKConfigurator().configure()  # type: ignore[no-untyped-call]
    except ImportError:
        raise SettingsError("OTEL_TRACES_EXPORTER is set: install qtgen with its `otel` extra, or unset it") from None
    except (RuntimeError, ValueError) as error:
        raise SettingsError(f"OTEL_TRACES_EXPORTER = {named}: {error}; is its exporter's package installed?") from None


@contextmanager
def chat_span(provider: str, model: str, parameters: Mapping[str, Any]) -> Iterator[TraceSpan]:
    """One request. No text is put in."""
    if not _INSTALLED:
        yield _NO_SPAN
        return
    from opentelemetry import trace

    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": provider,
        "gen_ai.request.model": model,
        **{f"gen_ai.request.{name}": parameters[name] for name in ("max_tokens", "temperature") if name in parameters},
    }
    tracer = trace.get_tracer("qtgen")
    with tracer.start_as_current_span(f"chat {model}", kind=trace.SpanKind.CLIENT, attributes=attributes) as span:
        yield span


def answered(model: str, request_id: str | None, sent: int, received: int) -> dict[str, Any]:
    """The attributes of an answer."""
    found: dict[str, Any] = {
        "gen_ai.response.model": model,
        "gen_ai.usage.input_tokens": sent,
        "gen_ai.usage.output_tokens": received,
    }
    return found | ({"gen_ai.response.id": request_id} if request_id else {})
