"""Slices of rate limits that several runs share."""

from math import inf

import pytest

from qtgen.llm.ledger.allowances import RateGrant
from qtgen.llm.pacing import Allowance


def test_requests_wait_for_a_slice_of_each_limit() -> None:
    needs: list[None] = []
    allowance = Allowance(4, rpm=6000, tpm=60_000)
    requests, tokens = allowance.share(lambda: needs.append(None))
    assert allowance.delay(0.0, 100) == inf
    assert len(needs) == 2, "both are asked for at once"
    assert (requests.draw().first, tokens.draw().first, tokens.draw().wanted) == (1, 100, 500)
    requests.grant(0.0, RateGrant(2, 0))
    assert allowance.delay(0.0, 100) == inf
    tokens.grant(0.0, RateGrant(150, 0))
    assert allowance.delay(0.0, 100) == 0
    allowance.start(0.0, 100)
    assert allowance.delay(0.0, 100) == inf, "50 tokens are left"
    allowance.end(60)
    assert allowance.delay(0.0, 100) == 0, "what was not used is used again"


def test_a_slice_expires_and_what_is_left_is_given_back() -> None:
    allowance = Allowance(4, rpm=600)
    (part,) = allowance.share(lambda: None)
    allowance.delay(0.0, 1)
    part.draw()
    part.grant(0.0, RateGrant(5, 0))
    assert allowance.delay(0.5, 1) == 0
    assert allowance.delay(1.5, 1) == inf
    draw = part.draw()
    assert (draw.unused, draw.first, draw.wanted) == (5, 1, 5)
    assert part.draw().unused == 0


def test_a_grant_of_nothing_is_asked_for_again() -> None:
    allowance = Allowance(4, rpm=600)
    (part,) = allowance.share(lambda: None)
    allowance.delay(0.0, 1)
    part.grant(0.0, RateGrant(0, 0.1))
    assert part.needed == 1


def test_the_runs_own_bucket_still_spreads_its_requests() -> None:
    allowance = Allowance(4, rpm=60)
    (part,) = allowance.share(lambda: None)
    part.grant(0.0, RateGrant(5, 0))
    assert allowance.delay(0.0, 1) == 0
    allowance.start(0.0, 1)
    assert allowance.delay(0.25, 1) == pytest.approx(0.75)


def test_without_limits_nothing_is_shared() -> None:
    allowance = Allowance(4)
    assert allowance.share(lambda: None) == []
    assert allowance.delay(0.0, 1) == 0
