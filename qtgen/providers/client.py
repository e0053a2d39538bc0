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

from qtgen.budget import Budget
from qtgen.errors import (
    BadRequest,
    BudgetReached,
    Filtered,
    NoAnswer,
    ProviderError,
    ProviderUnusable,
    Refused,
    Retryable,
    Truncated,
    Unreachable,
)
from qtgen.ledger import Asked, Desk, Tried, key_of
from qtgen.pacing import Pacer
from qtgen.providers.endpoint import Endpoint, body_of, longest_answer, request
from qtgen.records import Completion, Prompt, Usage
from qtgen.telemetry import answered, chat_span

_LONGEST_WAIT = 60.0
_PATIENCE = 6  # times as many tries where the endpoint only says that it is too much at once
_BYTES_A_TOKEN = 4
_UNHEARD = ("timeout", "dropped", "malformed")  # the endpoint may have answered, and bill it


@dataclass(slots=True)
class _Request:
    """One request on its way. longest: tokens that its answer may have; lost: what tries without an answer took."""

    asked: Asked
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
    run would fare no better. tries: how often one request is sent; desk: of the ledger; kinds: counts what came of
    every attempt.
    """

    def __init__(
        self,
        sender: Sender,
        endpoint: Endpoint,
        pacer: Pacer,
        *,
        tries: int = 5,
        desk: Desk | None = None,
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
        asked = Asked(key_of(self._endpoint.place, body), self.model, prompt.name, prompt.template_digest, len(body))
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
            stop=self._is_enough,
            wait=_wait,
            retry=retry_if_exception_type(Retryable),
            sleep=self._sleep,
            reraise=True,
        )
        try:
            return await retrying(attempt)
        except Unreachable as error:
            if self._answered:
                raise
            raise ProviderUnusable(f"{error}; is the endpoint running, and --base-url right?") from None

    def _is_enough(self, state: RetryCallState) -> bool:
        error = state.outcome.exception() if state.outcome else None
        limited = isinstance(error, Retryable) and error.kind == "rate-limited"
        return state.attempt_number >= self._tries * (_PATIENCE if limited else 1)

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
                    self._desk.tried(Tried(request.asked, begun, time.time() - begun, kind, usage))

    async def _sent(self, request: _Request) -> Completion:
        with chat_span(self.name, self.model, request.prompt.parameters) as span:
            try:
                completion = await self._sender.send(request.body)
            except ProviderError as error:
                span.set_attributes({"error.type": error.kind})
                raise
            usage = completion.usage
            span.set_attributes(
                answered(completion.model, completion.request_id, usage.prompt_tokens, usage.completion_tokens)
            )
            return completion

    def _slow_down(self, error: Retryable, started: float) -> None:
        now = self.pacer.now()
        if error.kind == "rate-limited":
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
_backoff = wait_random_exponential(multiplier=0.5, max=_LONGEST_WAIT)


def _wait(state: RetryCallState) -> float:
    """As long as the endpoint asks for, else with jitter. Where it is a limit, the pacer lets nobody else start."""
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after if isinstance(error, Retryable) else None
    return _backoff(state) if asked is None else min(asked, _LONGEST_WAIT)
