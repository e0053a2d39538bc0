"""Decide when the next request may start: one limiter for each model and endpoint.

Five things hold a request back; the strictest decides:

- the concurrency that the endpoint has coped with. It grows with every answer and is halved by an overload.
- the user's own limits (`Allowance`).
- what the endpoint reports (`x-ratelimit-*`, `Retry-After`). It holds for every request, not only the rejected one.
- the request rate at which the endpoint stopped rejecting, because headers can promise more than the endpoint keeps.
- an outage, during which one request at a time probes the endpoint (`Outage`).

Some endpoints reject a few percent of all requests at any rate. Such a rejection holds back only its own
request. Answers earn credit, and a rejection spends it. Rejections are a rate limit if no credit is left.
"""

from collections import deque
from math import inf

from qtgen.llm.pacing.allowance import Allowance
from qtgen.llm.pacing.bucket import TokenBucket
from qtgen.llm.pacing.outage import Outage
from qtgen.llm.types import Limits

_INITIAL_CONCURRENCY = 12.0
# Growth of the concurrency per answer at first. Everything in flight when a limit shows is rejected, so not 1.
_CONCURRENCY_GROWTH = 0.25
_RATE_CUT = 0.95  # factor for the learned rate after another rejection
# Growth of the learned rate per second without a rejection. The second figure is added for every second since the last
# one, so that a limit that was raised is found.
_RATE_GROWTH, _RATE_GROWTH_INCREASE, _MAX_RATE_GROWTH = 0.02, 0.01, 0.5
_GRACE = 10.0  # seconds after a rejection before the growth increases
# An answer earns this part of a rejection. More than one rejection for that many answers is a rate limit. At a known
# rate, rejections rise slowly with the rate, so fewer are forgiven.
_CREDIT, _CREDIT_AT_KNOWN_RATE = 1 / 5, 1 / 10
# With 3% of accidents, so many rejections at once are an accident only every 100,000 requests.
_MAX_CREDIT = 5.0
_MIN_ANSWERS = 20  # answers from which a rate can be measured
_MIN_WINDOW, _MAX_WINDOW = 0.1, 10.0  # seconds over which a rate is measured
_OVERLOAD_FAILURES = 5  # consecutive failures that are no coincidence
_MAX_HEADER_PAUSE = 60.0  # seconds
MAX_STARVATION = 180.0
"""Seconds for which rate limits may reject every request."""
_PATIENT_ROUNDS = 2  # rounds of rejections after which the pause grows, whatever the endpoint asks for
_MAX_PAUSE_GROWTH = 30.0  # seconds


