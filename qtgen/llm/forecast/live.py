"""Simulate a live run: discrete events around the limiter that real runs use."""

import heapq
from collections import deque
from dataclasses import dataclass
from enum import IntEnum
from itertools import count
from math import inf
from random import Random

from qtgen.llm.forecast.scenario import Scenario
from qtgen.llm.pacing import AdaptiveLimiter, Allowance
from qtgen.llm.pacing.bucket import TokenBucket

_JOBS_PER_REQUEST = 2  # as in `generation.pipeline`: pages in progress for each request in flight
_REJECTION_PATIENCE = 6  # as in `llm.retry`: tries for rejections, for each try for other failures
_MAX_BACKOFF = 60.0  # seconds, as in `llm.retry`
# A wait that rounds to zero would last forever. Limits allow bursts of at least 0.1 s, so this wait loses no time.
_MIN_WAIT = 0.02  # seconds
_HEAD_START = 2.0  # seconds, as in `llm.factory`
_LIMIT_SECONDS = 0.1  # a rate limit shows at once; a rejection by chance takes as long as an answer
_STEADY = (0.3, 0.9)  # parts of the pages between which a run is steady, because it neither starts nor ends


class _Event(IntEnum):
    WAKE = 0  # a limit may allow the next request
    RESPONSE = 1  # the endpoint responds
    READ = 2  # the processor has dealt with the response
    RETRY = 3  # the pause before another attempt is over
    END = 4  # the page is recorded


class _Outcome(IntEnum):
    ANSWERED = 0
    LIMITED = 1  # rejected by the endpoint's rate limit
    REJECTED = 2  # rejected by chance
    FAILED = 3


@dataclass(slots=True)
class _Request:
    """A request for a page, with its attempts so far. `outcome` is that of the current attempt."""

    machine: "_Machine"
    tokens: tuple[float, float]
    attempts: int = 0
    rejections: int = 0
    started: float = 0.0
    outcome: _Outcome | None = None


class _Machine:
    def __init__(self, scenario: Scenario, requests: TokenBucket, tokens: TokenBucket) -> None:
        allowance = Allowance(scenario.concurrency)
        allowance.requests, allowance.tokens = requests, tokens  # all machines share the user's limits
        self.limiter = AdaptiveLimiter(scenario.concurrency, allowance, head_start=_HEAD_START)
        self.ready: deque[_Request] = deque()
        self.free_jobs = _JOBS_PER_REQUEST * scenario.concurrency
        self.processor_free_at = 0.0
        self.wake_at = inf


@dataclass(frozen=True, slots=True)
class LiveRun:
    """The result of one simulation.

    Attributes:
        seconds: When the last page was done.
        page_seconds: Seconds per page while the run was steady.
        answers: Requests that were answered.
        sent: Prompt tokens of all answers. `received` are their completion tokens.
        failed: Pages that failed.
    """

    seconds: float
    page_seconds: float
    answers: int
    sent: float
    received: float
    failed: int


