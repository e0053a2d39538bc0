"""Request a text and ask for repairs until the answer is usable: render, complete, check, repeat with the faults.

A fault makes an answer unusable. A concern also leads to a repair request, but the answer stays usable: if no repair
is without concerns, the best usable answer is accepted.

A `WritingTask` decides what is written and what makes an answer usable: a new page (`generator.py`), or some fields of
an existing page (`qtgen.regeneration.rewrite`). Only the providers do input and output.
"""

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

from qtgen.errors import (
    AnswerError,
    BudgetReached,
    Failure,
    Filtered,
    Interrupted,
    NoAnswer,
    ProviderError,
    ProviderUnusable,
    Refused,
    Truncated,
)
from qtgen.generation.answer_check import AnswerCheck
from qtgen.generation.prompts import repair_prompt
from qtgen.generation.types import Draft, Outcome, Status
from qtgen.llm.types import Completion, Prompt, PromptStyle, Provider, Usage

_logger = logging.getLogger(__name__)

TEMPERATURE_STEP = 0.1
"""Added to the temperature for each repair request."""
_MORE_TOKENS = 2  # factor of `max_tokens` after an answer was cut off; applied once
# A page that fails in one of these ways has used up its answers: the next run must not replay them from the ledger.
_EXHAUSTED = {error.kind for error in (AnswerError, Truncated, Refused, Filtered)}
INTERRUPTED = Failure(Interrupted.kind, "the run was interrupted")
"""Why a question was skipped after a stop was requested."""


