"""Whether the run that claimed a request is still alive."""

import os
import time

import pytest
import sqlalchemy as sa

from qtgen.llm.ledger.liveness import dead_runs, run_row
from qtgen.llm.ledger.tables import metadata, runs


def dead(**changes: object) -> bool:
    """Return whether a run with these columns counts as dead."""
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        metadata.create_all(connection)
        connection.execute(runs.insert().values({**run_row("r"), **changes}))
        found = dead_runs(connection, {"r"})
    engine.dispose()
    return found == {"r"}


def test_a_run_lives_while_its_process_does_and_it_shows_signs_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not dead()
    assert dead(beat=time.time() - 60)

    def gone(pid: int, signal: int) -> None:
        raise ProcessLookupError

    monkeypatch.setattr(os, "kill", gone)
    assert dead(), "its process has ended"
    assert not dead(machine="another"), "process ids say nothing about another machine"

    def foreign(pid: int, signal: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", foreign)
    assert not dead(), "the process belongs to another user"


def test_a_run_that_nobody_knows_is_dead() -> None:
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        metadata.create_all(connection)
        assert dead_runs(connection, {"unknown"}) == {"unknown"}
        assert dead_runs(connection, set()) == set()
    engine.dispose()
