"""`qtgen plan`: forecast the time, the cost and the bottleneck of a run."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qtgen._util.text import json_text, pluralize
from qtgen.commands._echo import echo
from qtgen.commands._estimate import format_cost, format_duration, range_as_dict
from qtgen.commands._options import (
    Finite,
    Grouped,
    budget_option,
    file_or_dash,
    options_of,
    request_options,
    settings_from,
)
from qtgen.commands._plan_inputs import Inputs, PlanOptions, read_inputs
from qtgen.commands._run import require_prices
from qtgen.commands._site import site_option
from qtgen.commands._tables import print_facts, print_table, print_text
from qtgen.llm.estimate import Range
from qtgen.llm.forecast import Bottleneck, Forecast, Scenario, Way, forecast
from qtgen.llm.providers import provider_name

_MAX_MACHINES = 10_000
_BOTTLENECKS = {
    Bottleneck.CONCURRENCY: "latency and concurrency",
    Bottleneck.RATE_LIMIT: "--rpm or --tpm",
    Bottleneck.ENDPOINT_LIMIT: "the endpoint's limit",
    Bottleneck.PROCESSOR: "the processor",
    Bottleneck.BATCHES: "completion of batches",
    Bottleneck.ENQUEUED_TOKENS: "the limit of enqueued tokens",
    Bottleneck.BUDGET: "the budget",
}
_ORIGINS = {"option": "as given", "ledger": "from the ledger", "default": "a default"}
if TYPE_CHECKING:
    _ParamType = click.ParamType[tuple[float, float]]
else:
    _ParamType = click.ParamType  # it is not generic in the oldest supported click

_plan, _endpoint, _output = options_of("Plan"), options_of("Endpoint"), options_of("Output")


class TokenPair(_ParamType):
    """Tokens sent and received, such as `900,700`."""

    name = "tokens"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return both numbers. Fail if they are not two positive numbers."""
        if isinstance(value, tuple):
            return value
        try:
            sent, received = (float(part) for part in str(value).split(","))
        except ValueError:
            sent = received = 0.0
        if not (0 < sent < 1e9 and 0 < received < 1e9):
            self.fail(f"{value!r} is not two positive numbers, such as 900,700.", param, ctx)
        return sent, received


_POSITIVE, _SHARE = Finite(min=0, min_open=True, max=1e12), Finite(min=0, max=0.45)


