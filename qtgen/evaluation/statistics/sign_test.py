"""The exact sign test of preferences: whether more references prefer the new side than the old one.

It uses `scipy.special`, because importing `scipy.stats` takes longer than the rest of the package.
"""

from bisect import bisect_left

from scipy.special import bdtr, betaincinv  # type: ignore[import-untyped, unused-ignore]

_POWER = 0.8
_STEPS = 1_000  # of a share, so that the smallest visible one has three decimals


def sign_test(wins: int, losses: int, alpha: float) -> tuple[float, float | None, float | None]:
    """Return the p of as many wins as losses, and the interval of the difference of their shares.

    The test is two-sided and exact; references without a preference do not count (Dixon and Mood 1946). The interval is
    that of Clopper and Pearson (1934), so 0 lies outside exactly if p < alpha. It is None if nothing is decided.
    """
    count = wins + losses
    if not count:
        return 1.0, None, None
    p = min(1.0, 2 * bdtr(min(wins, losses), count, 0.5))
    low = betaincinv(wins, losses + 1, alpha / 2) if wins else 0.0
    high = betaincinv(wins + 1, losses, 1 - alpha / 2) if losses else 1.0
    return float(p), float(2 * low - 1), float(2 * high - 1)


def smallest_visible_share(count: int, alpha: float) -> float | None:
    """Return the smallest difference of the shares that the test finds with a power of 80 % if all are decided.

    None if no outcome of so few references is significant.
    """
    if 2.0 ** (1 - count) >= alpha:
        return None
    fewest = next(losses for losses in range(count) if 2 * bdtr(losses, count, 0.5) >= alpha)
    # The test rejects with fewer losses than `fewest`, and with fewer wins.
    step = bisect_left(range(_STEPS), _POWER, key=lambda step: _power(count, fewest, 0.5 + step / 2 / _STEPS))
    return step / _STEPS


def _power(count: int, fewest: int, share: float) -> float:
    return float(bdtr(fewest - 1, count, 1 - share) + bdtr(fewest - 1, count, share))
