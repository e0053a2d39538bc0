"""Request a text and ask for repairs until the answer is usable: render, complete, check, repeat with the faults.

A fault makes an answer unusable. A concern also leads to a repair request, but leaves the answer usable. If every
answer has concerns, the best usable answer is accepted.

Several candidates can be requested before any repair. The best usable one is accepted, by its checks or by a judge.

A `WritingTask` decides what is written and what makes an answer usable: a new page (`generator.py`), or some fields of
an existing page (`qtgen.regeneration.rewrite`). Only the providers do input and output.
"""

import logging
from collections.abc import Sequence
from contextlib import suppress

from qtgen.errors import (
    AnswerError,
    BudgetReached,
    Deferred,
    Failure,
    Filtered,
    Interrupted,
    NoAnswer,
    ProviderError,
    ProviderUnusable,
    Refused,
    StyleRejected,
    Truncated,
)
from qtgen.generation.answer_brake import AnswerBrake
from qtgen.generation.answer_candidates import AcceptedAnswer, Candidate, Selector, reject_others
from qtgen.generation.answer_check import AnswerCheck
from qtgen.generation.conversation import Conversation
from qtgen.generation.task_progress import TaskProgress
from qtgen.generation.types import Outcome, Status
from qtgen.generation.writing_task import WritingTask
from qtgen.llm.types import Completion, Prompt, Provider, Usage

_logger = logging.getLogger(__name__)

# A page that fails in one of these ways has used up its answers: the next run must not replay them from the ledger.
_EXHAUSTED = {error.kind for error in (AnswerError, Truncated, Refused, Filtered)}
INTERRUPTED = Failure(Interrupted.kind, "the run was interrupted")
"""Why a question was skipped after a stop was requested."""


async def run_task(
    task: WritingTask,
    repairs: int,
    providers: Sequence[Provider],
    *,
    candidates: int = 1,
    selector: Selector | None = None,
    brake: AnswerBrake | None = None,
) -> Outcome:
    """Return the outcome of a task, with the draft of the page if an answer was accepted.

    If a provider's repairs run out or one of them fails, the best of its usable answers is accepted: the one with the
    lowest penalty, and of equal ones the first. Later providers are fallbacks when an earlier one refuses, truncates
    or keeps failing. If a provider raises Deferred, its answer is waited for: no fallback is requested, and the outcome
    is PENDING. If a provider raises Interrupted, neither a repair nor a fallback is requested, and the outcome is
    SKIPPED with kind `interrupted`.

    Args:
        task: What is to be written.
        repairs: How often each provider is asked for a repair.
        providers: The providers, in the order in which they are tried.
        candidates: How many answers are requested from each provider before any repair.
        selector: Chooses between usable candidates with equal concerns; None to choose by their penalties.
        brake: Ends the run if the first answers all have the same fault; None to continue.

    Raises ProviderUnusable, after which every other request would fail too, unless the brake knows a fallback, and
    LedgerError. Every other failure is an outcome.
    """
    loop = _RepairLoop(task, repairs, candidates, selector, brake)
    outcome = task.blank
    for provider in providers:
        if loop.is_dropped(provider):
            continue
        try:
            outcome = await loop.ask(provider)
        except Deferred as error:
            return await loop.pend(provider, error)
        except ProviderUnusable as error:
            if brake is None or not brake.drop(provider.model, error):
                raise
            outcome = await loop.give_up(error)
        if outcome.status is not Status.FAILED:
            break
        _logger.info("%s: %s failed: %s", outcome.path, provider.model, outcome.error and outcome.error.message)
    if outcome.status is Status.FAILED and outcome.error and outcome.error.kind in _EXHAUSTED:
        loop.forget_answers()
    return outcome


