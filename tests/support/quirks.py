"""One run of `generate` against an endpoint that has a quirk, and what is expected of it."""

import contextlib
import importlib.util
import json
import os
import signal
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

from support import SHARED
from support.fast_time import FastClock, use_fast_time
from support.threaded_server import serving

PROGRAM = SHARED / "cases" / "endpoints" / "quirks.py"
KEY = "sk-testkey-1234567890"
PRICES = '[prices."m"]\ninput = 1\noutput = 2\n'
TOPICS = (
    "photosynthesis", "osmosis", "erosion", "magnetism", "inflation", "democracy", "gravity", "friction", "evolution",
    "catalysis", "diffusion", "entropy", "refraction", "mitosis", "tectonics", "buoyancy", "resonance", "fermentation",
    "migration", "taxation",
)  # fmt: skip
_MOST_SECONDS = 30.0
Run = Callable[..., tuple[int, str, str]]


@dataclass(frozen=True, slots=True)
class Case:
    """The settings of a run against a quirk, and the expected outcome.

    Attributes:
        quirk: Name of the quirk.
        pages: Number of pages that are written.
        exit_codes: The exit codes that are allowed.
        words: Texts that stderr contains.
        most: The most requests that the endpoint may get.
        questions: Number of questions.
        settings: Text of `qtgen.toml`, after the model's price.
        arguments: Further arguments of the command line.
        base: Path of the base URL.
        model: The model's name.
        cost: Cost of the run in US dollars, None if it is unknown, `any` if it does not matter.
        speed: Seconds that pass for qtgen and the endpoint per second of the test.
        scales_date: Whether the endpoint's date runs that fast, too.
        label: Distinguishes cases of the same quirk.
    """

    quirk: str
    pages: int = 6
    exit_codes: tuple[int, ...] = (0,)
    words: tuple[str, ...] = ()
    most: int = 6
    questions: int = 6
    settings: str = ""
    arguments: tuple[str, ...] = ()
    base: str = "/v1"
    model: str = "m"
    cost: float | Literal["any"] | None = "any"
    speed: float = 20.0
    scales_date: bool = False
    label: str = ""

    @property
    def id(self) -> str:
        return f"{self.quirk}-{self.label}" if self.label else self.quirk


@dataclass(slots=True)
class Endpoint:
    """An endpoint that has a quirk: its port, and what it has received so far."""

    port: int
    requests: list[dict[str, Any]] = field(default_factory=list)
    counter: Mapping[str, int] = field(default_factory=dict)

    @property
    def received(self) -> int:
        """Number of requests, also of those that get no response."""
        return max(self.counter.get("n", 0), len(self.requests))

    # The quirks write their log like a file.
    def write(self, line: str) -> None:
        self.requests.append(json.loads(line))

    def flush(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Result:
    """What a run did."""

    code: int
    err: str
    lines: list[dict[str, Any]]
    pages: int
    requests: int
    cost: float | None


def load_quirks() -> types.ModuleType:
    """Return a fresh copy of the quirks, whose counters are module globals. Skip the test without them."""
    if not PROGRAM.exists():
        pytest.skip(f"{PROGRAM} is not here: these quirks are not part of the project")
    spec = importlib.util.spec_from_file_location("endpoint_quirks", PROGRAM)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextlib.contextmanager
def shared_endpoint(case: Case, monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    """Serve a quirk of ../shared until the block ends."""
    quirks = load_quirks()
    quirk = quirks.QUIRKS[case.quirk]
    endpoint = Endpoint(0, counter=quirks.COUNT)
    monkeypatch.setattr(quirks, "LOG", endpoint)
    monkeypatch.setattr(quirks, "print", lambda *_, **__: None, raising=False)
    if case.scales_date:
        monkeypatch.setattr(quirks, "time", FastClock(case.speed))
    with serving(lambda reader, writer: quirks.serve(quirk, reader, writer), case.speed) as server:
        # A quirk ends its own process.
        monkeypatch.setattr(os, "_exit", lambda _: server.vanish())
        endpoint.port = server.port
        yield endpoint


def run_case(case: Case, endpoint: Endpoint, qtgen: Run, monkeypatch: pytest.MonkeyPatch) -> Result:
    """Run `generate` against an endpoint in the current folder."""
    use_fast_time(monkeypatch, case.speed)
    questions = [f"What is {TOPICS[i % len(TOPICS)]} number {i + 1}?,Biology\n" for i in range(case.questions)]
    Path("q.csv").write_text("question,subject\n" + "".join(questions))
    Path("qtgen.toml").write_text(case.settings + "\n" + PRICES)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{endpoint.port}{case.base}")
    command = ("generate", "q.csv", "--json", "--provider", "openai", "--model", case.model)
    with _alarm(_MOST_SECONDS):
        code, out, err = qtgen(*command, *case.arguments)
    lines = [json.loads(line) for line in out.splitlines()]
    requests = endpoint.received
    rows = json.loads(qtgen("costs", "--json")[1])
    cost = None if any(row["cost_usd"] is None for row in rows) else sum(row["cost_usd"] for row in rows)
    return Result(code, err, lines, len(list(Path("outputs").rglob("*.md"))), requests, cost)


@contextlib.contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """Fail the test if the block does not end in time: a run must end, whatever the endpoint does."""

    def ring(*_: object) -> None:
        pytest.fail(f"the run did not end within {seconds:g} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def check(case: Case, result: Result) -> None:
    """Compare a result with what is expected of its case, and of every case."""
    shown = f"exit {result.code}, {result.pages} pages, {result.requests} requests\n{result.err}"
    assert result.code in case.exit_codes, shown
    assert result.pages == case.pages, shown
    assert [words for words in case.words if words not in result.err] == [], shown
    assert result.requests <= case.most, shown
    if case.cost != "any":
        assert result.cost == pytest.approx(case.cost), shown
    assert "Traceback" not in result.err, shown
    assert KEY not in result.err, shown
    assert max((len(line) for line in result.err.splitlines()), default=0) <= 600, shown
    assert result.err.replace("\n", "").isprintable(), shown
    assert sum(line["status"] == "written" for line in result.lines) == result.pages, shown
