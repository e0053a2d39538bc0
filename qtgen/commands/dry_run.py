"""`generate --dry-run`: what a run would take, with nothing sent."""

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

import click

from qtgen.commands.progress import money
from qtgen.estimate import Plan, Range, seconds
from qtgen.generator import Recipe
from qtgen.ledger import Book, key_of
from qtgen.planning import Job
from qtgen.providers import concurrency, endpoints_for
from qtgen.providers.endpoint import Endpoint, body_of, longest_answer, request
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


class Request(NamedTuple):
    """The first request for a page: its prompt's name, its bytes and its limit of tokens; known: the ledger has an
    answer."""

    prompt: str
    size: int
    longest: int
    known: bool


def requests(jobs: Iterable[Job], how: Recipe, endpoint: Endpoint, book: Book) -> Iterator[Request]:
    """What would be sent first for each page. A request that stands there twice is given once."""
    waiting = iter(jobs)
    while some := list(islice(waiting, _AT_A_TIME)):
        prompts = [how.render(job.question) for job in some]
        documents = [request(prompt, endpoint) for prompt in prompts]
        bodies = [body_of(document) for document in documents]
        keys = [key_of(endpoint.place, body) for body in bodies]
        known = book.known(keys)
        by_key = dict(zip(keys, zip(prompts, bodies, documents, strict=True), strict=True))
        for key, (prompt, body, document) in by_key.items():
            yield Request(prompt.name, len(body), longest_answer(document), key in known)


def _add(
    plan: Plan, steps: Iterable[Job | Outcome], how: Recipe, endpoint: Endpoint, book: Book, fresh: bool
) -> dict[str, int]:
    """Puts every request into the plan that has no answer yet; returns how many steps need none."""
    others = {status.value: 0 for status in (Status.EXISTS, Status.SKIPPED, Status.FAILED)}

    def jobs() -> Iterator[Job]:
        for step in steps:
            if isinstance(step, Outcome):
                others[step.status.value] += 1
            else:
                yield step

    for one in requests(jobs(), how, endpoint, book):
        if one.known and not fresh:
            plan.reused += 1
        else:
            plan.add(one.prompt, one.size, one.longest)
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
