"""`generate --dry-run`: estimate what a run would take, without sending anything."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, NamedTuple

from qtgen._util.credentials import masked_address
from qtgen._util.text import json_text, money, pluralize
from qtgen.commands._echo import echo
from qtgen.commands._output import note, warn
from qtgen.commands._progress import failure_line
from qtgen.commands._run import describe_models
from qtgen.commands._stats import count_status
from qtgen.commands._tables import print_facts, print_text
from qtgen.generation.config import GenerationConfig
from qtgen.generation.plan import DELETED, Job
from qtgen.generation.types import Outcome, Status
from qtgen.llm.endpoint import Endpoint, make_request
from qtgen.llm.estimate import Range, RunEstimate, seconds
from qtgen.llm.factory import concurrency, endpoints_for
from qtgen.llm.ledger import Ledger
from qtgen.llm.types import Prompt
from qtgen.settings import Settings

GUESSED_LATENCY = 8.0
"""Seconds per answer if the ledger has no answer of the model."""
_CHUNK = 500  # requests that are looked up in the ledger together


class FirstRequest(NamedTuple):
    """The first request for a page.

    Args:
        prompt: Name of the prompt.
        size: Size of the request in bytes.
        max_tokens: Maximum length of the answer.
        is_known: Whether the ledger has an answer.
    """

    prompt: str
    size: int
    max_tokens: int
    is_known: bool


def first_requests(prompts: Iterable[Prompt], endpoint: Endpoint, ledger: Ledger) -> Iterator[FirstRequest]:
    """Yield the first request for each page; of equal requests only one, because it is sent once."""
    remaining = iter(prompts)
    while chunk := list(islice(remaining, _CHUNK)):
        by_digest = {request.key.digest: request for request in (make_request(prompt, endpoint) for prompt in chunk)}
        answered = ledger.answered([*by_digest])
        for digest, request in by_digest.items():
            yield FirstRequest(request.key.prompt, request.key.size, request.max_answer_tokens, digest in answered)


@dataclass(frozen=True, slots=True)
class DryRun:
    """The result of a dry run.

    Args:
        settings: The settings in force.
        endpoints: The models in force.
        estimate: The requests that would be sent.
        others: Number of rows that need no request, by status.
        latency: Seconds per answer, or None if the ledger has no answer of the model.
        has_judges: Whether judges choose between candidates. Their requests are not estimated.
    """

    settings: Settings
    endpoints: Sequence[Endpoint]
    estimate: RunEstimate
    others: Mapping[str, int]
    latency: float | None
    has_judges: bool = False

    @property
    def exit_code(self) -> int:
        """1 if a row is certain to fail."""
        return int(self.others[Status.FAILED.value] > 0)

    def print(self, *, as_json: bool) -> None:
        """Print the estimate on stdout."""
        if as_json:
            echo(json_text(self.as_dict()))
            return
        print_text(describe_models(self.settings, [endpoint.model for endpoint in self.endpoints]))
        print_facts([*self._facts()])
        without = ", without the requests of the judges" if self.has_judges else ""
        print_text(f"Ranges are 90% intervals, from {self._basis()}{without}. Nothing was sent.")

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON object of `generate --dry-run --json`."""
        ranges = {
            "requests": self.estimate.requests,
            "prompt_tokens": self.estimate.sent(),
            "completion_tokens": self.estimate.received(),
            "cost_usd": cost_of(self.estimate, self.endpoints[0]),
            "seconds": time_of(self.estimate, self.settings, self.latency),
        }
        return {
            "provider": self.endpoints[0].provider,
            "models": [endpoint.model for endpoint in self.endpoints],
            "base_url": self.settings.base_url and masked_address(self.settings.base_url),
            **{name: range_as_dict(range_) for name, range_ in ranges.items()},
            "budget_usd": self.settings.budget,
            "reused": self.estimate.reused,
            **self.others,
        }

    def _facts(self) -> Iterator[tuple[str, str]]:
        estimate, budget = self.estimate, self.settings.budget
        cost = cost_of(estimate, self.endpoints[0])
        reused = f", and {estimate.reused:,} from the ledger" if estimate.reused else ""
        yield "requests", f"{format_range(estimate.requests)}{reused}"
        yield "tokens", f"{format_range(estimate.sent())} sent, {format_range(estimate.received())} received"
        yield "cost", format_cost(cost) if cost else "unknown: no price"
        if cost and budget:
            yield "budget", f"{money(budget)}: {_sufficiency(budget, cost)}"
        duration = time_of(estimate, self.settings, self.latency)
        yield "time", f"{format_duration(duration.expected)} with {self._limits()}"
        rest = ", ".join(count_status(Status(status), count) for status, count in self.others.items() if count)
        if rest:
            yield "no request", rest

    def _limits(self) -> str:
        settings = self.settings
        limits = [
            f"{concurrency(settings):,} in flight",
            f"{settings.rpm:,g} requests per minute" if settings.rpm else "",
            f"{settings.tpm:,g} tokens per minute" if settings.tpm else "",
            f"{self.latency:.1f} s per answer" if self.latency else f"a guess of {GUESSED_LATENCY:g} s per answer",
        ]
        return ", ".join(limit for limit in limits if limit)

    def _basis(self) -> str:
        answers = sum(1 for row in self.estimate.history if row[3])
        model = self.endpoints[0].model
        return f"{pluralize(answers, 'earlier answer')} of {model}" if answers else "a guess, without earlier answers"


