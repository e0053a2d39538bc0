"""`generate --dry-run`: what a run would take, with nothing sent."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

import click

from qtgen._util.text import money, pluralize
from qtgen.commands._output import warn
from qtgen.commands._progress import failure_line, who_answers
from qtgen.generation.generator import GenerationConfig
from qtgen.generation.plan import Job
from qtgen.generation.types import Outcome, Status
from qtgen.llm.endpoint import Endpoint, body_of, longest_answer, request
from qtgen.llm.estimate import Range, RunEstimate, seconds
from qtgen.llm.factory import concurrency, endpoints_for
from qtgen.llm.ledger import Ledger, key_of
from qtgen.llm.types import Prompt
from qtgen.settings import Settings

_AT_A_TIME = 500
LATENCY = 8.0  # seconds for an answer of this length, where nothing is known


def show(
    steps: Iterable[Job | Outcome],
    how: GenerationConfig,
    settings: Settings,
    book: Ledger,
    *,
    as_json: bool,
    fresh: bool,
) -> int:
    """Prints it; 1 if it is known of some row already that it will fail."""
    endpoints = endpoints_for(settings)
    facts = book.facts(endpoints[0].model)
    plan = RunEstimate(book.history(endpoints[0].model, how.digests().values()), facts.faulty)
    others = _add(plan, steps, how, endpoints[0], book, fresh)
    found = _Found(settings, endpoints, plan, others, facts.latency)
    for line in [json.dumps(found.as_dict())] if as_json else found.lines():
        click.echo(line)
    return int(others[Status.FAILED.value] > 0)


@dataclass(frozen=True, slots=True)
class _Found:
    """What there is to say. others: how many rows need no request, by status; latency: seconds, None: not known."""

    settings: Settings
    endpoints: Sequence[Endpoint]
    plan: RunEstimate
    others: Mapping[str, int]
    latency: float | None

    @property
    def cost(self) -> Range | None:
        return cost_of(self.plan, self.endpoints[0])

    @property
    def time(self) -> Range:
        return time_of(self.plan, self.settings, self.latency)

    def as_dict(self) -> dict[str, Any]:
        ranges = {
            "requests": self.plan.requests,
            "prompt_tokens": self.plan.sent(),
            "completion_tokens": self.plan.received(),
            "cost_usd": self.cost,
            "seconds": self.time,
        }
        return {
            "provider": self.endpoints[0].provider,
            "models": [endpoint.model for endpoint in self.endpoints],
            "base_url": self.settings.base_url,
            **{name: as_json_range(of) for name, of in ranges.items()},
            "budget_usd": self.settings.budget,
            "reused": self.plan.reused,
            **self.others,
        }

    def lines(self) -> Iterator[str]:
        plan, cost = self.plan, self.cost
        yield who_answers(self.settings, [endpoint.model for endpoint in self.endpoints])
        yield f"requests    {figures(plan.requests)}" + (
            f"   and {plan.reused:,} from the ledger" if plan.reused else ""
        )
        yield f"tokens      {figures(plan.sent())} sent, {figures(plan.received())} received"
        yield "cost        " + (
            "unknown: no price" if cost is None else f"{money(cost.expected)} ({money(cost.low)} to {money(cost.high)})"
        )
        if cost and self.settings.budget:
            yield f"budget      {money(self.settings.budget)}: {_enough(self.settings.budget, cost)}"
        yield f"time        {duration(self.time.expected)} with {self._limits()}"
        rest = ", ".join(f"{count:,} {status}" for status, count in self.others.items() if count)
        if rest:
            yield f"no request  {rest}"
        yield f"In brackets where nine of ten runs would lie, from {self._basis()}. Nothing was sent."

    def _limits(self) -> str:
        settings = self.settings
        answer = f"{self.latency:.1f} s for an answer" if self.latency else f"a guess of {LATENCY:g} s for an answer"
        limits = [
            f"{concurrency(settings):,} in flight",
            f"{settings.rpm:,g} requests a minute" if settings.rpm else "",
            f"{settings.tpm:,g} tokens a minute" if settings.tpm else "",
            answer,
        ]
        return ", ".join(limit for limit in limits if limit)

    def _basis(self) -> str:
        known = sum(1 for row in self.plan.history if row[3])
        model = self.endpoints[0].model
        return f"{pluralize(known, 'earlier answer')} of {model}" if known else "no earlier answers: wide guesses"


def _enough(budget: float, cost: Range) -> str:
    """Whether a run would end within its budget."""
    if cost.high <= budget:
        return "enough"
    share = f"for about {100 * min(1.0, budget / cost.expected):.0f}% of the requests" if cost.expected > budget else ""
    return f"enough {share}" if share else "most likely enough"


class Request(NamedTuple):
    """The first request for a page: its prompt's name, its bytes and its limit of tokens; known: the ledger has an
    answer."""

    prompt: str
    size: int
    longest: int
    known: bool


def requests(prompts: Iterable[Prompt], endpoint: Endpoint, book: Ledger) -> Iterator[Request]:
    """What would be sent first for each page. A request that stands there twice is given once."""
    waiting = iter(prompts)
    while prompts := list(islice(waiting, _AT_A_TIME)):
        documents = [request(prompt, endpoint) for prompt in prompts]
        bodies = [body_of(document) for document in documents]
        keys = [key_of(endpoint.place, body) for body in bodies]
        known = book.known(keys)
        by_key = dict(zip(keys, zip(prompts, bodies, documents, strict=True), strict=True))
        for key, (prompt, body, document) in by_key.items():
            yield Request(prompt.name, len(body), longest_answer(document), key in known)


def _add(
    plan: RunEstimate,
    steps: Iterable[Job | Outcome],
    how: GenerationConfig,
    endpoint: Endpoint,
    book: Ledger,
    fresh: bool,
) -> dict[str, int]:
    """Puts every request into the plan that has no answer yet; returns how many steps need none, and says what is wrong
    with them."""
    others = {status.value: 0 for status in (Status.EXISTS, Status.SKIPPED, Status.FAILED)}
    wrong: list[str] = []

    def jobs() -> Iterator[Job]:
        for step in steps:
            if isinstance(step, Outcome):
                others[step.status.value] += 1
                wrong.extend([failure_line(step)] if step.error else [])
            else:
                yield step

    for one in requests((how.render(job.question) for job in jobs()), endpoint, book):
        if one.known and not fresh:
            plan.reused += 1
        else:
            plan.add(one.prompt, one.size, one.longest)
    warn(wrong, "row", " without a request")
    return others


def cost_of(plan: RunEstimate, endpoint: Endpoint) -> Range | None:
    """US dollars; None where no price is known."""
    sent, received = plan.sent(), plan.received()
    bounds = [endpoint.cost(round(s), round(r), 0) for s, r in zip(_three(sent), _three(received), strict=True)]
    low, expected, high = bounds
    return None if low is None or expected is None or high is None else Range(low, expected, high)


def time_of(plan: RunEstimate, settings: Settings, latency: float | None) -> Range:
    """Seconds. latency: of one answer; None: not known."""
    tokens = (plan.sent() + plan.received()).expected / max(plan.requests.expected, 1)
    return plan.requests.map(
        lambda count: seconds(
            count,
            tokens * count,
            latency=latency or LATENCY,
            concurrency=concurrency(settings),
            rpm=settings.rpm,
            tpm=settings.tpm,
        )
    )


def _three(of: Range) -> tuple[float, float, float]:
    return of.low, of.expected, of.high


def as_json_range(of: Range | None) -> Any:
    return None if of is None else {name: round(getattr(of, name), 6) for name in ("low", "expected", "high")}


def figures(of: Range) -> str:
    if of.low == of.high:
        return f"{of.expected:,.0f}"
    return f"{of.expected:,.0f} ({of.low:,.0f} to {of.high:,.0f})"


def duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
