"""The dialects that runs have learned, within a transaction."""

import time
from hashlib import sha256
from typing import NamedTuple

import sqlalchemy as sa

from qtgen.llm.ledger.tables import dialects


class StoredDialect(NamedTuple):
    """A dialect as JSON, and when it was learned, in seconds since 1970."""

    text: str
    learned_at: float


def find(connection: sa.Connection, place: str, model: str) -> StoredDialect | None:
    """Return what was learned about a model at a place, or None."""
    row = connection.execute(sa.select(dialects).where(*_is_at(place, model))).first()
    return StoredDialect(row.dialect, row.at) if row else None


def record(connection: sa.Connection, place: str, model: str, text: str) -> None:
    """Record a dialect. It replaces the one that is there."""
    connection.execute(dialects.delete().where(*_is_at(place, model)))
    row = {"place": _digest(place), "model": model, "dialect": text, "at": time.time()}
    connection.execute(dialects.insert(), [row])


def _is_at(place: str, model: str) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return dialects.c.place == _digest(place), dialects.c.model == model


def _digest(place: str) -> str:
    return sha256(place.encode()).hexdigest()
