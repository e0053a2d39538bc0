"""The token bucket."""

from math import inf

import pytest

from qtgen.llm.pacing.bucket import TokenBucket


def test_a_bucket_is_unlimited_until_it_gets_a_limit() -> None:
    bucket = TokenBucket.per_minute(None)
    bucket.take(0.0, 1e9)
    assert (bucket.rate, bucket.delay(0.0, 1e9)) == (inf, 0.0)
    bucket.refund(5.0)
    assert bucket.level == inf


def test_a_limit_per_minute_refills_steadily() -> None:
    bucket = TokenBucket.per_minute(120)
    bucket.take(0.0, 2)
    assert bucket.delay(0.0, 1) == pytest.approx(0.5)
    assert bucket.delay(0.5, 1) == 0.0
    assert bucket.delay(60.0, 2) == 0.0, "it holds one second's worth"


def test_more_than_the_burst_needs_only_a_full_bucket() -> None:
    bucket = TokenBucket(1.0, 10.0, 10.0)
    assert bucket.delay(0.0, 1_000) == 0.0
    bucket.take(0.0, 1_000)
    assert bucket.delay(0.0, 1) == pytest.approx(991.0), "the rest is owed"
    bucket.refund(2_000)
    assert bucket.level == 10.0


def test_a_smaller_limit_takes_effect_at_once() -> None:
    bucket = TokenBucket(1.0, 100.0, 100.0)
    bucket.limit(1.0, 5.0)
    bucket.take(0.0, 5)
    assert bucket.delay(0.0, 1) == pytest.approx(1.0)
