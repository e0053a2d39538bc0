"""Leases on the blocks of a list that several runs share, within a transaction.

A block is leased before its first row is looked at, and is done when each of its rows has an outcome. The blocks of a
run that died are taken over by the others, like those that a run gave up.
"""

from collections.abc import Mapping, Sequence
from math import inf
from typing import NamedTuple

import sqlalchemy as sa

from qtgen._util.machine import machine_id
from qtgen.llm.ledger.claims import chunks
from qtgen.llm.ledger.liveness import dead_runs
from qtgen.llm.ledger.statements import insert
from qtgen.llm.ledger.tables import leases, runs


class OpenBlocks(NamedTuple):
    """What other runs of the group have left to do.

    Attributes:
        can_be_taken: Whether a block was released, or its run is dead.
        beats: When each other run with a block last showed that it is alive, in seconds since 1970. Infinity for a
            process of this machine, because it is certainly alive.
    """

    can_be_taken: bool
    beats: Mapping[str, float]


def take(connection: sa.Connection, group: str, run: str, blocks: Sequence[int], *, left: bool = False) -> int | None:
    """Lease the first block of a list that is available, and return its index. Return None if there is none.

    Args:
        connection: The transaction.
        group: The group of the run.
        run: The run that leases the block.
        blocks: The blocks to choose from.
        left: Whether the blocks that other runs gave up, or left when they died, are available too.
    """
    start = 0
    for some in chunks(blocks):
        query = sa.select(leases).where(leases.c.group_id == group, leases.c.block.in_(some))
        rows = {row.block: row for row in connection.execute(query)}
        holders = {row.run for row in rows.values() if row.state == "taken"} - {run} if left else set()
        gone = dead_runs(connection, holders)
        for index, block in enumerate(some, start):
            row = rows.get(block)
            if row is None:
                is_leased = _insert(connection, group, run, block)
            elif left and (row.state == "free" or (row.state == "taken" and row.run in gone)):
                is_leased = _take_over(connection, group, run, block, row.run)
            else:
                continue
            if is_leased:  # if not, another run was faster
                return index
        start += len(some)
    return None


def finish(connection: sa.Connection, group: str, run: str, blocks: Sequence[int]) -> None:
    """Record that each row of these blocks has an outcome."""
    _set_state(connection, group, run, blocks, "done")


def release(connection: sa.Connection, group: str, run: str, blocks: Sequence[int]) -> None:
    """Release blocks, so that any run can take them."""
    _set_state(connection, group, run, blocks, "free")


def open_blocks(connection: sa.Connection, group: str, run: str) -> OpenBlocks:
    """Return what other runs have left to do."""
    query = sa.select(leases.c.run, leases.c.state).where(leases.c.group_id == group, leases.c.state != "done")
    rows = connection.execute(query.distinct()).all()
    holders = {row.run for row in rows if row.state == "taken"} - {run}
    dead = dead_runs(connection, holders)
    alive = holders - dead
    beats = {
        row.id: inf if row.machine == machine_id() else row.beat
        for row in connection.execute(sa.select(runs).where(runs.c.id.in_(alive)))
    }
    return OpenBlocks(bool(dead) or any(row.state == "free" for row in rows), beats)


def blocks_of_others(connection: sa.Connection, group: str, run: str) -> set[int]:
    """Return the blocks that other runs work on or have finished."""
    query = sa.select(leases.c.block).where(
        leases.c.group_id == group, leases.c.run != run, leases.c.state.in_(("taken", "done"))
    )
    return set(connection.execute(query).scalars())


def _insert(connection: sa.Connection, group: str, run: str, block: int) -> bool:
    """Lease a block that no run has had. Return False if another run has it now."""
    new = insert(connection, leases).values(group_id=group, block=block, run=run, state="taken")
    return connection.scalar(new.on_conflict_do_nothing().returning(leases.c.block)) is not None


def _take_over(connection: sa.Connection, group: str, run: str, block: int, before: str) -> bool:
    """Lease a block that a run has released or left. Return False if another run has it now."""
    update = leases.update().where(
        leases.c.group_id == group, leases.c.block == block, leases.c.run == before, leases.c.state != "done"
    )
    return connection.execute(update.values(run=run, state="taken")).rowcount == 1


def _set_state(connection: sa.Connection, group: str, run: str, blocks: Sequence[int], state: str) -> None:
    for some in chunks(blocks):
        own = leases.c.group_id == group, leases.c.run == run, leases.c.state == "taken"
        connection.execute(leases.update().where(*own, leases.c.block.in_(some)).values(state=state))
