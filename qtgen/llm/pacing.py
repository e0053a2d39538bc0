"""How many requests may be in flight, and when the next may start: one pace for each model and endpoint.

`Pace` decides and knows no clock: every call is handed the time, so a run of an hour can be simulated in a test.
`Pacer` makes coroutines wait for it.

Five things hold a request back, whichever is the strictest: the concurrency that the endpoint has shown it bears
(grows with the answers, is halved by an overload), the rates that the user allows, what the endpoint says of itself
(`x-ratelimit-*`, Retry-After: everyone waits, not only the request that was refused), the rate that it was seen to
keep up, for headers may promise more than is kept, and an outage, during which one request now and then looks whether
it is over.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from qtgen.llm.types import Limits

_FIRST = 12.0  # requests in flight before the first answer
_GROWTH = 0.25  # more in flight for every answer at first: what is in flight when a limit shows is refused
_SLOWER = 0.95  # of the rate that was seen to work, after a refusal
_FASTER = 0.02  # growth of a learned rate a second, without a refusal
_FASTER_STILL = 0.01  # more of it for every second since the last refusal, so that a limit that was raised is found
_MOST_GROWTH = 0.5
_WITNESSES = 5  # answers beside each refusal that show it to be an accident
_SHORTEST = 0.1  # seconds from which a rate is judged
_PROBES = (1.0, 10.0)  # seconds between looks whether somebody listens again, at first and at last
_OVERLOADS = 5  # failures in a row that are no accident


@dataclass(slots=True)
class Bucket:
    """A rate with a store of `burst`: amounts a second, and when the store was looked at last."""

    rate: float = inf
    burst: float = inf
    level: float = inf
    at: float = 0.0

    def limit(self, rate: float, burst: float) -> None:
        self.rate, self.burst = rate, burst
        self.level = min(self.level, burst)

    def delay(self, now: float, amount: float) -> float:
        """Seconds until `amount` may be taken. More than the store ever holds is let through when it is full."""
        if self.rate == inf:
            return 0.0
        self.level = min(self.burst, self.level + (now - self.at) * self.rate)
        self.at = now
        short = min(amount, self.burst) - self.level
        return 0.0 if short <= 1e-9 else short / self.rate

    def take(self, now: float, amount: float) -> None:
        if self.rate != inf:
            self.delay(now, amount)
            self.level -= amount

    def give_back(self, amount: float) -> None:
        if self.rate != inf:
            self.level = min(self.burst, self.level + amount)


class Allowance:
    """What the user allows all models of a run together. cap: requests in flight; rpm, tpm: requests and tokens a
    minute."""

    def __init__(self, cap: int, rpm: float | None = None, tpm: float | None = None) -> None:
        self.cap = cap
        self.in_flight = 0
        self.requests, self.tokens = _a_minute(rpm), _a_minute(tpm)
        self.freed: list[Callable[[], None]] = []  # called when something may be free again

    def delay(self, now: float, tokens: float) -> float:
        """Seconds until a request may start; infinite: not before another ends."""
        if self.in_flight >= self.cap:
            return inf
        return max(self.requests.delay(now, 1), self.tokens.delay(now, tokens))

    def start(self, now: float, tokens: float) -> None:
        self.in_flight += 1
        self.requests.take(now, 1)
        self.tokens.take(now, tokens)

    def end(self, unused: float) -> None:
        self.in_flight -= 1
        self.tokens.give_back(unused)


class Pace:
    """cap: requests in flight at most; allowance: what this model and the others may do together."""

    def __init__(self, cap: int, allowance: Allowance | None = None) -> None:
        self.cap = cap
        self.allowance = allowance or Allowance(cap)
        self.allowed = min(float(cap), _FIRST)
        self.in_flight = 0
        self._threshold = inf  # above it, concurrency grows by one a round of answers instead of one an answer
        self._not_before = self._told_not_before = 0.0  # after a refusal; by an answer's headers
        self._cut_at = -inf  # the last time the pace was cut: what started before says nothing new
        self._failures = 0
        self._suspected: float | None = None  # the rate that may be the limit, until it is clear whether there is one
        self._refusals = self._others = 0  # of what was in flight when the first of them was refused
        self._before_cut = self.allowed
        self._answers: deque[float] = deque(maxlen=20_000)
        self._learned, self._said, self._said_tokens = Bucket(), Bucket(), Bucket()
        self._grown_at = 0.0
        self._lost_at: float | None = None  # since when nobody listens
        self._next_probe = 0.0
        self._closed = False

    @property
    def rate(self) -> float:
        """Requests a second that the endpoint was seen to keep up; infinite before the first refusal."""
        return self._learned.rate

    def delay(self, now: float, tokens: float) -> float:
        """Seconds until a request may start: 0 now, infinite: not before another ends."""
        if self._closed or self.in_flight >= int(self.allowed):
            return inf
        if self._suspected is not None and now >= self._not_before:
            self._believe(now)
        if self._is_trial and self.in_flight:
            return inf  # one at a time goes on, to see whether the refusal was an accident
        self._grow(now)
        requests = (bucket.delay(now, 1) for bucket in (self._learned, self._said))
        of_tokens = self._said_tokens.delay(now, tokens)
        return max(self.pause(now), *requests, of_tokens, self.allowance.delay(now, tokens))

    @property
    def _is_trial(self) -> bool:
        return self._suspected is not None and self._refusals == 1

    def pause(self, now: float) -> float:
        """Seconds for which nothing starts, whatever is free: the endpoint asked for it, or nobody listens."""
        asked = self._told_not_before if self._is_trial else max(self._told_not_before, self._not_before)
        return max(0.0, asked - now, self._next_probe - now)

    def start(self, now: float, tokens: float) -> None:
        """tokens: an estimate, corrected by what `end` says."""
        self.in_flight += 1
        if self._lost_at is not None:
            self._plan_probe(now)
        self.allowance.start(now, tokens)
        for bucket in (self._learned, self._said):
            bucket.take(now, 1)
        self._said_tokens.take(now, tokens)

    def end(self, reserved: float, used: float) -> None:
        self.in_flight -= 1
        self.allowance.end(reserved - used)
        self._said_tokens.give_back(reserved - used)

    def answered(self, now: float, limits: Limits | None) -> None:
        self.heard()
        self._failures = 0
        if self._suspected is not None:
            self._others += 1
            if self._others >= _WITNESSES * self._refusals:  # all others pass: an accident, and no limit
                self._suspected, self._not_before, self.allowed = None, now, self._before_cut
        self._answers.append(now)
        step = _GROWTH if self.allowed < self._threshold else 1.0 / self.allowed
        self.allowed = min(float(self.cap), self.allowed + step)
        if limits:
            self._heed(now, limits)

    def refused(self, now: float, started: float, wait: float | None) -> None:
        """Too many requests. wait: seconds that the endpoint asks for."""
        self.heard()
        pause = 1.0 if wait is None else wait
        self._not_before = max(self._not_before, now + pause)
        self._refusals += 1
        if started <= self._cut_at or self._suspected is not None:
            return
        self._refusals, self._others = 1, 0
        first_seen = self._cut_at if self._cut_at > -inf else self._answers[0] if self._answers else now
        seen_for = min(max(now - first_seen, pause, _SHORTEST), 10.0)
        worked = sum(1 for at in self._answers if at >= now - seen_for) / seen_for
        first = self._learned.rate == inf
        rate = worked if first else min(worked, self._learned.rate) * _SLOWER
        self._suspected = max(rate, 1 / max(pause, _SHORTEST))  # where nothing was answered yet, that says nothing
        self._cut(now)

    def _believe(self, now: float) -> None:
        """The pause is over. One refusal alone says nothing of a rate; several do."""
        rate, self._suspected = self._suspected, None
        if rate is None or self._refusals == 1:
            self.allowed = self._before_cut
            return
        self._learned.limit(rate, max(1.0, rate / 10))
        self._learned.level, self._learned.at = 1.0, now

    def failed(self, now: float, started: float) -> None:
        """No answer, or an error of the server. One alone is an accident; several in a row are an overload."""
        if started >= (self._lost_at or 0.0):
            self.heard()
        self._failures += 1
        if self._failures >= max(_OVERLOADS, self.allowed / 4) and started > self._cut_at:
            self._cut(now)

    def close(self) -> None:
        """Nothing starts any more; what is in flight may end."""
        self._closed = True

    def lost(self, now: float) -> None:
        """Nobody listens: all wait, but for one request now and then."""
        if self._lost_at is None:
            self._lost_at = now
        self._plan_probe(now)

    def lost_for(self, now: float) -> float:
        """Seconds since nobody listens; 0 while somebody does."""
        return 0.0 if self._lost_at is None else now - self._lost_at

    def heard(self) -> None:
        """Somebody listens, whatever they say."""
        self._lost_at, self._next_probe = None, 0.0

    def _plan_probe(self, now: float) -> None:
        first, last = _PROBES
        self._next_probe = now + min(max(first, self.lost_for(now) / 4), last)

    def _cut(self, now: float) -> None:
        self._before_cut = self.allowed
        self.allowed = self._threshold = max(1.0, self.allowed / 2)
        self._cut_at, self._grown_at, self._failures = now, now, 0

    def _grow(self, now: float) -> None:
        """Without a refusal the learned rate goes up, the faster the longer there was none."""
        passed = now - max(self._grown_at, self._not_before)
        if self._learned.rate == inf or passed < 0.1:
            return
        growth = min(_FASTER + _FASTER_STILL * max(0.0, now - self._cut_at - 10.0), _MOST_GROWTH)
        rate = self._learned.rate * (1 + growth * passed)
        self._learned.limit(rate, max(1.0, rate / 10))
        self._grown_at = now

    def _heed(self, now: float, limits: Limits) -> None:
        for bucket, a_minute in ((self._said, limits.requests_a_minute), (self._said_tokens, limits.tokens_a_minute)):
            if a_minute:
                bucket.limit(a_minute / 60, max(1.0, float(a_minute)))
        for left, reset in (
            (limits.requests_left, limits.requests_reset),
            (limits.tokens_left, limits.tokens_reset),
        ):
            if left is not None and left <= 0 and reset:
                self._told_not_before = max(self._told_not_before, now + min(reset, 60.0))


def _a_minute(limit: float | None) -> Bucket:
    """A limit a minute as a bucket that holds a second's worth, so that it is kept in every minute."""
    if limit is None:
        return Bucket()
    return Bucket(limit / 60, max(1.0, limit / 60), max(1.0, limit / 60))


