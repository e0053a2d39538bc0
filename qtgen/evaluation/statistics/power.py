"""Planning: how many references the gate needs to show a difference."""

from bisect import bisect_left
from dataclasses import dataclass
from functools import cache
from math import ceil, inf, isfinite, sqrt
from statistics import stdev

from scipy.special import nctdtr, ndtr, ndtri, stdtrit  # type: ignore[import-untyped, unused-ignore]

from qtgen.errors import UsageError
from qtgen.evaluation.gate.comparison import check_comparable, pair_values
from qtgen.evaluation.report import EvalReport
from qtgen.evaluation.statistics.paired import compare

MOST_REFERENCES = 10**9
_NORMAL_FROM = 5_000  # references; from here on, t and normal distributions give the same power
_STABLE_FROM = 20  # references; from here on, the gate's test draws sign flips, so its smallest p stays the same


@dataclass(frozen=True, slots=True)
class GateTest:
    """The conditions under which the gate reports a difference as worse.

    Args:
        alpha: Significance level of the whole gate.
        matters: The smallest difference that matters. The interval of the difference must reach it.
        metrics: Number of metrics that are tested together. Holm's correction divides `alpha` by it in the worst case.
    """

    alpha: float = 0.05
    matters: float = 0.05
    metrics: int = 1

    @property
    def level(self) -> float:
        """Significance level of one metric at Holm's first and strictest step."""
        return self.alpha / self.metrics


def power_of(n: int, sd: float, difference: float, alpha: float = 0.05) -> float:
    """Return the probability that a two-sided t-test finds a difference (Cohen 1988).

    Args:
        n: Number of clusters.
        sd: Standard deviation of the clusters' differences.
        difference: The true mean difference.
        alpha: Significance level.

    It uses the noncentral t distribution, which a normal one replaces for many clusters and for large differences.
    """
    if n < 2 or sd == 0:
        return float(n >= 2 and difference != 0)
    shift = difference / sd * sqrt(n)
    return _upper_tail(n, shift, alpha) + _upper_tail(n, -shift, alpha)


def gate_power(n: int, sd: float, difference: float, gate: GateTest) -> float:
    """Return the probability that the gate calls a fall by `difference` worse.

    The arguments are as for `power_of`, but the test is the gate's: only those significance levels count that its sign
    flips can reach with so few clusters, and the interval must reach what matters.
    """
    level, interval_level = reachable_level(n, gate.level), reachable_level(n, gate.alpha)
    if not level:
        return 0.0
    fall = abs(difference)
    if sd == 0:
        return float(fall >= gate.matters)
    is_significant = _upper_tail(n, fall / sd * sqrt(n), level)
    reaches_what_matters = 1 - _upper_tail(n, (gate.matters - fall) / sd * sqrt(n), interval_level)
    return min(is_significant, reaches_what_matters)  # the stricter condition implies the other one


def _upper_tail(n: int, shift: float, alpha: float) -> float:
    """Return the probability that a t statistic, shifted by this much, exceeds the two-sided critical value."""
    if n >= _NORMAL_FROM or abs(shift) > _NORMAL_FROM:
        return float(ndtr(shift + ndtri(alpha / 2)))
    power = 1 - float(nctdtr(n - 1, shift, stdtrit(n - 1, 1 - alpha / 2)))
    return power if isfinite(power) else float(shift > 0)  # far from 0, the power is 0 or 1


def smallest_p(n: int) -> float:
    """Return the smallest p that the gate's test can give for `n` clusters: all fell by the same amount."""
    return _smallest_p(min(n, _STABLE_FROM))


@cache
def _smallest_p(n: int) -> float:
    return compare("score", [1.0] * n, [0.0] * n, range(n), higher_is_better=True).p


def reachable_level(n: int, alpha: float) -> float:
    """Return the largest p below `alpha` that the gate's test can give for `n` clusters, or 0 if there is none."""
    step = smallest_p(n)
    return step * max(0, ceil(alpha / step) - 1)


def fewest_references(gate: GateTest) -> int | None:
    """Return the smallest number of references with which the gate can decide, or None if no number is enough."""
    undecided = (n for n in range(_STABLE_FROM, 0, -1) if not reachable_level(n, gate.level))
    last = next(undecided, 0)
    return None if last == _STABLE_FROM else last + 1


def references_needed(sd: float, difference: float, gate: GateTest, power: float = 0.8) -> int | None:
    """Return how many references the gate needs to find a fall by `difference` with this power.

    It is never less than `fewest_references`. None if no number is enough: the difference is smaller than what matters,
    or the power is not reached with `MOST_REFERENCES`. Raises ValueError for a difference of 0, and for a deviation
    that is negative or not finite.
    """
    if difference == 0 or not 0 <= sd < inf:
        raise ValueError("the difference must not be 0, and the standard deviation must be finite and not negative")
    fewest = fewest_references(gate)
    if fewest is None or abs(difference) < gate.matters:
        return None
    enough = fewest
    while gate_power(enough, sd, difference, gate) < power:
        if enough > MOST_REFERENCES:
            return None
        enough *= 2
    return fewest + bisect_left(range(fewest, enough), power, key=lambda n: gate_power(n, sd, difference, gate))


def deviation_between(before: EvalReport, after: EvalReport, metric: str) -> tuple[float, int]:
    """Return the standard deviation of the references' differences, and the number of references.

    Raises UsageError if the reports cannot be compared, for fewer than two references, and for values that are too
    large.
    """
    check_comparable(before, after, "the first report")
    differences = [pair.after - pair.before for pair in pair_values(before, after, metric)]
    return _deviation(differences, f"`{metric}` in both reports"), len(differences)


def deviation_at_most(report: EvalReport, metric: str) -> tuple[float, int]:
    """Return the standard deviation that differences have if the pages of a second run are unrelated to this one's.

    Raises UsageError for fewer than two references, for values that are too large, and for values that are all equal,
    which say nothing about the differences of other runs.
    """
    values = [pair.after for pair in pair_values(report, report, metric)]
    deviation = _deviation(values, f"`{metric}`")
    if not deviation:
        message = f"all references have the same `{metric}`, so one report does not tell how much differences vary"
        raise UsageError(message, remedy="give two reports, or --deviation")
    return deviation * sqrt(2), len(values)


def _deviation(values: list[float], what: str) -> float:
    if len(values) < 2:
        raise UsageError(f"fewer than two references have {what}", setting="metric")
    if max(map(abs, values)) > 1e150:
        raise UsageError(f"the values of {what} are too large", setting="metric")
    return stdev(values)
