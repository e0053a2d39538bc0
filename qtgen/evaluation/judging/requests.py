"""Ask a judge: one request, and one retry with the fault if the response cannot be read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from qtgen.errors import (
    AnswerError,
    BudgetReached,
    Deferred,
    Failure,
    NoAnswer,
    ProviderError,
    ProviderUnusable,
    StyleRejected,
    Truncated,
)
from qtgen.evaluation.judging.summary import JudgeUse, paid_use
from qtgen.generation.prompts import repair_prompt
from qtgen.llm.types import STANDARD_STYLE, AnswerFormat, Completion, Prompt, PromptStyle, Provider, Usage

_REQUESTS = 2  # of one judgement: the first one and a retry
_REMEDY = "write one JSON object of the form that is asked for"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class JudgeReply(Generic[T]):
    """A judge's reply: a value or an error, and the usage."""

    value: T | None
    use: JudgeUse
    error: Failure | None = None


async def ask_judge(
    judge: Provider, render: Callable[[PromptStyle], Prompt], read: Callable[[str, bool], T]
) -> JudgeReply[T]:
    """Ask a judge, and return its reply.

    Args:
        judge: The judge.
        render: Returns the prompt in a style.
        read: Returns the value in a response; the second argument says whether the response is truncated. Raises
            AnswerError if there is none.

    Raises ProviderUnusable, Interrupted, and Deferred if the judge queues requests. Every other failure is a value.
    """
    conversation = _Conversation(judge, render)
    faults: Sequence[str] = ()
    try:
        for _ in range(_REQUESTS):
            completion = await conversation.complete(faults)
            try:
                return JudgeReply(read(completion.text, completion.kind != "ok"), conversation.use())
            except AnswerError as error:
                judge.reject(completion)
                faults = error.problems
    except ProviderUnusable:
        raise
    except Deferred as error:
        if error.queues:  # the judge is asked again once its batch is finished
            raise
        return conversation.failure(judge, error.kind, str(error))
    except (ProviderError, BudgetReached) as error:
        conversation.pay(error.usage)
        return conversation.failure(judge, error.kind, str(error))
    conversation.forget()
    return conversation.failure(judge, "judge-off-schema", "; ".join(faults))


class _Conversation:
    """The requests and the usage of one judgement."""

    def __init__(self, judge: Provider, render: Callable[[PromptStyle], Prompt]) -> None:
        self._judge, self._render = judge, render
        self._completions: list[Completion] = []
        self._requests = 0
        self._is_new = False
        self._paid = JudgeUse()

    async def complete(self, faults: Sequence[str]) -> Completion:
        """Return the judge's response. If its endpoint rejects a format, request one that it accepts.

        The first request contains a schema, whatever the judge's style is, because an endpoint may enforce a schema
        although its model writes pages in Markdown.
        """
        style = STANDARD_STYLE
        self._requests += 1
        for _ in AnswerFormat:
            prompt = self._render(style)
            try:
                return await self._complete(repair_prompt(prompt, [*faults, _REMEDY], 1) if faults else prompt)
            except StyleRejected as error:
                self.pay(error.usage)
                if self._judge.style.format is style.format:
                    raise error.with_usage(None) from None
                style = PromptStyle(self._judge.style.format)
        raise StyleRejected("the endpoint rejects every format of answers")

    async def _complete(self, prompt: Prompt) -> Completion:
        try:
            completion = await self._judge.complete(prompt)
        except Truncated as error:
            if not isinstance(error.completion, Completion):
                raise
            completion = error.completion
        except NoAnswer as error:
            if isinstance(error.completion, Completion):
                self._add(error.completion)
                raise error.with_usage(None) from None
            raise
        self._add(completion)
        return completion

    def _add(self, completion: Completion) -> None:
        self._completions.append(completion)
        if not completion.reused:
            self._is_new = True
            self._paid += paid_use(completion.usage + completion.lost)

    def pay(self, usage: Usage | None) -> None:
        """Add the usage of failed attempts."""
        if usage is not None:
            self._paid += paid_use(usage)

    def forget(self) -> None:
        """Mark responses without an opinion, so that the next run requests them again."""
        for completion in self._completions:
            self._judge.forget(completion)

    def use(self) -> JudgeUse:
        """Return the usage of the judgement."""
        is_reused = bool(self._completions) and not self._is_new
        return replace(self._paid, asked=1, reused=int(is_reused), retried=int(self._requests > 1))

    def failure(self, judge: Provider, kind: str, reason: str) -> JudgeReply[Any]:
        """Return the reply of a judge that has no opinion. Only the reason's first line counts."""
        reason = reason.partition("\n")[0]
        return JudgeReply(None, replace(self.use(), failed=1), Failure(kind, f"{judge.model}: {reason}"))
