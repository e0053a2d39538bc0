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


def forget_future_beats(connection: sa.Connection) -> None:
    """Let signs of life that lie in the future be as old as this, because the database's clock was set back.

    A run that was killed would otherwise count as alive until the clock has caught up.
    """
    connection.execute(runs.update().where(runs.c.ended.is_(None), runs.c.beat > now() + 1).values(beat=now()))


def dead_runs(connection: sa.Connection, ids: set[str]) -> set[str]:
    """Return those of the runs that are not alive any more.

    During an outage of the database, no run can show signs of life. So a run's silence begins at the earliest when the
    database server started, or when this run could reach it again.
    """
    if not ids:
        return set()
    reachable_since = connection.get_execution_options().get("reachable_since", 0.0)
    query = sa.select(runs.c.id, runs.c.machine, runs.c.pid, runs.c.beat, now(), server_start()).where(
        runs.c.id.in_(ids), runs.c.ended.is_(None)
    )
    alive = {
        run
        for run, machine, pid, beat, time, start in connection.execute(query)
        if time - max(beat, start, reachable_since) < MAX_SILENCE and (machine != machine_id() or is_running(pid))
    }
    return ids - alive
