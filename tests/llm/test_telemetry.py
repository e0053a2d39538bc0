"""Spans of OpenTelemetry."""

import importlib.util

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from qtgen._util import extras
from qtgen.errors import MissingExtra, Retryable, SettingsError
from qtgen.llm.telemetry import TracingSender, set_up, traced
from support.senders import ScriptedSender, answer, request
from support.simulated import simulate


def test_each_attempt_is_a_span_without_text() -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))

    async def main() -> None:
        inner = ScriptedSender(Retryable("no: sk-secret"), answer("the answer"), answer("the reason", kind="refused"))
        sender = TracingSender(inner, "openai", "m")
        sender._tracer = provider.get_tracer("qtgen")
        for _ in range(3):
            try:
                await sender.send(request("the question"))
            except Retryable:
                continue

    simulate(main())
    failed, answered, refused = (dict(span.attributes or {}) for span in exporter.get_finished_spans())
    assert failed["error.type"] == "unavailable"
    assert (answered["gen_ai.usage.output_tokens"], answered["gen_ai.response.model"]) == (50, "m-1")
    assert (answered["gen_ai.request.max_tokens"], answered["gen_ai.response.id"]) == (1_000, "r-1")
    assert refused["error.type"] == "refused"
    assert {span.name for span in exporter.get_finished_spans()} == {"chat m"}
    text = "".join(span.to_json() for span in exporter.get_finished_spans())
    for word in ("the answer", "the question", "the reason"):
        assert word not in text


def test_without_opentelemetry_there_is_no_tracing_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    sender = ScriptedSender()
    assert isinstance(traced(sender, "openai", "m"), TracingSender)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert traced(sender, "openai", "m") is sender


@pytest.mark.parametrize("value", ["", "none", " None "])
def test_nothing_is_set_up_unless_an_exporter_is_named(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "missing", lambda *_: "opentelemetry")
    set_up({"OTEL_TRACES_EXPORTER": value})
    set_up({})


def test_a_missing_extra_and_an_unknown_exporter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "nowhere")
    with pytest.raises(SettingsError, match=r"OTEL_TRACES_EXPORTER=nowhere: .*; install the package of this exporter"):
        set_up({"OTEL_TRACES_EXPORTER": "nowhere"})
    monkeypatch.setattr(extras, "missing", lambda *_: "opentelemetry")
    with pytest.raises(MissingExtra) as caught:
        set_up({"OTEL_TRACES_EXPORTER": "otlp"})
    assert caught.value.extra == "otel"
