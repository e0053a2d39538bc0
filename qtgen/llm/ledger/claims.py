"""Claiming requests, recording their responses and judging their answers, within a transaction.

A request is claimed before it is sent, and its answer is committed before it is used. Even if a run is
killed, the next one sends only the requests that were in flight. A run waits for requests that another run has claimed.

Runs change rows at the same time without a lock on the table. Each change therefore states which row it expects, and
rows are changed in the order of their keys.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa

from qtgen.llm.ledger.groups import runs_of
from qtgen.llm.ledger.liveness import dead_runs
from qtgen.llm.ledger.statements import insert
from qtgen.llm.ledger.tables import attempts, requests
from qtgen.llm.ledger.types import BUSY, MINE, Claim, Judgement
from qtgen.llm.sender import Attempt, RequestKey
from qtgen.llm.types import Completion, Usage
from qtgen.page.text import storable_text

KINDS = {"done": "ok", "rejected": "ok", "cut": "truncated", "refused": "refused", "filtered": "filtered"}
"""The states of requests whose response is reused, and the kind of completion that each stands for."""
_STATES = {kind: state for state, kind in reversed(KINDS.items())}
NO_ANSWER = dict.fromkeys(
    (
        "answer",
        "served_by",
        "request_id",
        "prompt_tokens",
        "completion_tokens",
        "cached_tokens",
        "cost_usd",
        "reasoning_tokens",
        "reported_usd",
    )
)
_CHUNK = 500  # values in one SQL `IN`
_T = TypeVar("_T")


def chunks(values: Sequence[_T]) -> Iterator[Sequence[_T]]:
    """Yield the values in portions that a database accepts in one statement."""
    return (values[start : start + _CHUNK] for start in range(0, len(values), _CHUNK))


def claim(
    connection: sa.Connection,
    run: str,
    keys: Sequence[RequestKey],
    *,
    fresh: bool = False,
    own_batches: Collection[str] = (),
    group: str = "",
) -> dict[bytes, Claim]:
    """Claim requests for a run and return what came of each, by digest. If `fresh`, older answers are not reused.

    Answers are not older if they came from one of the run's `own_batches`, or from a run of the `group`.
    """
    by_digest = {key.digest: key for key in sorted(keys)}  # sorted, so that two runs never wait for each other
    rows = {row.key: row for row in _rows(connection, [*by_digest])}
    mine = _insert_open(connection, run, [key for digest, key in by_digest.items() if digest not in rows])
    if raced := [digest for digest in by_digest if digest not in rows and digest not in mine]:
        rows |= {row.key: row for row in _rows(connection, raced)}  # another run was faster
    others = {row.run for row in rows.values() if row.state == "open"} - {run}
    dead = dead_runs(connection, others)
    own = {run, *own_batches}
    if fresh and group:
        own |= runs_of(connection, group, {row.run for row in rows.values() if row.state in KINDS})
    claims = dict.fromkeys(mine, MINE)
    for digest in by_digest:
        if digest not in mine:
            claims[digest] = _claim_existing(connection, run, rows.get(digest), dead, fresh=fresh, own=own)
    return claims


def _insert_open(connection: sa.Connection, run: str, keys: Sequence[RequestKey]) -> set[bytes]:
    """Insert requests that are open, and return the digests of those that no run has inserted before."""
    rows = [{**_key_columns(key), "state": "open", "run": run} for key in keys]
    statement = insert(connection, requests).on_conflict_do_nothing().returning(requests.c.key)
    return set(connection.scalars(statement, rows)) if rows else set()


def _claim_existing(
    connection: sa.Connection, run: str, row: Any, dead: set[str], *, fresh: bool, own: Collection[str]
) -> Claim:
    """Return what comes of claiming a request that has a row. None stands for a row that has just been deleted."""
    if row is None:
        return BUSY
    if row.state in KINDS:  # a fresh run keeps the old answer until it has a new one
        return MINE if fresh and row.run not in own else Claim(_completion(row))
    if row.state == "batched":  # it belongs to the batch, whichever run is alive
        return Claim(batch=row.run)
    if row.state == "open" and row.run == run:
        return MINE
    if row.state == "open" and row.run not in dead:
        return BUSY
    unchanged = requests.c.key == row.key, requests.c.state == row.state, requests.c.run == row.run
    taken = connection.execute(requests.update().where(*unchanged).values(**NO_ANSWER, state="open", run=run))
    return MINE if taken.rowcount else BUSY  # another run was faster


def answered(connection: sa.Connection, digests: Sequence[bytes]) -> set[bytes]:
    """Return the digests of the requests whose response would be reused."""
    return {row.key for row in _rows(connection, digests) if row.state in KINDS}


def has_answers(connection: sa.Connection, models: Collection[str]) -> bool:
    """Return whether any of these models has answered a request."""
    answered = requests.c.model.in_(models), requests.c.state.in_(("done", "rejected", "faulty"))
    return connection.execute(sa.select(requests.c.key).where(*answered).limit(1)).first() is not None


def record_answers(
    connection: sa.Connection, run: str, answers: Mapping[RequestKey, Completion], *, late: bool = False
) -> None:
    """Record final responses.

    They replace earlier responses: if this run was suspended, another one may have taken over its claim. If they come
    `late`, after the end of their run, they replace no other answer.
    """
    rows = [{**_key_columns(key), "run": run, **answer_columns(answers[key])} for key in sorted(answers)]
    statement = insert(connection, requests)
    replaced = {column: statement.excluded[column] for column in rows[0]} if rows else {}
    allowed = sa.or_(requests.c.state == "open", requests.c.state == "faulty") if late else None
    if rows:
        connection.execute(statement.on_conflict_do_update(index_elements=["key"], set_=replaced, where=allowed), rows)


def record_attempts(connection: sa.Connection, run: str, made: Sequence[Attempt]) -> None:
    """Record attempts. Attempts that are already recorded are left out."""
    if made:
        rows = [_attempt_row(attempt, run) for attempt in made]
        connection.execute(insert(connection, attempts).on_conflict_do_nothing(), rows)


def release(connection: sa.Connection, run: str, digests: Sequence[bytes]) -> None:
    """Release claims that are still the run's own, so that any run can send those requests."""
    for some in chunks(digests):
        own = requests.c.run == run, requests.c.state == "open"
        connection.execute(requests.delete().where(requests.c.key.in_(some), *own))


