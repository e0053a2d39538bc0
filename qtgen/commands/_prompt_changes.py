"""Warn about prompts that changed since the last run, because that can make many requests new."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator

from qtgen.commands._estimate import first_requests
from qtgen.generation.config import GenerationConfig
from qtgen.generation.plan import Job
from qtgen.generation.types import Outcome, Question
from qtgen.llm.endpoint import Endpoint
from qtgen.llm.ledger import Ledger


def prompt_change_notes(
    config: GenerationConfig,
    endpoint: Endpoint,
    ledger: Ledger,
    questions: Iterable[Question],
    steps: Callable[[], Iterable[Job | Outcome]],
) -> Iterator[str]:
    """Yield a line for each changed prompt that sends requests, and remember the prompts in the ledger.

    Args:
        config: The run's configuration.
        endpoint: Where its requests go.
        ledger: Knows the prompts and answers of earlier runs.
        questions: All questions. They are only read if a prompt changed.
        steps: Returns the run's jobs. It is only called if a question uses a changed prompt.
    """

    def prompt_of(question: Question) -> str:
        return config.library.choose(question.text, config.prompt, is_short=endpoint.style.is_short).header.name

    digests = config.template_digests()
    changed = ledger.changed_prompts(digests)
    in_ledger: dict[str, Counter[bool]] = defaultdict(Counter)
    if changed and changed & {prompt_of(question) for question in questions}:
        jobs = (step for step in steps() if isinstance(step, Job) and prompt_of(step.question) in changed)
        prompts = (config.render(job.question, endpoint.style) for job in jobs)
        for request in first_requests(prompts, endpoint, ledger):
            in_ledger[request.prompt][request.is_known] += 1
    ledger.record_prompts({name: digests[name] for name in digests if name not in changed or name in in_ledger})
    for name, counts in in_ledger.items():
        if counts[False]:
            yield (
                f"prompt `{name}` has changed since the last run: {counts[False]:,} of its {counts.total():,} requests "
                f"will be sent, {counts[True]:,} have an answer in the ledger"
            )
