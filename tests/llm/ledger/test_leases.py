"""Leases on blocks, and groups of runs, on each database."""

from collections.abc import Callable, Iterator
from math import inf

import pytest
import sqlalchemy as sa

from qtgen.errors import LedgerUnavailable, SettingsError
from qtgen.llm.ledger import Ledger, LedgerGroup, Work
from qtgen.llm.ledger.allowances import MoneyDraw
from qtgen.llm.ledger.clock import now
from qtgen.llm.ledger.tables import run_groups, runs
from support.ledgers import end_process

WORK = Work("generate", "d" * 64)


Join = Callable[..., tuple[Ledger, LedgerGroup]]


@pytest.fixture
def join(url: str) -> Iterator[Join]:
    """Begin a run with some work."""
    opened = []

    def begin(work: Work = WORK) -> tuple[Ledger, LedgerGroup]:
        ledger = Ledger(url)
        opened.append(ledger)
        group = ledger.begin(work)
        assert group
        return ledger, group

    yield begin
    for ledger in opened:
        ledger.close()


def another_machine(ledger: Ledger) -> None:
    """Let a run look as if it were on another machine."""
    with ledger._database.write() as connection:
        connection.execute(sa.update(runs).where(runs.c.id == ledger.run).values(machine="another"))


def test_runs_with_the_same_work_are_a_group_while_one_is_alive(join: Join) -> None:
    first, group = join()
    second, joined = join()
    _, other = join(Work("generate", "e" * 64))
    _, command = join(Work("regenerate", "d" * 64))
    assert joined.id == group.id
    assert len({group.id, other.id, command.id}) == 3
    assert [(g.membership.members, g.membership.unrelated) for g in (group, joined, other, command)] == [
        (0, 0),
        (1, 0),
        (0, 2),
        (0, 0),
    ]
    first.end()
    end_process(second)
    _, anew = join()
    assert anew.id != group.id
    assert join(Work("generate", "d" * 64, group=group.id))[1].id == group.id


def test_a_run_without_work_is_in_no_group(url: str, join: Join) -> None:
    ledger = Ledger(url)
    assert ledger.begin() is None
    assert join()[1].membership.members == 0
    ledger.close()


@pytest.mark.parametrize("budget", [None, 6.0])
def test_a_group_has_one_budget(join: Join, budget: float | None) -> None:
    ledger, _ = join(Work("generate", "d", 5.0))
    with pytest.raises(SettingsError, match=r"on the same list with a budget of \$5.00") as caught:
        join(Work("generate", "d", budget))
    assert caught.value.setting == "budget"
    ledger.end()
    assert join(Work("generate", "d", budget))


def test_each_block_is_leased_once(join: Join) -> None:
    (_, a), (_, b) = join(), join()
    assert [a.take_block(range(4)), b.take_block(range(4)), a.take_block(range(1, 4), done=[0])] == [0, 1, 1]
    assert b.blocks_of_others() == {0, 2}
    assert b.take_block(range(2, 4)) == 1
    assert [a.take_block(range(4)), b.take_block(range(4), left=True)] == [None, None]


def test_blocks_that_are_given_up_can_be_taken(join: Join) -> None:
    (_, a), (_, b) = join(), join()
    assert (a.take_block([7]), a.take_block([8])) == (0, 0)
    assert not b.open_blocks().can_be_taken
    a.release_blocks([7], [8])
    assert b.open_blocks().can_be_taken
    assert b.take_block([7, 8]) is None
    assert (b.take_block([7, 8], left=True), b.blocks_of_others()) == (1, {7})


@pytest.mark.parametrize("how", ["killed", "ended"])
def test_blocks_of_a_dead_run_are_taken_over_only_when_asked_for(join: Join, how: str) -> None:
    (first, a), (_, b) = join(), join()
    assert (a.take_block([0]), a.take_block([1], done=[0])) == (0, 0)
    if how == "killed":
        end_process(first)
    else:
        first.end()
    assert b.open_blocks().can_be_taken
    assert b.take_block([0, 1]) is None
    assert (b.take_block([0, 1], left=True), b.blocks_of_others()) == (1, {0})
    a.release_blocks([1], [])  # a suspended run changes nothing any more
    assert b.open_blocks().beats == {}
    b.release_blocks([1], [])


def test_only_a_process_of_this_machine_is_certain_to_be_alive(join: Join) -> None:
    (first, a), (_, b) = join(), join()
    a.take_block([0])
    assert b.open_blocks().beats == {first.run: inf}
    another_machine(first)
    assert 1e9 < b.open_blocks().beats[first.run] < inf


def test_nobody_who_was_away_takes_the_others_for_dead(join: Join) -> None:
    (first, a), (second, b) = join(), join()
    a.take_block([0])
    a.draw_money(MoneyDraw(0, 0.5, 0, 0))
    another_machine(first)
    with first._database.write() as connection:
        connection.execute(sa.update(runs).values(beat=runs.c.beat - 60, started=runs.c.started - 60))
        connection.execute(sa.update(run_groups).values(budget_usd=1.0))
    with pytest.raises(LedgerUnavailable), second._database.read():
        raise sa.exc.TimeoutError
    assert not b.open_blocks().can_be_taken
    assert b.take_block([0], left=True) is None
    assert b.draw_money(MoneyDraw(0, 0, 0.1, 0.1)).pending == 0.5


def test_a_clock_that_was_set_back_keeps_no_dead_run_alive(join: Join) -> None:
    first, _ = join()
    another_machine(first)
    with first._database.write() as connection:
        connection.execute(sa.update(runs).values(beat=runs.c.beat + 3600))
    join()
    with first._database.read() as connection:
        (silence,) = connection.scalars(sa.select(now() - runs.c.beat).where(runs.c.id == first.run))
    assert 0 <= silence < 60


def test_a_late_process_finds_a_free_block_behind_many(join: Join) -> None:
    (_, a), (_, b) = join(), join()
    for block in (*range(510), 650):
        a.take_block([block])
    assert b.take_block([*range(510), 650, 1_200, 7_000]) == 511
