"""Planning: how many references an evaluation needs to show a difference."""

from bisect import bisect_left
from math import sqrt
from statistics import stdev

from scipy.special import stdtrit  # type: ignore[import-untyped, unused-ignore]
from scipy.stats import nct  # type: ignore[import-untyped, unused-ignore]

from qtgen.errors import UsageError
from qtgen.evaluation.gate import check_comparable, pair_values
from qtgen.evaluation.report import EvalReport


def power_of(n: int, sd: float, difference: float, alpha: float = 0.05) -> float:
    """Return the probability that a two-sided t-test finds a difference (Cohen 1988).

    Args:
        n: Number of clusters.
        sd: Standard deviation of the clusters' differences.
        difference: The true mean difference.
        alpha: Significance level.

    It uses the noncentral t distribution. From 8 clusters on, the power of `stats.compare` is nearly the same.
    """
    if n < 2 or sd == 0:
        return float(n >= 2 and difference != 0)
    critical, shift = stdtrit(n - 1, 1 - alpha / 2), difference / sd * sqrt(n)
    return float(nct.sf(critical, n - 1, shift) + nct.sf(critical, n - 1, -shift))


def clusters_needed(sd: float, difference: float, *, alpha: float = 0.05, power: float = 0.8) -> int:
    """Return how many clusters, at least 2, find `difference` with this power. The arguments are as for `power_of`.

    Raises ValueError for a difference of 0, which no number of clusters can show, and for a negative sd.
    """
    if difference == 0 or sd < 0:
        raise ValueError("the difference must not be 0, and the standard deviation must not be negative")
    enough = 2
    while power_of(enough, sd, difference, alpha) < power:
        enough *= 2
    return 2 + bisect_left(range(2, enough), power, key=lambda n: power_of(n, sd, difference, alpha))


def deviation_between(before: EvalReport, after: EvalReport, metric: str) -> tuple[float, int]:
    """Return the standard deviation of the references' differences, and the number of references.

    Raises UsageError if the reports cannot be compared, and for fewer than two references.
    """
    check_comparable(before, after, "the first report")
    differences = [pair.after - pair.before for pair in pair_values(before, after, metric)]
    if len(differences) < 2:
        raise UsageError(f"fewer than two references have `{metric}` in both reports", setting="metric")
    return stdev(differences), len(differences)


def deviation_at_most(report: EvalReport, metric: str) -> tuple[float, int]:
    """Return the standard deviation that differences have if the pages of a second run are unrelated to this one's.

    Raises UsageError for fewer than two references.
    """
    values = [pair.after for pair in pair_values(report, report, metric)]
    if len(values) < 2:
        raise UsageError(f"fewer than two references have `{metric}`", setting="metric")
    return stdev(values) * sqrt(2), len(values)
