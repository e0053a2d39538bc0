"""A ledger that is away for a while: nothing new is sent, and nothing that was paid for is lost."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from qtgen._util.concurrency import Stop
from qtgen.errors import LedgerError, LedgerUnavailable
from qtgen.llm.ledger import Changes, Claim, Ledger, open_writer
from qtgen.llm.ledger.writer import LedgerWriter
from qtgen.llm.sender import Attempt
from qtgen.llm.types import Completion
from support.ledgers import KEYS, USAGE
from support.postgresql import postgresql_server

ANSWER = Completion("so", "m", USAGE)
ATTEMPT = Attempt(KEYS[0], 1.0, 0.1, "ok", USAGE)
Commit = Callable[..., dict[bytes, Claim]]


@pytest.fixture
def saving(url: str, tmp_path: Path) -> Iterator[Ledger]:
    """A ledger that saves unsettled responses in a folder."""
    ledger = Ledger(url, folder=tmp_path / ".qtgen")
    yield ledger
    ledger.close()


def fail_commits(ledger: Ledger, times: float, *, after_commit: bool = False) -> None:
    """Let the next commits fail as if the database was away. If `after_commit`, they succeed but nobody learns it."""
    commit: Commit = ledger.commit

    def failing(changes: Changes, *, fresh: bool = False) -> dict[bytes, Claim]:
        nonlocal times
        if times <= 0:
            return commit(changes, fresh=fresh)
        times -= 1
        if after_commit:
            commit(changes, fresh=fresh)
        raise LedgerUnavailable("no connection")

    ledger.commit = failing  # type: ignore[method-assign]


async def answer_first(writer: LedgerWriter) -> None:
    assert await writer.claim(KEYS[0]) is None
    writer.record_attempt(ATTEMPT)
    await writer.record_answer(KEYS[0], ANSWER)


@pytest.mark.parametrize("after_commit", [False, True])
def test_a_short_absence_costs_nothing(saving: Ledger, after_commit: bool) -> None:
    notes: list[str] = []

    async def use() -> None:
        async with open_writer(saving, fresh=False) as writer:
            writer.gate.notify = notes.append
            fail_commits(saving, 2, after_commit=after_commit)
            await answer_first(writer)
            fail_commits(saving, 1, after_commit=after_commit)
            writer.judge(Completion("so", "m", USAGE, key=KEYS[0].digest), "rejected")

    asyncio.run(asyncio.wait_for(use(), 30))
    assert [row.attempts for row in saving.spending()] == [1]
    assert saving.answered([KEYS[0].digest]) == {KEYS[0].digest}
    assert not notes, "it was too short to mention"


def test_after_the_last_attempt_responses_are_saved_and_the_next_run_records_them(
    saving: Ledger, url: str, tmp_path: Path
) -> None:
    stop = Stop()
    notes: list[str] = []

    async def use() -> None:
        async with open_writer(saving, fresh=False, stop=stop, patience=0.1) as writer:
            writer.gate.notify = notes.append
            await writer.claim(KEYS[1])
            assert await writer.claim(KEYS[0]) is None
            fail_commits(saving, float("inf"))
            writer.record_attempt(ATTEMPT)
            with pytest.raises(LedgerError, match="no connection"):
                await writer.record_answer(KEYS[0], ANSWER)
            with pytest.raises(LedgerError):
                await writer.claim(KEYS[2])
            with pytest.raises(LedgerError):
                await writer.record_answer(KEYS[1], ANSWER)

    asyncio.run(asyncio.wait_for(use(), 30))
    assert isinstance(stop.failure, LedgerUnavailable)
    folder = tmp_path / ".qtgen"
    assert notes == [f"2 responses saved in {folder}; the next run records them"]
    assert len([*folder.glob("unsettled*.jsonl")]) == 2, "one for each batch"

    later = Ledger(url, folder=folder)
    later.begin()
    assert later.answered([key.digest for key in KEYS[:3]]) == {KEYS[0].digest, KEYS[1].digest}
    assert [(row.run, row.attempts) for row in later.spending()] == [(saving.run, 1)]
    assert not [*folder.iterdir()]
    later.close()


def test_a_file_that_was_recorded_before_is_recorded_again_without_effect(
    saving: Ledger, url: str, tmp_path: Path
) -> None:
    """The run that recorded it was killed before it removed the file, and another answer has come since."""
    assert saving.unsettled
    saving.begin()
    batch = Changes(attempts=[ATTEMPT], answers={KEYS[0]: ANSWER, KEYS[1]: ANSWER})
    path = saving.unsettled.save(saving.run, batch)
    assert path
    contents = path.read_bytes()
    for _ in range(2):
        later = Ledger(url, folder=path.parent)
        later.begin()
        later.commit(Changes(answers={KEYS[1]: Completion("newer", "m", USAGE)}))
        later.close()
        path.write_bytes(contents)
    assert [row.attempts for row in saving.spending()] == [1]
    found = saving.commit(Changes(claims=KEYS[:2]))
    assert [found[key.digest].completion.text for key in KEYS[:2]] == ["so", "newer"]  # type: ignore[union-attr]


def test_a_file_that_cannot_be_read_is_named(saving: Ledger, tmp_path: Path) -> None:
    folder = tmp_path / ".qtgen"
    folder.mkdir(exist_ok=True)
    (folder / "unsettled.jsonl").write_text('{"run": 1}\n')
    with pytest.raises(LedgerError, match=r"unsettled.*\.jsonl:1: this line is not a record of responses: "):
        saving.begin()
    assert [*folder.glob("unsettled*.jsonl")], "it is kept"


def test_a_stop_ends_the_waiting(saving: Ledger) -> None:
    stop = Stop()

    async def use() -> None:
        async with open_writer(saving, fresh=False, stop=stop) as writer:
            fail_commits(saving, float("inf"))
            waiting = asyncio.create_task(writer.claim(KEYS[0]))
            await asyncio.sleep(0.05)
            assert not writer.gate.is_open
            stop.request()
            with pytest.raises(LedgerUnavailable):
                await waiting

    asyncio.run(asyncio.wait_for(use(), 30))


def test_responses_that_are_recorded_last_are_saved_and_the_error_is_raised(saving: Ledger) -> None:
    async def use() -> None:
        async with open_writer(saving, fresh=False, patience=0.1) as writer:
            fail_commits(saving, float("inf"))
            writer.record_attempt(ATTEMPT)

    assert saving.unsettled
    with pytest.raises(LedgerUnavailable, match="no connection"):
        asyncio.run(asyncio.wait_for(use(), 30))
    assert [batch.attempts for batch in saving.unsettled.changes("another")] == [[ATTEMPT]]


def test_without_a_folder_the_loss_is_reported(ledger: Ledger) -> None:
    notes: list[str] = []

    async def use() -> None:
        async with open_writer(ledger, fresh=False, patience=0.1) as writer:
            writer.gate.notify = notes.append
            await writer.claim(KEYS[0])
            fail_commits(ledger, float("inf"))
            with pytest.raises(LedgerUnavailable):
                await writer.record_answer(KEYS[0], ANSWER)

    asyncio.run(asyncio.wait_for(use(), 30))
    assert notes == ["1 response lost: neither recorded nor saved"]


def test_a_restart_of_the_server_is_survived() -> None:
    with postgresql_server() as server:
        ledger = Ledger(server.get_uri())

        async def use_key(writer: LedgerWriter, number: int) -> None:
            await asyncio.sleep(number / 100)
            assert await writer.claim(KEYS[number]) is None
            writer.record_attempt(ATTEMPT._replace(key=KEYS[number]))
            await asyncio.sleep(0.3)
            await writer.record_answer(KEYS[number], ANSWER)

        async def use() -> list[str]:
            notes: list[str] = []
            async with open_writer(ledger, fresh=False) as writer:
                writer.gate.notify = notes.append
                working = asyncio.gather(*(use_key(writer, number) for number in range(200)))
                await asyncio.sleep(0.5)
                await asyncio.to_thread(server.stop)
                await asyncio.sleep(1.5)
                assert not writer.gate.is_open
                await asyncio.to_thread(server.start)
                await working
                return notes

        notes = asyncio.run(asyncio.wait_for(use(), 60))
        assert [("no new request" in note, "again" in note) for note in notes] == [(True, False), (False, True)]
        assert sum(row.attempts for row in ledger.spending()) == 200
        assert len(ledger.answered([key.digest for key in KEYS])) == 200
        ledger.close()
