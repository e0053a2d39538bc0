"""One request from question to answer: claimed in the ledger, paced, paid for, tried again.

Each attempt waits for a slot and gives it back before any back-off, so a request that failed holds nobody up. What the
endpoint says of its limits slows all requests, not only the one that was told.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_random_exponential

from qtgen.errors import (
    BadRequest,
    BudgetReached,
    EndpointDown,
    Filtered,
    NoAnswer,
    ProviderError,
    ProviderUnusable,
    Refused,
    Retryable,
    Truncated,
    Unreachable,
)
from qtgen.llm.budget import Budget
from qtgen.llm.endpoint import Endpoint, body_of, longest_answer, request
from qtgen.llm.ledger import Attempt, LedgerWriter, RequestKey, key_of
from qtgen.llm.pacing import Pacer
from qtgen.llm.telemetry import answered, chat_span
from qtgen.llm.types import Completion, Prompt, Usage

_LONGEST_WAIT = 60.0
_LONGEST_PAUSE = 600.0  # seconds that an endpoint may ask all to wait; a run does not stand still for longer
_LONGEST_OUTAGE = 300.0  # seconds that one which answered before is waited for
_LOOK = 0.1  # seconds
_PATIENCE = 6  # times as many tries where the endpoint only says that it is too much at once
_BYTES_A_TOKEN = 4
_UNHEARD = ("timeout", "dropped", "malformed")  # the endpoint may have answered, and bill it


@dataclass(slots=True)
class _Request:
    """One request on its way. longest: tokens that its answer may have; lost: what tries without an answer took."""

    asked: RequestKey
    body: bytes
    prompt: Prompt
    longest: int
    lost: Usage = field(default_factory=Usage)


class Sender(Protocol):
    """Sends one request, once. Raises ProviderError, each failure by its kind."""

    async def send(self, body: bytes) -> Completion: ...


class Client:
    """A provider over one model at one endpoint.

    An endpoint that never answered, and cannot be reached or does not take the request, is unusable: the rest of the
    run would fare no better. One that did answer is waited for; after some minutes, or where it asks for a longer
    pause, the run ends, and the same command goes on later. tries: how often one request is sent; desk: of the ledger;
    kinds: counts what came of every attempt.
    """

    def __init__(
        self,
        sender: Sender,
        endpoint: Endpoint,
        pacer: Pacer,
        *,
        tries: int = 5,
        desk: LedgerWriter | None = None,
        budget: Budget | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.name, self.model = endpoint.provider, endpoint.model
        self.kinds: Counter[str] = Counter()
        self.pacer = pacer
        self._sender, self._endpoint = sender, endpoint
        self._desk, self._budget = desk, budget or Budget()
        self._tries, self._sleep = tries, sleep
        self._answered, self._not_taken = False, 0
        self._unheard = Usage(cost_usd=0.0 if endpoint.is_free else None)  # of a request that nothing was heard of
        self._received = 0.0  # tokens of an answer, on average

    async def complete(self, prompt: Prompt) -> Completion:
        document = request(prompt, self._endpoint)
        body = body_of(document)
        asked = RequestKey(
            key_of(self._endpoint.place, body), self.model, prompt.name, prompt.template_digest, len(body)
        )
        known = await self._desk.claim(asked) if self._desk else None
        if known is not None:
            self.kinds["reused"] += 1
            return _said(known)
        sending = _Request(asked, body, prompt, longest_answer(document))
        try:
            completion = await self._with_retries(sending)
        except NoAnswer as error:
            completion = Completion(str(error), self.model, error.usage or Usage(), kind=error.kind)
        except BaseException as error:  # also when it is cancelled: whoever comes next may ask
            if isinstance(error, ProviderError | BudgetReached):
                error.usage = sending.lost
            if self._desk:
                self._desk.dropped(asked)
            raise
        if self._desk:
            await self._desk.answered(asked, completion)
        return _said(replace(completion, key=asked.key, lost=sending.lost))

    def reject(self, completion: Completion) -> None:
        if not completion.reused:
            self.kinds["faulty answer"] += 1
        if self._desk:
            self._desk.judged(completion, "rejected")

    def forget(self, completion: Completion) -> None:
        if self._desk:
            self._desk.judged(completion, "faulty")

    async def _with_retries(self, request: _Request) -> Completion:
        try:
            try:
                completion = await self._attempt(request)
            except Retryable as error:
                completion = await self._again(error, request)
        except NoAnswer:
            self._answered = True
            raise
        except BadRequest as error:
            self._not_taken += 1
            raise (ProviderUnusable(str(error)) if self._takes_none() else error) from None
        self._answered = True
        return completion

    def _takes_none(self) -> bool:
        """One request that is not taken proves nothing while others are in flight; as many as may be at once do."""
        pace = self.pacer.pace
        return not self._answered and (pace.in_flight == 0 or self._not_taken >= int(pace.allowed))

    async def _again(self, first: Retryable, request: _Request) -> Completion:
        """The tries after the first, which most requests do not need: tenacity is only set up for those that do."""
        had = [first]

        async def attempt() -> Completion:
            if had:
                raise had.pop()
            return await self._attempt(request)

        retrying = AsyncRetrying(
            stop=_Patience(self._tries, self._may_come_back),
            wait=self._wait,
            retry=retry_if_exception_type(Retryable),
            sleep=self._sleep,
            reraise=True,
        )
        try:
            return await retrying(attempt)
        except Retryable as error:
            raise await self._given_up(error) from None

    def _may_come_back(self) -> bool:
        """An endpoint that answered before is waited for."""
        return self._answered and self.pacer.pace.lost_for(self.pacer.now()) < _LONGEST_OUTAGE

    async def _given_up(self, error: Retryable) -> ProviderError:
        """What it means for all requests that one is given up."""
        if isinstance(error, Unreachable) and not self._answered:
            return ProviderUnusable(f"{error}; is the endpoint running, and --base-url right?")
        if isinstance(error, Unreachable):
            return EndpointDown(f"{error}, for {_LONGEST_OUTAGE / 60:g} min now; the same command goes on from here")
        if _wants_long_pause(error):
            await self._finish_what_is_in_flight()
            return EndpointDown(f"{error}; it asks to wait {_duration(error)}: the same command goes on from here then")
        return error

    async def _finish_what_is_in_flight(self) -> None:
        """Let nothing start any more, and what is paid for be answered."""
        self.pacer.pace.close()
        while self.pacer.pace.in_flight:
            await asyncio.sleep(_LOOK)
        await asyncio.sleep(_LOOK)  # for the ledger to be handed the last answer

    def _wait(self, state: RetryCallState) -> float:
        """As long as the endpoint asks for, else with jitter. Where all are to wait, the pacer lets nobody start."""
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, Unreachable) and self._answered:
            return 0.0
        asked = error.retry_after if isinstance(error, Retryable) else None
        return _backoff(state) if asked is None else min(asked, _LONGEST_WAIT)

    async def _attempt(self, request: _Request) -> Completion:
        size = len(request.body)
        most = self._endpoint.cost(size, request.longest, 0) or 0.0  # a token has a byte at least
        await self._budget.reserve(most)
        usage, kind, begun = self._unheard, "abandoned", None
        tokens = size // _BYTES_A_TOKEN + (self._received or request.longest)
        try:
            started = await self.pacer.acquire(tokens)
            begun = time.time()
            try:
                completion = await self._sent(request)
            except Retryable as error:
                kind = error.kind
                usage = error.usage or (self._unheard if kind in _UNHEARD else Usage())
                request.lost += usage
                self._slow_down(error, started)
                raise
            except ProviderError as error:
                kind, usage = error.kind, error.usage or Usage()
                raise
            else:
                kind, usage = "ok", completion.usage
                self._received = 0.9 * (self._received or usage.completion_tokens) + 0.1 * usage.completion_tokens
                self.pacer.pace.answered(self.pacer.now(), completion.limits)
                return completion
            finally:
                self.pacer.release(tokens, usage.prompt_tokens + usage.completion_tokens)
        finally:
            cost = usage.cost_usd if begun is not None else 0.0
            await self._budget.settle(most, cost)
            if begun is not None:
                self.kinds[kind] += 1
                if self._desk:
                    self._desk.tried(Attempt(request.asked, begun, time.time() - begun, kind, usage))

    async def _sent(self, request: _Request) -> Completion:
        with chat_span(self.name, self.model, request.prompt.parameters) as span:
            try:
                completion = await self._sender.send(request.body)
            except ProviderError as error:
                span.set_attributes({"error.type": error.kind})
                if not isinstance(error, Retryable):
                    self.pacer.pace.heard()
                raise
            usage = completion.usage
            span.set_attributes(
                answered(completion.model, completion.request_id, usage.prompt_tokens, usage.completion_tokens)
            )
            return completion

    def _slow_down(self, error: Retryable, started: float) -> None:
        now = self.pacer.now()
        if isinstance(error, Unreachable) and self._answered:
            self.pacer.pace.lost(now)
        elif error.kind == "rate-limited":
            self.pacer.pace.refused(now, started, error.retry_after)
        else:
            self.pacer.pace.failed(now, started)


def _said(completion: Completion) -> Completion:
    """The answer; raises what stands in its place, as it did the first time."""
    if completion.kind == "ok":
        return completion
    error = _NO_ANSWER[completion.kind](completion.text, usage=completion.usage)
    error.completion = completion
    raise error


_NO_ANSWER = {error.kind: error for error in (Truncated, Refused, Filtered)}


def _wants_long_pause(error: Retryable) -> bool:
    return (error.retry_after or 0.0) > _LONGEST_PAUSE


def _duration(error: Retryable) -> str:
    minutes = (error.retry_after or 0.0) / 60
    return f"{minutes:,.0f} min" if minutes < 120 else f"{minutes / 60:,.0f} h"


class _Patience:
    """Whether a request was tried often enough. Refusals for a limit use up no try of the other failures, an outage
    none at all."""

    def __init__(self, tries: int, may_come_back: Callable[[], bool]) -> None:
        self._left = {"limited": _PATIENCE * tries, "other": tries}
        self._may_come_back = may_come_back

    def __call__(self, state: RetryCallState) -> bool:
        error = state.outcome.exception() if state.outcome else None
        if not isinstance(error, Retryable) or _wants_long_pause(error):
            return True
        if isinstance(error, Unreachable) and self._may_come_back():
            return False
        kind = "limited" if error.kind == "rate-limited" else "other"
        self._left[kind] -= 1
        return self._left[kind] <= 0


_backoff = wait_random_exponential(multiplier=0.5, max=_LONGEST_WAIT)
