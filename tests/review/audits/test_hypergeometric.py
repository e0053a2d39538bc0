"""Tests of the hypergeometric distribution."""

import subprocess
import sys
from fractions import Fraction
from math import comb

import pytest

from qtgen.review.audits.acceptance import fixed_sample_size
from qtgen.review.audits.estimates import exact_interval
from qtgen.review.audits.hypergeometric import at_least, at_most

SITUATIONS = [
    (1, 0, 1), (1, 1, 1), (10, 3, 4), (10, 10, 4), (60, 7, 60), (300, 30, 100), (5_000, 101, 145), (36_000, 721, 400),
]  # fmt: skip


def exactly(number: int, pages: int, total_bad: int, read: int) -> Fraction:
    return Fraction(comb(total_bad, number) * comb(pages - total_bad, read - number), comb(pages, read))


@pytest.mark.parametrize(("pages", "total_bad", "read"), SITUATIONS)
def test_sums_the_exact_probabilities(pages: int, total_bad: int, read: int) -> None:
    possible = range(max(0, read - (pages - total_bad)), min(total_bad, read) + 1)
    exact = {number: float(exactly(number, pages, total_bad, read)) for number in possible}
    for bad in range(min(read, 12) + 1):
        below = sum(chance for number, chance in exact.items() if number <= bad)
        above = sum(chance for number, chance in exact.items() if number >= bad)
        assert at_most(bad, pages, total_bad, read) == pytest.approx(below, abs=1e-9)
        assert at_least(bad, pages, total_bad, read) == pytest.approx(above, abs=1e-9)


def test_the_app_starts_without_the_slow_statistics_of_scipy() -> None:
    code = "import sys, qtgen.review.web.app, qtgen.review.web.workspace; sys.exit('scipy.stats' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


def test_equal_probabilities_count_as_equal_in_large_batches() -> None:
    assert fixed_sample_size(36_000, 1, 0.95, 0) == 34_200  # 5% of the pages are left
    assert exact_interval(36_000, 1, 1) == (901, 36_000)  # 900 of 36,000 are 2.5%
