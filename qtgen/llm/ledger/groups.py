"""Groups of runs: the live runs of the same command on the same work, within a transaction."""

import uuid
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import sqlalchemy as sa

from qtgen._util.text import money
from qtgen.errors import SettingsError
from qtgen.llm.ledger.clock import now
from qtgen.llm.ledger.liveness import dead_runs
from qtgen.llm.ledger.tables import run_groups, runs


@dataclass(frozen=True, slots=True)
class Work:
    """The work of a run. Runs with the same work that are alive at the same time form a group.

    Args:
        command: Name of the command.
        digest: Digest of everything that decides which requests the run sends.
        budget: US dollars that the group may spend, None for no limit.
        group: The group that an earlier run of this process was in. It is joined even if all its runs have ended.
        shares_answers: Whether a fresh run reuses the answers of its group, because they share a list.
    """

    command: str
    digest: str
    budget: float | None = None
    group: str | None = None
    shares_answers: bool = False


class Membership(NamedTuple):
    """A run's place among the other runs of the ledger.

    Attributes:
        group: Identifies the group.
        members: Other live runs of the group.
        unrelated: Live runs of the same command on other work.
    """

    group: str
    members: int
    unrelated: int


def join(connection: sa.Connection, run: str, work: Work) -> Membership:
    """Add a run to the live group with its work, or to a new group. Only one run may do this at a time.

    Raises SettingsError if the group has another budget.
    """
    others = [row for row in _live_members(connection, work.command) if row.run != run]
    same = [row for row in others if row.work == work.digest]
    group = work.group or (same[0].id if same else None)
    if group is None:
        group = uuid.uuid4().hex
        row = {"id": group, "command": work.command, "work": work.digest, "budget_usd": work.budget}
        connection.execute(run_groups.insert().values(**row, started=now()))
    else:
        _check_budget(connection, group, work)
    connection.execute(runs.update().where(runs.c.id == run).values(group_id=group))
    members = sum(row.id == group for row in others)
    return Membership(group, members, len(others) - members)


def runs_of(connection: sa.Connection, group: str, ids: Collection[str]) -> set[str]:
    """Return those of the runs that are, or were, in a group."""
    return set(connection.scalars(sa.select(runs.c.id).where(runs.c.group_id == group, runs.c.id.in_(ids))))


def _live_members(connection: sa.Connection, command: str) -> Iterator[Any]:
    """Yield the group of each live run of a command, the oldest group first."""
    query = (
        sa.select(runs.c.id.label("run"), run_groups.c.id, run_groups.c.work)
        .join_from(runs, run_groups, runs.c.group_id == run_groups.c.id)
        .where(run_groups.c.command == command, runs.c.ended.is_(None))
        .order_by(run_groups.c.started)
    )
    rows = connection.execute(query).all()
    dead = dead_runs(connection, {row.run for row in rows})
    return (row for row in rows if row.run not in dead)


def _check_budget(connection: sa.Connection, group: str, work: Work) -> None:
    budget = connection.execute(sa.select(run_groups.c.budget_usd).where(run_groups.c.id == group)).scalar()
    if budget == work.budget:
        return
    theirs = "no budget" if budget is None else f"a budget of {money(budget)}"
    raise SettingsError(
        f"another process is at work on the same list with {theirs}",
        setting="budget",
        remedy="give all processes the same budget, because they share it, or wait until the other one has ended",
    )
