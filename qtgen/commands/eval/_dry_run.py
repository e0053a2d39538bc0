"""`eval run --dry-run`: what a live run would take, without sending anything."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qtgen._util.text import money, pluralize
from qtgen.commands._estimate import as_json_range, cost_of, duration, figures, time_of
from qtgen.commands._options import open_book
from qtgen.commands._progress import who_answers
from qtgen.evaluation.candidates import job_for
from qtgen.evaluation.recordings import record_cassette
from qtgen.evaluation.suites import Suite
from qtgen.generation.generator import GenerationConfig
from qtgen.llm.endpoint import Endpoint, body_of, longest_answer, request
from qtgen.llm.estimate import RunEstimate
from qtgen.llm.factory import endpoints_for
from qtgen.settings import Settings


@dataclass(frozen=True, slots=True)
class SuiteEstimate:
    """The estimate of one suite. `unusable` counts references that cannot be used; `latency` is in seconds."""

    suite: str
    settings: Settings
    endpoint: Endpoint
    plan: RunEstimate
    unusable: int
    latency: float | None

    def as_json(self) -> str:
        """Return the estimate as one JSON object, with the keys of `generate --dry-run --json`."""
        ranges = {
            "requests": self.plan.requests,
            "prompt_tokens": self.plan.sent(),
            "completion_tokens": self.plan.received(),
            "cost_usd": cost_of(self.plan, self.endpoint),
            "seconds": time_of(self.plan, self.settings, self.latency),
        }
        document: dict[str, Any] = {
            "suite": self.suite,
            "provider": self.endpoint.provider,
            "models": [self.endpoint.model],
            "base_url": self.settings.base_url,
            **{name: as_json_range(value) for name, value in ranges.items()},
            "budget_usd": self.settings.budget,
            "reused": self.plan.reused,
            "failed": self.unusable,
        }
        return json.dumps(document)

    def lines(self) -> Iterator[str]:
        """Yield the estimate for people."""
        plan, cost = self.plan, cost_of(self.plan, self.endpoint)
        reused = f"   and {pluralize(plan.reused, 'response')} of the interrupted run" if plan.reused else ""
        yield f"suite       {self.suite}"
        yield f"model       {who_answers(self.settings, [self.endpoint.model])}"
        yield f"requests    {figures(plan.requests)}{reused}"
        yield f"tokens      {figures(plan.sent())} sent, {figures(plan.received())} received"
        if cost is None:
            yield "cost        unknown: the model has no price"
        else:
            yield f"cost        {money(cost.expected)} ({money(cost.low)} to {money(cost.high)})"
        if self.settings.budget:
            yield f"budget      {money(self.settings.budget)}"
        yield f"time        {duration(time_of(plan, self.settings, self.latency).expected)}"
        if self.unusable:
            yield f"no request  {pluralize(self.unusable, 'reference')} that cannot be used"
        yield "Ranges in brackets are 90% intervals. Requests to judges are not included. Nothing was sent."


def estimate_suite(
    suite: Suite, config: GenerationConfig, settings: Settings, repeats: int, interrupted: Path | None
) -> SuiteEstimate:
    """Return what a live run of a suite would take.

    Args:
        suite: The suite to run.
        config: How its pages are generated.
        settings: Which model is asked, and its limits.
        repeats: Number of pages for each reference.
        interrupted: The cassette whose interrupted recording is continued, if any.
    """
    endpoint = endpoints_for(settings)[0]
    usable = [reference for reference in suite.references if reference.error is None]
    with ExitStack() as stack:
        ledger = stack.enter_context(open_book(settings))
        facts = ledger.facts(endpoint.model)
        plan = RunEstimate(ledger.history(endpoint.model, config.digests().values()), facts.faulty)
        recording = stack.enter_context(record_cassette(interrupted, resume=True)) if interrupted else None
        for reference in usable * repeats:
            prompt = config.render(job_for(reference).question)
            document = request(prompt, endpoint)
            body = body_of(document)
            if recording and recording.holds(body):
                recording.take(body)
                plan.reused += 1
            else:
                plan.add(prompt.name, len(body), longest_answer(document))
    unusable = len(suite.references) - len(usable)
    return SuiteEstimate(suite.name, settings, endpoint, plan, unusable, facts.latency)