class Pacer:
    """Coroutines wait in line for `acquire`, and say with `release` how it went."""

    def __init__(self, pace: Pace, clock: Callable[[], float] | None = None) -> None:
        self.pace = pace
        self.now = clock or asyncio.get_running_loop().time
        self._line: deque[tuple[asyncio.Future[None], float]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        pace.allowance.freed.append(self.pump)

    async def acquire(self, tokens: float) -> float:
        """Wait for a slot, and return the time at which it was given. tokens: an estimate of what will be used."""
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line.append((mine, tokens))
        self.pump()
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():  # given, and not wanted any more
                self.release(tokens, 0)
            raise
        return self.now()

    def release(self, reserved: float, used: float) -> None:
        self.pace.end(reserved, used)
        for pump in self.pace.allowance.freed:
            pump()

    def pump(self) -> None:
        """Let start whoever may; come back when the next one may."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        while self._line:
            mine, tokens = self._line[0]
            if mine.done():  # gave up waiting
                self._line.popleft()
                continue
            now = self.now()
            delay = self.pace.delay(now, tokens)
            if delay > 0:
                if delay < inf:
                    self._timer = asyncio.get_running_loop().call_later(delay, self.pump)
                return
            self._line.popleft()
            self.pace.start(now, tokens)
            mine.set_result(None)
