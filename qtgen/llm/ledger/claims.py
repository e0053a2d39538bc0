"""Claiming requests, recording their responses and judging their answers, within a transaction.

A request is claimed before it is sent, and its answer is committed before it is used. However a run ends, the next one
sends only what was in flight. Of two runs at once, the second waits for the requests that the first has claimed.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa

from qtgen.llm.ledger.liveness import dead_runs
from qtgen.llm.ledger.tables import attempts, requests
from qtgen.llm.ledger.types import BUSY, MINE, Claim, Judgement
from qtgen.llm.sender import Attempt, RequestKey
from qtgen.llm.types import Completion, Usage
from qtgen.page.text import storable_text

KINDS = {"done": "ok", "rejected": "ok", "cut": "truncated", "refused": "refused", "filtered": "filtered"}
"""The states of requests whose response is reused, and the kind of completion that each stands for."""
_STATES = {kind: state for state, kind in reversed(KINDS.items())}
_CHUNK = 500  # values in one SQL `IN`
_T = TypeVar("_T")


def chunks(values: Sequence[_T]) -> Iterator[Sequence[_T]]:
    """Yield the values in portions that a database accepts in one statement."""
    return (values[start : start + _CHUNK] for start in range(0, len(values), _CHUNK))


def claim(
    connection: sa.Connection, run: str, keys: Sequence[RequestKey], *, fresh: bool = False
) -> dict[bytes, Claim]:
    """Claim requests for a run and return what came of each, by digest. If `fresh`, older answers are not reused."""
    by_digest = {key.digest: key for key in keys}
    rows = {row.key: row for row in _rows(connection, [*by_digest])}
    dead = dead_runs(connection, {row.run for row in rows.values() if row.state == "open"} - {run})
    claims: dict[bytes, Claim] = {}
    new: list[RequestKey] = []
    for digest, key in by_digest.items():
        row = rows.get(digest)
        if row is None:
            new.append(key)
        elif row.state in KINDS:  # a fresh run keeps the old answer until it has a new one
            claims[digest] = MINE if fresh and row.run != run else Claim(_completion(row))
        elif row.state == "open" and row.run != run and row.run not in dead:
            claims[digest] = BUSY
        else:  # faulty, the run's own, or of a dead run
            connection.execute(requests.delete().where(requests.c.key == digest))
            new.append(key)
    if new:
        connection.execute(requests.insert(), [{**_key_columns(key), "state": "open", "run": run} for key in new])
    return claims | dict.fromkeys((key.digest for key in new), MINE)


def answered(connection: sa.Connection, digests: Sequence[bytes]) -> set[bytes]:
    """Return the digests of the requests whose response would be reused."""
    return {row.key for row in _rows(connection, digests) if row.state in KINDS}


def has_answers(connection: sa.Connection, models: Collection[str]) -> bool:
    """Return whether any of these models has answered a request."""
    answered = requests.c.model.in_(models), requests.c.state.in_(("done", "rejected", "faulty"))
    return connection.execute(sa.select(requests.c.key).where(*answered).limit(1)).first() is not None


def record_answers(connection: sa.Connection, run: str, answers: Mapping[RequestKey, Completion]) -> None:
    """Record final responses.

    They replace whatever is there: if this run was suspended, another one may have taken over its claim.
    """
    for digests in chunks([key.digest for key in answers]):
        connection.execute(requests.delete().where(requests.c.key.in_(digests)))
    rows = [{**_key_columns(key), "run": run, **_answer_columns(answer)} for key, answer in answers.items()]
    connection.execute(requests.insert(), rows)


def record_attempts(connection: sa.Connection, run: str, made: Sequence[Attempt]) -> None:
    connection.execute(attempts.insert(), [_attempt_row(attempt, run) for attempt in made])


def release(connection: sa.Connection, run: str, digests: Sequence[bytes]) -> None:
    """Give up claims that are still the run's own, so that anybody can send those requests."""
    for some in chunks(digests):
        own = requests.c.run == run, requests.c.state == "open"
        connection.execute(requests.delete().where(requests.c.key.in_(some), *own))


def judge(connection: sa.Connection, run: str, judgements: Sequence[Judgement]) -> None:
    """Change the state of answers, but only of the very answers that were judged: another run may have a new one."""
    same = requests.c.key == sa.bindparam("judged_key"), requests.c.run == sa.bindparam("judged_run")
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


def _answer_columns(completion: Completion) -> dict[str, Any]:
    return {
        "state": _STATES[completion.kind],
        "answer": storable_text(completion.text),
        "served_by": completion.model,
        "request_id": completion.request_id,
        **_usage_columns(completion.usage),
    }


def _attempt_row(attempt: Attempt, run: str) -> dict[str, Any]:
    return {
        "key": attempt.key.digest,
        "run": run,
        "model": attempt.key.model,
        "at": attempt.started,
        "seconds": attempt.seconds,
        "kind": attempt.kind,
        **_usage_columns(attempt.usage),
    }


def _usage_columns(usage: Usage) -> dict[str, Any]:
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