@click.command("plan", cls=Grouped)
@click.argument("questions", nargs=-1, type=file_or_dash)
@_plan("--pages", type=click.IntRange(1, 10**12), help="Plan this many pages.  [default: the number of questions]")
@_plan("--machines", type=click.IntRange(1, _MAX_MACHINES), default=1, help="Use this many machines.  [default: 1]")
@_plan(
    "--processor",
    type=Finite(min=0, max=3600),
    metavar="SECONDS",
    help="Assume this processor time per page.  [default: 0.0065]",
)
@site_option(_plan)
@request_options
@budget_option
@_endpoint(
    "--latency",
    type=_POSITIVE,
    metavar="SECONDS",
    help="Assume this mean time per answer.  [default: the ledger's, or 8]",
)
@_endpoint(
    "--tokens",
    type=TokenPair(),
    metavar="SENT,RECEIVED",
    help="Assume these tokens per request.  [default: estimated as by `generate --dry-run`]",
)
@_endpoint(
    "--faulty",
    type=_SHARE,
    metavar="SHARE",
    help="Assume that this share of the answers needs a repair.  [default: the ledger's, or 0.05]",
)
@_endpoint(
    "--rejections",
    type=_SHARE,
    metavar="SHARE",
    help="Assume that this share of the requests gets status 429 by chance.  [default: the ledger's, or 0]",
)
@_endpoint(
    "--failures",
    type=_SHARE,
    metavar="SHARE",
    help="Assume that this share of the requests fails in another way.  [default: the ledger's, or 0]",
)
@_endpoint("--endpoint-rpm", type=_POSITIVE, metavar="N", help="Assume that the endpoint limits requests per minute.")
@_endpoint("--endpoint-tpm", type=_POSITIVE, metavar="N", help="Assume that the endpoint limits tokens per minute.")
@_endpoint(
    "--batch-hours",
    type=_POSITIVE,
    metavar="HOURS",
    help="Assume that a batch takes this long on average.  [default: 2]",
)
@_output("--seeds", type=click.IntRange(1, 1000), default=20, help="Run this many simulations.  [default: 20]")
@_output("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(questions: tuple[Path, ...], **flags: Any) -> int:
    """Forecast the time, the cost and the bottleneck of a run. This sends no request.

    The forecast simulates the requests for QUESTIONS (.csv, .xlsx, .jsonl, .txt, or - for stdin), or for --pages N, on
    one or several machines. Latency, faulty answers and failures come from the ledger if it has 20 answers of the
    model. The table shows the ways to send the requests: live, in batches, or mixed. Mixed means that the first
    request for each page is in a batch, and repairs are live.
    """
    names = PlanOptions.__slots__
    settings = settings_from(flags)
    require_prices(settings)
    given = {name: flags[name] for name in names if name in flags}
    options = PlanOptions(settings=settings, files=questions, **given)
    inputs = read_inputs(options)
    ways = [Way.LIVE] if provider_name(settings) == "local" else [*Way]
    forecasts = [forecast(inputs.scenario, way, options.seeds) for way in ways]
    if options.as_json:
        echo(json_text(_as_dict(inputs, forecasts, options.seeds), indent=1))
    else:
        _print(inputs, forecasts, options.seeds)
    return 0


def _print(inputs: Inputs, forecasts: list[Forecast], seeds: int) -> None:
    print_facts([*_facts(inputs)])
    echo()
    rows = [[*_cells(each, inputs.scenario)] for each in forecasts]
    print_table(["way", "time", "cost", "bottleneck", "one more machine"], rows, left=5)
    basis = f"Medians of {pluralize(seeds, 'simulation')}, with 90% intervals. Nothing was sent."
    print_text(basis)


def _facts(inputs: Inputs) -> Iterator[tuple[str, str]]:
    scenario, origins = inputs.scenario, inputs.origins

    def origin(name: str) -> str:
        return _ORIGINS[origins[name]]

    yield "model", inputs.endpoint.model
    limits = [
        f"{scenario.concurrency:,} requests in flight on each",
        f"{scenario.rpm:,g} requests per minute together" if scenario.rpm else "",
        f"{scenario.tpm:,g} tokens per minute together" if scenario.tpm else "",
    ]
    yield "pages", f"{scenario.pages:,}"
    yield "machines", f"{scenario.machines:,}, {', '.join(limit for limit in limits if limit)}"
    yield "latency", f"{scenario.latency.mean:.3g} s per answer ({origin('latency')})"
    tokens = f"{scenario.sent.mean:,.0f} sent and {scenario.received.mean:,.0f} received per request"
    yield "tokens", f"{tokens} ({origin('tokens')})"
    yield "faulty", f"{scenario.faulty:.1%} of the answers need a repair ({origin('faulty')})"
    rejections = f"{scenario.rejections:.1%} rejected by chance ({origin('rejections')})"
    yield "failures", f"{rejections}, {scenario.failures:.1%} failed ({origin('failures')})"
    known = [
        f"{limit:,g} {unit} per minute"
        for limit, unit in ((scenario.endpoint_rpm, "requests"), (scenario.endpoint_tpm, "tokens"))
        if limit
    ]
    yield "endpoint's limit", " and ".join(known) or "none known; --endpoint-rpm and --endpoint-tpm set one"
    yield "processor", f"{1000 * scenario.processor:.3g} ms per page ({origin('processor')})"
    hours = scenario.service.completion.mean / 3600
    yield "batches", f"{scenario.service.lines:,} requests, complete after {hours:.3g} h ({origin('batch_hours')})"


def _cells(each: Forecast, scenario: Scenario) -> Iterator[str]:
    yield each.way.value
    yield _duration_range(each.seconds)
    yield format_cost(each.cost) if each.cost else _unknown_cost(each.way, scenario)
    bottleneck = _BOTTLENECKS[each.bottleneck]
    yield f"{bottleneck}, after {each.pages:,} pages" if each.pages < scenario.pages else bottleneck
    yield f"{_duration(each.gain.seconds)}, saves {each.gain.saved:.0%}"


def _unknown_cost(way: Way, scenario: Scenario) -> str:
    is_listed = scenario.rates.sent is not None
    return "unknown: no price for batches" if is_listed and way is not Way.LIVE else "unknown: no price"


def _duration_range(value: Range) -> str:
    return f"{_duration(value.expected)} ({_duration(value.low)} to {_duration(value.high)})"


def _duration(seconds: float) -> str:
    return f"{seconds / 86_400:,.1f} days" if seconds >= 172_800 else format_duration(seconds)


def _as_dict(inputs: Inputs, forecasts: list[Forecast], seeds: int) -> dict[str, Any]:
    """Return the JSON object of `plan --json`."""
    scenario = inputs.scenario
    assumed = {
        "latency": scenario.latency.mean,
        "tokens": [round(scenario.sent.mean, 1), round(scenario.received.mean, 1)],
        "faulty": scenario.faulty,
        "rejections": scenario.rejections,
        "failures": scenario.failures,
        "processor": scenario.processor,
        "batch_hours": scenario.service.completion.mean / 3600,
    }
    return {
        "model": inputs.endpoint.model,
        "pages": scenario.pages,
        "machines": scenario.machines,
        "concurrency": scenario.concurrency,
        "rpm": scenario.rpm,
        "tpm": scenario.tpm,
        "endpoint_rpm": scenario.endpoint_rpm,
        "endpoint_tpm": scenario.endpoint_tpm,
        "budget_usd": scenario.budget,
        "seeds": seeds,
        "assumptions": {
            name: {"value": _rounded(value), "origin": inputs.origins[name]} for name, value in assumed.items()
        },
        "ways": {each.way.value: _way_as_dict(each) for each in forecasts},
    }


def _rounded(value: Any) -> Any:
    return round(value, 6) if isinstance(value, float) else value


def _way_as_dict(each: Forecast) -> dict[str, Any]:
    return {
        "pages": each.pages,
        "seconds": range_as_dict(each.seconds),
        "requests": range_as_dict(each.requests),
        "cost_usd": range_as_dict(each.cost),
        "bottleneck": each.bottleneck.value,
        "batch_rounds": each.rounds,
        "one_more_machine": {"seconds": round(each.gain.seconds, 6), "saved": round(each.gain.saved, 6)},
    }
