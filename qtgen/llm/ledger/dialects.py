"""The dialects that runs have learned, within a transaction."""

from hashlib import sha256
from typing import Any, NamedTuple

import sqlalchemy as sa

from qtgen.llm.ledger.clock import now
from qtgen.llm.ledger.statements import insert
from qtgen.llm.ledger.tables import dialects


class StoredDialect(NamedTuple):
    """A dialect as JSON, the model, a digest of the place, and when it was learned, in seconds since 1970."""

    text: str
    learned_at: float
    model: str
    place_digest: str

    def is_at(self, place: str) -> bool:
        """Return whether the dialect was learned at a place."""
        return self.place_digest == _digest(place)


def find(connection: sa.Connection, place: str, model: str) -> StoredDialect | None:
    """Return what was learned about a model at a place, or None."""
    row = connection.execute(sa.select(dialects).where(*_is_at(place, model))).first()
    return _stored(row) if row else None


def find_all(connection: sa.Connection) -> list[StoredDialect]:
    """Return everything that was learned, sorted by model and time."""
    return [_stored(row) for row in connection.execute(sa.select(dialects).order_by(dialects.c.model, dialects.c.at))]


def record(connection: sa.Connection, place: str, model: str, text: str) -> None:
    """Record a dialect. It replaces the one that is there."""
    learned = {"dialect": text, "at": now()}
    statement = insert(connection, dialects).values(place=_digest(place), model=model, **learned)
    connection.execute(statement.on_conflict_do_update(index_elements=["place", "model"], set_=learned))


def _is_at(place: str, model: str) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return dialects.c.place == _digest(place), dialects.c.model == model


def _stored(row: sa.Row[Any]) -> StoredDialect:
    return StoredDialect(row.dialect, row.at, row.model, row.place)


def _digest(place: str) -> str:
    return sha256(place.encode()).hexdigest()
