"""Whether the run that claimed a request is still alive."""

import hashlib
import os
import platform
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from qtgen.llm.ledger.tables import runs

BEAT = 4.0
"""Seconds between two signs of life of a run."""
_MAX_SILENCE = 15.0  # seconds without a sign of life after which a run counts as dead


def run_row(run: str) -> dict[str, Any]:
    """Return the row of a run that begins in this process."""
    now = time.time()
    return {"id": run, "started": now, "beat": now, "machine": _machine(), "pid": os.getpid()}


def dead_runs(connection: sa.Connection, ids: set[str]) -> set[str]:
    """Return those of the runs that are not alive any more."""
    if not ids:
        return set()
    alive = {
        row.id
        for row in connection.execute(sa.select(runs).where(runs.c.id.in_(ids)))
        if time.time() - row.beat < _MAX_SILENCE and (row.machine != _machine() or _is_running(row.pid))
    }
    return ids - alive


def _machine() -> str:
    """Return a digest of the machine and its last boot, because process ids begin again after a boot."""
    return hashlib.sha256(f"{platform.node()} {_boot_id()}".encode()).hexdigest()[:16]


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text()
    except OSError:
        return ""


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it is another user's process
        return True
    return True