class _RepairLoop:
    """Collects the answers and the usage of one task over all providers."""

    def __init__(
        self,
        task: WritingTask,
        repairs: int,
        candidates: int,
        selector: Selector | None,
        brake: AnswerBrake | None,
    ) -> None:
        self._task, self._repairs, self._samples, self._selector = task, repairs, candidates, selector
        self._brake = brake
        self._answers: list[tuple[Provider, Completion]] = []
        self._progress = TaskProgress(task.blank)
        self._candidates: list[Candidate] = []
        self._conversation: Conversation | None = None

    async def ask(self, provider: Provider) -> Outcome:
        """Ask one provider, with repairs up to the limit."""
        first_prompt = self._task.prompt(provider.style)
        conversation = self._conversation = Conversation(first_prompt, first_prompt)
        while True:
            try:
                completion, truncated = await self._complete_in_style(provider, conversation)
            except ProviderUnusable:
                raise
            except ProviderError as error:
                self._report_no_answer(provider, error, is_final=True)
                return await self._end(Failure(error.kind, str(error)))
            except BudgetReached as error:  # another run resumes with the repair
                return self._skip(Failure(error.kind, str(error)))
            except Interrupted:
                return self._skip(INTERRUPTED)
            check = self._check(conversation.prompt, completion, truncated=truncated is not None)
            if truncated and check.is_cut_off:
                self._report_no_answer(provider, truncated, is_final=conversation.is_longer)
                if not self._request_longer(conversation):
                    return await self._end(Failure(truncated.kind, str(truncated)))
                continue
            self._add_candidate(check, conversation.next_prompt, completion, provider)
            self._report(provider, completion, check, is_final=conversation.repairs > 0)
            is_finished = self._request_next(conversation, check) or self.is_dropped(provider)
            if check.text is None or (check.complaints and not is_finished):
                _logger.debug("%s: answer rejected: %s", self._progress.blank.path, "; ".join(check.complaints))
            if is_finished:
                message = f"no usable answer in {self._progress.attempts} attempts: {'; '.join(check.faults[:3])}"
                return await self._end(Failure(AnswerError.kind, message))

    def is_dropped(self, provider: Provider) -> bool:
        """Return whether the run has stopped asking a provider."""
        return self._brake is not None and provider.model in self._brake.dropped

    async def give_up(self, error: ProviderUnusable) -> Outcome:
        """Return the outcome after a provider has turned out to be unusable."""
        return await self._end(Failure(error.kind, str(error)))

    def _report(self, provider: Provider, completion: Completion, check: AnswerCheck, *, is_final: bool) -> None:
        """Tell the brake whether an answer is usable."""
        if self._brake is None:
            return
        if check.text is not None:
            self._brake.accepted(provider.model)
        else:
            source = self._progress.blank.question.source
            self._brake.rejected(provider.model, source, completion, check.faults[0], is_final=is_final)

    def _report_no_answer(self, provider: Provider, error: ProviderError, *, is_final: bool) -> None:
        """Tell the brake about a final response that is no answer."""
        if self._brake and isinstance(error, NoAnswer) and isinstance(error.completion, Completion):
            source = self._progress.blank.question.source
            self._brake.rejected(provider.model, source, error.completion, str(error), is_final=is_final)

    def _is_last_sample(self, conversation: Conversation) -> bool:
        return conversation.next_prompt.sample >= self._samples - 1

    def _request_longer(self, conversation: Conversation) -> bool:
        """Prepare the request after a truncated answer: with more tokens, once, else for another candidate.

        Return False if there is none.
        """
        if not conversation.is_longer:
            _logger.debug("%s: answer truncated; allowing more tokens", self._progress.blank.path)
            conversation.allow_more_tokens()
            return True
        if self._is_last_sample(conversation):
            return False
        conversation.request_sample()  # this answer has lost its way; another one may not
        return True

    def _request_next(self, conversation: Conversation, check: AnswerCheck) -> bool:
        """Prepare the next request: another candidate, or a repair. Return True if there is none."""
        if not self._is_last_sample(conversation):
            conversation.request_sample()
            return False
        if conversation.repairs == self._repairs or any(not found.check.complaints for found in self._candidates):
            return True
        conversation.request_repair(check.complaints)
        return False

    def _check(self, prompt: Prompt, completion: Completion, *, truncated: bool) -> AnswerCheck:
        """Check an answer, and record what surrounded it."""
        check = self._task.check(prompt, completion.text, truncated=truncated)
        self._progress.add_check(check, completion.text)
        if check.wrappings:
            _logger.debug("%s: unwrapped: %s", self._progress.blank.path, ", ".join(check.wrappings))
        return check

    def forget_answers(self) -> None:
        """Mark the answers as useless, so that the next run requests new ones instead of failing the same way."""
        for provider, completion in self._answers:
            provider.forget(completion)

    async def _complete_in_style(
        self, provider: Provider, conversation: Conversation
    ) -> tuple[Completion, Truncated | None]:
        """Complete the next prompt. Render it again in another format if the endpoint rejects the one that it has."""
        while True:
            try:
                return await self._complete(provider, conversation.next_prompt)
            except StyleRejected:
                if not conversation.render_again(self._task.prompt(provider.style)):
                    raise

    async def _complete(self, provider: Provider, prompt: Prompt) -> tuple[Completion, Truncated | None]:
        """Return the next answer, and the error if it is truncated. Add its usage whether it succeeds or fails."""
        self._progress.attempts += 1
        truncated: Truncated | None = None
        try:
            completion = await provider.complete(prompt)
        except Truncated as error:
            truncated = error
            completion = error.completion or Completion("", provider.model, error.usage or Usage(), kind=error.kind)
        except StyleRejected as error:  # the prompt is rendered again, which is no attempt of its own
            self._progress.attempts -= 1
            self._progress.add_usage(error.usage or Usage())
            raise
        except (ProviderError, BudgetReached) as error:
            if isinstance(error, NoAnswer) and error.completion is not None:
                self._add_answer(provider, error.completion)
            else:
                self._progress.add_usage(error.usage or Usage())
            raise
        except (Interrupted, Deferred):  # the request was not sent
            self._progress.attempts -= 1
            raise
        self._add_answer(provider, completion)
        return completion, truncated

    def _add_answer(self, provider: Provider, completion: Completion) -> None:
        self._answers.append((provider, completion))
        self._progress.add_usage(completion.usage + completion.lost, reused=completion.reused)

    def _add_candidate(self, check: AnswerCheck, prompt: Prompt, completion: Completion, provider: Provider) -> None:
        if check.text is not None:
            usage, number = self._progress.total_usage, self._progress.attempts
            answer = AcceptedAnswer(number, prompt, completion, usage, provider.name, provider.model)
            self._candidates.append(Candidate(check, answer))
        else:
            provider.reject(completion)

    async def _end(self, failure: Failure) -> Outcome:
        """Return the outcome with the best usable answer, or the failure if there is none."""
        if not self._candidates:
            return self._progress.outcome(Status.FAILED, error=failure)
        best = await self._choose()
        others = reject_others(best, self._candidates, self._answers)
        return self._progress.outcome(
            Status.WRITTEN,
            model=best.answer.asked_model,
            diagnostics=best.check.diagnostics,
            last_answer=best.answer.completion.text,
            draft=self._task.draft(best.check, best.answer._replace(usage=self._progress.total_usage)),
            other_answers=tuple(candidate.answer.completion.text for candidate in others) if self._samples > 1 else (),
        )

    async def _choose(self) -> Candidate:
        """Return the candidate with the fewest concerns. Among equals, the selector or the text's roughness decides."""
        lowest = min(candidate.check.penalty for candidate in self._candidates)
        finalists = [candidate for candidate in self._candidates if candidate.check.penalty == lowest]
        if len(finalists) > 1:
            finalists.sort(key=lambda candidate: candidate.check.roughness())
        if self._selector is None or len(finalists) == 1:
            return finalists[0]
        return finalists[await self._selector(self._progress.outcome(Status.FAILED), finalists)]

    async def pend(self, provider: Provider, error: Deferred) -> Outcome:
        """Return the outcome while a request is in a batch. The other candidates are queued, for the same batch."""
        conversation = self._conversation
        while error.queues and conversation and conversation.repairs == 0 and not self._is_last_sample(conversation):
            conversation.request_sample()
            with suppress(Deferred, ProviderError, BudgetReached, Interrupted):
                await provider.complete(conversation.next_prompt)
        return self._progress.outcome(Status.PENDING, error=Failure(error.kind, str(error)))

    def _skip(self, failure: Failure) -> Outcome:
        return self._progress.outcome(Status.SKIPPED, error=failure)
