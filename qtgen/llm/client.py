"""The provider that generation uses: one model, behind the stack of senders."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from qtgen._util.concurrency import Stop
from qtgen.errors import Filtered, Interrupted, NoAnswer, Refused, Truncated
from qtgen.llm.brake import Brake
from qtgen.llm.budget import Budget
from qtgen.llm.dialect.sender import DialectSender
from qtgen.llm.dialect.value import Dialect
from qtgen.llm.endpoint import Endpoint, make_request
from qtgen.llm.ledger import LedgerSender, LedgerWriter
from qtgen.llm.pacing import PacedSender, Pacer
from qtgen.llm.retry import RetrySender, Sleep
from qtgen.llm.sender import Attempt, Sender
from qtgen.llm.telemetry import traced
from qtgen.llm.types import Completion, Prompt, PromptStyle

_NO_ANSWER = {error.kind: error for error in (Truncated, Refused, Filtered)}
_CUT_OFF = "the answer was cut off at the token limit; raise `max_tokens`"
_ONLY_REASONING = (
    "reasoning used up the token limit before the answer; "
    "lower `reasoning_effort` under [request], or raise `max_tokens`"
)
_PAUSE_SHOWN, _STARVATION_SHOWN = 2.0, 3.0  # seconds; shorter waiting is ordinary
Waiting = Literal["", "outage", "start", "limit"]


@dataclass(frozen=True, slots=True)
class ClientStats:
    """A snapshot of a client.

    Attributes:
        attempts: Number of attempts by kind: `ok`, or the kind of the failure.
        reused: Answers that came from the ledger.
        rejected: Answers that had faults.
        in_flight: Requests in flight now.
        concurrency: Requests that may be in flight now, by what the endpoint copes with.
        max_concurrency: The most requests that may ever be in flight.
        tokens: Tokens sent and received.
        tokens_per_minute: The same per minute, since the first attempt.
        waiting_for: Why nothing gets through: the endpoint is down, it has not answered yet, or a limit was reached.
            Empty if requests pass.
        waiting_seconds: Seconds until the next request may start.
        waiting_reason: The endpoint's last error, if the client waits.
        adaptations: How requests were changed so that the endpoint answers them, and why.
    """

    model: str
    attempts: Mapping[str, int]
    reused: int = 0
    rejected: int = 0
    in_flight: int = 0
    concurrency: int = 0
    max_concurrency: int = 0
    tokens: int = 0
    tokens_per_minute: float = 0.0
    waiting_for: Waiting = ""
    waiting_seconds: float = 0.0
    waiting_reason: str = ""
    adaptations: tuple[str, ...] = ()


class Client:
    """A provider for one model at one endpoint.

    Its layers, from the outside: the ledger (if there is a writer), retries, the dialect, pacing with the budget,
    tracing (if OpenTelemetry is installed), and the transport.

    Args:
        transport: Sends a request once.
        tries: The most attempts for one request.
        stop: Once a stop is requested, `complete` sends nothing and raises Interrupted.
        brake: Ends the run if all requests fail alike; the clients of a run share one.
        sleep: Waits between two attempts; tests replace it.
    """

    def __init__(
        self,
        transport: Sender,
        endpoint: Endpoint,
        pacer: Pacer,
        *,
        tries: int = 5,
        writer: LedgerWriter | None = None,
        budget: Budget | None = None,
        stop: Stop | None = None,
        brake: Brake | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.name, self.model = endpoint.provider, endpoint.model
        self._endpoint, self._pacer, self._writer = endpoint, pacer, writer
        self._stop, self.brake = stop or Stop(), brake or Brake()
        self._attempts: Counter[str] = Counter()
        self._reused = self._rejected = self._tokens = 0
        self._first_attempt: float | None = None
        self._paced = PacedSender(
            traced(transport, self.name, self.model),
            endpoint,
            pacer,
            budget or Budget(),
            record=self._record,
            stop=self._stop,
            gate=writer.gate if writer else None,
        )
        is_fresh = writer is not None and writer.earlier is None
        self._dialect = DialectSender(self._paced, endpoint, on_change=self._record_dialect, is_proved=not is_fresh)
        retrying = RetrySender(
            self._dialect, endpoint, pacer, tries=tries, stop=self._stop, brake=self.brake, sleep=sleep
        )
        self._sender: Sender = LedgerSender(retrying, writer, self._stop) if writer else retrying

    @property
    def style(self) -> PromptStyle:
        """How prompts for the model are written now."""
        return self._dialect.style

    @property
    def dialect(self) -> Dialect:
        """How requests are changed before they are sent."""
        return self._dialect.dialect

    @dialect.setter
    def dialect(self, dialect: Dialect) -> None:
        self._dialect.dialect = dialect

    @property
    def learned(self) -> Sequence[str]:
        """The changes to requests that an earlier run learned."""
        return self._endpoint.learned_dialect.words()

    async def complete(self, prompt: Prompt) -> Completion:
        if self._stop.requested:
            raise Interrupted("the run was interrupted before the request was sent")
        completion = await self._sender.send(make_request(prompt, self._endpoint))
        if completion.reused:
            self._reused += 1
        if completion.kind != "ok":
            raise _no_answer(completion)
        return completion

    def reject(self, completion: Completion) -> None:
        if not completion.reused:
            self._rejected += 1
        if self._writer:
            self._writer.judge(completion, "rejected")

    def forget(self, completion: Completion) -> None:
        if self._writer:
            self._writer.judge(completion, "faulty")

    def stats(self) -> ClientStats:
        """Return a snapshot of what the client has done and of what it waits for."""
        limiter, now = self._pacer.limiter, self._pacer.now()
        seconds, starvation = limiter.pause(now), limiter.starvation(now)
        is_limited = starvation > _STARVATION_SHOWN or seconds > _PAUSE_SHOWN
        waiting_for: Waiting = "limit" if is_limited else ""
        if limiter.outage.is_on:
            waiting_for = "outage" if limiter.outage.has_answered else "start"
        is_asked_for = limiter.outage.is_on or starvation > 0 or limiter.is_rejected(now)
        reason = self._paced.last_failure if is_asked_for else ""
        minutes = (now - self._first_attempt) / 60 if self._first_attempt is not None else 0.0
        return ClientStats(
            self.model,
            dict(self._attempts),
            self._reused,
            self._rejected,
            limiter.in_flight,
            int(limiter.concurrency),
            limiter.max_concurrency,
            self._tokens,
            self._tokens / minutes if minutes > 0 else 0.0,
            waiting_for,
            seconds,
            reason if waiting_for else "",
            tuple(self._dialect.adaptations),
        )

    def _record_dialect(self, dialect: Dialect) -> None:
        if self._writer and self._endpoint.remembers_dialect:
            self._writer.record_dialect(self._endpoint.place, self.model, dialect.to_json())

    def _record(self, attempt: Attempt) -> None:
        self._attempts[attempt.kind] += 1
        self._tokens += attempt.usage.prompt_tokens + attempt.usage.completion_tokens
        if self._first_attempt is None:
            self._first_attempt = self._pacer.now() - attempt.seconds
        if self._writer:
            self._writer.record_attempt(attempt)


def _no_answer(completion: Completion) -> NoAnswer:
    """Return the error for a final response that is no answer. A reused one raises the same error as the first time."""
    message = completion.text
    if completion.kind == Truncated.kind:
        is_reasoning = completion.usage.reasoning_tokens and not message.strip()
        message = _ONLY_REASONING if is_reasoning else _CUT_OFF
    return _NO_ANSWER[completion.kind](message, usage=completion.usage, completion=completion)
