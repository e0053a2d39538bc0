"""`generate --dry-run`: what a run would take, with nothing sent."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

import click

from qtgen.commands.progress import money
from qtgen.estimate import Plan, Range, seconds
from qtgen.generator import Recipe
from qtgen.ledger import Book, key_of
from qtgen.planning import Job
from qtgen.providers import concurrency, endpoints_for
from qtgen.providers.endpoint import Endpoint, request_body
from qtgen.records import Outcome, Status
from qtgen.settings import Settings

_AT_A_TIME = 500
_LATENCY = 8.0  # seconds for an answer of this length, where nothing is known


def show(
    steps: Iterable[Job | Outcome], how: Recipe, settings: Settings, book: Book, *, as_json: bool, fresh: bool
) -> int:
    endpoint = endpoints_for(settings)[0]
    facts = book.facts(endpoint.model)
    plan = Plan(book.history(endpoint.model, how.digests().values()), facts.faulty)
    others = _add(plan, steps, how, endpoint, book, fresh)
    sent, received = plan.sent(), plan.received()
    cost = _cost(endpoint, sent, received)
    time = plan.requests.map(
        lambda count: seconds(
            count,
            (sent + received).expected * count / max(plan.requests.expected, 1),
            latency=facts.latency or _LATENCY,
            concurrency=concurrency(settings),
            rpm=settings.rpm,
            tpm=settings.tpm,
        )
    )
    if as_json:
        ranges = {
            "requests": plan.requests,
            "prompt_tokens": sent,
            "completion_tokens": received,
            "cost_usd": cost,
            "seconds": time,
        }
        click.echo(json.dumps({**{name: _as_json(of) for name, of in ranges.items()}, "reused": plan.reused, **others}))
        return 0
    for line in _lines(plan, endpoint, others, sent, received, cost, time):
        click.echo(line)
    return 0


def _add(
    plan: Plan, steps: Iterable[Job | Outcome], how: Recipe, endpoint: Endpoint, book: Book, fresh: bool
) -> dict[str, int]:
    """Puts every request into the plan that has no answer yet; returns how many steps need none."""
    others = {status.value: 0 for status in (Status.EXISTS, Status.SKIPPED, Status.FAILED)}
    waiting: dict[bytes, tuple[str, int, int]] = {}

    def settle() -> None:
        known = set() if fresh else book.known([*waiting])
        plan.reused += len(known)
        for key, request in waiting.items():
            if key not in known:
                plan.add(*request)
        waiting.clear()

    for step in steps:
        if isinstance(step, Outcome):
            others[step.status.value] += 1
            continue
        prompt = how.render(step.question)
        body = request_body(prompt, endpoint)
        waiting[key_of(endpoint.base_url, body)] = (prompt.name, len(body), int(prompt.parameters["max_tokens"]))
        if len(waiting) >= _AT_A_TIME:
            settle()
    settle()
    return others


def _cost(endpoint: Endpoint, sent: Range, received: Range) -> Range | None:
    bounds = [endpoint.cost(round(s), round(r), 0) for s, r in zip(_three(sent), _three(received), strict=True)]
    low, expected, high = bounds
    return None if low is None or expected is None or high is None else Range(low, expected, high)


def _three(of: Range) -> tuple[float, float, float]:
    return of.low, of.expected, of.high


def _as_json(of: Range | None) -> Any:
    return None if of is None else {name: round(getattr(of, name), 6) for name in ("low", "expected", "high")}


def _lines(
    plan: Plan,
    endpoint: Endpoint,
    others: dict[str, int],
    sent: Range,
    received: Range,
    cost: Range | None,
    time: Range,
) -> Iterator[str]:
    requests = plan.requests
    known = sum(1 for row in plan.history if row[3])
    basis = f"{known:,} earlier answers of {endpoint.model}" if known else "no earlier answers: wide guesses"
    yield f"requests    {_figures(requests)}" + (f"   and {plan.reused:,} from the ledger" if plan.reused else "")
    yield f"tokens      {_figures(sent)} sent, {_figures(received)} received"
    yield "cost        " + (
        "unknown: no price" if cost is None else f"{money(cost.expected)} ({money(cost.low)} to {money(cost.high)})"
    )
    yield f"time        {_duration(time.expected)} at the limits given"
    rest = ", ".join(f"{count:,} {status}" for status, count in others.items() if count)
    if rest:
        yield f"no request  {rest}"
    yield f"In brackets where nine of ten runs would lie, from {basis}. Nothing was sent."


def _figures(of: Range) -> str:
    if of.low == of.high:
        return f"{of.expected:,.0f}"
    return f"{of.expected:,.0f} ({of.low:,.0f} to {of.high:,.0f})"


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
