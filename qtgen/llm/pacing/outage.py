"""Detecting that an endpoint is down, by what its responses have in common."""

MAX_SECONDS = 300.0
"""How long an outage is waited for."""
MAX_SECONDS_AT_FIRST = 60.0
"""How long requests wait for an endpoint that never answered, unless it is starting (status 503)."""
_PROBE_INTERVALS = (1.0, 10.0)  # seconds between two probes, at the beginning of an outage and later
_DISTINCT = 2  # requests that have to fail: one alone may itself be the cause
_SERVER_FAILURES = frozenset({"unavailable", "dropped"})
_STARTING = 503
_GATEWAY = frozenset({502, 503, 504, 521, 522, 523, 530})  # a gateway's statuses: the server behind it does not respond


class Outage:
    """The state of one endpoint: whether it is down, since when, and when to probe it.

    An endpoint that answered before and then cannot be reached is down. So is one that returns nothing but server
    errors, for at least two different requests: if a single request keeps failing while others succeed, the fault is
    in that request. If an endpoint answered before, a gateway's status in response to one request is enough. While an
    endpoint is down, one request at a time probes it. Any other response ends the outage.
    """

    def __init__(self) -> None:
        self.has_answered = False
        self.probe_at = 0.0
        """When the next probe may be sent; 0 without an outage."""
        self._began: float | None = None
        self._first_failure = 0.0
        self._failing: set[bytes] = set()
        self._status = 0

    @property
    def is_on(self) -> bool:
        return self._began is not None

    @staticmethod
    def counts(kind: str) -> bool:
        """Return True if a failure of this kind can be the sign of an outage."""
        return kind in _SERVER_FAILURES

    def seconds(self, now: float) -> float:
        """Return how long the outage has lasted, 0 without one."""
        return 0.0 if self._began is None else now - self._began

    @property
    def max_seconds(self) -> float:
        """How long requests wait for the end of this outage."""
        return MAX_SECONDS if self.has_answered or self._status == _STARTING else MAX_SECONDS_AT_FIRST

    def is_over_limit(self, now: float) -> bool:
        """Return True if it has lasted longer than is waited for."""
        return self.seconds(now) >= self.max_seconds

    def responded(self) -> None:
        """Record that the endpoint is there, whatever it said."""
        self._began, self.probe_at = None, 0.0
        if self._failing:
            self._failing = set()

    def answered(self) -> None:
        """Record a final response of the model."""
        self.has_answered = True
        self.responded()

    def unreachable(self, now: float) -> None:
        """Record that nothing listens at the address of an endpoint that answered before."""
        self._begin(now, now)

    def failed(self, now: float, started: float, kind: str, digest: bytes, status: int = 0) -> None:
        """Record a failed attempt, which began at `started`, to send the request with this digest.

        `status` is the HTTP status, 0 if there was no response.
        """
        if kind in _SERVER_FAILURES:
            self._status = status
            if not self._failing:
                self._first_failure = now
            self._failing.add(digest)
            if self.is_on:
                self.plan_probe(now)
        elif self._began is None or started >= self._began:
            self.responded()

    def declare_if_likely(self, now: float, *, trusts_gateway: bool = False) -> bool:
        """Begin an outage if several requests have failed with server errors and nothing else came since.

        If `trusts_gateway`, one request is enough if a gateway reports that the server behind it does not respond.
        """
        is_gateway = trusts_gateway and self.has_answered and self._status in _GATEWAY
        if len(self._failing) >= (1 if is_gateway else _DISTINCT):
            self._begin(now, self._first_failure)
        return self.is_on

    def plan_probe(self, now: float) -> None:
        """Set the time of the next probe; the intervals grow with the length of the outage."""
        first, last = _PROBE_INTERVALS
        self.probe_at = now + min(max(first, self.seconds(now) / 4), last)

    def _begin(self, now: float, began: float) -> None:
        if self._began is None:
            self._began = began
        self.plan_probe(now)
