"""Asking for one text until an answer is usable: render, complete, judge, ask again with the faults.

What is written, and what makes an answer usable, is the task's affair: a new page (`generator.py`), or some fields of
one that is there (`rewriting.py`). Nothing here reads a clock, a disk or a network but through the providers.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

from qtgen.errors import (
    AnswerError,
    BudgetReached,
    Failure,
    Filtered,
    NoAnswer,
    ProviderError,
    ProviderUnusable,
    Refused,
    Truncated,
)
from qtgen.generation.prompts import ask_again
from qtgen.generation.types import Draft, Outcome, Status
from qtgen.llm.types import Completion, Prompt, Provider, Usage
from qtgen.validation.diagnostics import Diagnostic

WARMER = 0.1  # added to the temperature each time an answer is asked for again
_MORE = 2  # times as many tokens for an answer that was cut off, once
_LAST_WORDS = {error.kind for error in (AnswerError, Truncated, Refused, Filtered)}


@dataclass(frozen=True, slots=True)
class AcceptedAnswer:
    """A completion that was usable, the prompt it answers, and what all of them so far have used. asked_model: as the
    endpoint was asked for it; the completion has what it calls itself."""

    number: int
    prompt: Prompt
    completion: Completion
    usage: Usage
    provider: str
    asked_model: str


@dataclass(frozen=True, slots=True)
class AnswerCheck:
    """The page that an answer makes, or what is wrong with it, as sentences for the model."""

    text: str | None = None
    faults: tuple[str, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()


class WritingTask(Protocol):
    """What is to be written. prompt: what is asked first; blank: the outcome if nothing comes of it."""

    @property
    def prompt(self) -> Prompt: ...

    @property
    def blank(self) -> Outcome: ...

    def judge(self, completion: str) -> AnswerCheck: ...

    def draft(self, text: str, attempt: AcceptedAnswer) -> Draft: ...


async def write(task: WritingTask, repairs: int, providers: Sequence[Provider]) -> Outcome:
    """The text for `task`, from the first provider that makes a usable one. repairs: how often each is asked again.

    An outcome of status written carries the draft, which is not on disk yet. Raises ProviderUnusable, after which
    every other request would fail as well, and LedgerError; any other failure is an outcome.
    """
    work = _Work(task, repairs)
    outcome = task.blank
    for provider in providers:
        outcome = await work.ask(provider)
        if outcome.status is not Status.FAILED:
            break
    if outcome.status is Status.FAILED and outcome.error and outcome.error.kind in _LAST_WORDS:
        work.forget()
    return outcome


@dataclass(slots=True)
class _Turn:
    """What one provider is asked next. prompt: the same without the faults of its last answer."""

    prompt: Prompt
    asked: Prompt
    repairs: int = 0
    is_longer: bool = False

    def lengthen(self) -> None:
        """After an answer that was cut off; no repair, for nothing was wrong with it."""
        self.prompt, self.asked = _with_more_tokens(self.prompt), _with_more_tokens(self.asked)
        self.is_longer = True

    def mend(self, faults: Sequence[str]) -> None:
        self.repairs += 1
        self.asked = ask_again(self.prompt, faults, WARMER * self.repairs)


class _Work:
    """One text in the making, and what was used for it so far."""

    def __init__(self, task: WritingTask, repairs: int) -> None:
        self._task, self._repairs = task, repairs
        self._answers: list[tuple[Provider, Completion]] = []
        self._made = Usage()  # what the text took, this time or before
        self._failed = task.blank

    async def ask(self, provider: Provider) -> Outcome:
        """One provider: asked again while its answer has faults, up to the limit."""
        turn = _Turn(self._task.prompt, self._task.prompt)
        while True:
            try:
                completion = await self._answer(provider, turn.asked)
            except ProviderUnusable:
                raise
            except ProviderError as error:
                if not isinstance(error, Truncated) or turn.is_longer:
                    return self._failure(error)
                turn.lengthen()
                continue
            except BudgetReached as error:
                return replace(self._failure(error), status=Status.SKIPPED)
            verdict = self._task.judge(completion.text)
            self._failed = replace(self._failed, diagnostics=verdict.diagnostics, last_text=completion.text)
            if verdict.text is not None:
                return self._written(verdict.text, turn.asked, completion, provider)
            provider.reject(completion)
            if turn.repairs == self._repairs:
                return self._given_up(verdict.faults)
            turn.mend(verdict.faults)

    def forget(self) -> None:
        """It led to no page: the next run must not come to the same end without asking."""
        for provider, completion in self._answers:
            provider.forget(completion)

    async def _answer(self, provider: Provider, prompt: Prompt) -> Completion:
        """The next answer; what it took is counted, whatever came of it."""
        self._failed = replace(self._failed, attempts=self._failed.attempts + 1)
        try:
            completion = await provider.complete(prompt)
        except NoAnswer as error:
            if error.completion is None:
                self._use(error.usage or Usage())
            else:
                self._take(provider, error.completion)
            raise
        except (ProviderError, BudgetReached) as error:
            self._use(error.usage or Usage())
            raise
        self._take(provider, completion)
        return completion

    def _take(self, provider: Provider, completion: Completion) -> None:
        self._answers.append((provider, completion))
        self._use(completion.usage + completion.lost, completion.reused)

    def _use(self, usage: Usage, reused: bool = False) -> None:
        self._made += usage
        if not reused:
            self._failed = replace(self._failed, usage=self._failed.usage + usage)

    def _failure(self, error: ProviderError | BudgetReached) -> Outcome:
        return replace(self._failed, error=Failure(error.kind, str(error)))

    def _given_up(self, faults: Sequence[str]) -> Outcome:
        message = f"no usable answer in {self._failed.attempts} attempts: {'; '.join(faults[:3])}"
        return replace(self._failed, error=Failure(AnswerError.kind, message))

    def _written(self, text: str, prompt: Prompt, completion: Completion, provider: Provider) -> Outcome:
        attempt = AcceptedAnswer(self._failed.attempts, prompt, completion, self._made, provider.name, provider.model)
        draft = self._task.draft(text, attempt)
        return replace(self._failed, status=Status.WRITTEN, model=provider.model, draft=draft)


def _with_more_tokens(prompt: Prompt) -> Prompt:
    return replace(prompt, parameters={**prompt.parameters, "max_tokens": _MORE * prompt.parameters["max_tokens"]})


def how_made(attempt: AcceptedAnswer) -> dict[str, Any]:
    """The part of a page's provenance that tells of the request, as a JSON object."""
    prompt, completion = attempt.prompt, attempt.completion
    return {
        "prompt": prompt.name,
        "prompt_version": prompt.version,
        "prompt_digest": prompt.digest,
        "wording_digest": prompt.wording_digest,
        "schema_digest": prompt.schema_digest,
        "provider": attempt.provider,
        "model": completion.model,
        "asked_model": attempt.asked_model,
        "parameters": dict(prompt.parameters),
        "attempts": attempt.number,
        "usage": {**asdict(attempt.usage), "cost_usd": _rounded(attempt.usage.cost_usd)},
        "request_id": completion.request_id,
    }


def _rounded(usd: float | None) -> float | None:
    return None if usd is None else round(usd, 8)
