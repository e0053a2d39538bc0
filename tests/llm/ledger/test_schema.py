"""The version of the ledger's tables."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
import sqlalchemy as sa

from qtgen.errors import LedgerError
from qtgen.llm.ledger import Changes, Ledger
from qtgen.llm.ledger.database import Database
from qtgen.llm.ledger.schema import VERSION, check_version, prepare_tables
from qtgen.llm.ledger.tables import metadata, schema
from qtgen.llm.sender import Attempt
from qtgen.llm.types import Completion, Usage
from support.ledgers import KEYS, USAGE, claim, make_older, record_answer


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    database = Database(url)
    yield database
    database.close()


def test_an_older_ledger_gets_the_new_columns_and_keeps_its_answers(url: str) -> None:
    usage = Usage(10, 20, 0, 0.5, reasoning_tokens=7, reported_usd=0.75)
    old = Ledger(url)
    old.begin()
    record_answer(old, KEYS[0], "kept")
    old.close()
    make_older(url)
    new = Ledger(url)
    new.begin()
    found = claim(new, KEYS[:2])
    assert (completion := found[KEYS[0].digest].completion)
    assert (completion.text, completion.usage) == ("kept", USAGE)
    new.commit(
        Changes(attempts=[Attempt(KEYS[1], 1.0, 0.1, "ok", usage)], answers={KEYS[1]: Completion("b", "m", usage)})
    )
    new.close()
    again = Ledger(url)
    again.begin()
    recorded = claim(again, KEYS[1:2])[KEYS[1].digest].completion
    assert recorded
    assert recorded.usage == usage
    assert {(row.reasoning_tokens, row.reported_usd) for row in again.spending()} == {(None, None), (7, 0.75)}
    again.close()


def test_attempts_that_a_coarse_clock_gave_the_same_time_are_kept(url: str, database: Database) -> None:
    old = Ledger(url)
    old.begin()
    record_answer(old, KEYS[0], "kept")
    make_older(url)
    names = "key, run, model, at, seconds, kind, prompt_tokens, completion_tokens, cached_tokens, cost_usd"
    with database.write() as connection:
        connection.execute(sa.text(f"INSERT INTO attempts ({names}) SELECT {names} FROM attempts"))
        connection.execute(sa.text(f"INSERT INTO attempts ({names}) SELECT {names} FROM attempts"))
    new = Ledger(url)
    assert [(row.attempts, row.cost_usd) for row in new.spending()] == [(4, 4 * (USAGE.cost_usd or 0))]
    new.close()
    old.close()


def test_a_new_ledger_has_the_current_version(database: Database) -> None:
    assert check_version(database) is None
    prepare_tables(database)
    assert check_version(database) == VERSION
    with database.read() as connection:
        assert {*metadata.tables} <= {*sa.inspect(connection).get_table_names()}


def test_several_runs_that_migrate_at_once_do_it_once(url: str) -> None:
    Ledger(url).close()
    make_older(url)
    ready = threading.Barrier(4)

    def migrate(_: int) -> None:
        ready.wait()
        Ledger(url).close()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(migrate, range(4))) == [None] * 4
    database = Database(url)
    with database.read() as connection:
        assert connection.scalars(sa.select(schema.c.version)).all() == [VERSION]
    database.close()


@pytest.mark.parametrize("create", [True, False])
def test_a_ledger_that_a_newer_qtgen_has_written_is_refused(url: str, database: Database, create: bool) -> None:
    prepare_tables(database)
    with database.write() as connection:
        connection.execute(schema.update().values(version=VERSION + 1))
    with pytest.raises(LedgerError, match=f"a newer qtgen .* version {VERSION + 1}, .* up to {VERSION}") as caught:
        Ledger(url, create=create)
    assert caught.value.remedy == "upgrade qtgen, or use another ledger"


def test_an_older_ledger_can_be_read_without_being_changed(url: str, database: Database) -> None:
    Ledger(url).close()
    make_older(url)
    Ledger(url, create=False).close()
    assert check_version(database) == 1


_SECOND_PAGES = """
CREATE TABLE pages (url TEXT NOT NULL, id BIGINT NOT NULL, PRIMARY KEY (url)){suffix}
"""


def make_second(url: str) -> None:
    """Give a ledger the table of pages that its second version had, with two pages."""
    database = Database(url)
    with database.write() as connection:
        connection.execute(sa.text("DROP TABLE pages"))
        suffix = " WITHOUT ROWID" if connection.dialect.name == "sqlite" else ""
        connection.execute(sa.text(_SECOND_PAGES.format(suffix=suffix)))
        connection.execute(sa.text("CREATE INDEX ix_pages_id ON pages (id)"))
        connection.execute(sa.text("INSERT INTO pages (url, id) VALUES ('/a', 5), ('/b', 9)"))
        connection.execute(schema.update().values(version=2))
    database.close()


def test_an_older_ledger_keeps_its_ids_and_accepts_pages_without_one(url: str, database: Database) -> None:
    Ledger(url).close()
    make_second(url)
    ledger = Ledger(url)
    assert check_version(database) == VERSION
    ledger.record_pages(["/a", "/c", "/d"])
    assert ledger.assign_ids({"/a": None, "/b": None}, 1) == {"/a": 5, "/b": 9}
    ledger.close()
    with database.read() as connection:
        rows = connection.execute(sa.text("SELECT url, id FROM pages ORDER BY url")).all()
        assert [tuple(row) for row in rows] == [("/a", 5), ("/b", 9), ("/c", None), ("/d", None)]
        (index,) = sa.inspect(connection).get_indexes("pages")
        assert index["column_names"] == ["id"]


def test_a_page_that_was_recorded_without_an_id_gets_one_when_its_site_has_ids(url: str) -> None:
    with closing(Ledger(url)) as ledger:
        ledger.record_pages(["/a", "/b"])
        assert ledger.assign_ids({"/b": None, "/c": None, "/a": 40}, 7) == {"/a": 40, "/b": 7, "/c": 8}
        assert ledger.assign_ids({"/a": None, "/b": None}, 7) == {"/a": 40, "/b": 7}
        assert ledger.urls_by_id([40, 7]) == {40: "/a", 7: "/b"}
