"""What a person sees while pages are made: a live bar on a terminal, plain lines elsewhere."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from qtgen.records import Outcome, Status, Usage

_EVERY = 10.0  # seconds between plain lines


def money(usd: float | None) -> str:
    """`$0.0123`; a price that is not known is never shown as nothing."""
    return "cost unknown" if usd is None else f"${usd:,.4f}" if usd < 1 else f"${usd:,.2f}"


class Tally:
    """Running totals of a run."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.started = time.monotonic()
        self.counts: Counter[Status] = Counter()
        self.usage = Usage()

    def add(self, outcome: Outcome) -> None:
        self.counts[outcome.status] += 1
        self.usage += outcome.usage

    @property
    def done(self) -> int:
        return sum(self.counts.values())

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started

    def figures(self) -> str:
        rate = self.done / self.seconds * 60 if self.seconds else 0.0
        tokens = self.usage.prompt_tokens + self.usage.completion_tokens
        return f"{rate:.1f} pages/min  {tokens:,} tokens  {money(self.usage.cost_usd)}"


class Display(Protocol):
    def update(self, outcome: Outcome) -> None: ...

    def say(self, message: str) -> None:
        """A line that stays, above the bar."""


@contextmanager
def display(tally: Tally) -> Iterator[Display]:
    """Shows the totals on stderr until the block ends; messages of failures stay on the screen."""
    console = Console(stderr=True)
    if console.is_terminal:
        with _live(console) as bar:
            yield _Live(bar, tally)
    else:
        yield _Plain(tally)


def _live(console: Console) -> Progress:
    return Progress(
        SpinnerColumn(),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[figures]}"),
        TimeRemainingColumn(compact=True),
        TextColumn("left"),
        console=console,
    )


class _Live:
    def __init__(self, bar: Progress, tally: Tally) -> None:
        self._bar, self._tally = bar, tally
        self._task = bar.add_task("", total=tally.total, figures=tally.figures())

    def say(self, message: str) -> None:
        self._bar.console.print(message, markup=False, highlight=False, soft_wrap=True)

    def update(self, outcome: Outcome) -> None:
        if outcome.error:
            self.say(failure_line(outcome))
        self._bar.update(self._task, completed=self._tally.done, figures=self._tally.figures())


class _Plain:
    def __init__(self, tally: Tally) -> None:
        self._tally, self._last = tally, time.monotonic()

    def say(self, message: str) -> None:
        click.echo(message, err=True)

    def update(self, outcome: Outcome) -> None:
        if outcome.error:
            self.say(failure_line(outcome))
        if time.monotonic() - self._last >= _EVERY:
            self._last = time.monotonic()
            tally = self._tally
            left = tally.seconds / tally.done * (tally.total - tally.done)
            self.say(f"{tally.done}/{tally.total}  {tally.figures()}  {left:.0f} s left")


def failure_line(outcome: Outcome) -> str:
    message = outcome.error.message if outcome.error else ""
    source = outcome.question.source
    where = "" if message.startswith(source) else f"{source}: "
    return f"{outcome.status.value}: {where}{message}"


def summary(tally: Tally) -> str:
    """`12 written, 1 failed in 61.2 s; 9,120 tokens, $0.0000`."""
    named = [f"{tally.counts[status]:,} {status.value}" for status in Status if tally.counts[status]]
    tokens = tally.usage.prompt_tokens + tally.usage.completion_tokens
    spent = f"; {tokens:,} tokens, {money(tally.usage.cost_usd)}" if tokens else ""
    return f"{', '.join(named) or 'nothing done'} in {tally.seconds:.1f} s{spent}"
