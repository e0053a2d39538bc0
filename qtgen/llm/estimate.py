"""Estimate what a run would take, before anything is sent: requests, tokens, cost and time, each as a 90% interval."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import sqrt
from statistics import fmean, pvariance

_Z = 1.645  # quantile of the normal distribution for a two-sided 90% interval
_BYTES_PER_TOKEN = 4.0
_GUESSED_SHARES = (0.3, 0.6, 1.0)  # of the token limit: length of an answer (low, expected, high) without a history
_MIN_HISTORY = 5  # answers of a prompt from which the length of further ones is estimated
_MAX_REPAIR_SHARE = 0.9
_TOKEN_SPREAD, _GUESSED_TOKEN_SPREAD = 0.02, 0.25  # of the bytes per token, with and without a history


@dataclass(frozen=True, slots=True)
class Range:
    """An expected value and the bounds of its 90% interval."""

    low: float
    expected: float
    high: float

    def __add__(self, other: "Range") -> "Range":
        return Range(self.low + other.low, self.expected + other.expected, self.high + other.high)

    def map(self, function: Callable[[float], float]) -> "Range":
        return Range(function(self.low), function(self.expected), function(self.high))


@dataclass(slots=True)
class _PromptTotals:
    """The requests of one prompt."""

    requests: int = 0
    bytes: int = 0
    max_answer_tokens: int = 0


@dataclass(slots=True)
class RunEstimate:
    """Collects the requests that a run would send.

    Attributes:
        history: Earlier answers of the model, each as prompt, bytes sent, tokens sent and tokens received.
        repair_share: Share of answers that had to be requested again.
        reused: Number of requests that the ledger has an answer for.
    """

    history: Sequence[tuple[str, int, int, int]] = ()
    repair_share: float = 0.0
    reused: int = 0
    totals: dict[str, _PromptTotals] = field(default_factory=lambda: defaultdict(_PromptTotals))

    def add(self, prompt: str, size: int, max_answer_tokens: int) -> None:
        """Add a request of `size` bytes."""
        totals = self.totals[prompt]
        totals.requests += 1
        totals.bytes += size
        totals.max_answer_tokens = max(totals.max_answer_tokens, max_answer_tokens)

    @property
    def requests(self) -> Range:
        first = sum(totals.requests for totals in self.totals.values())
        repairs = first * self.repair_share / (1 - min(self.repair_share, _MAX_REPAIR_SHARE))
        return Range(first, first + repairs, first + repairs + _Z * sqrt(repairs))

    def sent(self) -> Range:
        """Return the tokens sent."""
        sizes = [(size, tokens) for _, size, tokens, _ in self.history if size and tokens]
        ratio = sum(tokens for _, tokens in sizes) / sum(size for size, _ in sizes) if sizes else 1 / _BYTES_PER_TOKEN
        spread = _TOKEN_SPREAD if len(sizes) >= _MIN_HISTORY else _GUESSED_TOKEN_SPREAD
        per_request = self._requests_per_page()
        total = sum(totals.bytes for totals in self.totals.values()) * ratio
        return Range(total * (1 - spread), total * per_request.expected, total * per_request.high * (1 + spread))

    def received(self) -> Range:
        """Return the tokens received."""
        per_request = self._requests_per_page()
        total = Range(0, 0, 0)
        for name, totals in self.totals.items():
            total += _answer_tokens([row[3] for row in self.history if row[0] == name and row[3]], totals)
        return Range(total.low, total.expected * per_request.expected, total.high * per_request.high)

    def _requests_per_page(self) -> Range:
        requests = self.requests
        return requests.map(lambda value: value / requests.low if requests.low else 1.0)


def _answer_tokens(lengths: Sequence[int], totals: _PromptTotals) -> Range:
    """Return the tokens of all answers to one prompt, from the lengths of earlier ones.

    The interval covers the spread of the sum and the uncertainty of the mean.
    """
    count = totals.requests
    if len(lengths) < _MIN_HISTORY:
        return Range(*(count * totals.max_answer_tokens * share for share in _GUESSED_SHARES))
    mean, variance = fmean(lengths), pvariance(lengths)
    spread = _Z * sqrt(count * variance + count**2 * variance / len(lengths))
    return Range(max(0.0, count * mean - spread), count * mean, count * mean + spread)


def seconds(
    requests: float, tokens: float, *, latency: float, concurrency: int, rpm: float | None, tpm: float | None
) -> float:
    """Return how long a run takes under its limits. `latency` is that of one answer, in seconds."""
    return max(
        requests * latency / concurrency,
        requests / rpm * 60 if rpm else 0.0,
        tokens / tpm * 60 if tpm else 0.0,
    )
