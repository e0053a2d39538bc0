"""`eval run --dry-run`: what a live run would take, without sending anything."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from qtgen._util.text import json_text, pluralize
from qtgen.commands._echo import echo
from qtgen.commands._estimate import DryRun
from qtgen.commands._options import open_ledger
from qtgen.evaluation.suites.candidates import job_for
from qtgen.evaluation.suites.suite import Suite
from qtgen.generation.config import GenerationConfig
from qtgen.generation.types import Status
from qtgen.llm.endpoint import encode_document, make_request, sent_document
from qtgen.llm.estimate import RunEstimate
from qtgen.llm.factory import endpoints_for
from qtgen.settings import Settings


@dataclass(frozen=True, slots=True)
class SuiteEstimate:
    """The estimate of one suite. `reused` counts recorded responses that are reused."""

    suite: str
    run: DryRun
    reused: int

    def print(self, *, as_json: bool) -> None:
        """Print the estimate on stdout."""
        if as_json:
            echo(json_text(self.as_dict()))
            return
        echo(f"suite {self.suite}")
        self.run.print(as_json=False)
        if self.reused:
            echo(f"{pluralize(self.reused, 'recorded response')} will be reused.")
        echo("Requests to judges are not included.")

    def as_dict(self) -> dict[str, Any]:
        """Return the estimate as a JSON object."""
        return {"suite": self.suite, **self.run.as_dict(), "reused": self.reused}


def estimate_suite(
    suite: Suite, config: GenerationConfig, settings: Settings, repeats: int, recorded: Counter[bytes]
) -> SuiteEstimate:
    """Estimate the requests and the cost of a live run of a suite.

    Args:
        suite: The suite to run.
        config: The settings of the generation.
        settings: The model and its limits.
        repeats: Number of pages for each reference.
        recorded: Number of reused responses for each request.
    """
    endpoints = endpoints_for(settings)
    usable = [reference for reference in suite.references if reference.error is None]
    reused = 0
    left = Counter(recorded)
    with open_ledger(settings) as ledger:
        facts = ledger.facts(endpoints[0].model)
        estimate = RunEstimate(ledger.history(endpoints[0].model, config.template_digests().values()), facts.faulty)
        for reference in usable * repeats:
            prompt = config.render(job_for(reference).question, endpoints[0].style)
            request, sent = make_request(prompt, endpoints[0]), encode_document(sent_document(prompt, endpoints[0]))
            if left[sent]:
                left[sent] -= 1
                reused += 1
            else:
                estimate.add(request.key.prompt, request.key.size, request.max_answer_tokens)
    failed = {Status.FAILED.value: len(suite.references) - len(usable)}
    return SuiteEstimate(suite.name, DryRun(settings, endpoints, estimate, failed, facts.latency), reused)
