"""Limits that runs share, within a transaction: the budget of a group, and the rate limits at an endpoint.

A run draws a part of a limit, uses it, and draws again. The next draw returns what the run did not use.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, NamedTuple

import sqlalchemy as sa

from qtgen.llm.ledger.clock import now
from qtgen.llm.ledger.liveness import dead_runs
from qtgen.llm.ledger.statements import insert
from qtgen.llm.ledger.tables import budget_shares, rate_buckets, run_groups

_EPSILON = 1e-9
_MAX_SILENCE = 15.0  # seconds without a draw after which a run's lower limit no longer holds for the others


@dataclass(frozen=True, slots=True)
class MoneyDraw:
    """What a run has spent, and what it needs, in US dollars.

    Args:
        spent: What it has spent so far.
        kept: What it has set aside and keeps. This includes the maximum cost of its requests in flight.
        first: What it needs for the cheapest waiting request; 0 if no request waits.
        wanted: What it requests in addition to `spent` and `kept`.
    """

    spent: float
    kept: float
    first: float
    wanted: float


class MoneyGrant(NamedTuple):
    """What a run may spend, in US dollars.

    Attributes:
        extra: What it may spend in addition to `spent` and `kept`.
        others: What the other runs of the group have spent, including what dead runs had set aside.
        pending: What live runs have set aside. A part of it may come back.
    """

    extra: float
    others: float
    pending: float


@dataclass(frozen=True, slots=True)
class RateDraw:
    """What a run needs of one rate limit.

    Args:
        kind: `requests` or `tokens`.
        per_minute: The limit of the run.
        unused: What is left of the last draw; negative if more was used.
        first: What the next request needs.
        wanted: What the run requests.
    """

    kind: str
    per_minute: float
    unused: float
    first: float
    wanted: float


class RateGrant(NamedTuple):
    """What a run may use now. If that is nothing, `delay` is the number of seconds until it should draw again."""

    amount: float
    delay: float


def draw_money(connection: sa.Connection, group: str, run: str, draw: MoneyDraw) -> MoneyGrant:
    """Record what a run has spent and set money aside for it, within the budget of its group.

    What dead runs had set aside counts as spent, because the endpoint may bill their requests.
    """
    of_group = run_groups.c.id == group
    limit = connection.execute(sa.select(run_groups.c.budget_usd).where(of_group).with_for_update()).scalar()
    rows = connection.execute(sa.select(budget_shares).where(budget_shares.c.group_id == group)).all()
    others = [row for row in rows if row.run != run]
    dead = dead_runs(connection, {row.run for row in others if row.aside_usd > _EPSILON})
    pending = sum(row.aside_usd for row in others if row.run not in dead)
    spent_by_others = sum(row.spent_usd + row.aside_usd for row in others) - pending
    room = (limit or 0.0) - spent_by_others - pending - draw.spent - draw.kept
    extra = max(0.0, min(draw.wanted, room)) if draw.first <= room else 0.0
    values = {"group_id": group, "spent_usd": draw.spent, "aside_usd": draw.kept + extra}
    row = insert(connection, budget_shares).values(run=run, **values)
    connection.execute(row.on_conflict_do_update(index_elements=["run"], set_=values))
    return MoneyGrant(extra, spent_by_others, pending)


def draw_rates(connection: sa.Connection, place: str, draws: Sequence[RateDraw]) -> list[RateGrant]:
    """Draw from the rate limits at an endpoint. If runs have different limits, the lowest one holds."""
    digest = sha256(place.encode()).hexdigest()
    return [_draw_rate(connection, digest, draw) for draw in draws]


def _draw_rate(connection: sa.Connection, place: str, draw: RateDraw) -> RateGrant:
    row = _locked_bucket(connection, place, draw)
    time: float = connection.execute(sa.select(now())).scalar_one()
    per_minute, confirmed = draw.per_minute, time
    if row.per_minute < per_minute and time - row.confirmed < _MAX_SILENCE:
        per_minute, confirmed = row.per_minute, row.confirmed
    rate = per_minute / 60
    burst = max(1.0, rate)  # one second's worth, so that the limit holds in every minute, also in the first
    level = min(burst, row.level + max(0.0, time - row.updated) * rate + draw.unused)
    # A large request starts with a debt, which all runs then wait for. If it had to wait until it fits, the small
    # requests of another run could hold it back for ever.
    missing = min(draw.first, 1.0) - level
    amount = max(draw.first, min(draw.wanted, float(int(level)))) if draw.first and missing <= _EPSILON else 0.0
    values = {
        "per_minute": per_minute,
        "confirmed": min(confirmed, time),  # the clock may have been set back
        "level": level - amount,
        "updated": time,
    }
    connection.execute(rate_buckets.update().where(*_is_bucket(place, draw)).values(**values))
    return RateGrant(amount, max(0.0, missing) / rate)


def _locked_bucket(connection: sa.Connection, place: str, draw: RateDraw) -> Any:
    """Lock and return the row of a limit. A new row is full."""
    query = sa.select(rate_buckets).where(*_is_bucket(place, draw)).with_for_update()
    row = connection.execute(query).first()
    if row is None:
        level = max(1.0, draw.per_minute / 60)
        values = {"per_minute": draw.per_minute, "confirmed": now(), "level": level, "updated": now()}
        new = insert(connection, rate_buckets).values(place=place, kind=draw.kind, **values)
        connection.execute(new.on_conflict_do_nothing())
        row = connection.execute(query).one()
    return row


def _is_bucket(place: str, draw: RateDraw) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return rate_buckets.c.place == place, rate_buckets.c.kind == draw.kind