def judge(connection: sa.Connection, run: str, judgements: Sequence[Judgement]) -> None:
    """Change the state of answers, but only of the very answers that were judged: another run may have a new one."""
    same = requests.c.key == sa.bindparam("judged_key"), requests.c.run == sa.bindparam("judged_run")
    judgements = sorted(judgements)
    for state, allowed in (("rejected", requests.c.state == "done"), ("faulty", requests.c.state != "open")):
        rows = [
            {"judged_key": judgement.digest, "judged_run": judgement.run or run}
            for judgement in judgements
            if judgement.state == state
        ]
        if rows:
            connection.execute(requests.update().where(*same, allowed).values(state=state), rows)


def _rows(connection: sa.Connection, digests: Sequence[bytes]) -> Iterator[Any]:
    for some in chunks(digests):
        yield from connection.execute(sa.select(requests).where(requests.c.key.in_(some)))


def _key_columns(key: RequestKey) -> dict[str, Any]:
    return {"key": key.digest, "model": key.model, "prompt": key.prompt, "template": key.template, "bytes": key.size}


def answer_columns(completion: Completion) -> dict[str, Any]:
    return {
        "state": _STATES[completion.kind],
        "answer": storable_text(completion.text),
        "served_by": completion.model,
        "request_id": completion.request_id,
        **usage_columns(completion.usage),
    }


def _attempt_row(attempt: Attempt, run: str) -> dict[str, Any]:
    return {
        "key": attempt.key.digest,
        "run": run,
        "model": attempt.key.model,
        "at": attempt.started,
        "seconds": attempt.seconds,
        "kind": attempt.kind,
        **usage_columns(attempt.usage),
    }


def usage_columns(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "cached_tokens": usage.cached_tokens,
        "cost_usd": usage.cost_usd,
        "reasoning_tokens": usage.reasoning_tokens,
        "reported_usd": usage.reported_usd,
    }


def _completion(row: Any) -> Completion:
    return Completion(
        row.answer or "",
        row.served_by or row.model,
        _usage(row),
        row.request_id,
        kind=KINDS[row.state],
        key=row.key,
        run=row.run,
        reused=True,
    )


def _usage(row: Any) -> Usage:
    tokens = row.prompt_tokens or 0, row.completion_tokens or 0, row.cached_tokens or 0
    return Usage(*tokens, row.cost_usd, row.reasoning_tokens or 0, row.reported_usd)
