"""Which blocks of a shared list a process works on."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from qtgen._util.concurrency import Stop
from qtgen.errors import Failure, Interrupted, LedgerError, LedgerUnavailable
from qtgen.generation import sharing
from qtgen.generation.sharing import Block, SharedBlocks, even_blocks, is_left, numbered_steps, patiently
from qtgen.generation.types import Outcome, Question, Status
from qtgen.llm.ledger import Ledger, LedgerGroup, Work
from qtgen.llm.ledger.leases import OpenBlocks
from support.ledgers import end_process


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[list[tuple[Ledger, LedgerGroup]]]:
    """Two runs of a group."""
    found = []
    for _ in range(2):
        ledger = Ledger(str(tmp_path / "ledger.sqlite"))
        group = ledger.begin(Work("generate", "d"))
        assert group
        found.append((ledger, group))
    yield found
    for ledger, _ in found:
        ledger.close()


def shared(group: LedgerGroup, stop: Stop | None = None) -> SharedBlocks:
    return SharedBlocks(group, [Block(number, 2) for number in (5, 3, 8)], stop or Stop())


def finish(blocks: SharedBlocks, index: int) -> None:
    blocks.finish(index)
    blocks.finish(index)


def test_a_list_is_cut_into_blocks_of_64() -> None:
    assert even_blocks(130) == [Block(0, 64), Block(1, 64), Block(2, 2)]
    assert even_blocks(0) == []


def test_each_process_takes_the_next_free_block(runs: list[tuple[Ledger, LedgerGroup]]) -> None:
    (_, a), (_, b) = runs
    first, second = shared(a), shared(b)
    assert first.lease(0)
    assert [second.lease(0), second.lease(1)] == [False, True]
    assert [first.lease(0), first.lease(1), first.lease(2)] == [True, False, True]
    assert not second.lease(2)
    assert second.others() == {5, 8}


def test_the_blocks_of_a_killed_process_are_taken_at_the_end(runs: list[tuple[Ledger, LedgerGroup]]) -> None:
    (dead, a), (_, b) = runs
    victim, heir = shared(a), shared(b)
    assert victim.lease(0)
    assert victim.lease(1)
    finish(victim, 0)
    assert victim.lease(2)
    victim.finish(2)  # one of its two rows
    end_process(dead)
    assert not any(heir.lease(index) for index in range(3))
    assert asyncio.run(heir.has_more())
    assert [heir.lease(index) for index in range(3)] == [False, True, True]
    finish(heir, 1)
    finish(heir, 2)
    assert not asyncio.run(heir.has_more())


def test_a_process_that_ends_gives_up_what_it_has_not_finished(runs: list[tuple[Ledger, LedgerGroup]]) -> None:
    (_, a), (_, b) = runs
    first, second = shared(a), shared(b)
    assert first.lease(0)
    finish(first, 0)
    assert first.lease(1)
    first.close()
    assert [second.lease(index) for index in range(3)] == [False, False, True], "it may be half done"
    finish(second, 2)
    assert asyncio.run(second.has_more())
    assert [second.lease(index) for index in range(3)] == [False, True, False]


def test_a_process_ends_while_a_live_one_is_at_work(runs: list[tuple[Ledger, LedgerGroup]]) -> None:
    (_, a), (_, b) = runs
    assert shared(a).lease(0)
    assert not asyncio.run(shared(b).has_more())
    stop = Stop()
    stop.request()
    assert not asyncio.run(shared(b, stop).has_more())


def test_a_clock_that_is_set_back_is_no_silence(
    runs: list[tuple[Ledger, LedgerGroup]], monkeypatch: pytest.MonkeyPatch
) -> None:
    (_, group), _ = runs
    looks = iter([OpenBlocks(False, {"other": 5_000.0}), OpenBlocks(False, {"other": 1_400.0})])
    monkeypatch.setattr(sharing, "_POLL", 0)
    monkeypatch.setattr(LedgerGroup, "open_blocks", lambda _: next(looks))
    assert not asyncio.run(shared(group).has_more())


def test_a_ledger_that_is_away_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "_UNAVAILABLE_PAUSE", 0)
    failures = [LedgerUnavailable("away"), LedgerUnavailable("away")]

    def call() -> str:
        if failures:
            raise failures.pop()
        return "done"

    assert patiently(call, Stop()) == "done"


def test_waiting_for_the_ledger_ends_after_a_while_or_with_a_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise LedgerUnavailable("away")

    stop = Stop()
    stop.request()
    with pytest.raises(Interrupted):
        patiently(away, stop)
    monkeypatch.setattr(sharing, "PATIENCE", -1)
    with pytest.raises(LedgerUnavailable):
        patiently(away, Stop())


def test_an_error_that_does_not_pass_is_raised_and_no_block_is_lost(
    runs: list[tuple[Ledger, LedgerGroup]], monkeypatch: pytest.MonkeyPatch
) -> None:
    (_, a), (_, b) = runs
    blocks = shared(a)
    assert blocks.lease(0)
    finish(blocks, 0)

    def broken(*_: object, **__: object) -> None:
        raise LedgerError("broken")

    with monkeypatch.context() as patch:
        patch.setattr(LedgerGroup, "take_block", broken)
        patch.setattr(LedgerGroup, "blocks_of_others", broken)
        with pytest.raises(LedgerError):
            blocks.lease(1)
        assert blocks.others() == set()
    blocks.close()
    assert not b.open_blocks().can_be_taken, "the finished block is recorded at the end"


def test_steps_keep_their_positions() -> None:
    steps = numbered_steps("abcd", lambda letter: letter in "bc")
    assert [*steps.steps] == ["a", "d"]
    assert [*steps.positions] == [0, 3]


def test_rows_that_were_not_asked_for_are_left_to_others() -> None:
    def outcome(kind: str | None) -> Outcome:
        return Outcome(Question("?", "B"), Status.SKIPPED, error=Failure(kind, "") if kind else None)

    assert [is_left(outcome(kind)) for kind in ("budget", "interrupted", "duplicate", None)] == [
        True,
        True,
        False,
        False,
    ]
