"""The version of the ledger's tables: creating them, migrating older ones and refusing newer ones."""

import sqlalchemy as sa

from qtgen.errors import LedgerError
from qtgen.llm.ledger.database import Database
from qtgen.llm.ledger.tables import attempts, metadata, pages, schema

VERSION = 3
"""The version of the tables in `tables.py`. Raise it when they change."""
_TICK = 1e-6  # seconds
_FIRST = 1  # the tables of a ledger that records no version


def check_version(database: Database) -> int | None:
    """Return the version of a ledger's tables, or None if there are none.

    Raises LedgerError if a newer qtgen has written the ledger.
    """
    with database.read() as connection:
        version = _version(connection)
    _refuse_newer(version, database)
    return version


def prepare_tables(database: Database) -> None:
    """Create the tables, or add what an older ledger lacks. A ledger of this version stays unchanged.

    Raises LedgerError if a newer qtgen has written the ledger.
    """
    if check_version(database) == VERSION:
        return
    with database.exclusive() as connection:
        version = _version(connection)  # another run may have been faster
        _refuse_newer(version, database)
        if version != VERSION:
            if version == _FIRST:
                _tell_attempts_apart(connection)
            _add_columns(connection)
            _allow_pages_without_id(connection)
            connection.execute(sa.text("DROP INDEX IF EXISTS attempts_by_run"))  # another index has replaced it
            metadata.create_all(connection)
            connection.execute(schema.delete())
            connection.execute(schema.insert(), {"version": VERSION})


def _version(connection: sa.Connection) -> int | None:
    names = set(sa.inspect(connection).get_table_names())
    if schema.name in names:
        version: int | None = connection.scalar(sa.select(sa.func.max(schema.c.version)))
        return version
    return _FIRST if "requests" in names else None


def _refuse_newer(version: int | None, database: Database) -> None:
    if version is not None and version > VERSION:
        raise LedgerError(
            f"{database.address}: a newer qtgen has written this ledger: "
            f"its tables have version {version}, and this qtgen knows versions up to {VERSION}",
            remedy="upgrade qtgen, or use another ledger",
        )


def _tell_attempts_apart(connection: sa.Connection) -> None:
    """Move attempts of a request that a coarse clock gave the same time, because `attempts_once` rejects them."""
    if attempts.name not in sa.inspect(connection).get_table_names():
        return
    same = attempts.c.run, attempts.c.key, attempts.c.at
    rank = sa.func.row_number().over(partition_by=same, order_by=attempts.c.number).label("rank")
    ranked = sa.select(attempts.c.number, attempts.c.at, rank).subquery()
    repeated = connection.execute(sa.select(ranked).where(ranked.c.rank > 1)).all()
    for row in repeated:
        moved = attempts.update().where(attempts.c.number == row.number)
        connection.execute(moved.values(at=row.at + (row.rank - 1) * _TICK))


def _add_columns(connection: sa.Connection) -> None:
    """Add the columns and indexes that existing tables lack. The columns accept null."""
    existing = sa.inspect(connection)
    names = set(existing.get_table_names())
    for table in metadata.tables.values():
        if table.name not in names:
            continue
        present = {column["name"] for column in existing.get_columns(table.name)}
        for column in table.columns:
            if column.name not in present:
                kind = column.type.compile(connection.dialect)
                connection.execute(sa.text(f"ALTER TABLE {table.name} ADD COLUMN {column.name} {kind}"))
        indexes = {index["name"] for index in existing.get_indexes(table.name)}
        for index in table.indexes:
            if index.name not in indexes:
                index.create(connection)


def _allow_pages_without_id(connection: sa.Connection) -> None:
    """Let the id of a page be null. SQLite cannot change a column, so its table is written again."""
    existing = sa.inspect(connection)
    if pages.name not in existing.get_table_names():
        return
    if all(column["nullable"] for column in existing.get_columns(pages.name) if column["name"] == pages.c.id.name):
        return
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text(f"ALTER TABLE {pages.name} ALTER COLUMN {pages.c.id.name} DROP NOT NULL"))
        return
    rows = [dict(row) for row in connection.execute(sa.select(pages)).mappings()]
    pages.drop(connection)
    pages.create(connection)
    if rows:
        connection.execute(pages.insert(), rows)
