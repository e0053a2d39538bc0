"""The progress of a run on stderr: a live display on a terminal, plain lines elsewhere."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Protocol

from rich.console import Console, RenderableType
from rich.control import Control
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
from rich.segment import ControlType, Segment
from rich.text import Text

from qtgen._util.text import escape_controls
from qtgen.commands._echo import echo
from qtgen.commands._logging import is_quiet
from qtgen.commands._stats import REPORTED_ONCE, RunStats
from qtgen.generation.types import Outcome

_LINE_INTERVAL = 10.0  # seconds between two plain lines
_IDLE_INTERVAL = 60.0  # the same while no row gets an outcome
_MIN_WAITING = 1.5  # seconds; a shorter wait is not worth a line
_WAITING_INTERVAL = 30.0  # the same for the reason why nothing gets through
_TICK = 0.25  # seconds between two refreshes
_MIN_REFRESH = 0.1  # seconds between two refreshes when outcomes arrive faster


class Display(Protocol):
    """What a run shows while it works."""

    def say(self, message: str) -> None:
        """Print a line that stays on the screen."""

    def update(self, outcome: Outcome) -> None:
        """Show that a row has an outcome."""

    def tick(self) -> None:
        """Show the current figures. Called regularly, whether anything happened or not."""


@asynccontextmanager
async def ticking(display: Display) -> AsyncIterator[None]:
    """Refresh the display regularly until the block ends."""

    async def tick() -> None:
        while True:
            await asyncio.sleep(_TICK)
            display.tick()

    task = asyncio.create_task(tick())
    try:
        yield
    finally:
        task.cancel()


@contextmanager
def open_display(stats: RunStats) -> Iterator[Display]:
    """Show the totals of a run on stderr until the block ends."""
    console = Console(stderr=True)
    if is_quiet():
        yield QuietDisplay()
        return
    if not console.is_terminal:
        yield PlainDisplay(stats)
        return
    progress = make_progress(console)
    with progress:
        live = LiveDisplay(progress, stats)
        yield live
        live.tick()


class _FiguresBelow(Progress):
    """A progress bar with a second line for the figures, which wraps if the terminal is narrow."""

    def get_renderables(self) -> Iterator[RenderableType]:
        """Yield the bar, then the figures."""
        yield self.make_tasks_table(self.tasks)
        yield from (Text(escape_controls(task.fields["figures"])) for task in self.tasks)


def make_progress(console: Console) -> Progress:
    """Return the progress bar. It is refreshed by `LiveDisplay` only, not by a thread of its own."""
    columns = SpinnerColumn(), BarColumn(bar_width=16), MofNCompleteColumn(), TextColumn("{task.fields[left]}")
    return _FiguresBelow(*columns, console=console, auto_refresh=False)


class LiveDisplay:
    """A progress bar with the run's figures, below the lines that stay."""

    def __init__(self, progress: Progress, stats: RunStats) -> None:
        self._progress, self._stats = progress, stats
        self._refreshed = 0.0
        self._task = progress.add_task("", total=stats.total, figures="", left="")
        self._line_widths: list[int] = []

    def say(self, message: str) -> None:
        """Print a line above the bar."""
        self._erase_wrapped_lines()
        self._progress.console.print(escape_controls(message), markup=False, highlight=False, soft_wrap=True)
        self._remember_lines()

    def update(self, outcome: Outcome) -> None:
        """Show that a row has an outcome, and why it failed."""
        if line := failure_line(outcome):
            self.say(line)
        if time.monotonic() - self._refreshed > _MIN_REFRESH:
            self.tick()

    def tick(self) -> None:
        """Show the current figures."""
        self._refreshed = time.monotonic()
        self._erase_wrapped_lines()
        stats = self._stats
        self._progress.update(self._task, completed=stats.done, figures=stats.figures(), left=stats.time_left())
        self._progress.refresh()
        self._remember_lines()

    def _remember_lines(self) -> None:
        """Note the width of each line that is on the screen now."""
        lines = self._progress.console.render_lines(self._progress.get_renderable(), pad=False)
        self._line_widths = [Segment.get_line_length(line) for line in lines]

    def _erase_wrapped_lines(self) -> None:
        """Erase the rows that the terminal added when it became narrower and wrapped the display's lines.

        rich moves up by the number of lines that it printed, and would leave these rows on the screen.
        """
        width = max(1, self._progress.console.width)
        added = sum(max(0, line - 1) // width for line in self._line_widths)
        if added:
            step = (ControlType.ERASE_IN_LINE, 2), (ControlType.CURSOR_UP, 1)
            self._progress.console.control(Control(ControlType.CARRIAGE_RETURN, *(step * added)))


class QuietDisplay:
    """Shows only why rows failed, for `--quiet`."""

    def say(self, message: str) -> None:
        """Print nothing."""

    def update(self, outcome: Outcome) -> None:
        """Print why a row failed."""
        if line := failure_line(outcome):
            echo(line, err=True)

    def tick(self) -> None:
        """Show nothing."""


class PlainDisplay:
    """Plain lines for a file or a pipe."""

    def __init__(self, stats: RunStats) -> None:
        self._stats, self._printed, self._shown = stats, time.monotonic(), stats.done
        self._reason_printed, self._waiting_since = float("-inf"), float("inf")

    def say(self, message: str) -> None:
        """Print a line."""
        echo(message, err=True)

    def update(self, outcome: Outcome) -> None:
        """Print why a row failed, and the totals if it is time for that."""
        if line := failure_line(outcome):
            self.say(line)
        self._print_totals()

    def tick(self) -> None:
        """Print the totals if it is time for that, and the reason if nothing gets through."""
        self._print_totals()
        now, reason = time.monotonic(), self._stats.waiting()
        self._waiting_since = min(self._waiting_since, now) if reason else float("inf")
        if now - self._waiting_since >= _MIN_WAITING and now - self._reason_printed >= _WAITING_INTERVAL:
            self._reason_printed = now
            self.say(reason)

    def _print_totals(self) -> None:
        """Print the totals if the last ones are some seconds old, or a minute if nothing happened since."""
        done = self._stats.done
        if time.monotonic() - self._printed >= (_IDLE_INTERVAL if done == self._shown else _LINE_INTERVAL):
            self._printed, self._shown = time.monotonic(), done
            self.say(f"{self._stats.done:,}/{self._stats.total:,}  {self._stats.line()}")


def failure_line(outcome: Outcome) -> str:
    """Return `failed: questions.csv:3: …`, or an empty text if there is nothing to report about this row alone."""
    if outcome.error is None or outcome.error.kind in REPORTED_ONCE:
        return ""
    message, source = outcome.error.message, outcome.question.source
    place = "" if message.startswith(source) else f"{source}: "
    return f"{outcome.status.value}: {place}{message}"
