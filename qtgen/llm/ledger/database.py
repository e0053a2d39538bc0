"""Transactions of the ledger's database, and its errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from qtgen.errors import LedgerError, LedgerUnavailable
from qtgen.llm.ledger.clock import now
from qtgen.llm.ledger.engine import open_engine, without_login

_EXCLUSIVE_LOCK = sa.text("SELECT pg_advisory_xact_lock(5170931)")
# Temporary errors of SQLite: busy, locked, read-only, I/O error, disk full, cannot be opened, locking protocol.
_PASSING_SQLITE_CODES = frozenset({5, 6, 8, 10, 13, 14, 15})
# Classes and codes of temporary errors of PostgreSQL: connection lost, transaction rolled back because of others,
# resources used up, server shutting down or starting, system error, lock not available, a standby that is read-only.
_PASSING_SQLSTATES = ("08", "40", "53", "57P", "58", "55P03", "25006", "25P03")

_REMEDY = "check the setting `ledger`, or run the same command again when the database responds"


class Database:
    """A database. Every transaction raises LedgerError, and LedgerUnavailable for a temporary error.

    Args:
        url: URL of the database, or the path of an SQLite file.

    Raises SettingsError for a URL that cannot be used, and MissingExtra.
    """

    def __init__(self, url: str) -> None:
        self._engine = open_engine(url)
        self._has_been_away = False
        self._reachable_since = 0.0  # by the database's clock; 0 if it could always be reached

    @property
    def address(self) -> str:
        """Where the database is, without login."""
        return without_login(self._engine.url)

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Open a transaction that only reads. It takes no locks and waits for none."""
        with self._as_ledger_error(), self._engine.connect() as connection:
            connection.execution_options(is_read=True)
            yield self._prepared(connection)

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Open a transaction that writes. On PostgreSQL others may write at the same time."""
        with self._as_ledger_error(), self._engine.begin() as connection:
            yield self._prepared(connection)

    @contextmanager
    def exclusive(self) -> Iterator[sa.Connection]:
        """Open a transaction that writes, while no other `exclusive` one is open."""
        with self.write() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(_EXCLUSIVE_LOCK)
            yield connection

    def _prepared(self, connection: sa.Connection) -> sa.Connection:
        """Return a connection that knows when the database could be reached again; `liveness.dead_runs` asks it."""
        if self._has_been_away:
            self._reachable_since = connection.scalar(sa.select(now())) or 0.0
            self._has_been_away = False
        return connection.execution_options(reachable_since=self._reachable_since)

    @contextmanager
    def _as_ledger_error(self) -> Iterator[None]:
        try:
            yield
        except (sa.exc.SQLAlchemyError, OverflowError, UnicodeError) as error:  # drivers raise the last two unwrapped
            reason = " ".join(str(getattr(error, "orig", None) or error).split())
            message = f"the ledger cannot be used: {self.address}: {reason}"
            if not may_pass(error):
                raise LedgerError(message) from None
            self._has_been_away = True
            remedy = "end the other program that has locked it" if "lock" in reason else _REMEDY
            raise LedgerUnavailable(message, remedy=remedy) from None


def may_pass(error: Exception) -> bool:
    """Return whether an error of a database says that it cannot be used now, but perhaps later."""
    if not isinstance(error, sa.exc.DBAPIError):
        return isinstance(error, sa.exc.TimeoutError)
    original: Any = error.orig
    if error.connection_invalidated:
        return True
    if (code := getattr(original, "sqlite_errorcode", None)) is not None:
        return code & 0xFF in _PASSING_SQLITE_CODES
    if state := getattr(original, "sqlstate", None):
        return str(state).startswith(_PASSING_SQLSTATES)
    return isinstance(error, sa.exc.OperationalError)  # no connection could be made
