"""The retry layer alone, above a scripted sender and in simulated time."""

import asyncio
import logging
from collections.abc import Sequence

import pytest

from qtgen._util.concurrency import Stop
from qtgen.errors import (
    BadRequest,
    BudgetReached,
    Denied,
    EndpointDown,
    ErrorReply,
    Interrupted,
    ProviderUnusable,
    QtgenError,
    Retryable,
    Unreachable,
)
from qtgen.llm.brake import Brake
from qtgen.llm.endpoint import Endpoint
from qtgen.llm.pacing import AdaptiveLimiter, Pacer
from qtgen.llm.retry import RetrySender
from qtgen.llm.types import Completion, Usage
from support.senders import PRICED, ScriptedSender, answer, request
from support.simulated import simulate


class Bench:
    """A retry layer, the script below it, and the pauses that it made."""

    def __init__(self, script: Sequence[Completion | Exception], tries: int, endpoint: Endpoint = PRICED) -> None:
        self.inner, self.pauses = ScriptedSender(*script), list[float]()
        self.pacer, self.stop = Pacer(AdaptiveLimiter(4)), Stop()
        self.brake = Brake()
        self.sender = RetrySender(
            self.inner, endpoint, self.pacer, tries=tries, stop=self.stop, brake=self.brake, sleep=self._sleep
        )

    async def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        await asyncio.sleep(seconds)


def run(
    *script: Completion | Exception, tries: int = 3, has_answered: bool = False
) -> tuple[Completion | Exception, Bench]:
    """Send one request and return what came of it."""

    async def main() -> tuple[Completion | Exception, Bench]:
        bench = Bench(script, tries)
        bench.pacer.limiter.outage.has_answered = has_answered
        try:
            return await bench.sender.send(request()), bench
        except QtgenError as error:
            return error, bench

    return simulate(main())


def test_a_pause_is_as_long_as_the_endpoint_asks_for() -> None:
    result, bench = run(Retryable("x", retry_after=3.5), Retryable("y"), answer("so"))
    assert isinstance(result, Completion)
    assert result.text == "so"
    assert bench.pauses[0] == 3.5
    assert 0 <= bench.pauses[1] <= 60
    assert len(bench.inner.requests) == 3


def test_tries_are_bounded() -> None:
    result, bench = run(*[Retryable("HTTP 500")] * 3)
    assert isinstance(result, Retryable)
    assert str(result) == "HTTP 500"
    assert len(bench.pauses) == 2


def test_a_refusal_is_not_retried() -> None:
    refusal = answer("no", kind="refused")
    result, bench = run(refusal)
    assert result is refusal
    assert len(bench.inner.requests) == 1


def test_rate_limits_use_up_no_tries_of_other_failures() -> None:
    limits = [Retryable("slow down", kind="rate-limited", retry_after=0.0)] * 5
    result, bench = run(*limits, Retryable("HTTP 500"), *limits, answer(), tries=2)
    assert isinstance(result, Completion)
    assert len(bench.inner.requests) == 12
    result, _ = run(*limits, Retryable("HTTP 500"), Retryable("HTTP 500"), tries=2)
    assert str(result) == "HTTP 500"
    result, bench = run(*limits * 3, tries=2)
    assert str(result) == "slow down"
    assert len(bench.inner.requests) == 12, "their own patience ends too"


def test_lost_usage_is_counted_whatever_comes_in_the_end() -> None:
    malformed = Retryable("x", kind="malformed", usage=Usage(10, 5, 0, 0.5))
    result, _ = run(malformed, malformed, answer())
    assert isinstance(result, Completion)
    assert (result.usage, result.lost) == (Usage(100, 50, 0, 0.25), Usage(20, 10, 0, 1.0))
    result, _ = run(Retryable("x", kind="dropped"), answer())
    assert isinstance(result, Completion)
    assert result.lost.cost_usd is None, "a dropped connection may have been billed"
    result, _ = run(malformed, answer("cut", kind="truncated"))
    assert isinstance(result, Completion)
    assert (result.kind, result.lost) == ("truncated", Usage(10, 5, 0, 0.5))
    for last in (malformed, BudgetReached("used up"), BadRequest("no"), ProviderUnusable("wrong key")):
        failed, _ = run(malformed, last, tries=2, has_answered=True)
        assert type(failed) is type(last)
        assert isinstance(failed, Retryable | BudgetReached | BadRequest | ProviderUnusable)
        assert failed.usage == Usage(10, 5, 0, 0.5) + (last.usage or Usage())
    assert malformed.usage == Usage(10, 5, 0, 0.5), "a raised error is not changed afterwards"


def test_an_endpoint_that_never_answered_and_cannot_be_reached_is_unusable() -> None:
    result, bench = run(*[Unreachable("nothing answers at x")] * 3)
    assert isinstance(result, ProviderUnusable)
    assert not isinstance(result, EndpointDown)
    assert (result.setting, str(result)) == (
        "base_url",
        "nothing answers at x; start the endpoint, or correct its address",
    )
    assert len(bench.inner.requests) == 3


def test_a_long_pause_ends_the_run() -> None:
    result, bench = run(Retryable("HTTP 429: no more today", kind="rate-limited", retry_after=86_400.0))
    assert isinstance(result, EndpointDown)
    assert str(result) == "the endpoint asks for a pause of 24 hours: HTTP 429: no more today"
    assert bench.pauses == []


def test_a_pause_in_minutes_is_told_in_minutes() -> None:
    result, _ = run(Retryable("x", kind="rate-limited", retry_after=1_800.0))
    assert str(result) == "the endpoint asks for a pause of 30 minutes: x"


def test_a_timeout_is_retried_once_because_it_may_be_billed() -> None:
    result, bench = run(*[Retryable("no answer", kind="timeout")] * 5, tries=5)
    assert isinstance(result, Retryable)
    assert len(bench.inner.requests) == 2
    _, bench = run(Retryable("no answer", kind="timeout"), tries=1)
    assert len(bench.inner.requests) == 1


UNAUTHORIZED = Denied("the endpoint rejected the key", reply=ErrorReply(401))


def test_a_rejected_key_is_retried_once() -> None:
    result, bench = run(UNAUTHORIZED, answer("so"))
    assert isinstance(result, Completion)
    assert (len(bench.inner.requests), bench.pauses) == (2, [1.0])
    result, bench = run(*[UNAUTHORIZED] * 3)
    assert isinstance(result, Denied)
    assert len(bench.inner.requests) == 2


@pytest.mark.parametrize(
    "error", [BadRequest("too long", reply=ErrorReply(400)), Denied("blocked", reply=ErrorReply(403))]
)
def test_a_rejected_request_is_not_repeated_and_ends_no_run(error: BadRequest) -> None:
    result, bench = run(error)
    assert (type(result), str(result), len(bench.inner.requests)) == (type(error), str(error), 1)
    result, _ = run(Retryable("x"), error)
    assert isinstance(result, type(error))


def test_a_stop_ends_a_back_off_at_once() -> None:
    async def main() -> float:
        bench = Bench([Retryable("x", retry_after=50.0), answer()], 3)
        asyncio.get_running_loop().call_later(5, bench.stop.request)
        with pytest.raises(Interrupted):
            await bench.sender.send(request())
        assert len(bench.inner.requests) == 1
        return bench.pacer.now()

    assert simulate(main()) == 5


def test_retries_are_logged_without_keys_or_prompts(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "qtgen.llm"):
        run(Retryable("HTTP 500", retry_after=2.0), answer())
    assert [record.message for record in caplog.records] == ["attempt 1 failed (HTTP 500); the next one in 2.0 s"]
