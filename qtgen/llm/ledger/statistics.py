"""Queries over what the ledger has recorded: earlier answers of a model, and spending."""

from collections import Counter
from collections.abc import Collection, Iterator
from typing import NamedTuple

import sqlalchemy as sa

from qtgen.llm.ledger.tables import attempts, batches, requests
from qtgen.llm.ledger.types import ModelFacts, ModelPace

_SUMMED = (
    "prompt_tokens",
    "completion_tokens",
    "cached_tokens",
    "cost_usd",
    "seconds",
    "reasoning_tokens",
    "reported_usd",
)


class Spending(NamedTuple):
    """What the attempts of one run, model, kind and day came to.

    Attributes:
        day: Days since 1970 in UTC.
        attempts: How many there were.
        first: When the first one began, in seconds since 1970.
        unpriced: How many of them have an unknown cost.
        cost_usd: The known cost; None if no attempt has one.
        reasoning_tokens: Those of the tokens received that are reasoning; None in older ledgers.
        reported_usd: The cost that the provider itself reports; None if it reports none.
    """

    run: str
    model: str
    kind: str
    day: int
    attempts: int
    first: float
    unpriced: int
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    cost_usd: float | None
    seconds: float
    reasoning_tokens: int | None = None
    reported_usd: float | None = None


def history(
    connection: sa.Connection, model: str, templates: Collection[str], limit: int
) -> list[tuple[str, int, int, int]]:
    """Return a model's last answers to prompts of these digests: prompt, bytes sent, tokens sent, tokens received."""
    columns = requests.c.prompt, requests.c.bytes, attempts.c.prompt_tokens, attempts.c.completion_tokens
    query = (
        sa.select(*columns)
        .join_from(attempts, requests, attempts.c.key == requests.c.key)
        .where(attempts.c.model == model, attempts.c.kind == "ok", requests.c.template.in_(templates))
        .order_by(attempts.c.number.desc())
        .limit(limit)
    )
    return [tuple(row) for row in connection.execute(query)]


def facts(connection: sa.Connection, model: str) -> ModelFacts:
    """Return how a model's requests went so far."""
    states = (
        sa.select(requests.c.state, sa.func.count().label("total"))
        .where(requests.c.model == model)
        .group_by(requests.c.state)
    )
    is_live = attempts.c.run.not_in(sa.select(batches.c.id))  # an answer in a batch says nothing about latency
    answered = attempts.c.model == model, attempts.c.kind == "ok", is_live
    latency = sa.select(sa.func.avg(attempts.c.seconds)).where(*answered)
    counts = {row.state: row.total for row in connection.execute(states)}
    finished = sum(counts.values()) - sum(counts.get(state, 0) for state in ("open", "batched", "failed"))
    faulty = 1 - counts.get("done", 0) / finished if finished else 0.0
    return ModelFacts(faulty, connection.execute(latency).scalar())


def pace(connection: sa.Connection, model: str, limit: int) -> ModelPace:
    """Return how long a model took for its last answers, and how its last attempts ended."""
    recent = (
        sa.select(attempts.c.kind, attempts.c.seconds)
        .where(attempts.c.model == model)
        .order_by(attempts.c.number.desc())
        .limit(limit)
    )
    rows = [*connection.execute(recent)]
    kinds = Counter(row.kind for row in rows)
    return ModelPace(tuple(row.seconds for row in rows if row.kind == "ok" and row.seconds > 0), kinds)


def spending(connection: sa.Connection) -> Iterator[Spending]:
    """Yield the sums of all attempts, by run, model, kind and day."""
    day = sa.cast(attempts.c.at, sa.BigInteger) // 86_400
    groups = attempts.c.run, attempts.c.model, attempts.c.kind, day.label("day")
    sums = {name: sa.func.sum(attempts.c[name]).label(name) for name in _SUMMED}
    unpriced = sa.func.sum(sa.case((attempts.c.cost_usd.is_(None), 1), else_=0)).label("unpriced")
    first = sa.func.min(attempts.c.at).label("first")
    query = sa.select(*groups, sa.func.count().label("attempts"), first, unpriced, *sums.values()).group_by(*groups)
    for row in connection.execute(query):
        yield Spending(**row._mapping)
