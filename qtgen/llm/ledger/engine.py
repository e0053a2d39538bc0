"""Opening the ledger's database: an SQLite file, or PostgreSQL."""

from pathlib import Path
from typing import Any

import sqlalchemy as sa

from qtgen.errors import SettingsError

# A busy database is waited for 30 seconds.
_PATIENCE = {"sqlite": {"timeout": 30.0}, "postgresql": {"options": "-c lock_timeout=30000"}}
_BEGIN = {"sqlite": "BEGIN IMMEDIATE", "postgresql": "SELECT pg_advisory_xact_lock(5170931)"}


def open_engine(url: str) -> sa.Engine:
    """Of the database at a URL; a path makes an SQLite file. Raises SettingsError for one that cannot be.

    Whoever reads to write must not find it changed in between, so transactions take turns.
    """
    if "://" not in url:
        Path(url).parent.mkdir(parents=True, exist_ok=True)
        url = f"sqlite:///{url}"
    try:
        where = sa.make_url(url)
        if where.get_backend_name() not in _PATIENCE:
            raise sa.exc.ArgumentError("an SQLite file or a postgresql:// URL is possible")
        if where.drivername == "postgresql":
            where = where.set(drivername="postgresql+psycopg")
        engine = sa.create_engine(where, connect_args=_PATIENCE[where.get_backend_name()])
    except (sa.exc.ArgumentError, ImportError) as error:
        hint = "; install qtgen with its `postgresql` extra" if isinstance(error, ImportError) else ""
        hidden = url.partition("@")[2] or url  # what stands before may be secret
        raise SettingsError(f"`ledger`: {hidden}: {str(error).splitlines()[0]}{hint}") from None
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _prepare_sqlite)
    begin = sa.text(_BEGIN[engine.dialect.name])
    sa.event.listen(engine, "begin", lambda connection: connection.execute(begin))
    return engine


def without_login(url: sa.URL) -> str:
    """Where a database is, without what may be secret."""
    if url.get_backend_name() == "sqlite":
        return url.database or "in memory"
    return sa.URL.create(url.get_backend_name(), host=url.host, port=url.port, database=url.database).render_as_string()


def _prepare_sqlite(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
