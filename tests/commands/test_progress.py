"""What a person sees while a run works: on a terminal, and elsewhere."""

import asyncio
import io
import re
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from qtgen.commands import _progress, _stats
from qtgen.commands._progress import LiveDisplay, PlainDisplay, failure_line, make_progress, open_display, ticking
from qtgen.commands._stats import RunStats
from qtgen.errors import Failure
from qtgen.generation.types import Outcome, Question, Status
from qtgen.llm.budget import Budget
from support.clock import Clock
from support.terminal import Terminal


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(_stats, "time", clock)
    monkeypatch.setattr(_progress, "time", clock)
    return clock


def outcome(status: Status = Status.WRITTEN, kind: str = "", source: str = "q.csv:3") -> Outcome:
    error = Failure(kind, f"{source}: bad") if kind else None
    return Outcome(Question("Why?", "Physics", source=source), status, error=error)


def run_stats(total: int = 130, done: int = 100) -> RunStats:
    stats = RunStats(total, Budget(5.0), tpm=2_000_000)
    for _ in range(done):
        stats.add(outcome())
    return stats


class Screen:
    """A live display on an emulated terminal of a given width."""

    def __init__(self, stats: RunStats, width: int) -> None:
        self.terminal = Terminal(width)
        self.console = Console(file=self.terminal, force_terminal=True, width=width, height=30, color_system=None)  # type: ignore[arg-type]
        self.progress = make_progress(self.console)
        self.display = LiveDisplay(self.progress, stats)

    def resize(self, width: int) -> None:
        self.terminal.resize(width)
        self.console.width = width


@pytest.mark.parametrize("width", [40, 60, 80, 100])
def test_a_narrow_terminal_shows_all_figures(clock: Clock, width: int) -> None:
    stats = run_stats()
    clock.now += 60
    screen = Screen(stats, width)
    with screen.progress:
        screen.display.tick()
    shown = " ".join(" ".join(screen.terminal.lines()).split())
    for part in ("100/130", "18 s left", *stats.figures().split("  ")):
        assert part in shown


@pytest.mark.parametrize(("before", "after"), [(100, 50), (80, 30), (60, 59), (50, 100)])
def test_a_resized_terminal_has_no_stale_lines(clock: Clock, before: int, after: int) -> None:
    stats = run_stats()
    clock.now += 60
    screen = Screen(stats, before)
    with screen.progress:
        screen.display.say("a line that stays")
        screen.display.tick()
        screen.resize(after)
        screen.display.say("another line that stays")
        screen.display.tick()
        screen.resize(before)
        screen.display.tick()
    lines = [line for line in screen.terminal.lines() if line.strip()]
    assert lines[:2] == ["a line that stays", "another line that stays"]
    assert sum("130" in line for line in lines) == 1, "one progress bar"
    assert sum("pages/min" in line for line in lines) == 1
    assert len(lines) <= 5


def test_failures_are_printed_above_the_bar(clock: Clock) -> None:
    stats = run_stats()
    screen = Screen(stats, 80)
    with screen.progress:
        screen.display.tick()
        screen.display.update(outcome(Status.FAILED, "refused"))
    assert screen.terminal.lines()[0] == "failed: q.csv:3: bad"


def test_outside_a_terminal_lines_appear_every_ten_seconds(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(_progress, "_TICK", 0.001)

    async def wait() -> None:
        stats = run_stats()
        with open_display(stats) as display:
            display.update(outcome(Status.FAILED, "refused"))
            async with ticking(display):
                for _ in range(24):
                    clock.now += 1
                    stats.add(outcome())
                    await asyncio.sleep(0.02)

    asyncio.run(wait())
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "failed: q.csv:3: bad"
    assert [bool(re.match(r"1[12]\d/130  [\d.,]+ pages/min  ", line)) for line in lines[1:]] == [True, True]


def test_on_a_terminal_the_last_frame_stays(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    output: Any = io.StringIO()
    output.isatty = lambda: True
    monkeypatch.setattr(_progress, "Console", lambda **_: Console(file=output, force_terminal=True, width=80))
    with open_display(run_stats(130, 0)) as display:
        for _ in range(130):
            display.update(outcome())
    assert "0/130" in output.getvalue()


@pytest.mark.parametrize("kind", ["", "budget", "interrupted", "deleted"])
def test_what_concerns_many_rows_is_not_printed_for_each(kind: str) -> None:
    assert failure_line(outcome(Status.SKIPPED, kind)) == ""


def test_a_failure_names_its_row_once() -> None:
    assert failure_line(outcome(Status.FAILED, "refused")) == "failed: q.csv:3: bad"
    error = Failure("refused", "the model declined")
    row = SimpleNamespace(status=Status.FAILED, error=error, question=SimpleNamespace(source="q.csv:3"))
    assert failure_line(row) == "failed: q.csv:3: the model declined"  # type: ignore[arg-type]


def test_a_quiet_run_shows_only_failures(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(_progress, "is_quiet", lambda: True)
    with open_display(run_stats()) as display:
        display.say("provider openai")
        clock.now += 60
        display.tick()
        display.update(outcome(Status.FAILED, "refused"))
    assert capsys.readouterr().err == "failed: q.csv:3: bad\n"


def test_without_a_terminal_a_line_tells_progress_every_ten_seconds_or_a_minute_without_any(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    stats = run_stats()
    display = PlainDisplay(stats)

    def lines_after(seconds: int) -> int:
        clock.now += seconds
        display.tick()
        return len(capsys.readouterr().err.splitlines())

    assert lines_after(11) == 0  # nothing has happened since the run started
    stats.add(outcome())
    assert lines_after(1) == 1
    stats.add(outcome())
    assert lines_after(9) == 0
    assert lines_after(1) == 1
    assert lines_after(59) == 0
    assert lines_after(1) == 1


@pytest.mark.parametrize("show", ["say", "figures"])
def test_the_words_of_an_endpoint_do_not_control_the_terminal(monkeypatch: pytest.MonkeyPatch, show: str) -> None:
    hostile = "no\x1b]0;owned\x07\x1b[5A\x9b31m\u202e"
    output = io.StringIO()
    stats = run_stats()
    monkeypatch.setattr(stats, "waiting", lambda: hostile)
    progress = make_progress(Console(file=output, force_terminal=True, width=200, color_system=None))
    display = LiveDisplay(progress, stats)
    with progress:
        if show == "say":
            display.say(hostile)
        else:
            display.tick()
    assert r"no\x1b]0;owned\x07\x1b[5A\x9b31m\u202e" in output.getvalue()
    assert not re.search("\x1b]|\x07|\x9b|\x1b\\[5A|\u202e", output.getvalue())