class AdaptiveLimiter:
    """Args:
    max_concurrency: The most requests in flight for this model.
    allowance: The user's limits, shared with the run's other models.
    head_start: Seconds for which requests are sent one at a time until the first answer. The first request
        shows what the endpoint rejects in every request, so that the others can be changed before they are sent.
    """

    def __init__(self, max_concurrency: int, allowance: Allowance | None = None, *, head_start: float = 0.0) -> None:
        self.max_concurrency = max_concurrency
        self._head_start = head_start
        self._together_from = inf  # the time from which requests are sent together
        self.allowance = allowance or Allowance(max_concurrency)
        self.outage = Outage()
        self.concurrency = min(float(max_concurrency), _INITIAL_CONCURRENCY)
        """Requests that may be in flight now."""
        self.in_flight = 0
        self._slow_growth_from = inf  # above it, concurrency grows by one per round of answers, not per few answers
        self._cut_at = -inf  # what started before the last cut says nothing new
        self._failures = 0  # consecutive
        self._starving_since: float | None = None  # the first rejection after the last answer
        self._rejected_rounds = 0  # since the last answer; what is rejected while no request starts is one round
        self._resume_at = self._header_resume_at = 0.0  # after a rejection; by a response's headers
        self._credit = 1.0  # rejections that are forgiven. The very first one may be an accident, too.
        self._answer_times: deque[float] = deque(maxlen=20_000)
        self._learned, self._reported, self._reported_tokens = TokenBucket(), TokenBucket(), TokenBucket()
        self._rate_grown_at = 0.0

    @property
    def rate(self) -> float:
        """Requests per second that the endpoint is known to accept; infinity before the first rejection."""
        return self._learned.rate

    def delay(self, now: float, tokens: float) -> float:
        """Return the seconds until a request may start; infinity if another one has to end first."""
        if self.in_flight >= int(self.concurrency):
            return inf
        self._grow_rate(now)
        return max(
            self._together_from - now if self.in_flight else 0.0,
            self.pause(now),
            self._learned.delay(now, 1),
            self._reported.delay(now, 1),
            self._reported_tokens.delay(now, tokens),
            self.allowance.delay(now, tokens),
        )

    def pause(self, now: float) -> float:
        """Return the seconds for which no request starts, because the endpoint asked for it or is down."""
        return max(0.0, self._header_resume_at - now, self._resume_at - now, self.outage.probe_at - now)

    def is_rejected(self, now: float) -> bool:
        """Return True during the pause after a rate limit."""
        return now < self._resume_at

    def starvation(self, now: float) -> float:
        """Return the seconds for which rate limits have rejected every request."""
        return 0.0 if self._starving_since is None else now - self._starving_since

    def is_starved(self, now: float) -> bool:
        """Return True if rate limits have rejected every request for minutes."""
        return self.starvation(now) >= MAX_STARVATION

    def start(self, now: float, tokens: float) -> None:
        """Count a request that starts. `tokens` is an estimate, which `end` corrects."""
        self.in_flight += 1
        self._together_from = min(self._together_from, now + self._head_start)
        if self.outage.is_on:
            self.outage.plan_probe(now)
        self.allowance.start(now, tokens)
        self._learned.take(now, 1)
        self._reported.take(now, 1)
        self._reported_tokens.take(now, tokens)

    def end(self, reserved: float, used: float) -> None:
        """Count a request that ended, with the tokens that were reserved for it and those that it used."""
        self.in_flight -= 1
        self.allowance.end(reserved - used)
        self._reported_tokens.refund(reserved - used)

    # --- what the endpoint's responses say ---------------------------------------------------------------------------

    def answered(self, now: float, limits: Limits | None) -> None:
        self.outage.answered()
        self._together_from = -inf
        self._failures = self._rejected_rounds = 0
        self._starving_since = None
        earned = _CREDIT if self._learned.rate == inf else _CREDIT_AT_KNOWN_RATE
        self._credit = min(self._credit + earned, _MAX_CREDIT)
        if self._learned.rate == inf and self._credit >= 1:
            self._resume_at = min(self._resume_at, now)  # the first rejections were accidents
        self._answer_times.append(now)
        growth = _CONCURRENCY_GROWTH if self.concurrency < self._slow_growth_from else 1.0 / self.concurrency
        self.concurrency = min(float(self.max_concurrency), self.concurrency + growth)
        if limits:
            self._heed(now, limits)

    def rate_limited(self, now: float, started: float, retry_after: float | None) -> None:
        """Record a response 429 to a request that began at `started`."""
        self.outage.responded()
        self._together_from = -inf
        is_stale = started <= self._cut_at
        if not is_stale and self._credit >= 1:
            self._credit -= 1
            return
        pause = 1.0 if retry_after is None else retry_after
        self._resume_at = max(self._resume_at, now + max(pause, self._pause_growth(now, started)))
        if is_stale:
            return
        rate = self._measured_rate(now, pause)
        self._ignore_older(now)
        if rate is None:  # only the concurrency tells what the endpoint accepts
            self.concurrency = max(1.0, self.concurrency / 2)
            return
        if self._learned.rate == inf:  # from now on, the rate limits the requests
            self.concurrency = self._slow_growth_from = max(1.0, self.concurrency / 2)
        self._learned.limit(rate, max(1.0, rate / 10))
        self._learned.level, self._learned.updated = 1.0, now

    def _measured_rate(self, now: float, pause: float) -> float | None:
        """Return the requests per second to learn from a rate limit. Return None if too few answers came before it."""
        times = self._answer_times
        if len(times) < _MIN_ANSWERS:
            return None
        seconds = now - (self._cut_at if self._cut_at > -inf else times[0])
        # If answers take longer than the window, it has to contain those to all requests in flight.
        last_round = now - times[-min(len(times), self.in_flight)] if self.in_flight else 0.0
        window = max(min(max(seconds, pause, _MIN_WINDOW), _MAX_WINDOW), min(last_round, seconds))
        measured = sum(1 for time in times if time >= now - window) / window
        if not measured:
            return None
        rate = measured if self._learned.rate == inf else min(measured, self._learned.rate) * _RATE_CUT
        return max(rate, 1 / max(pause, _MIN_WINDOW))

    def _pause_growth(self, now: float, started: float) -> float:
        """Return the seconds to wait at least, as nothing has passed since the last answer."""
        if self._starving_since is None:
            self._starving_since = now
        if started >= self._resume_at:
            self._rejected_rounds += 1
        rounds = self._rejected_rounds - _PATIENT_ROUNDS
        return min(2.0**rounds, _MAX_PAUSE_GROWTH) if rounds > 0 else 0.0

    def failed(
        self, now: float, started: float, kind: str = "unavailable", digest: bytes = b"", status: int = 0
    ) -> None:
        """Record a server error or a missing response. One alone is an accident, several in a row are an overload."""
        was_down = self.outage.is_on
        self.outage.failed(now, started, kind, digest, status)
        self._failures += 1
        if was_down or self._failures < max(_OVERLOAD_FAILURES, self.concurrency / 4):
            return
        self.outage.declare_if_likely(now)
        if started > self._cut_at:
            self.concurrency = self._slow_growth_from = max(1.0, self.concurrency / 2)
            self._ignore_older(now)

    # --- what follows from them --------------------------------------------------------------------------------------

    def _ignore_older(self, now: float) -> None:
        """Let what started before now say nothing new, and the rate not grow before now."""
        self._cut_at, self._rate_grown_at, self._failures = now, now, 0

    def _grow_rate(self, now: float) -> None:
        seconds = now - max(self._rate_grown_at, self._resume_at)
        if self._learned.rate == inf or seconds < _MIN_WINDOW:
            return
        increase = _RATE_GROWTH_INCREASE * max(0.0, now - self._cut_at - _GRACE)
        rate = self._learned.rate * (1 + min(_RATE_GROWTH + increase, _MAX_RATE_GROWTH) * seconds)
        self._learned.limit(rate, max(1.0, rate / 10))
        self._rate_grown_at = now

    def _heed(self, now: float, limits: Limits) -> None:
        """Apply the limits that a response reports."""
        for bucket, per_minute in (
            (self._reported, limits.requests_per_minute),
            (self._reported_tokens, limits.tokens_per_minute),
        ):
            if per_minute:
                bucket.limit(per_minute / 60, max(1.0, float(per_minute)))
        for left, reset in (
            (limits.requests_left, limits.requests_reset),
            (limits.tokens_left, limits.tokens_reset),
        ):
            if left is not None and left <= 0 and reset:
                self._header_resume_at = max(self._header_resume_at, now + min(reset, _MAX_HEADER_PAUSE))
