"""`qtgen check-endpoint`: find out what an endpoint is and can do."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import click

from qtgen._util.text import money
from qtgen.commands._options import open_ledger, settings_from
from qtgen.errors import SettingsError
from qtgen.llm.check import EndpointReport, Probe, check_endpoint
from qtgen.llm.ledger import open_writer
from qtgen.llm.providers import provider_name
from qtgen.llm.types import AnswerFormat, Limits
from qtgen.settings import Settings

_FORMATS = {
    AnswerFormat.JSON_SCHEMA: "json_schema: answers follow the schema",
    AnswerFormat.JSON_OBJECT: "json_object: answers are JSON, and the prompt contains the schema",
    AnswerFormat.MARKDOWN: "markdown: no answer in JSON came back",
}
_EPILOG = """\b
Exit codes:
  0  the endpoint answers
  2  it cannot work with these settings; the last line says why
"""


@click.command(epilog=_EPILOG)
@click.option("--model", help="Check this model.  [default: the first one in the settings]")
@click.option("--base-url", help="Check the OpenAI-compatible endpoint at this address.  [default: OpenAI's]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(as_json: bool, model: str | None, base_url: str | None) -> int:
    """Send three tiny requests to the endpoint, and print what it can do and the settings to use.

    The requests are a plain text, an answer in JSON, and a stream. The ledger records their cost, and what was learned
    about the fields that the endpoint accepts.
    """
    settings = settings_from({"model": (model,) if model else None, "base_url": base_url})
    if provider_name(settings) == "local":
        raise SettingsError("there is no endpoint to check", remedy="set OPENAI_BASE_URL, or OPENAI_API_KEY for OpenAI")
    report = asyncio.run(_check(settings))
    if as_json:
        click.echo(json.dumps(_as_dict(report), indent=1, ensure_ascii=False))
        return 0
    for name, words in _rows(report):
        click.echo(f"{name:<10} {words}")
    click.echo("\nSettings for qtgen.toml:\n")
    for setting, value in report.settings().items():
        click.echo(f"{setting} = {json.dumps(value, ensure_ascii=False)}")
    if not report.has_price:
        click.echo(f"\n[prices.{json.dumps(report.model)}]  # US dollars per million tokens\n# input = …\n# output = …")
    return 0


async def _check(settings: Settings) -> EndpointReport:
    with open_ledger(settings) as ledger:
        async with open_writer(ledger, fresh=True) as writer:
            return await check_endpoint(settings, writer)


def _rows(report: EndpointReport) -> Iterator[tuple[str, str]]:
    """Yield what is known of the endpoint, each with a name."""
    yield "endpoint", report.address or "OpenAI"
    served = "" if report.served_model == report.model else f" (the endpoint calls it {report.served_model})"
    yield "model", report.model + served
    yield "format", _FORMATS[report.answer_format] + _because(report.structured)
    for change in report.changes:
        yield "changed", change
    usage = "reported" if report.reports_usage else "not reported, so the cost of answers is unknown"
    yield "usage", usage
    yield "price", "known" if report.has_price else "unknown, so --budget cannot be used"
    yield "streaming", "accepted" if report.can_stream else f"not accepted{_because(report.stream)}"
    yield "limits", _limits(report.limits)
    seconds = [f"{probe.seconds:.1f} s" for probe in _probes(report)]
    yield "latency", ", ".join(seconds)
    tokens = report.usage.prompt_tokens + report.usage.completion_tokens
    yield "spent", f"{tokens:,} tokens, {money(report.usage.charged_usd)}"


def _probes(report: EndpointReport) -> list[Probe]:
    return [probe for probe in (report.text, report.structured, report.stream) if probe]


def _because(probe: Probe | None) -> str:
    return f" ({probe.error})" if probe and probe.error else ""


def _limits(limits: Limits | None) -> str:
    numbers = {"requests": limits.requests_per_minute, "tokens": limits.tokens_per_minute} if limits else {}
    known = [f"{number:,} {name} per window" for name, number in numbers.items() if number]
    return ", ".join(known) or "not reported"


def _as_dict(report: EndpointReport) -> dict[str, Any]:
    return {
        "base_url": report.address,
        "model": report.model,
        "served_model": report.served_model,
        "answer_format": report.answer_format.value,
        "changes": list(report.changes),
        "reports_usage": report.reports_usage,
        "price_known": report.has_price,
        "streaming": report.can_stream,
        "limits": report.limits._asdict() if report.limits else None,
        "seconds": [round(probe.seconds, 3) for probe in _probes(report)],
        "usage": {
            "prompt_tokens": report.usage.prompt_tokens,
            "completion_tokens": report.usage.completion_tokens,
            "cost_usd": report.usage.charged_usd,
        },
        "settings": report.settings(),
    }
