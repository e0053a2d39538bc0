"""What a person sees while pages are made."""

import asyncio
import io
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from qtgen._util.text import money
from qtgen.commands import _progress as progress
from qtgen.commands._progress import RunStats
from qtgen.generation.types import Outcome, Question, Status
from qtgen.llm.budget import Budget
from qtgen.llm.client import ClientStats


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


IDLE = ClientStats("m", {}, concurrency=8, max_concurrency=8)


def client(stats: Callable[[], ClientStats]) -> Any:
    return SimpleNamespace(stats=stats)


def tally(total: int, stats: Callable[[], ClientStats] = lambda: IDLE, **counts: int) -> RunStats:
    made = RunStats(total, Budget())
    made.clients = [client(stats)]
    for status, count in counts.items():
        for _ in range(count):
            made.add(Outcome(Question("Why?", "Physics"), Status(status)))
    return made


def test_pages_that_were_there_say_nothing_of_how_fast_it_goes(clock: Clock) -> None:
    shown = tally(130, exists=90, written=9, failed=1)
    clock.now += 60
    assert shown.figures().startswith("10.0 pages/min  1 failed  0/8 in flight")
    assert shown.line().endswith("  180 s left")
    assert "left" not in tally(130, exists=90).line(), "not known"


def test_a_pause_is_said_while_it_lasts_though_nothing_happens(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "_TICK", 0.001)
    end = clock.now + 60

    def stats() -> ClientStats:
        seconds = max(0.0, end - clock.now)
        return replace(IDLE, waiting_for="limit" if seconds else "", waiting_seconds=seconds)

    async def wait() -> None:
        with progress.display(tally(9, stats)) as shown:
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
    assert "waiting" not in tally(9, stats).figures()


def test_an_outage_is_said(clock: Clock) -> None:
    stats = replace(IDLE, waiting_for="outage", waiting_seconds=0.5)
    assert tally(9, lambda: stats).figures().endswith("waiting 1 s, nothing answers at the endpoint")


@pytest.mark.parametrize("width", [60, 80, 100])
def test_a_narrow_terminal_shows_all_figures(clock: Clock, width: int) -> None:
    console = Console(width=width, force_terminal=True, file=io.StringIO())
    shown = tally(130, exists=90, written=9, failed=1)
    clock.now += 60
    live = progress._Live(bar := progress._live(console), shown)
    live.tick()
    with console.capture() as caught:
        console.print(bar.get_renderable())
    text = " ".join(caught.get().split())
    assert "100/130" in text
    assert "180 s left" in text
    for part in shown.figures().split("  "):
        assert part in text


def test_each_request_is_counted_once(clock: Clock) -> None:
    shown = tally(3, written=3)
    first = ClientStats("a", {"ok": 5, "timeout": 1}, reused=1, rejected=2)
    shown.pages.update(a=1, b=2)
    shown.clients = [client(lambda: first), client(lambda: ClientStats("b", {"ok": 3}))]
    assert progress.summary(shown).splitlines()[1:] == [
        "requests to a: 5 answered (2 of them faulty), 1 timeout, and 1 answer from the ledger; 1 page written",
        "requests to b: 3 answered; 2 pages written",
    ]


def test_what_is_not_known_to_cost_nothing_is_not_shown_as_nothing() -> None:
    assert [money(usd) for usd in (None, 0.0, 0.00001, 0.5, 5)] == [
        "cost unknown",
        "$0.0000",
        "$0.00001",
        "$0.5000",
        "$5.00",
    ]