class LiveSimulation:
    """A run of `scenario.pages` pages. Call `run` once."""

    def __init__(self, scenario: Scenario, dice: Random) -> None:
        self._scenario, self._dice = scenario, dice
        requests, tokens = TokenBucket.per_minute(scenario.rpm), TokenBucket.per_minute(scenario.tpm)
        self._endpoint_requests = TokenBucket.per_minute(scenario.endpoint_rpm)
        self._endpoint_tokens = TokenBucket.per_minute(scenario.endpoint_tpm)
        self._machines = [_Machine(scenario, requests, tokens) for _ in range(scenario.machines)]
        self._latencies = scenario.latency.drawn(dice)
        self._sent, self._received = scenario.sent.drawn(dice), scenario.received.drawn(dice)
        self._estimate = scenario.sent.mean + scenario.received.mean
        self._processor = scenario.processor / scenario.requests_per_page
        self._remaining, self._done, self._failed = scenario.pages, 0, 0
        self._answers, self._sent_sum, self._received_sum = 0, 0.0, 0.0
        self._events: list[tuple[float, int, _Event, _Machine, _Request | None]] = []
        self._order = count()
        self._marks = [int(part * scenario.pages) for part in _STEADY]
        self._mark_times: list[float] = []

    def run(self) -> LiveRun:
        """Simulate the run."""
        now = 0.0
        for machine in self._machines:
            self._start_requests(machine, now)
        while self._done < self._scenario.pages:
            now, _, event, machine, request = heapq.heappop(self._events)
            if request is None:
                if now >= machine.wake_at:
                    machine.wake_at = inf
                    self._start_requests(machine, now)
                continue
            self._handle(event, now, machine, request)
        first, last = self._mark_times[0], self._mark_times[-1]
        pages = self._marks[-1] - self._marks[0]
        page_seconds = (last - first) / pages if pages else now / self._scenario.pages
        return LiveRun(now, page_seconds, self._answers, self._sent_sum, self._received_sum, self._failed)

    def _handle(self, event: _Event, now: float, machine: _Machine, request: _Request) -> None:
        if event is _Event.RESPONSE and machine.processor_free_at > now:
            machine.processor_free_at += self._processor
            self._push(machine.processor_free_at, _Event.READ, machine, request)
            return
        if event is _Event.RESPONSE:
            machine.processor_free_at = now + self._processor
        if event is _Event.RETRY:
            machine.ready.append(request)
        elif event is _Event.END:
            self._end_page(machine, now)
        else:
            self._read(now, machine, request)
        self._start_requests(machine, now)

    def _push(self, at: float, event: _Event, machine: _Machine, request: _Request | None) -> None:
        heapq.heappush(self._events, (at, next(self._order), event, machine, request))

    def _start_requests(self, machine: _Machine, now: float) -> None:
        """Start every request of a machine that may start, and schedule a wake-up for the next one."""
        limiter = machine.limiter
        while machine.ready or (self._remaining and machine.free_jobs):
            if (delay := limiter.delay(now, self._estimate)) > 0:
                wake_at = now + max(delay, _MIN_WAIT)
                if wake_at < machine.wake_at:
                    machine.wake_at = wake_at
                    self._push(machine.wake_at, _Event.WAKE, machine, None)
                return
            if machine.ready:
                request = machine.ready.popleft()
            else:
                self._remaining -= 1
                machine.free_jobs -= 1
                request = _Request(machine, self._drawn_tokens())
            limiter.start(now, self._estimate)
            request.attempts += 1
            request.started = now
            request.outcome = self._outcome(now, sum(request.tokens))
            seconds = self._latencies[int(self._dice.random() * len(self._latencies))]
            if request.outcome is _Outcome.LIMITED:
                seconds = min(seconds, _LIMIT_SECONDS)
            self._push(now + seconds, _Event.RESPONSE, machine, request)

    def _drawn_tokens(self) -> tuple[float, float]:
        number = self._dice.random()
        return self._sent[int(number * len(self._sent))], self._received[int(number * len(self._received))]

    def _outcome(self, now: float, tokens: float) -> _Outcome:
        """Return the outcome of a request at the endpoint."""
        requests, bucket = self._endpoint_requests, self._endpoint_tokens
        if requests.delay(now, 1) > 0 or bucket.delay(now, tokens) > 0:
            return _Outcome.LIMITED
        requests.take(now, 1)
        bucket.take(now, tokens)
        chance = self._dice.random()
        if chance < self._scenario.rejections:
            return _Outcome.REJECTED
        is_failure = chance < self._scenario.rejections + self._scenario.failures
        return _Outcome.FAILED if is_failure else _Outcome.ANSWERED

    def _read(self, now: float, machine: _Machine, request: _Request) -> None:
        limiter = machine.limiter
        if request.outcome is _Outcome.ANSWERED:
            sent, received = request.tokens
            limiter.end(self._estimate, sent + received)
            limiter.answered(now, None)
            self._answers += 1
            self._sent_sum += sent
            self._received_sum += received
            if self._dice.random() < self._scenario.faulty:
                machine.ready.appendleft(_Request(machine, self._drawn_tokens()))
            else:
                self._push(now + self._scenario.commit, _Event.END, machine, request)
            return
        limiter.end(self._estimate, 0)
        if request.outcome is not _Outcome.FAILED:
            request.rejections += 1
            limiter.rate_limited(now, request.started, self._scenario.retry_after)
        else:
            limiter.failed(now, request.started, "unavailable", str(id(request)).encode())
        self._retry(now, machine, request)

    def _retry(self, now: float, machine: _Machine, request: _Request) -> None:
        """Schedule another attempt after a pause, or fail the page."""
        failures = request.attempts - request.rejections
        if failures >= self._scenario.tries or request.rejections >= _REJECTION_PATIENCE * self._scenario.tries:
            self._failed += 1
            self._push(now, _Event.END, machine, request)
            return
        pause = None if request.outcome is _Outcome.FAILED else self._scenario.retry_after
        if pause is None:
            pause = self._dice.uniform(0.0, min(0.5 * 2 ** (request.attempts - 1), _MAX_BACKOFF))
        self._push(now + min(pause, _MAX_BACKOFF), _Event.RETRY, machine, request)

    def _end_page(self, machine: _Machine, now: float) -> None:
        machine.free_jobs += 1
        self._done += 1
        while len(self._mark_times) < len(self._marks) and self._done >= self._marks[len(self._mark_times)]:
            self._mark_times.append(now)
