"""Money and rates that runs draw from the ledger, on each database."""

import pytest
import sqlalchemy as sa

from qtgen.llm.ledger import Ledger, LedgerGroup, Work
from qtgen.llm.ledger.allowances import MoneyDraw, RateDraw, RateGrant
from qtgen.llm.ledger.tables import rate_buckets
from support.ledgers import end_process


def members(url: str, count: int) -> list[tuple[Ledger, LedgerGroup]]:
    found = []
    for _ in range(count):
        ledger = Ledger(url)
        group = ledger.begin(Work("generate", "d", 1.0))
        assert group
        found.append((ledger, group))
    return found


def draw(group: LedgerGroup, spent: float, kept: float, first: float, wanted: float) -> tuple[float, float, float]:
    grant = group.draw_money(MoneyDraw(spent, kept, first, wanted))
    return round(grant.extra, 6), round(grant.others, 6), round(grant.pending, 6)


def test_runs_set_money_aside_within_one_budget(url: str) -> None:
    (first, a), (second, b) = members(url, 2)
    assert draw(a, 0, 0, 0.1, 0.6) == (0.6, 0, 0)
    assert draw(b, 0, 0, 0.1, 0.6) == (0.4, 0, 0.6)
    assert draw(b, 0.1, 0.3, 0.1, 0.1) == (0, 0, 0.6), "nothing is left"
    assert draw(a, 0.3, 0, 0, 0) == (0, 0.1, 0.3), "what is not needed goes back"
    assert draw(b, 0.1, 0.3, 0.1, 1) == (0.3, 0.3, 0)
    assert draw(a, 0.3, 0, 0.1, 0.1) == (0, 0.1, 0.6)
    first.close()
    second.close()


def test_a_request_that_does_not_fit_gets_nothing(url: str) -> None:
    ((ledger, group),) = members(url, 1)
    assert draw(group, 0.7, 0, 0.4, 0.4) == (0, 0, 0)
    assert draw(group, 0.7, 0, 0.3, 0.4) == (0.3, 0, 0), "but one that fits gets all that is left"
    assert draw(group, 1.2, 0, 0, 0.4) == (0, 0, 0), "the provider charged more than the budget"
    ledger.close()


@pytest.mark.parametrize("how", ["killed", "ended"])
def test_what_a_dead_run_had_set_aside_counts_as_spent(url: str, how: str) -> None:
    (first, a), (second, b) = members(url, 2)
    draw(a, 0.2, 0, 0.1, 0.5)
    if how == "killed":
        end_process(first)
    else:
        first.end()
    assert draw(b, 0, 0, 0.4, 0.4) == (0, 0.7, 0)
    assert draw(b, 0, 0, 0.3, 0.4) == (0.3, 0.7, 0)
    first.close()
    second.close()


def rate(ledger: Ledger, per_minute: float, first: float, wanted: float, unused: float = 0) -> RateGrant:
    (grant,) = ledger.draw_rates("place", [RateDraw("requests", per_minute, unused, first, wanted)])
    return grant


def pass_time(ledger: Ledger, seconds: float) -> None:
    """Make all draws look as if they were made earlier."""
    earlier = {name: rate_buckets.c[name] - seconds for name in ("updated", "confirmed")}
    with ledger._database.write() as connection:
        connection.execute(sa.update(rate_buckets).values(**earlier))


def test_runs_draw_from_one_bucket_of_one_seconds_worth(ledgers: list[Ledger]) -> None:
    first, second = ledgers
    assert rate(first, 600, 1, 7) == (7, 0)
    assert rate(second, 600, 1, 7).amount == 3
    grant = rate(first, 600, 1, 7)
    assert grant.amount == 0
    assert 0 < grant.delay <= 0.1
    pass_time(first, 0.5)
    assert rate(second, 600, 1, 100).amount >= 5
    pass_time(first, 3600)
    assert rate(first, 600, 1, 100).amount == 10, "it holds no more than one second's worth"


def test_what_was_not_used_goes_back_and_what_was_overused_is_owed(ledgers: list[Ledger]) -> None:
    first, second = ledgers
    assert rate(first, 60, 1, 1).amount == 1
    rate(first, 60, 0, 0, unused=1)
    assert rate(second, 60, 1, 1).amount == 1
    rate(first, 60, 0, 0, unused=-30)
    assert rate(second, 60, 1, 1).delay == pytest.approx(31, abs=2)


def test_small_requests_of_one_run_do_not_hold_back_a_large_one_of_another(ledgers: list[Ledger]) -> None:
    first, second = ledgers
    assert rate(first, 600, 1, 9).amount == 9
    assert rate(second, 600, 10, 10).amount == 10, "it does not wait until the bucket is full"
    assert rate(first, 600, 1, 1).delay == pytest.approx(1, abs=0.5), "the next one waits for the debt"


def test_a_clock_that_is_set_back_stops_nobody(ledgers: list[Ledger]) -> None:
    first, second = ledgers
    assert rate(first, 60, 1, 1).amount == 1
    pass_time(first, -3600)
    assert rate(second, 60, 1, 1).amount == 0
    pass_time(first, 2)
    assert rate(second, 6000, 1, 1).amount == 1
    pass_time(first, 20)
    assert rate(second, 6000, 1, 100).amount == 100, "the lower limit no longer holds"


def test_an_amount_above_one_seconds_worth_needs_only_one_unit(ledgers: list[Ledger]) -> None:
    first, second = ledgers
    assert rate(first, 60, 50, 50).amount == 50
    assert rate(second, 60, 1, 1).delay == pytest.approx(50, abs=2)


def test_of_two_limits_the_lower_one_holds_until_its_run_draws_no_more(ledgers: list[Ledger]) -> None:
    first, second = ledgers
    rate(first, 60, 1, 1)
    pass_time(first, 10)
    assert rate(second, 6000, 1, 100).amount == 1
    pass_time(first, 10)
    assert rate(second, 6000, 1, 100).amount == 100


def test_places_and_kinds_have_limits_of_their_own(ledger: Ledger) -> None:
    draws = [RateDraw(kind, 60, 0, 1, 1) for kind in ("requests", "tokens")]
    assert [grant.amount for grant in ledger.draw_rates("a", draws) + ledger.draw_rates("b", draws)] == [1, 1, 1, 1]
    assert ledger.draw_rates("a", draws)[0].amount == 0