def estimate_run(
    steps: Iterable[Job | Outcome],
    config: GenerationConfig,
    settings: Settings,
    ledger: Ledger,
    *,
    fresh: bool,
    in_batches: bool = False,
) -> DryRun:
    """Return what a run of `steps` would take, and warn about rows that are skipped or certain to fail.

    If `in_batches`, the cost is that of batches. The time is that of a live run in any case.
    """
    endpoints = endpoints_for(settings, None if fresh else ledger)
    if in_batches:
        endpoints = [endpoint.in_batches() for endpoint in endpoints]
    facts = ledger.facts(endpoints[0].model)
    history = ledger.history(endpoints[0].model, config.template_digests().values())
    estimate = RunEstimate(history, facts.faulty)
    others = {status.value: 0 for status in (Status.EXISTS, Status.SKIPPED, Status.FAILED)}
    problems: list[str] = []
    deleted = 0

    def jobs() -> Iterator[Job]:
        nonlocal deleted
        for step in steps:
            if isinstance(step, Job):
                yield step
                continue
            others[step.status.value] += 1
            deleted += step.error is not None and step.error.kind == DELETED
            if line := failure_line(step):
                problems.append(line)

    first_prompts = (config.render(job.question, endpoints[0].style) for job in jobs())
    prompts = (replace(prompt, sample=sample) for prompt in first_prompts for sample in range(config.candidates))
    for first in first_requests(prompts, endpoints[0], ledger):
        if first.is_known and not fresh:
            estimate.reused += 1
        else:
            estimate.add(first.prompt, first.size, first.max_tokens)
    warn(problems, "row", " without a request")
    if deleted:
        note(deleted_note(deleted))
    return DryRun(settings, endpoints, estimate, others, facts.latency)


def deleted_note(count: int) -> str:
    """Return the line about pages that are not written because they were deleted."""
    verb, pronoun = ("was", "it") if count == 1 else ("were", "them")
    return f"{pluralize(count, 'page')} {verb} written earlier and deleted since; --recreate writes {pronoun} again"


def _sufficiency(budget: float, cost: Range) -> str:
    """Return whether a run would stay within its budget."""
    if cost.high <= budget:
        return "enough"
    if cost.expected <= budget:
        return "most likely enough"
    return f"enough for about {100 * min(1.0, budget / cost.expected):.0f}% of the requests"


def cost_of(estimate: RunEstimate, endpoint: Endpoint) -> Range | None:
    """Return the cost in US dollars, or None if the model has no price."""
    sent, received = estimate.sent(), estimate.received()
    low, expected, high = (
        endpoint.cost(round(getattr(sent, bound)), round(getattr(received, bound)), 0)
        for bound in ("low", "expected", "high")
    )
    return None if low is None or expected is None or high is None else Range(low, expected, high)


def time_of(estimate: RunEstimate, settings: Settings, latency: float | None) -> Range:
    """Return the duration in seconds.

    Args:
        estimate: The requests.
        settings: The limits.
        latency: Seconds per answer, or None if unknown.
    """
    tokens = (estimate.sent() + estimate.received()).expected / max(estimate.requests.expected, 1)
    return estimate.requests.map(
        lambda count: seconds(
            count,
            tokens * count,
            latency=latency or GUESSED_LATENCY,
            concurrency=concurrency(settings),
            rpm=settings.rpm,
            tpm=settings.tpm,
        )
    )


def range_as_dict(value: Range | None) -> dict[str, float] | None:
    """Return a range as a JSON object."""
    if value is None:
        return None
    return {name: round(getattr(value, name), 6) for name in ("low", "expected", "high")}


def format_range(value: Range) -> str:
    """Return `1,200 (1,100 to 1,400)`, or one number if the range has no width."""
    if value.low == value.high:
        return f"{value.expected:,.0f}"
    return f"{value.expected:,.0f} ({value.low:,.0f} to {value.high:,.0f})"


def format_cost(value: Range) -> str:
    """Return `$1.20 ($1.10 to $1.40)`."""
    return f"{money(value.expected)} ({money(value.low)} to {money(value.high)})"


def format_duration(seconds: float) -> str:
    """Return `90 s`, `12 min` or `3.5 h`."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
