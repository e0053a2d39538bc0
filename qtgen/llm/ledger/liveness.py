"""Whether the run that claimed a request is still alive."""

import os
import time
from typing import Any

import sqlalchemy as sa

from qtgen._util.machine import is_running, machine_id
from qtgen.llm.ledger.tables import runs

BEAT = 4.0
"""Seconds between two signs of life of a run."""
_MAX_SILENCE = 15.0  # seconds without a sign of life after which a run counts as dead


def run_row(run: str) -> dict[str, Any]:
    """Return the row of a run that begins in this process."""
    now = time.time()
    return {"id": run, "started": now, "beat": now, "machine": machine_id(), "pid": os.getpid()}


def dead_runs(connection: sa.Connection, ids: set[str]) -> set[str]:
    """Return those of the runs that are not alive any more."""
    if not ids:
        return set()
    alive = {
        row.id
        for row in connection.execute(sa.select(runs).where(runs.c.id.in_(ids)))
        if time.time() - row.beat < _MAX_SILENCE and (row.machine != machine_id() or is_running(row.pid))
    }
    return ids - alive
