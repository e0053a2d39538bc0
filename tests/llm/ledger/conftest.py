"""A ledger on each database that can hold it: an SQLite file, and a real PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from qtgen.llm.ledger import Ledger
from support.postgresql import empty_database, postgresql_server


@pytest.fixture(scope="package")
def postgresql() -> Iterator[str]:
    """The URL of a database server that listens only on a socket file and ends with the tests."""
    with postgresql_server() as server:
        yield server.get_uri()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield str(tmp_path / "ledger.sqlite")
        return
    address = request.getfixturevalue("postgresql")
    yield address
    empty_database(address)


@pytest.fixture
def ledgers(url: str) -> Iterator[list[Ledger]]:
    """Two runs on one ledger."""
    both = [Ledger(url), Ledger(url)]
    for ledger in both:
        ledger.begin()
    yield both
    for ledger in both:
        ledger.close()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """A ledger in an SQLite file. `open_writer` begins its run."""
    ledger = Ledger(str(tmp_path / "ledger.sqlite"))
    yield ledger
    ledger.close()
