"""A ledger on each database, and processes that use it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.batch_endpoint import batch_endpoint
from support.batch_lab import Lab
from support.postgresql import empty_database, postgresql_server


@pytest.fixture(scope="package")
def postgresql() -> Iterator[str]:
    """The URL of a database server that listens only on a socket file and ends with the tests."""
    with postgresql_server() as server:
        yield str(server.get_uri())


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield str(tmp_path / "shared.sqlite")
        return
    address = request.getfixturevalue("postgresql")
    yield address
    empty_database(address)


@pytest.fixture
def lab(url: str, tmp_path: Path) -> Iterator[Lab]:
    with batch_endpoint(tmp_path / "provider") as provider:
        lab = Lab(provider, url, tmp_path)
        yield lab
        for machine in lab.machines:
            for process in machine.processes:
                if process.poll() is None:
                    process.kill()
                process.communicate()
