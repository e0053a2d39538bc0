"""Opening the ledger's database: an SQLite file, or PostgreSQL."""

from pathlib import Path
from typing import Any

import sqlalchemy as sa

from qtgen._util.extras import require
from qtgen.errors import SettingsError

# qtgen waits 30 seconds for a lock. A process that is suspended within a transaction loses its locks sooner. qtgen
# notices within about 20 seconds that a server no longer responds.
_POSTGRESQL_OPTIONS = "-c lock_timeout=30000 -c idle_in_transaction_session_timeout=20000"
_CONNECT_ARGUMENTS: dict[str, dict[str, Any]] = {
    "sqlite": {"timeout": 30.0},
    "postgresql": {
        "options": _POSTGRESQL_OPTIONS,
        "connect_timeout": 10,
        "keepalives_idle": 10,
        "keepalives_interval": 3,
        "keepalives_count": 3,
        "tcp_user_timeout": 20_000,  # milliseconds
    },
}
_REMEDY = "name a file, or a `postgresql://` URL"


def open_engine(url: str) -> sa.Engine:
    """Return an engine for a database URL. A path means an SQLite file, whose folder is created.

    Raises SettingsError for a URL or a folder that cannot be used, and MissingExtra.
    """
    if "://" not in url:
        folder = Path(url).parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsError(f"{folder}: {error.strerror}", setting="ledger", remedy=_REMEDY) from None
        url = f"sqlite:///{url}"
    address = _parsed(url)
    backend = address.get_backend_name()
    if backend == "postgresql":
        require("a PostgreSQL ledger", "postgresql", "psycopg")
        address = address.set(drivername="postgresql+psycopg")
    arguments = {name: value for name, value in _CONNECT_ARGUMENTS[backend].items() if name not in address.query}
    try:
        # Test a connection before it is used, because the server may have been restarted in the meantime.
        engine = sa.create_engine(address, connect_args=arguments, pool_pre_ping=backend == "postgresql")
    except (sa.exc.ArgumentError, ImportError) as error:
        raise _unusable(url, str(error).splitlines()[0]) from None
    if backend == "sqlite":
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
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
    if backend not in _CONNECT_ARGUMENTS:
        raise _unusable(url, f"`{backend}` databases are not supported")
    return address


def _unusable(url: str, reason: str) -> SettingsError:
    shown = url.rpartition("@")[2] or url  # the part before may contain a password
    return SettingsError(f"{shown}: {reason}", setting="ledger", remedy=_REMEDY)


def _prepare_sqlite(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # transactions begin with the statement below
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")


def _begin_sqlite(connection: sa.Connection) -> None:
    """Begin a transaction. If it writes, it waits for its lock at once, because it cannot wait after it has read."""
    is_read = connection.get_execution_options().get("is_read", False)
    connection.exec_driver_sql("BEGIN" if is_read else "BEGIN IMMEDIATE")
