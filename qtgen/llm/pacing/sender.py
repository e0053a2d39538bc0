"""The pacing layer: every attempt waits for its share of the budget and for its turn."""

import logging
import time
from collections.abc import Callable
from dataclasses import replace

from qtgen._util.concurrency import Stop
from qtgen.errors import Interrupted, ProviderError, Retryable, StyleRejected, Unreachable
from qtgen.llm._stopping import unless_stopped
from qtgen.llm.budget import Budget
from qtgen.llm.endpoint import Endpoint
from qtgen.llm.ledger.gate import Gate
from qtgen.llm.pacing.pacer import Pacer
from qtgen.llm.sender import Attempt, Request, Sender
from qtgen.llm.types import Completion, Usage

_BYTES_PER_TOKEN = 4
_logger = logging.getLogger(__name__)


class PacedSender:
    """Sends each request once, as soon as the budget and the pacer allow, and reports what came of it.

    A slot is held only while a request is in flight, never during a back-off, so a request that failed delays no other.

    Attributes:
        last_failure: The message of the last failed attempt.

    Args:
        record: Called with every attempt that was sent, also with one that was cancelled.
        stop: After a stop is requested nothing is sent; `send` raises Interrupted instead.
        gate: While it is closed nothing is sent.
    """

    def __init__(
        self,
        inner: Sender,
        endpoint: Endpoint,
        pacer: Pacer,
        budget: Budget,
        *,
        record: Callable[[Attempt], None],
        stop: Stop,
        gate: Gate | None = None,
    ) -> None:
        self._inner, self._endpoint = inner, endpoint
        self._pacer, self._budget = pacer, budget
        self._record, self._stop, self._gate = record, stop, gate
        self.last_failure = ""
        self._mean_answer = 0.0  # tokens
        self._markup = 1.0  # factor of the ceiling, because the provider charges more than the price list says
        self._was_down = False

    async def send(self, request: Request) -> Completion:
        listed = self._listed(request)
        ceiling = listed * self._markup
        tokens = request.key.size // _BYTES_PER_TOKEN + (self._mean_answer or request.max_answer_tokens)
        await self._budget.reserve(ceiling)
        try:
            acquired = await self._acquire(tokens, request)
        except BaseException:
            self._budget.settle(ceiling, 0.0)
            raise
        try:
            finished = self._finished(request)
        except (Interrupted, StyleRejected):
            self._pacer.release(tokens, 0)
            self._budget.settle(ceiling, 0.0)
            raise
        if self._budget.limit is not None and self._listed(finished) * self._markup > ceiling:
            self._pacer.release(tokens, 0)  # the reservation no longer covers it
            self._budget.settle(ceiling, 0.0)
            return await self.send(replace(request, max_answer_tokens=finished.max_answer_tokens))
        kind, usage, started = "abandoned", self._endpoint.unknown_usage, time.time()
        try:
            completion = await self._inner.send(finished)
            kind, usage = completion.kind, completion.usage
            self._learn(completion)
            return completion
        except ProviderError as error:
            kind, usage = error.kind, self._endpoint.usage_of(error)
            self._adapt(error, acquired, request)
            raise
        finally:  # also if it is cancelled: the endpoint may answer and bill it all the same
            self._pacer.release(tokens, usage.prompt_tokens + usage.completion_tokens)
            self._budget.settle(ceiling, usage.charged_usd)
            if listed:
                self._markup = max(self._markup, (usage.charged_usd or 0.0) / listed)
            self._report(Attempt(request.key, started, time.time() - started, kind, usage))

    async def _acquire(self, tokens: float, request: Request) -> float:
        """Wait for a turn at a time when the gate is open, and return the time. Raises Interrupted."""
        while True:
            acquired = await self._pacer.acquire(tokens, goes_first=request.goes_first)
            if self._gate is None or self._gate.is_open:
                return acquired
            self._pacer.release(tokens, 0)
            await unless_stopped(self._gate.wait(), self._stop)

    def _listed(self, request: Request) -> float:
        """Return the most that a request can cost by the price list. A token has at least one byte."""
        return self._endpoint.cost(request.key.size, request.max_answer_tokens, 0) or 0.0

    def _finished(self, request: Request) -> Request:
        """Return the request as it is sent now. Raises Interrupted after a stop was requested, and StyleRejected."""
        if self._stop.requested:
            raise Interrupted("the run was interrupted before the request was sent")
        return request.finish() if request.finish else request

    def _learn(self, completion: Completion) -> None:
        if completion.kind != "ok":
            self._pacer.limiter.outage.answered()
            return
        answer = completion.usage.completion_tokens
        self._mean_answer = 0.9 * (self._mean_answer or answer) + 0.1 * answer
        self._pacer.limiter.answered(self._pacer.now(), completion.limits)

    def _adapt(self, error: ProviderError, acquired: float, request: Request) -> None:
        """Slow down after a failure, or note that the endpoint responds."""
        limiter, now = self._pacer.limiter, self._pacer.now()
        self.last_failure = str(error)
        if not isinstance(error, Retryable):
            limiter.outage.responded()
        elif isinstance(error, Unreachable) and (limiter.outage.has_answered or limiter.outage.is_on):
            limiter.outage.unreachable(now)
        elif error.kind == "rate-limited":
            if not limiter.pause(now):
                _logger.info("%s rejects requests because of a rate limit: %s", self._endpoint.model, error)
            limiter.rate_limited(now, acquired, error.retry_after)
        else:
            status = error.reply.status if error.reply else 0
            limiter.failed(now, acquired, error.kind, request.key.digest, status)

    def _report(self, attempt: Attempt) -> None:
        self._record(attempt)
        if self._pacer.limiter.outage.is_on != self._was_down:
            self._was_down = not self._was_down
            text = "%s is down; one request at a time probes it" if self._was_down else "%s responds again"
            _logger.info(text, self._endpoint.model)
        if _logger.isEnabledFor(logging.DEBUG):
            _log_attempt(attempt)


def _log_attempt(attempt: Attempt) -> None:
    usage: Usage = attempt.usage
    _logger.debug(
        "request %s to %s: %s after %.2f s, %d + %d tokens",
        attempt.key.digest.hex()[:12],
        attempt.key.model,
        attempt.kind,
        attempt.seconds,
        usage.prompt_tokens,
        usage.completion_tokens,
    )
