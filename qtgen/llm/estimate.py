"""What a run would take, before anything is sent: requests, tokens, money and time, each with how sure that is."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from math import sqrt
from statistics import fmean, pvariance

_Z = 1.645  # of a normal distribution: nine in ten lie within
_BYTES_A_TOKEN = 4.0
_GUESS = (0.3, 0.6, 1.0)  # of the token limit: an answer at least, on average and at most, where there is no history
_ENOUGH = 5  # answers of a prompt from which its length is judged


@dataclass(frozen=True, slots=True)
class Range:
    """An expected value, and between which bounds nine of ten lie."""

    low: float
    expected: float
    high: float

    def __add__(self, other: "Range") -> "Range":
        return Range(self.low + other.low, self.expected + other.expected, self.high + other.high)

    def map(self, of: Callable[[float], float]) -> "Range":
        return Range(of(self.low), of(self.expected), of(self.high))


@dataclass(slots=True)
class _Group:
    """The requests of one prompt."""

    requests: int = 0
    bytes: int = 0
    longest: int = 0


@dataclass(slots=True)
class RunEstimate:
    """Adds up what would be sent. history: prompt, bytes, tokens sent and received of earlier answers of the model."""

    history: Sequence[tuple[str, int, int, int]] = ()
    asked_again: float = 0.0  # share of answers that had to be asked for again
    reused: int = 0
    groups: dict[str, _Group] = field(default_factory=lambda: defaultdict(_Group))

    def add(self, prompt: str, size: int, longest: int) -> None:
        """size: bytes of the request; longest: its limit of tokens."""
        group = self.groups[prompt]
        group.requests += 1
        group.bytes += size
        group.longest = max(group.longest, longest)

    @property
    def requests(self) -> Range:
        first = sum(group.requests for group in self.groups.values())
        again = first * self.asked_again / (1 - min(self.asked_again, 0.9))
        spread = _Z * sqrt(again)
        return Range(first, first + again, first + again + spread)

    def sent(self) -> Range:
        """Tokens sent."""
        sizes = [(size, tokens) for _, size, tokens, _ in self.history if size and tokens]
        ratio = sum(tokens for _, tokens in sizes) / sum(size for size, _ in sizes) if sizes else 1 / _BYTES_A_TOKEN
        spread = 0.02 if len(sizes) >= _ENOUGH else 0.25
        more = self._more()
        total = sum(group.bytes for group in self.groups.values()) * ratio
        return Range(total * (1 - spread), total * more.expected, total * more.high * (1 + spread))

    def received(self) -> Range:
        """Tokens received."""
        more = self._more()
        total = Range(0, 0, 0)
        for name, group in self.groups.items():
            total += _lengths([row[3] for row in self.history if row[0] == name and row[3]], group)
        return Range(total.low, total.expected * more.expected, total.high * more.high)

    def _more(self) -> Range:
        requests = self.requests
        return requests.map(lambda value: value / requests.low if requests.low else 1.0)


def _lengths(seen: Sequence[int], group: _Group) -> Range:
    """Tokens of all answers to one prompt. The spread of the sum, and that the mean itself is not known exactly."""
    count = group.requests
    if len(seen) < _ENOUGH:
        low, middle, high = (count * group.longest * share for share in _GUESS)
        return Range(low, middle, high)
    mean, variance = fmean(seen), pvariance(seen)
    spread = _Z * sqrt(count * variance + count**2 * variance / len(seen))
    return Range(max(0.0, count * mean - spread), count * mean, count * mean + spread)


def seconds(
    requests: float, tokens: float, *, latency: float, concurrency: int, rpm: float | None, tpm: float | None
) -> float:
    """How long it takes at the limits given. latency: of one answer, in seconds."""
    of_each: Iterable[float] = (
        requests * latency / concurrency,
        requests / rpm * 60 if rpm else 0.0,
        tokens / tpm * 60 if tpm else 0.0,
    )
    return max(of_each)
