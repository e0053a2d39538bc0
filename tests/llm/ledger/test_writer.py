"""Writing to the ledger from coroutines."""

import asyncio

import pytest

from qtgen._util.concurrency import Stop
from qtgen.errors import Interrupted
from qtgen.llm.ledger import Ledger, open_writer
from qtgen.llm.ledger.types import MINE
from qtgen.llm.sender import Attempt
from qtgen.llm.types import Completion
from support.ledgers import KEYS, USAGE, claim, record_answer

ANSWER = Completion("so", "m", USAGE)


@pytest.mark.parametrize("turns", range(5))
def test_a_writer_closes_whatever_was_recorded_last(ledgers: list[Ledger], turns: int) -> None:
    async def use() -> None:
        async with open_writer(ledgers[0], fresh=False) as writer:
            assert await writer.claim(KEYS[0]) is None
            writer.release(KEYS[0])
            for _ in range(turns):
                await asyncio.sleep(0)

    ledgers[0].run = f"another {turns}"
    asyncio.run(asyncio.wait_for(use(), 10))
    assert claim(ledgers[1], KEYS[:1]) == {KEYS[0].digest: MINE}


def test_what_is_recorded_last_is_written_too(ledgers: list[Ledger]) -> None:
    """The end of a run comes while an earlier batch is committed."""
    mine, other = ledgers

    async def use() -> None:
        async with open_writer(mine, fresh=False) as writer:
            for key in KEYS[:20]:
                await writer.claim(key)
                await writer.record_answer(key, ANSWER)
                writer.judge(Completion("so", "m", USAGE, key=key.digest), "faulty")
                await asyncio.sleep(0)

    mine.run = "1" * 32
    asyncio.run(use())
    assert other.answered([key.digest for key in KEYS[:20]]) == set()


def test_an_answer_is_committed_before_it_is_used(ledger: Ledger) -> None:
    async def use() -> None:
        async with open_writer(ledger, fresh=False) as writer:
            await writer.claim(KEYS[0])
            writer.record_attempt(Attempt(KEYS[0], 1.0, 0.1, "ok", USAGE))
            await writer.record_answer(KEYS[0], ANSWER)
            assert ledger.answered([KEYS[0].digest]) == {KEYS[0].digest}
            assert [row.attempts for row in ledger.spending()] == [1]

    asyncio.run(use())


def test_the_same_request_twice_in_one_run_is_sent_once(ledger: Ledger) -> None:
    async def use() -> list[Completion | None]:
        async with open_writer(ledger, fresh=False) as writer:
            first = await writer.claim(KEYS[0])
            waiting = [asyncio.create_task(writer.claim(KEYS[0])) for _ in range(3)]
            await asyncio.sleep(0)
            await writer.record_answer(KEYS[0], ANSWER)
            return [first, *await asyncio.gather(*waiting)]

    first, *others = asyncio.run(asyncio.wait_for(use(), 10))
    assert first is None
    assert [other and (other.text, other.reused) for other in others] == [("so", True)] * 3


def test_if_the_first_gets_no_answer_the_next_one_sends(ledger: Ledger) -> None:
    async def use() -> Completion | None:
        async with open_writer(ledger, fresh=False) as writer:
            await writer.claim(KEYS[0])
            waiting = asyncio.create_task(writer.claim(KEYS[0]))
            await asyncio.sleep(0)
            writer.release(KEYS[0])
            return await waiting

    assert asyncio.run(asyncio.wait_for(use(), 10)) is None


def test_a_request_waits_for_another_runs_answer(ledgers: list[Ledger], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qtgen.llm.ledger.writer._POLL", 0.01)
    mine, other = ledgers
    claim(other, KEYS[:1])

    async def use() -> Completion | None:
        async with open_writer(mine, fresh=False) as writer:
            waiting = asyncio.create_task(writer.claim(KEYS[0]))
            await asyncio.sleep(0.05)
            assert not waiting.done()
            await asyncio.to_thread(record_answer, other, KEYS[0], "theirs")
            return await waiting

    mine.run = "2" * 32
    found = asyncio.run(asyncio.wait_for(use(), 30))
    assert found
    assert (found.text, found.run) == ("theirs", other.run)


@pytest.mark.parametrize("who", ["another run", "the same run"])
def test_a_stop_ends_the_waiting(ledgers: list[Ledger], who: str) -> None:
    mine, other = ledgers
    if who == "another run":
        claim(other, KEYS[:1])

    async def use() -> None:
        stop = Stop()
        async with open_writer(mine, fresh=False, stop=stop) as writer:
            if who == "the same run":
                await writer.claim(KEYS[0])
            waiting = asyncio.create_task(writer.claim(KEYS[0]))
            await asyncio.sleep(0.05)
            stop.request()
            with pytest.raises(Interrupted):
                await waiting

    mine.run = who.ljust(32)
    asyncio.run(asyncio.wait_for(use(), 10))


def test_whatever_fails_while_writing_is_raised_where_somebody_waits(ledger: Ledger) -> None:
    """A writer that ended silently would leave them waiting for ever."""

    async def use() -> list[BaseException | Completion | None]:
        async with open_writer(ledger, fresh=False) as writer:
            ledger.commit = None  # type: ignore[method-assign, assignment]
            first = await asyncio.gather(*(writer.claim(key) for key in KEYS[:3]), return_exceptions=True)
            later = await asyncio.gather(writer.claim(KEYS[3]), return_exceptions=True)
            return [*first, *later]

    results = asyncio.run(asyncio.wait_for(use(), 30))
    assert [type(result) for result in results] == [TypeError] * 4


def test_a_failure_that_nobody_waits_for_is_raised_at_the_end(ledger: Ledger) -> None:
    async def use() -> None:
        async with open_writer(ledger, fresh=False) as writer:
            ledger.commit = None  # type: ignore[method-assign, assignment]
            writer.record_attempt(Attempt(KEYS[0], 1.0, 0.1, "ok", USAGE))

    with pytest.raises(TypeError):
        asyncio.run(asyncio.wait_for(use(), 30))
