"""The pacing layer alone: attempts, budget and slots."""

import asyncio
import contextlib
import logging
from typing import Any

import pytest

from qtgen._util.concurrency import Stop
from qtgen.errors import BadRequest, BudgetReached, Interrupted, ProviderError, Retryable, Unreachable
from qtgen.llm.budget import Budget
from qtgen.llm.endpoint import Endpoint
from qtgen.llm.pacing import AdaptiveLimiter, PacedSender, Pacer
from qtgen.llm.sender import Attempt, Sender
from qtgen.llm.types import Limits, Usage
from support.senders import FREE, PRICED, USAGE, ScriptedSender, SlowSender, answer, request
from support.simulated import simulate


class Bench:
    def __init__(
        self, inner: Sender, endpoint: Endpoint = PRICED, budget: Budget | None = None, slots: int = 4
    ) -> None:
        self.pacer, self.stop, self.budget = Pacer(AdaptiveLimiter(slots)), Stop(), budget or Budget(1.0)
        self.attempts: list[Attempt] = []
        self.sender = PacedSender(inner, endpoint, self.pacer, self.budget, record=self.attempts.append, stop=self.stop)


def attempt(step: Any, endpoint: Endpoint = PRICED) -> Bench:
    """Send one request and return the bench."""

    async def main() -> Bench:
        bench = Bench(ScriptedSender(step), endpoint)
        with contextlib.suppress(ProviderError):
            await bench.sender.send(request())
        return bench

    return simulate(main())


@pytest.mark.parametrize(
    ("step", "kind", "usage", "spent"),
    [
        (answer(), "ok", USAGE, 0.25),
        (answer("no", kind="refused"), "refused", USAGE, 0.25),
        (Retryable("x", kind="dropped"), "dropped", Usage(cost_usd=None), 0.0014),
        (Retryable("x", kind="malformed"), "malformed", Usage(cost_usd=None), 0.0014),
        (Retryable("x", kind="malformed", usage=Usage(1, 1, 0, 0.5)), "malformed", Usage(1, 1, 0, 0.5), 0.5),
        (Retryable("x"), "unavailable", Usage(), 0.0),
        (BadRequest("x"), "bad-request", Usage(), 0.0),
    ],
)
def test_each_attempt_is_recorded_with_what_it_cost(step: Any, kind: str, usage: Usage, spent: float) -> None:
    bench = attempt(step)
    [made] = bench.attempts
    assert (made.key, made.kind, made.usage) == (request().key, kind, usage)
    assert bench.budget.spent == pytest.approx(spent), "a budget counts the most that an unknown cost can be"
    assert bench.pacer.limiter.in_flight == 0


def test_a_free_model_costs_nothing_even_if_nothing_is_known() -> None:
    assert attempt(Retryable("x", kind="dropped"), FREE).attempts[0].usage == Usage()


@pytest.mark.parametrize(("tokens", "is_sent"), [(1_000, True), (2_000_000, False)])
def test_a_request_that_could_exceed_the_budget_is_not_sent(tokens: int, is_sent: bool) -> None:
    async def main() -> int:
        inner = ScriptedSender(answer())
        bench = Bench(inner)
        try:
            await bench.sender.send(request(max_answer_tokens=tokens))
        except BudgetReached:
            assert bench.attempts == []
        return len(inner.requests)

    assert simulate(main()) == is_sent


def test_a_cancelled_attempt_may_be_billed() -> None:
    async def main() -> Bench:
        bench = Bench(SlowSender(60))
        task = asyncio.create_task(bench.sender.send(request()))
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return bench

    bench = simulate(main())
    assert [(made.kind, made.usage.cost_usd) for made in bench.attempts] == [("abandoned", None)]
    assert bench.pacer.limiter.in_flight == 0


def test_a_request_that_is_cancelled_in_the_queue_costs_nothing() -> None:
    async def main() -> Bench:
        bench = Bench(SlowSender(60), slots=1)
        tasks = [asyncio.create_task(bench.sender.send(request(str(number)))) for number in range(2)]
        await asyncio.sleep(1)
        tasks[1].cancel()
        await asyncio.wait(tasks)
        return bench

    bench = simulate(main())
    assert [made.key.digest for made in bench.attempts] == [b"0"]
    assert bench.budget.spent == 0.25


def test_after_a_stop_nothing_is_sent_and_what_is_in_flight_ends() -> None:
    async def main() -> tuple[list[Any], SlowSender, Bench]:
        inner = SlowSender(10)
        bench = Bench(inner, slots=2)
        tasks = [asyncio.create_task(bench.sender.send(request(str(number)))) for number in range(6)]
        await asyncio.sleep(1)
        bench.stop.request()
        bench.pacer.interrupt()
        tasks.append(asyncio.create_task(bench.sender.send(request("late"))))
        return await asyncio.gather(*tasks, return_exceptions=True), inner, bench

    results, inner, bench = simulate(main())
    assert inner.sent == ["0", "1"]
    assert [type(result) for result in results[2:]] == [Interrupted] * 5
    assert bench.budget.spent == 0.5
    assert bench.pacer.limiter.in_flight == 0


def test_a_stop_between_the_turn_and_the_sending_is_heeded() -> None:
    async def main() -> tuple[int, int]:
        inner = ScriptedSender(answer())
        bench = Bench(inner)
        bench.stop.request()
        with pytest.raises(Interrupted):
            await bench.sender.send(request())
        return len(inner.requests), bench.pacer.limiter.in_flight

    assert simulate(main()) == (0, 0)


def test_limits_that_a_response_reports_hold_the_next_request_back() -> None:
    async def main() -> float:
        bench = Bench(ScriptedSender(answer(limits=Limits(0, 3.0)), answer()))
        await bench.sender.send(request())
        await bench.sender.send(request("second"))
        return bench.pacer.now()

    assert simulate(main()) == pytest.approx(3.0)


def test_attempts_and_outages_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        limit = Retryable("HTTP 429", kind="rate-limited", retry_after=5.0)
        bench = Bench(ScriptedSender(answer(), limit, limit, Unreachable("gone"), answer()))
        for _ in range(5):
            try:
                await bench.sender.send(request("secret question"))
            except Retryable:
                continue

    with caplog.at_level(logging.DEBUG, "qtgen.llm"):
        simulate(main())
    lines = [record.message for record in caplog.records if record.levelno == logging.INFO]
    assert lines == [
        "m rejects requests because of a rate limit: HTTP 429",
        "m is down; one request at a time probes it",
        "m responds again",
    ]
    attempts = [record.message for record in caplog.records if record.levelno == logging.DEBUG]
    assert [line.split()[4] for line in attempts] == ["ok", "rate-limited", "rate-limited", "unreachable", "ok"]
    assert "question" not in " ".join(attempts)
