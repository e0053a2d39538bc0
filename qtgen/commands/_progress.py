"""What a person sees while pages are made: a live bar on a terminal, plain lines elsewhere."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Protocol

import click
from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
from rich.text import Text

from qtgen._util.text import money, pluralize
from qtgen.errors import BudgetReached
from qtgen.generation.types import Outcome, Status
from qtgen.llm.budget import Budget
from qtgen.llm.client import Client
from qtgen.llm.factory import chosen
from qtgen.llm.types import Usage
from qtgen.settings import Settings

_EVERY = 10.0  # seconds between plain lines
_TICK = 0.5  # seconds between looks
_SHORT = 2.0  # seconds of waiting that are not worth a word


def who_answers(settings: Settings, models: Sequence[str]) -> str:
    if chosen(settings) == "local":
        unused = [name for name in ("model", "base_url") if getattr(settings, name)]
        why = f" ({' and '.join(unused)} not used)" if unused else ""
        why = why if settings.provider else " (no key and no address is set)"
        return f"provider local{why}: {models[0]} on this machine"
    return f"provider openai: {', then '.join(models)} at {settings.base_url or 'OpenAI'}"


class RunStats:
    """Running totals of a run. tpm: tokens a minute that are allowed."""

    def __init__(self, total: int, budget: Budget, tpm: float | None = None) -> None:
        self.total, self.budget, self.tpm = total, budget, tpm
        self.started = time.monotonic()
        self.counts: Counter[Status] = Counter()
        self.failures: Counter[str] = Counter()
        self.pages: Counter[str] = Counter()  # by the model that made them
        self.failed_asked = self.answers_kept = 0  # pages that failed though asked for; those with an answer
        self.usage = Usage()
        self.clients: Sequence[Client] = ()

    def add(self, outcome: Outcome) -> None:
        self.counts[outcome.status] += 1
        self.usage += outcome.usage
        self.pages[outcome.model] += outcome.status is Status.WRITTEN
        self.failed_asked += outcome.status is Status.FAILED and outcome.attempts > 0
        self.answers_kept += outcome.status is Status.FAILED and bool(outcome.last_text)
        if outcome.error:
            self.failures[outcome.error.kind] += 1

    @property
    def done(self) -> int:
        return sum(self.counts.values())

    @property
    def asked(self) -> int:
        """Rows that took an answer: the others say nothing of how fast it goes."""
        return self.counts[Status.WRITTEN] + self.counts[Status.KEPT] + self.counts[Status.FAILED]

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started

    @property
    def tokens(self) -> int:
        return self.usage.prompt_tokens + self.usage.completion_tokens

    @property
    def paid(self) -> str:
        """What the ledger says of this run, also of requests that led to no outcome."""
        if self.budget.is_unknown:
            return f"{money(self.budget.known)} + unknown" if self.budget.known else money(None)
        return money(self.budget.known)

    def figures(self) -> str:
        """`412 pages/min  3 failed  31/64 in flight  1.2M tokens/min of 2M  $0.31 of $5.00`."""
        minutes = max(self.seconds, 0.001) / 60
        pace = [client.pacer.pace for client in self.clients]
        in_flight = (
            f"{sum(p.in_flight for p in pace)}/{min(pace[0].cap, sum(int(p.allowed) for p in pace))} in flight"
            if pace
            else ""
        )
        limit = f" of {_short(self.tpm)}" if self.tpm else ""
        failed = f"{self.counts[Status.FAILED]:,} failed" if self.counts[Status.FAILED] else ""
        budget = self.budget
        cost = self.paid if budget.limit is None else f"{money(budget.spent)} of {money(budget.limit)}"
        parts = [
            f"{self.asked / minutes:,.1f} pages/min",
            failed,
            in_flight,
            f"{_short(self.tokens / minutes)} tokens/min{limit}",
            cost,
            self.pause(),
        ]
        return "  ".join(part for part in parts if part)

    def pause(self) -> str:
        """Why nothing starts, if that is so for all models; a second or two is not worth a word."""
        waits = [(client.pacer.pace, client.pacer.now()) for client in self.clients]
        seconds = min((pace.pause(now) for pace, now in waits), default=0.0)
        if any(pace.lost_for(now) for pace, now in waits):
            return f"waiting {max(seconds, 1):,.0f} s, nothing answers at the endpoint"
        return f"waiting {seconds:,.0f} s, the endpoint asked for it" if seconds > _SHORT else ""

    def line(self) -> str:
        return "  ".join(part for part in (self.figures(), self.left()) if part)

    def left(self) -> str:
        """`61 s left`; nothing where that is not known."""
        if not self.asked or self.done == self.total:
            return ""
        seconds = self.seconds / self.asked * (self.total - self.done)
        return f"{seconds:,.0f} s left" if seconds < 600 else f"{seconds / 60:,.0f} min left"


def _short(number: float) -> str:
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if number >= size:
            return f"{number / size:.3g}{unit}"
    return f"{number:.0f}"


class Display(Protocol):
    def update(self, outcome: Outcome) -> None: ...

    def say(self, message: str) -> None:
        """A line that stays, above the bar."""

    def tick(self) -> None:
        """Time has passed, whether anything happened or not."""


@asynccontextmanager
async def ticking(shown: Display) -> AsyncIterator[None]:
    """Keeps the display going until the block ends."""

    async def tick() -> None:
        while True:
            await asyncio.sleep(_TICK)
            shown.tick()

    task = asyncio.create_task(tick())
    try:
        yield
    finally:
        task.cancel()


@contextmanager
def display(tally: RunStats) -> Iterator[Display]:
    """Shows the totals on stderr until the block ends; messages of failures stay on the screen."""
    console = Console(stderr=True)
    if console.is_terminal:
        with _live(console) as bar:
            yield _Live(bar, tally)
    else:
        yield _Plain(tally)


class _TwoLines(Progress):
    """How far it is, and under it all other figures, which are wrapped where the terminal is narrow."""

    def get_renderables(self) -> Iterator[RenderableType]:
        yield self.make_tasks_table(self.tasks)
        yield from (Text(task.fields["figures"]) for task in self.tasks)


def _live(console: Console) -> Progress:
    columns = SpinnerColumn(), BarColumn(bar_width=16), MofNCompleteColumn(), TextColumn("{task.fields[left]}")
    return _TwoLines(*columns, console=console)


class _Live:
    def __init__(self, bar: Progress, tally: RunStats) -> None:
        self._bar, self._tally, self._shown = bar, tally, 0.0
        self._task = bar.add_task("", total=tally.total, figures="", left="")

    def say(self, message: str) -> None:
        self._bar.console.print(message, markup=False, highlight=False, soft_wrap=True)

    def update(self, outcome: Outcome) -> None:
        if _is_worth_a_line(outcome):
            self.say(failure_line(outcome))
        if time.monotonic() - self._shown > 0.1 or self._tally.done == self._tally.total:
            self.tick()

    def tick(self) -> None:
        self._shown = time.monotonic()
        self._bar.update(self._task, completed=self._tally.done, figures=self._tally.figures(), left=self._tally.left())


class _Plain:
    def __init__(self, tally: RunStats) -> None:
        self._tally, self._last = tally, time.monotonic()

    def say(self, message: str) -> None:
        click.echo(message, err=True)

    def update(self, outcome: Outcome) -> None:
        if _is_worth_a_line(outcome):
            self.say(failure_line(outcome))
        self.tick()

    def tick(self) -> None:
        if time.monotonic() - self._last >= _EVERY:
            self._last = time.monotonic()
            self.say(f"{self._tally.done:,}/{self._tally.total:,}  {self._tally.line()}")


def _is_worth_a_line(outcome: Outcome) -> bool:
    """A budget that is used up is so for all at once, and said at the end."""
    return outcome.error is not None and outcome.error.kind != BudgetReached.kind


def failure_line(outcome: Outcome) -> str:
    message = outcome.error.message if outcome.error else ""
    source = outcome.question.source
    where = "" if message.startswith(source) else f"{source}: "
    return f"{outcome.status.value}: {where}{message}"


_NOUNS = {
    "question": "unusable row",
    "answer": "unusable answer",
    "duplicate": "duplicate",
    "near-duplicate": "near-duplicate",
    "timeout": "timeout",
}


def _why(kind: str, count: int) -> str:
    return pluralize(count, _NOUNS[kind]) if kind in _NOUNS else f"{count:,} {kind}"


def _fates(kinds: Counter[str]) -> str:
    """What came of each request: `435 answered (138 of them faulty), 3 timeout, and 12 answers from the ledger`."""
    rest = [(kind, count) for kind, count in kinds.most_common() if kind not in ("ok", "reused", "faulty answer")]
    faulty = f" ({kinds['faulty answer']:,} of them faulty)" if kinds["faulty answer"] else ""
    parts = [f"{kinds['ok']:,} answered{faulty}"] if kinds["ok"] else []
    parts += [f"{count:,} {kind}" for kind, count in rest]
    parts += [f"and {pluralize(kinds['reused'], 'answer')} from the ledger"] if kinds["reused"] else []
    return ", ".join(parts) or "none"


def summary(tally: RunStats) -> str:
    """`12 written, 1 failed in 61.2 s; 9,120 tokens, $0.0000`, and what came of the requests if not all went well."""
    named = [f"{tally.counts[status]:,} {status.value}" for status in Status if tally.counts[status]]
    spent = f"; {tally.tokens:,} tokens, {tally.paid}" if tally.tokens or tally.budget.is_unknown else ""
    lines = [f"{', '.join(named) or 'nothing done'} in {tally.seconds:.1f} s{spent}"]
    if whys := [_why(kind, count) for kind, count in tally.failures.most_common() if kind != BudgetReached.kind]:
        lines.append(f"not written: {', '.join(whys)}")
    several = len(tally.clients) > 1
    for client in tally.clients:
        if several or client.kinds.keys() - {"ok"}:
            made = f"; {pluralize(tally.pages[client.model], 'page')} written" if several else ""
            lines.append(f"requests to {client.model}: {_fates(client.kinds)}{made}")
    return "\n".join(lines)
