"""Batches of a provider's Batch API, in the ledger. Each method is one transaction.

A request in a batch belongs to the batch and not to a living run: its state is `batched`, and its `run` is the batch's
id. Every change states which rows it expects, so collecting a batch twice, or on two machines at once, does no harm.
"""

import json
import uuid
from collections.abc import Collection, Container, Iterable, Sequence
from dataclasses import fields
from typing import Any

import sqlalchemy as sa

from qtgen.errors import ErrorReply
from qtgen.llm.ledger.batch_types import UNFINISHED, BatchRecord, BatchState, LostClaims, Rejection, SettledRequest
from qtgen.llm.ledger.claims import KINDS, NO_ANSWER, answer_columns, chunks, usage_columns
from qtgen.llm.ledger.clock import now
from qtgen.llm.ledger.database import Database
from qtgen.llm.ledger.liveness import dead_runs
from qtgen.llm.ledger.statements import insert
from qtgen.llm.ledger.tables import attempts, batch_scopes, batches, requests

# Literals, so that the database can use the partial indexes.
_IS_BATCHED = sa.text("requests.state = 'batched'")
_IS_FAILED = sa.text("requests.state = 'failed'")
_ANSWERS = tuple(state for state, kind in KINDS.items() if kind == "ok")


class BatchStore:
    """The batches of a ledger.

    Args:
        database: The ledger's database.
        run: The run that claims requests.
    """

    def __init__(self, database: Database, run: str) -> None:
        self._database, self._run = database, run

    def add(self, record: BatchRecord, digests: Iterable[bytes], *, fresh: bool = False) -> None:
        """Record a batch with the requests that this run has claimed. If `fresh`, include answered requests.

        Raises LostClaims, and then changes nothing.
        """
        mine = sa.and_(requests.c.state == "open", requests.c.run == self._run)
        allowed = sa.or_(mine, requests.c.state.in_([*KINDS])) if fresh else mine
        kept = sa.case((requests.c.state.in_(_ANSWERS), requests.c.answer), else_=None)
        taken = 0
        with self._database.write() as connection:
            connection.execute(batches.insert().values(**_columns(record), created=now()))
            for some in chunks(sorted(digests)):
                statement = requests.update().where(requests.c.key.in_(some), allowed)
                taken += connection.execute(statement.values(state="batched", run=record.id, answer=kept)).rowcount
            if taken != record.requests:
                raise LostClaims("another run has taken over requests of this one")

    def update(self, batch: str, **values: Any) -> bool:
        """Change columns of a batch that is not finished. Return False if it is finished."""
        with self._database.write() as connection:
            unfinished = batches.c.id == batch, batches.c.state.in_(UNFINISHED)
            return bool(connection.execute(batches.update().where(*unfinished).values(values)).rowcount)

    def submitted(self, batch: str, remote_id: str, status: str) -> bool:
        """Record that the provider has a batch. Return False if another run has released it."""
        values = {"state": BatchState.SUBMITTED, "remote_id": remote_id, "status": status, "submitted": now()}
        with self._database.write() as connection:
            prepared = batches.c.id == batch, batches.c.state == BatchState.PREPARED
            if connection.execute(batches.update().where(*prepared).values(values)).rowcount:
                return True
            same = batches.c.id == batch, batches.c.remote_id == remote_id
            return connection.execute(sa.select(batches.c.id).where(*same)).first() is not None

    def record(self, batch: str) -> BatchRecord | None:
        """Return the batch with an id."""
        return next(iter(self.records(batch=batch)), None)

    def records(
        self,
        *,
        batch: str | None = None,
        states: Collection[BatchState] | None = None,
        place: str | None = None,
        models: Collection[str] | None = None,
    ) -> list[BatchRecord]:
        """Return batches, the oldest first."""
        conditions = [
            *([batches.c.id == batch] if batch is not None else []),
            *([batches.c.state.in_(states)] if states is not None else []),
            *([batches.c.place == place] if place is not None else []),
            *([batches.c.model.in_(models)] if models is not None else []),
        ]
        with self._database.read() as connection:
            query = sa.select(batches).where(*conditions).order_by(batches.c.created, batches.c.id)
            return [_record(row) for row in connection.execute(query)]

    def abandoned(self, records: Sequence[BatchRecord]) -> list[BatchRecord]:
        """Return the batches that a dead run has prepared, and that no run will submit."""
        runs = {record.run for record in records if record.state is BatchState.PREPARED} - {self._run}
        with self._database.read() as connection:
            dead = dead_runs(connection, runs)
        return [record for record in records if record.state is BatchState.PREPARED and record.run in dead]

    def settle(self, batch: str, results: Sequence[SettledRequest]) -> set[bytes]:
        """Record results of a batch. Return the digests of requests that had no result before. Ignore the others."""
        by_digest = {result.digest: result for result in results}
        with self._database.write() as connection:
            row = connection.execute(sa.select(batches).where(batches.c.id == batch)).first()
            if row is None:
                return set()
            pending = self._pending(connection, batch, [*by_digest])
            settled = [by_digest[digest] for digest in pending]
            self._insert_attempts(connection, row, settled)
            self._update_requests(connection, settled)
            self._count(connection, batch, settled)
            return set(pending)

    def _pending(self, connection: sa.Connection, batch: str, digests: Sequence[bytes]) -> list[bytes]:
        """Lock those of the requests that are still in the batch, and return their digests, sorted."""
        found: list[bytes] = []
        for some in chunks(sorted(digests)):
            query = sa.select(requests.c.key).where(
                requests.c.key.in_(some), requests.c.run == batch, requests.c.state == "batched"
            )
            found += connection.scalars(query.order_by(requests.c.key).with_for_update())
        return found

    def _insert_attempts(self, connection: sa.Connection, batch: Any, settled: Sequence[SettledRequest]) -> None:
        rows = [
            {
                "key": result.digest,
                "run": batch.id,
                "model": batch.model,
                "at": batch.submitted or batch.created,
                "seconds": 0.0,
                "kind": result.kind,
                **usage_columns(result.usage),
            }
            for result in settled
            if result.kind
        ]
        if rows:
            connection.execute(attempts.insert(), rows)

    def _update_requests(self, connection: sa.Connection, settled: Sequence[SettledRequest]) -> None:
        answered = [
            {"settled_key": result.digest, **answer_columns(result.completion)}
            for result in settled
            if result.completion
        ]
        if answered:
            columns: dict[str, Any] = {name: sa.bindparam(name) for name in answered[0] if name != "settled_key"}
            statement = requests.update().where(requests.c.key == sa.bindparam("settled_key")).values(columns)
            connection.execute(statement, answered)
        rejected = [
            {"settled_key": result.digest, "reply": json.dumps(result.reply._asdict())}
            for result in settled
            if result.reply and not result.completion
        ]
        if rejected:
            statement = requests.update().where(requests.c.key == sa.bindparam("settled_key"))
            values: dict[str, Any] = {**NO_ANSWER, "state": "failed", "answer": sa.bindparam("reply")}
            connection.execute(statement.values(values), rejected)
        _free(connection, [result.digest for result in settled if not result.completion and not result.reply])

    def _count(self, connection: sa.Connection, batch: str, settled: Sequence[SettledRequest]) -> None:
        costs = [result.usage.charged_usd for result in settled if result.kind]
        columns = batches.c
        values = {
            columns.collected: columns.collected + len(settled),
            columns.answered: columns.answered + sum(result.completion is not None for result in settled),
            columns.cost_usd: columns.cost_usd + sum(cost or 0.0 for cost in costs),
            columns.unpriced: columns.unpriced + costs.count(None),
        }
        connection.execute(batches.update().where(columns.id == batch).values(values))

    def close(
        self,
        batch: str,
        state: BatchState,
        note: str | None = None,
        expected: Collection[BatchState] = UNFINISHED,
    ) -> int:
        """Set the final state of a batch and release the requests without a result. Return their number.

        If the batch is in none of the `expected` states, nothing changes.
        """
        freed = 0
        with self._database.write() as connection:
            unfinished = batches.c.id == batch, batches.c.state.in_(expected)
            values = {"state": state, "note": note, "finished": now()}
            if not connection.execute(batches.update().where(*unfinished).values(values)).rowcount:
                return 0  # another run was faster
            while some := connection.scalars(_pending_query(batch).limit(500)).all():
                freed += _free(connection, some)
        return freed

    def age(self, record: BatchRecord) -> float:
        """Return how many seconds ago a batch was recorded."""
        with self._database.read() as connection:
            return float(connection.scalar(sa.select(now())) or 0.0) - record.created

    def pending(self, batch: str) -> int:
        """Return how many requests of a batch have no result."""
        query = sa.select(sa.func.count()).select_from(requests).where(_IS_BATCHED, requests.c.run == batch)
        with self._database.read() as connection:
            return connection.scalar(query) or 0

    def owners(self, digests: Sequence[bytes]) -> dict[bytes, str]:
        """Return the batch that contains or has answered each request, by digest."""
        found: dict[bytes, str] = {}
        with self._database.read() as connection:
            for some in chunks(sorted(digests)):
                query = sa.select(requests.c.key, requests.c.run).join(batches, batches.c.id == requests.c.run)
                found |= {row.key: row.run for row in connection.execute(query.where(requests.c.key.in_(some)))}
        return found

    def rejections(self, models: Collection[str]) -> dict[bytes, Rejection]:
        """Return the requests that endpoints rejected in batches, by digest."""
        query = sa.select(requests.c.key, requests.c.answer, batches.c.dialect).join(
            batches, batches.c.id == requests.c.run
        )
        with self._database.read() as connection:
            rows = connection.execute(query.where(_IS_FAILED, batches.c.model.in_(models)))
            return {row.key: Rejection(ErrorReply(**json.loads(row.answer)), row.dialect) for row in rows}

    def forget_rejections(self, digests: Collection[bytes]) -> None:
        """Free requests that were rejected, so that the next run sends them again."""
        with self._database.write() as connection:
            for some in chunks(sorted(digests)):
                connection.execute(requests.delete().where(requests.c.key.in_(some), _IS_FAILED))

    def unasked(self, ids: Collection[str], asked: Container[bytes]) -> int:
        """Return how many answers that came from batches are to none of the requests `asked`."""
        query = sa.select(requests.c.key).where(requests.c.run.in_(ids), requests.c.state.in_([*KINDS]))
        with self._database.read() as connection:
            return sum(key not in asked for key in connection.scalars(query))

    def answers_by_template(self, ids: Collection[str]) -> dict[tuple[str, str], int]:
        """Return how many answers came from batches, by the prompt's name and its digest."""
        columns = requests.c.prompt, requests.c.template
        query = sa.select(*columns, sa.func.count().label("total")).where(
            requests.c.run.in_(ids), requests.c.state.in_([*KINDS])
        )
        with self._database.read() as connection:
            return {(row.prompt, row.template): row.total for row in connection.execute(query.group_by(*columns))}

    def scope(self, name: str, *, renew: bool) -> str:
        """Return the token of a scope. Create a new one if `renew` is true, or if the scope has none."""
        row = {"name": name, "token": uuid.uuid4().hex}
        with self._database.write() as connection:
            statement = insert(connection, batch_scopes).values(row)
            if renew:
                statement = statement.on_conflict_do_update(index_elements=["name"], set_={"token": row["token"]})
            else:
                statement = statement.on_conflict_do_nothing()
            connection.execute(statement)
            return str(connection.scalar(sa.select(batch_scopes.c.token).where(batch_scopes.c.name == name)))


def _free(connection: sa.Connection, digests: Sequence[bytes]) -> int:
    """Release locked requests of a batch. A request that had an answer before gets it back."""
    for some in chunks(sorted(digests)):
        theirs = requests.c.key.in_(some), requests.c.state == "batched"
        connection.execute(requests.update().where(*theirs, requests.c.answer.is_not(None)).values(state="done"))
        connection.execute(requests.delete().where(*theirs))
    return len(digests)


def _pending_query(batch: str) -> sa.Select[Any]:
    query = sa.select(requests.c.key).where(_IS_BATCHED, requests.c.run == batch)
    return query.order_by(requests.c.key).with_for_update()


_FIELDS = tuple(field.name for field in fields(BatchRecord))


def _columns(record: BatchRecord) -> dict[str, Any]:
    return {name: getattr(record, name) for name in _FIELDS if name != "created"}


def _record(row: Any) -> BatchRecord:
    values = {name: getattr(row, name) for name in _FIELDS}
    return BatchRecord(**values | {"state": BatchState(row.state)})
