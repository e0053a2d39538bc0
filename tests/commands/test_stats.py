"""The totals of a run and their words."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from qtgen._util.text import money
from qtgen.commands import _stats
from qtgen.commands._stats import RunStats
from qtgen.errors import Failure
from qtgen.generation.types import Outcome, Question, Status
from qtgen.generation.unwrap import Wrapping
from qtgen.llm.budget import Budget
from qtgen.llm.client import ClientStats
from qtgen.llm.types import Usage
from support.clock import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(_stats, "time", clock)
    return clock


IDLE = ClientStats("m", {}, concurrency=8, max_concurrency=8)


def client(stats: ClientStats = IDLE) -> Any:
    return SimpleNamespace(stats=lambda: stats)


def run_stats(total: int, stats: ClientStats = IDLE, **counts: int) -> RunStats:
    run = RunStats(total, Budget())
    run.clients = [client(stats)]
    for status, count in counts.items():
        for _ in range(count):
            run.add(Outcome(Question("Why?", "Physics"), Status(status)))
    return run


def test_pages_that_existed_say_nothing_about_the_speed(clock: Clock) -> None:
    stats = run_stats(130, exists=90, written=9, failed=1)
    clock.now += 60
    assert stats.figures().startswith("10.0 pages/min  1 failed  0/8 in flight")
    assert stats.line().endswith("  180 s left")


def test_the_time_left_is_unknown_without_an_answer_and_in_minutes_if_long(clock: Clock) -> None:
    assert run_stats(130, exists=90).time_left() == ""
    assert run_stats(2, written=2).time_left() == ""
    stats = run_stats(100, written=1)
    clock.now += 60
    assert stats.time_left() == "99 min left"


def test_other_processes_write_a_part_of_what_is_left(clock: Clock) -> None:
    alone, shared = run_stats(100, written=20), run_stats(100, written=20, elsewhere=20)
    clock.now += 10
    assert (alone.time_left(), shared.time_left()) == ("40 s left", "15 s left")


def test_an_outage_is_shown(clock: Clock) -> None:
    down = replace(IDLE, waiting_for="outage", waiting_seconds=0.5)
    assert run_stats(9, down).figures().endswith("endpoint down, next attempt in 1 s")


@pytest.mark.parametrize(("seconds", "shown"), [(50.0, True), (1.0, False), (0.0, False)])
def test_a_rate_limit_is_shown_unless_it_is_short(clock: Clock, seconds: float, shown: bool) -> None:
    limited = replace(IDLE, waiting_for="limit", waiting_seconds=seconds)
    assert run_stats(9, limited).figures().endswith("rate limited, next request in 50 s") is shown


def test_requests_in_flight_are_added_over_all_models(clock: Clock) -> None:
    stats = run_stats(9)
    busy = replace(IDLE, in_flight=3, concurrency=5)
    stats.clients = [client(busy), client(busy)]
    assert "6/8 in flight" in stats.figures()


def test_the_budget_and_the_token_limit_are_part_of_the_figures(clock: Clock) -> None:
    stats = RunStats(9, Budget(5.0), tpm=2_000_000)
    stats.add(Outcome(Question("Why?", "Physics"), Status.WRITTEN, usage=Usage(1_000, 500)))
    clock.now += 60
    assert stats.figures() == "1.0 pages/min  1.5k tokens/min of 2M  $0.0000 of $5.00"


def test_the_summary_counts_outcomes_and_reasons(clock: Clock) -> None:
    stats = run_stats(5, written=1)
    kinds = ("question", "question", "timeout", "deleted", "budget", "interrupted", "refused")
    for kind in kinds:
        stats.add(Outcome(Question("Why?", "Physics"), Status.FAILED, error=Failure(kind, "x")))
    assert stats.summary() == [
        "1 written, 7 failed in 0.0 s",
        "not written: 2 invalid rows, 1 timeout, 1 refused",
    ], "budget, interruption and deleted pages have lines of their own"
    assert RunStats(1, Budget()).summary() == ["nothing done in 0.0 s"]


def test_unwrapped_answers_are_counted_once_a_run(clock: Clock) -> None:
    stats = run_stats(3, written=1)
    fence, reasoning = Wrapping.CODE_FENCE, Wrapping.REASONING
    for unwrapped in ([(fence,), (reasoning, fence)], [(fence,)]):
        stats.add(Outcome(Question("Why?", "Physics"), Status.WRITTEN, unwrapped=tuple(unwrapped)))
    assert stats.summary()[1:] == ["unwrapped 3 answers: code fence (3), reasoning (1)"]


def test_each_request_is_counted_once(clock: Clock) -> None:
    stats = run_stats(3, written=3)
    stats.pages_by_model.update(a=1, b=2)
    first = ClientStats("a", {"ok": 5, "timeout": 1}, reused=1, rejected=2)
    stats.clients = [client(first), client(ClientStats("b", {"ok": 3}))]
    assert stats.summary()[1:] == [
        "requests to a: 5 answered (2 invalid), 1 timed out, 1 answer from the ledger; 1 page written",
        "requests to b: 3 answered; 2 pages written",
    ]
    stats.clients = [client(ClientStats("b", {"ok": 3}))]
    assert stats.summary()[1:] == [], "a run in which all went well needs no line about requests"
    stats.clients = [client(ClientStats("b", {}, reused=3))]
    assert stats.summary()[1:] == ["requests to b: 3 answers from the ledger"]


def test_an_unknown_cost_is_not_shown_as_zero(clock: Clock) -> None:
    stats = run_stats(1, written=1)
    stats.budget.is_unknown = True
    assert stats.spent == "cost unknown"
    stats.budget.known = 0.5
    assert stats.spent == "$0.5000 + unknown"
    assert [money(usd) for usd in (None, 0.0, 0.00001, 0.5, 5)] == [
        "cost unknown",
        "$0.0000",
        "$0.00001",
        "$0.5000",
        "$5.00",
    ]
