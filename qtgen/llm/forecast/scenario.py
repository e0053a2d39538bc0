"""What a forecast assumes about a run, its endpoint and its machines."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from math import exp, sqrt
from random import Random
from statistics import NormalDist, fmean, pstdev

_QUANTILES = 200  # values that represent a distribution
_DRIFT = 0.05  # relative change of an endpoint's mean from day to day, even if many values are known


class Way(StrEnum):
    """How the requests of a run are sent.

    `mixed` sends the first request for each page in batches, and repairs live.
    """

    LIVE = "live"
    BATCH = "batch"
    MIXED = "mixed"


@dataclass(frozen=True)
class Quantity:
    """A figure that varies from request to request, such as the latency.

    Attributes:
        values: Values that are equally likely.
        error: Relative standard error of their mean. It is 0 if the user states the mean.
    """

    values: tuple[float, ...]
    error: float = 0.0

    @classmethod
    def around(cls, mean: float, spread: float, error: float = 0.0) -> "Quantity":
        """Return a quantity with a log-normal distribution. `spread` is the standard deviation of the logarithm."""
        normal = NormalDist(0.0, spread or 1e-9)
        values = [exp(normal.inv_cdf((number + 0.5) / _QUANTILES)) for number in range(_QUANTILES)]
        scale = mean / fmean(values)
        return cls(tuple(scale * value for value in values), error)

    @classmethod
    def observed(cls, values: Sequence[float]) -> "Quantity":
        """Return a quantity with the distribution of these values, of which at least one is above 0."""
        return cls(tuple(values), sqrt(_DRIFT**2 + (pstdev(values) / fmean(values)) ** 2 / len(values)))

    @cached_property
    def mean(self) -> float:
        return fmean(self.values)

    def drawn(self, dice: Random) -> list[float]:
        """Return possible values for one run, whose mean has a random error."""
        factor = exp(dice.gauss(0.0, self.error))
        return [factor * value for value in self.values]


@dataclass(frozen=True, slots=True)
class Rates:
    """US dollars per token; None if the price is unknown.

    Attributes:
        batch: Factor of these prices for requests in a batch.
    """

    sent: float | None = None
    received: float | None = None
    batch: float | None = None

    def cost(self, sent: float, received: float, *, in_batches: bool = False) -> float | None:
        """Return the cost of tokens in US dollars, or None if it is unknown."""
        if self.sent is None or self.received is None:
            return None
        cost = sent * self.sent + received * self.received
        if not in_batches or not cost:
            return cost
        return None if self.batch is None else cost * self.batch


@dataclass(frozen=True, slots=True)
class BatchService:
    """A provider's Batch API.

    Attributes:
        lines: Maximum requests in one batch.
        bytes: Maximum bytes of one batch.
        enqueued_tokens: Maximum prompt tokens in all unfinished batches; None if unlimited.
        window: Seconds after which a batch expires.
        completion: Seconds that a batch takes.
        processor: Seconds of processor time per request, for writing its line and recording its result.
    """

    lines: int = 50_000
    bytes: int = 200_000_000
    enqueued_tokens: int | None = None
    window: float = 86_400.0
    completion: Quantity = field(default_factory=lambda: Quantity.around(7_200.0, 0.8, 0.4))
    processor: float = 0.001


@dataclass(frozen=True)
class Scenario:
    """A run to forecast.

    Attributes:
        concurrency: Maximum requests in flight, on each machine.
        rpm: The user's limit of requests per minute, for all machines together. `tpm` limits tokens.
        endpoint_rpm: A limit that the endpoint enforces without reporting it. `endpoint_tpm` limits tokens.
        sent: Prompt tokens of a request. `received` are those of its answer.
        request_bytes: Size of a request.
        processor: Seconds of processor time per page.
        commit: Seconds until the ledger has recorded an answer.
        faulty: Share of the answers that need a repair, which is another request.
        rejections: Share of the requests that get status 429 by chance. `failures` fail in another way.
        retry_after: The pause in seconds that a rejection requests. None if it requests no pause.
        tries: Maximum attempts for a request.
        max_repairs: Maximum repairs of a page.
    """

    pages: int
    latency: Quantity
    sent: Quantity
    received: Quantity
    machines: int = 1
    concurrency: int = 64
    rpm: float | None = None
    tpm: float | None = None
    endpoint_rpm: float | None = None
    endpoint_tpm: float | None = None
    request_bytes: float = 4_000.0
    processor: float = 0.0065
    commit: float = 0.01
    faulty: float = 0.0
    rejections: float = 0.0
    failures: float = 0.0
    retry_after: float | None = 1.0
    tries: int = 5
    max_repairs: int = 3
    budget: float | None = None
    rates: Rates = field(default_factory=Rates)
    service: BatchService = field(default_factory=BatchService)

    @property
    def requests_per_page(self) -> float:
        """Answers per page: repairs are requests, too."""
        return 1 / (1 - self.faulty)

    @property
    def attempts_per_page(self) -> float:
        """Requests per page, with those that are rejected by chance or fail."""
        return self.requests_per_page / (1 - self.rejections - self.failures)
