"""When a batch of pages is accepted, by the number of bad pages among those that were read.

A batch of `pages` pages with more than `tolerance` of them bad must be accepted with a probability of at most
1 − `confidence`. The *limit*, called D₀ in the literature, is the least number of bad pages that is too many.

The fixed rule reads a number of pages that is known beforehand. It accepts the batch if at most `allowed` of them are
bad; the probability is hypergeometric. The sequential rule may be checked after every page. It is based on the
confidence sequence of Waudby-Smith and Ramdas (2020, "Confidence sequences for sampling without replacement"), which
holds at all times at once: a number of bad pages is ruled out as soon as the data make it 1/(1 − `confidence`) times
less probable than it was before, if the prior is beta-binomial.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaln  # type: ignore[import-untyped, unused-ignore]

from qtgen.errors import UsageError
from qtgen.review.audits.hypergeometric import ROUNDING, at_most, log_choose

Bools = NDArray[np.bool_]
Counts = NDArray[np.int64]

MIN_CONFIDENCE, MAX_CONFIDENCE = 0.5, 0.9999
_PRIOR_BAD = 0.5  # the first parameter of the beta-binomial prior; the second one gives it a mean near the tolerance
_NEGLIGIBLE = 1e-12


class Verdict(StrEnum):
    """What follows from the pages that were read."""

    ACCEPT = "accept"
    REJECT = "reject"
    CONTINUE = "continue"


class Rule(Protocol):
    """A rule of acceptance. Its methods take numbers, or arrays of the same shape."""

    @property
    def pages(self) -> int:
        """The number of pages of the batch."""

    @property
    def limit(self) -> int:
        """The least number of bad pages in the batch that is too many."""

    @property
    def most_read(self) -> int:
        """The largest number of pages that the rule can ask for."""

    def accepts(self, read: ArrayLike, bad: ArrayLike) -> Bools:
        """Return whether the batch is accepted after `read` pages, `bad` of them bad."""

    def rejects(self, read: ArrayLike, bad: ArrayLike) -> Bools:
        """Return whether the batch is rejected after `read` pages, `bad` of them bad."""


def limit_of(pages: int, tolerance: float) -> int:
    """Return the least number of bad pages that is too many: ⌊tolerance · pages⌋ + 1.

    The tolerance counts as the decimal number that a person wrote, so 29% of 100 pages are 29.
    """
    return int(Decimal(repr(float(tolerance))) * pages) + 1


def check_parameters(pages: int, tolerance: float, confidence: float) -> None:
    """Raise UsageError if no audit can have these parameters."""
    if pages < 1:
        raise UsageError("there are no pages to audit")
    if not 0 < tolerance < 1:
        raise UsageError(f"{tolerance:g} is not a share between 0 and 1, such as 0.02 for 2%", setting="tolerance")
    if not MIN_CONFIDENCE <= confidence <= MAX_CONFIDENCE:
        message = f"{confidence:g} is not between {MIN_CONFIDENCE:g} and {MAX_CONFIDENCE:g}"
        raise UsageError(message, setting="confidence")


def fixed_sample_size(pages: int, limit: int, confidence: float, allowed: int) -> int:
    """Return the least number of pages to read, so that a batch with `limit` bad ones is rarely accepted.

    Raises UsageError if more bad pages are allowed in the sample than are tolerated in the batch.
    """
    if not 0 <= allowed < limit:
        most = (
            f"at most {limit - 1:,} of its {pages:,} pages are bad"
            if limit > 1
            else f"none of its {pages:,} pages is bad"
        )
        message = f"the batch is only good if {most}, so {allowed:,} bad pages in the sample cannot be allowed"
        raise UsageError(message, setting="allow_bad", remedy="allow fewer, or tolerate more")
    low, high = allowed + 1, pages  # all pages are always enough
    while low < high:
        middle = (low + high) // 2
        if at_most(allowed, pages, limit, middle) <= 1 - confidence + ROUNDING:
            high = middle
        else:
            low = middle + 1
    return low


@dataclass(frozen=True, slots=True)
class FixedRule:
    """Read `sample` pages, and accept the batch if at most `allowed` are bad. Reading stops at the next bad one."""

    pages: int
    tolerance: float
    confidence: float
    allowed: int
    sample: int

    @property
    def limit(self) -> int:
        return limit_of(self.pages, self.tolerance)

    @property
    def most_read(self) -> int:
        return self.sample

    def accepts(self, read: ArrayLike, bad: ArrayLike) -> Bools:
        return (np.asarray(bad) <= self.allowed) & (np.asarray(read) >= self.sample)

    def rejects(self, read: ArrayLike, bad: ArrayLike) -> Bools:
        return (np.asarray(bad) > self.allowed) & (np.asarray(read) > 0)


@dataclass(frozen=True, slots=True)
class SequentialRule:
    """Check after every page. Accept once all numbers of bad pages that are too many are ruled out."""

    pages: int
    tolerance: float
    confidence: float

    @property
    def limit(self) -> int:
        return limit_of(self.pages, self.tolerance)

    @property
    def most_read(self) -> int:
        return self.pages

    def accepts(self, read: ArrayLike, bad: ArrayLike) -> Bools:
        # The ratio has one maximum in the number of bad pages, so beyond it the least number decides.
        return (self._peak(read, bad) < self.limit) & self._rules_out(read, bad, self.limit)

    def rejects(self, read: ArrayLike, bad: ArrayLike) -> Bools:
        return (self._peak(read, bad) >= self.limit) & self._rules_out(read, bad, self.limit - 1)

    def interval(self, read: int, bad: int) -> tuple[int, int]:
        """Return the least and the largest number of bad pages in the batch that are not ruled out."""
        possible = np.arange(bad, self.pages - (read - bad) + 1)
        remaining = possible[~self._rules_out(read, bad, possible)]
        return int(remaining[0]), int(remaining[-1])  # the peak is never ruled out

    def _peak(self, read: ArrayLike, bad: ArrayLike) -> Counts:
        """Return the number of bad pages in the batch that the data make most probable."""
        most = (np.asarray(bad) * (self.pages + 1)) // np.maximum(read, 1)
        peak: Counts = np.minimum(most, self.pages)
        return peak

    def _rules_out(self, read: ArrayLike, bad: ArrayLike, total: ArrayLike) -> Bools:
        """Return whether posterior/prior of `total` bad pages is at most 1 − confidence."""
        seen, found = np.asarray(read, np.float64), np.asarray(bad, np.float64)
        sequence = log_choose(self.pages - seen, np.asarray(total) - found) - log_choose(self.pages, total)
        good = _PRIOR_BAD / self.tolerance
        prior = betaln(found + _PRIOR_BAD, np.maximum(seen - found, 0.0) + good) - betaln(_PRIOR_BAD, good)
        return np.asarray(sequence - prior <= np.log(1 - self.confidence) + ROUNDING, np.bool_)


class Bounds(NamedTuple):
    """The verdict of a rule at every number of pages read, from 0 to `most_read`.

    Args:
        accept: The largest number of bad pages with which the batch is accepted; −1 if there is none.
        reject: The least number of bad pages with which it is rejected; more than were read if there is none.
    """

    accept: Counts
    reject: Counts


def bounds_of(rule: Rule) -> Bounds:
    """Return the bounds of a rule. Both are found by bisection, because more bad pages never speak for a batch."""
    read = np.arange(rule.most_read + 1)
    accept = _first(read, lambda bad: ~rule.accepts(read, bad)) - 1
    return Bounds(accept, _first(read, lambda bad: rule.rejects(read, bad)))


def _first(read: Counts, holds: Callable[[Counts], Bools]) -> Counts:
    """Return the least number of bad pages from 0 to `read` for which a condition holds, or `read` + 1."""
    low, high = np.zeros_like(read), read + 1
    while bool((low < high).any()):
        middle = (low + high) // 2
        is_true = holds(np.minimum(middle, read)) & (middle <= read)
        is_open = low < high
        high = np.where(is_open & is_true, middle, high)
        low = np.where(is_open & ~is_true, middle + 1, low)
    return low


class Promise(NamedTuple):
    """What happens to a batch: the probability that it is accepted, and the mean number of pages that are read."""

    accepted: float
    mean_read: float


def promise(rule: Rule, bad_in_batch: int) -> Promise:
    """Return what the rule does to a batch with a number of bad pages, if pages are read in random order.

    The probabilities are exact: they are carried from each page to the next, by the number of bad ones so far.
    """
    bounds = bounds_of(rule)
    chances = np.zeros(bad_in_batch + 1)  # of each number of bad pages, without a verdict yet
    chances[0] = 1.0
    numbers = np.arange(bad_in_batch + 1)
    accepted = mean_read = 0.0
    for read in range(1, rule.most_read + 1):
        mean_read += float(chances.sum())
        moved = chances * np.clip((bad_in_batch - numbers) / (rule.pages - read + 1), 0.0, 1.0)
        chances -= moved
        chances[1:] += moved[:-1]
        first_open, last_open = max(int(bounds.accept[read]) + 1, 0), int(bounds.reject[read])
        accepted += float(chances[:first_open].sum())
        chances[:first_open] = chances[last_open:] = 0.0
        if chances.sum() < _NEGLIGIBLE:
            break
    return Promise(min(accepted, 1.0), mean_read)
