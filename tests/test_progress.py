"""What a person sees while pages are made."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from qtgen.budget import Budget
from qtgen.commands import progress
from qtgen.commands.progress import Tally
from qtgen.pacing import Pace, Pacer
from qtgen.records import Outcome, Question, Status


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(progress, "time", made)
    return made


def tally(clock: Clock, total: int, pace: Pace | None = None, **counts: int) -> Tally:
    made = Tally(total, Budget())
    client: Any = SimpleNamespace(pacer=Pacer(pace or Pace(8), clock.monotonic))
    made.clients = [client]
    for status, count in counts.items():
        for _ in range(count):
            made.add(Outcome(Question("Why?", "Physics"), Status(status)))
    return made


def test_pages_that_were_there_say_nothing_of_how_fast_it_goes(clock: Clock) -> None:
    shown = tally(clock, 130, exists=90, written=9, failed=1)
    clock.now += 60
    assert shown.figures().startswith("10.0 pages/min  1 failed  0/8 in flight")
    assert shown.line().endswith("  180 s left")
    assert "left" not in tally(clock, 130, exists=90).line(), "not known"


def test_a_pause_is_said_while_it_lasts_though_nothing_happens(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "_TICK", 0.001)
    pace = Pace(8)
    for _ in range(2):
        pace.start(clock.now, 1)
        pace.refused(clock.now, clock.now, 60.0)
        pace.end(1, 1)

    async def wait() -> None:
        with progress.display(tally(clock, 9, pace)) as shown:
            async with progress.ticking(shown):
                for _ in range(24):
                    clock.now += 1
                    await asyncio.sleep(0.02)

    asyncio.run(wait())
    lines = capsys.readouterr().err.splitlines()
    assert [line.rpartition("  ")[2] for line in lines] == [
        "waiting 50 s, the endpoint asked for it",
        "waiting 40 s, the endpoint asked for it",
    ]
    clock.now += 60
    assert "waiting" not in tally(clock, 9, pace).figures()


def test_an_outage_is_said(clock: Clock) -> None:
    pace = Pace(8)
    pace.lost(clock.now)
    clock.now += 0.5
    assert tally(clock, 9, pace).figures().endswith("waiting 1 s, nothing answers at the endpoint")
