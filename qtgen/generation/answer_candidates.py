"""Usable answers, and the choice of one among several."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from qtgen.generation.answer_check import AnswerCheck
from qtgen.generation.types import Outcome
from qtgen.llm.types import Completion, Prompt, Provider, Usage


class AcceptedAnswer(NamedTuple):
    """A usable answer.

    Args:
        number: Number of the answer within its task, from 1.
        prompt: The prompt of the request.
        completion: The model's response.
        usage: Usage of all answers of the task so far, cached ones included.
        provider: Name of the provider.
        asked_model: The model's name in the request. The completion has the name that the endpoint reports.
    """

    number: int
    prompt: Prompt
    completion: Completion
    usage: Usage
    provider: str
    asked_model: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A usable answer with the result of its check."""

    check: AnswerCheck
    answer: AcceptedAnswer

    @property
    def text(self) -> str:
        """The page that the answer makes."""
        assert self.check.text is not None  # noqa: S101 - only usable answers are candidates
        return self.check.text


class Selector(Protocol):
    """Chooses between usable answers, for example by asking a judge."""

    async def __call__(self, outcome: Outcome, candidates: Sequence[Candidate]) -> int:
        """Return the position of the best of at least two candidates for the page of the outcome.

        Raises ProviderUnusable.
        """


def reject_others(
    best: Candidate, candidates: Sequence[Candidate], answers: Sequence[tuple[Provider, Completion]]
) -> list[Candidate]:
    """Return the other candidates. Those with complaints are reported to their provider.

    Args:
        best: The candidate that is accepted. It does not count as an invalid answer, whatever the complaints.
        candidates: All candidates.
        answers: All answers, with their providers.
    """
    others = [candidate for candidate in candidates if candidate is not best]
    rejected = [candidate.answer.completion for candidate in others if candidate.check.complaints]
    for provider, completion in answers:
        if any(completion is other for other in rejected):
            provider.reject(completion)
    return others


def request_provenance(answer: AcceptedAnswer) -> dict[str, Any]:
    """Return the part of a page's provenance that describes the request."""
    prompt, completion = answer.prompt, answer.completion
    return {
        "prompt": prompt.name,
        "prompt_version": prompt.version,
        "prompt_digest": prompt.digest,
        "wording_digest": prompt.wording_digest,
        "schema_digest": prompt.schema_digest,
        "format": prompt.style.format.value,
        "provider": answer.provider,
        "model": completion.model,
        "asked_model": answer.asked_model,
        "parameters": dict(prompt.parameters),
        "attempts": answer.number,
        **({"sample": prompt.sample} if prompt.sample else {}),
        "usage": _usage(answer.usage),
        "request_id": completion.request_id,
    }


def _usage(usage: Usage) -> dict[str, Any]:
    """Return the usage as a JSON object, without what only some endpoints report."""
    values = {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "cached_tokens": usage.cached_tokens,
        "cost_usd": _rounded(usage.cost_usd),
        "reasoning_tokens": usage.reasoning_tokens,
        "reported_usd": _rounded(usage.reported_usd),
    }
    return {name: value for name, value in values.items() if value or name not in ("reasoning_tokens", "reported_usd")}


def _rounded(usd: float | None) -> float | None:
    return None if usd is None else round(usd, 8)
