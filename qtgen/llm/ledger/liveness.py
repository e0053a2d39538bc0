"""Whether the run that claimed a request is still alive."""

import os
from typing import Any

import sqlalchemy as sa

from qtgen._util.machine import is_running, machine_id
from qtgen.llm.ledger.clock import now, server_start
from qtgen.llm.ledger.tables import runs

BEAT = 4.0
"""Seconds between two signs of life of a run."""
MAX_SILENCE = 15.0
"""Seconds without a sign of life after which a run counts as dead."""


def run_row(run: str) -> dict[str, Any]:
    """Return the row of a run that begins in this process."""
    return {"id": run, "started": now(), "beat": now(), "machine": machine_id(), "pid": os.getpid()}


def dead_runs(connection: sa.Connection, ids: set[str], reachable_since: float = 0.0) -> set[str]:
    """Return those of the runs that are not alive any more.

    During an outage of the database, no run can show signs of life. So a run's silence begins at the earliest when the
    database server started, or when this run could reach it again.

    Args:
        connection: An open transaction.
        ids: The runs.
        reachable_since: When this run could reach the database again, by the database's clock; 0 if it always could.
    """
    if not ids:
        return set()
    query = sa.select(runs.c.id, runs.c.machine, runs.c.pid, runs.c.beat, now(), server_start()).where(
        runs.c.id.in_(ids), runs.c.ended.is_(None)
    )
    alive = {
        run
        for run, machine, pid, beat, time, start in connection.execute(query)
        if time - max(beat, start, reachable_since) < MAX_SILENCE and (machine != machine_id() or is_running(pid))
    }
    return ids - alive
