"""Opening the ledger's database: an SQLite file, or PostgreSQL."""

from pathlib import Path
from typing import Any

import sqlalchemy as sa

from qtgen._util.extras import require
from qtgen.errors import SettingsError

# A busy database is waited for 30 seconds.
_CONNECT_ARGUMENTS = {"sqlite": {"timeout": 30.0}, "postgresql": {"options": "-c lock_timeout=30000"}}
# Nothing may change between a transaction's reads and its writes, so transactions run one after the other.
_BEGIN = {"sqlite": "BEGIN IMMEDIATE", "postgresql": "SELECT pg_advisory_xact_lock(5170931)"}
_REMEDY = "name a file, or a `postgresql://` URL"


def open_engine(url: str) -> sa.Engine:
    """Return an engine for a database URL. A path means an SQLite file, whose folder is made.

    Raises SettingsError for a URL that cannot be used, and MissingExtra.
    """
    if "://" not in url:
        Path(url).parent.mkdir(parents=True, exist_ok=True)
        url = f"sqlite:///{url}"
    address = _parsed(url)
    backend = address.get_backend_name()
    if backend == "postgresql":
        require("a PostgreSQL ledger", "postgresql", "psycopg")
        address = address.set(drivername="postgresql+psycopg")
    try:
        engine = sa.create_engine(address, connect_args=_CONNECT_ARGUMENTS[backend])
    except (sa.exc.ArgumentError, ImportError) as error:
        raise _unusable(url, str(error).splitlines()[0]) from None
    if backend == "sqlite":
        sa.event.listen(engine, "connect", _prepare_sqlite)
    begin = sa.text(_BEGIN[backend])
    sa.event.listen(engine, "begin", lambda connection: connection.execute(begin))
    return engine


def without_login(url: sa.URL) -> str:
    """Return a database's address without user, password and options."""
    if url.get_backend_name() == "sqlite":
        return url.database or "in memory"
    return sa.URL.create(url.get_backend_name(), host=url.host, port=url.port, database=url.database).render_as_string()


def _parsed(url: str) -> sa.URL:
    try:
        address = sa.make_url(url)
        backend = address.get_backend_name()
    except (sa.exc.ArgumentError, ValueError):
        raise _unusable(url, "this is not a database URL") from None
    if backend not in _BEGIN:
        raise _unusable(url, f"`{backend}` databases are not supported")
    return address


def _unusable(url: str, reason: str) -> SettingsError:
    shown = url.rpartition("@")[2] or url  # the part before may contain a password
    return SettingsError(f"{shown}: {reason}", setting="ledger", remedy=_REMEDY)


def _prepare_sqlite(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # transactions begin with the statement above
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