@dataclass(frozen=True, slots=True)
class AcceptedAnswer:
    """A usable answer.

    Args:
        number: Which answer of its task it is, starting with 1.
        prompt: The prompt that it answers.
        completion: The answer.
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


class WritingTask(Protocol):
    """What is to be written."""

    def prompt(self, style: PromptStyle) -> Prompt:
        """Return the first request to a provider of this style."""

    @property
    def blank(self) -> Outcome:
        """The failed outcome that is filled in on the way."""

    def check(self, prompt: Prompt, completion: str, *, truncated: bool = False) -> AnswerCheck:
        """Check an answer to a prompt. If it is `truncated`, it may be complete nevertheless."""

    def draft(self, text: str, answer: AcceptedAnswer) -> Draft:
        """Return the page with its provenance."""


async def run_task(task: WritingTask, repairs: int, providers: Sequence[Provider]) -> Outcome:
    """Return the outcome of a task, with the draft of the page if an answer was accepted.

    If a provider's repairs run out or one of them fails, the best of its usable answers is accepted: the one with the
    lowest penalty, and of equal ones the first. Later providers are fallbacks when an earlier one refuses, truncates
    or keeps failing. If a provider raises Interrupted, neither a repair nor a fallback is requested, and the outcome is
    SKIPPED with kind `interrupted`.

    Args:
        task: What is to be written.
        repairs: How often each provider is asked for a repair.
        providers: The providers, in the order in which they are tried.

    Raises ProviderUnusable, after which every other request would fail too, and LedgerError. Every other failure is an
    outcome.
    """
    loop = _RepairLoop(task, repairs)
    outcome = task.blank
    for provider in providers:
        outcome = await loop.ask(provider)
        if outcome.status is not Status.FAILED:
            break
        _logger.info("%s: %s failed: %s", outcome.path, provider.model, outcome.error and outcome.error.message)
    if outcome.status is Status.FAILED and outcome.error and outcome.error.kind in _EXHAUSTED:
        loop.forget_answers()
    return outcome


@dataclass(slots=True)
class _Conversation:
    """The requests to one provider.

    Args:
        prompt: The first prompt.
        next_prompt: The prompt to send next, with the faults of the last answer.
        repairs: Number of repair requests so far.
        is_longer: Whether the token limit was raised.
    """

    prompt: Prompt
    next_prompt: Prompt
    repairs: int = 0
    is_longer: bool = False

    def allow_more_tokens(self) -> None:
        """Raise the token limit. This is not a repair, because nothing was wrong with the answer."""
        self.prompt, self.next_prompt = _with_more_tokens(self.prompt), _with_more_tokens(self.next_prompt)
        self.is_longer = True

    def request_repair(self, faults: Sequence[str]) -> None:
        self.repairs += 1
        self.next_prompt = repair_prompt(self.prompt, faults, TEMPERATURE_STEP * self.repairs)


class _RepairLoop:
    """Collects the answers and the usage of one task over all providers."""

    def __init__(self, task: WritingTask, repairs: int) -> None:
        self._task, self._repairs = task, repairs
        self._answers: list[tuple[Provider, Completion]] = []
        self._total_usage = Usage()  # of cached answers too, unlike the outcome's
        self._outcome = task.blank
        self._best: tuple[AnswerCheck, AcceptedAnswer] | None = None  # of the usable answers

    async def ask(self, provider: Provider) -> Outcome:
        """Ask one provider, with repairs up to the limit."""
        first_prompt = self._task.prompt(provider.style)
        conversation = _Conversation(first_prompt, first_prompt)
        while True:
            try:
                completion, truncated = await self._complete(provider, conversation.next_prompt)
            except ProviderUnusable:
                raise
            except ProviderError as error:
                return self._end(Failure(error.kind, str(error)))
            except BudgetReached as error:  # another run resumes with the repair
                return self._skip(Failure(error.kind, str(error)))
            except Interrupted:
                return self._skip(INTERRUPTED)
            check = self._check(first_prompt, completion, truncated=truncated is not None)
            if truncated and check.is_cut_off:
                if conversation.is_longer:
                    return self._end(Failure(truncated.kind, str(truncated)))
                _logger.debug("%s: answer truncated; allowing more tokens", self._outcome.path)
                conversation.allow_more_tokens()
                continue
            self._keep_best(check, conversation.next_prompt, completion, provider)
            is_last = conversation.repairs == self._repairs
            if check.text is None or (check.complaints and not is_last):
                provider.reject(completion)
                _logger.debug("%s: answer rejected: %s", self._outcome.path, "; ".join(check.complaints))
            if is_last or not check.complaints:
                message = f"no usable answer in {self._outcome.attempts} attempts: {'; '.join(check.faults[:3])}"
                return self._end(Failure(AnswerError.kind, message))
            conversation.request_repair(check.complaints)

    def _check(self, prompt: Prompt, completion: Completion, *, truncated: bool) -> AnswerCheck:
        """Check an answer, and note what was around it."""
        check = self._task.check(prompt, completion.text, truncated=truncated)
        outcome = replace(self._outcome, diagnostics=check.diagnostics, last_answer=completion.text)
        if check.wrappings:
            _logger.debug("%s: unwrapped: %s", outcome.path, ", ".join(check.wrappings))
            outcome = replace(outcome, unwrapped=(*outcome.unwrapped, check.wrappings))
        self._outcome = outcome
        return check

    def forget_answers(self) -> None:
        """Mark the answers as useless, so that the next run requests new ones instead of failing the same way."""
        for provider, completion in self._answers:
            provider.forget(completion)

    async def _complete(self, provider: Provider, prompt: Prompt) -> tuple[Completion, Truncated | None]:
        """Return the next answer, and the error if it is truncated. Add its usage whether it succeeds or fails."""
        self._outcome = replace(self._outcome, attempts=self._outcome.attempts + 1)
        truncated: Truncated | None = None
        try:
            completion = await provider.complete(prompt)
        except Truncated as error:
            truncated = error
            completion = error.completion or Completion("", provider.model, error.usage or Usage(), kind=error.kind)
        except (ProviderError, BudgetReached) as error:
            if isinstance(error, NoAnswer) and error.completion is not None:
                self._add_answer(provider, error.completion)
            else:
                self._add_usage(error.usage or Usage())
            raise
        except Interrupted:  # the request was not sent
            self._outcome = replace(self._outcome, attempts=self._outcome.attempts - 1)
            raise
        self._add_answer(provider, completion)
        return completion, truncated

    def _add_answer(self, provider: Provider, completion: Completion) -> None:
        self._answers.append((provider, completion))
        self._add_usage(completion.usage + completion.lost, completion.reused)

    def _add_usage(self, usage: Usage, reused: bool = False) -> None:
        self._total_usage += usage
        if not reused:
            self._outcome = replace(self._outcome, usage=self._outcome.usage + usage)

    def _keep_best(self, check: AnswerCheck, prompt: Prompt, completion: Completion, provider: Provider) -> None:
        """Keep the answer if it is usable and better than the earlier ones."""
        if check.text is None or (self._best and self._best[0].penalty <= check.penalty):
            return
        usage = self._total_usage
        answer = AcceptedAnswer(self._outcome.attempts, prompt, completion, usage, provider.name, provider.model)
        self._best = check, answer

    def _end(self, failure: Failure) -> Outcome:
        """Return the outcome with the best usable answer, or the failure if there is none."""
        if self._best is None:
            return replace(self._outcome, status=Status.FAILED, error=failure)
        check, answer = self._best
        assert check.text is not None  # noqa: S101 - only usable answers are kept
        return replace(
            self._outcome,
            status=Status.WRITTEN,
            model=answer.asked_model,
            diagnostics=check.diagnostics,
            last_answer=answer.completion.text,
            draft=self._task.draft(check.text, replace(answer, usage=self._total_usage)),
        )

    def _skip(self, failure: Failure) -> Outcome:
        return replace(self._outcome, status=Status.SKIPPED, error=failure)


def _with_more_tokens(prompt: Prompt) -> Prompt:
    max_tokens = _MORE_TOKENS * prompt.parameters["max_tokens"]
    return replace(prompt, parameters={**prompt.parameters, "max_tokens": max_tokens})


def request_provenance(answer: AcceptedAnswer) -> dict[str, Any]:
    """Return the part of a page's provenance that describes the request, as a JSON object."""
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
        "usage": {**asdict(answer.usage), "cost_usd": _rounded(answer.usage.cost_usd)},
        "request_id": completion.request_id,
    }


def _rounded(usd: float | None) -> float | None:
    return None if usd is None else round(usd, 8)
