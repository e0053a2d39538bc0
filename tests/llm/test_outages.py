"""Whole clients against endpoints that go down, in simulated time."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable

import pytest

from qtgen.errors import EndpointDown, ErrorReply, ProviderUnusable, Retryable, Unreachable
from qtgen.llm.client import Client
from qtgen.llm.pacing import AdaptiveLimiter, Pacer
from qtgen.llm.sender import Request
from qtgen.llm.types import Completion, Message, Prompt
from support.senders import FREE, answer
from support.simulated import simulate

Behaviour = Callable[[float, str], Completion | Exception]
WORKERS = 8


def prompt(name: str) -> Prompt:
    return Prompt(name, 1, "points", (Message("user", name),), {}, {"max_tokens": 100}, "d", "w" * 8, "s" * 8)


class Result:
    """What came of a run: outcomes by page, the simulated seconds that it took, and the requests by second."""

    def __init__(self) -> None:
        self.outcomes: dict[str, str] = {}
        self.seconds = 0.0
        self.sent: list[float] = []
        self.fatal: Exception | None = None


def run(behaviour: Behaviour, pages: int = 40, tries: int = 5, workers: int = WORKERS) -> Result:
    """Complete pages with several workers, as the pipeline does: an unusable provider ends the run."""
    result = Result()

    class Endpoint:
        async def send(self, request: Request) -> Completion:
            now = asyncio.get_running_loop().time()
            result.sent.append(now)
            await asyncio.sleep(0.1)
            step = behaviour(now, request.key.prompt)
            if isinstance(step, Exception):
                raise step
            return step

    async def main() -> None:
        client = Client(Endpoint(), FREE, Pacer(AdaptiveLimiter(64)), tries=tries)
        names = iter([f"page {number}" for number in range(pages)])

        async def work() -> None:
            for name in names:
                try:
                    await client.complete(prompt(name))
                    result.outcomes[name] = "ok"
                except ProviderUnusable:
                    raise
                except Retryable as error:
                    result.outcomes[name] = error.kind

        tasks = [asyncio.create_task(work()) for _ in range(workers)]
        done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in pending:
            task.cancel()
        result.fatal = next((error for task in done if isinstance(error := task.exception(), Exception)), None)
        result.seconds = asyncio.get_running_loop().time()

    simulate(main())
    return result


def down_between(begin: float, end: float, error: Exception) -> Behaviour:
    return lambda now, _: error if begin <= now < end else answer()


@pytest.mark.parametrize("error", [Retryable("HTTP 502: bad gateway"), Unreachable("nothing answers at x")])
@pytest.mark.parametrize("workers", [1, 2, 8])
def test_an_outage_of_some_minutes_fails_no_page(error: Exception, workers: int) -> None:
    result = run(down_between(0.3, 240.0, error), pages=100, workers=2 * workers)
    assert (result.fatal, Counter(result.outcomes.values())) == (None, {"ok": 100})
    probes = [second for second in result.sent if 10 < second < 240]
    assert 15 <= len(probes) <= 60, "one request at a time looks whether it is over"
    assert result.seconds < 260


def unavailable(status: int = 502) -> Retryable:
    return Retryable(f"HTTP {status}", reply=ErrorReply(status))


@pytest.mark.parametrize("pages", [25, 40])
def test_endless_server_errors_end_the_run_after_five_minutes_and_fail_no_page(pages: int) -> None:
    result = run(down_between(0.3, 1e9, unavailable()), pages=pages)
    assert isinstance(result.fatal, EndpointDown)
    assert str(result.fatal) == "the endpoint has been down for 5 minutes: HTTP 502"
    assert set(result.outcomes.values()) <= {"ok"}
    assert 300 <= result.seconds < 330
    assert len(result.sent) < 120


@pytest.mark.parametrize(("status", "seconds", "words"), [(500, 60, "60 seconds"), (503, 300, "5 minutes")])
def test_an_endpoint_that_never_answered_is_waited_for_longer_if_it_is_starting(
    status: int, seconds: int, words: str
) -> None:
    result = run(down_between(0.0, 1e9, unavailable(status)))
    assert isinstance(result.fatal, EndpointDown)
    assert str(result.fatal) == f"the endpoint has not answered any request for {words}: HTTP {status}"
    assert result.outcomes == {}
    assert seconds <= result.seconds < seconds + 30


@pytest.mark.parametrize("status", [502, 503, 504])
def test_the_last_page_waits_for_a_gateway_whose_server_is_down(status: int) -> None:
    result = run(down_between(0.05, 60.0, unavailable(status)), pages=2, workers=1)
    assert (result.fatal, result.outcomes) == (None, {"page 0": "ok", "page 1": "ok"})


def test_a_page_that_always_fails_at_a_gateway_is_failed_while_others_succeed() -> None:
    def poisoned(_: float, page: str) -> Completion | Exception:
        return unavailable() if page == "page 7" else answer()

    result = run(poisoned, pages=400, workers=2)
    assert (result.fatal, result.outcomes.pop("page 7")) == (None, "unavailable")
    assert set(result.outcomes.values()) == {"ok"}


def test_endless_server_errors_fail_no_page_even_with_few_tries() -> None:
    result = run(down_between(0.0, 1e9, Retryable("HTTP 503")), tries=2)
    assert isinstance(result.fatal, EndpointDown)
    assert result.outcomes == {}


def test_a_page_that_always_fails_is_failed_while_others_succeed() -> None:
    def poisoned(_: float, page: str) -> Completion | Exception:
        return Retryable("HTTP 500") if page == "page 7" else answer()

    result = run(poisoned)
    assert (result.fatal, result.outcomes.pop("page 7")) == (None, "unavailable")
    assert set(result.outcomes.values()) == {"ok"}
    assert len(result.sent) == 39 + 5


def test_a_single_page_that_always_fails_is_failed() -> None:
    result = run(lambda *_: Retryable("HTTP 500"), pages=1)
    assert (result.fatal, result.outcomes) == (None, {"page 0": "unavailable"})


def test_random_server_errors_end_no_run() -> None:
    dice = random.Random(7)
    result = run(lambda *_: Retryable("HTTP 500") if dice.random() < 0.15 else answer(), pages=200)
    assert (result.fatal, Counter(result.outcomes.values())) == (None, {"ok": 200})


def test_a_rate_limit_is_no_outage() -> None:
    limit = Retryable("HTTP 429", kind="rate-limited", retry_after=2.0)
    result = run(down_between(0.3, 20.0, limit))
    assert (result.fatal, set(result.outcomes.values())) == (None, {"ok"})


def test_rate_limits_that_reject_everything_end_the_run_within_minutes() -> None:
    limit = Retryable("HTTP 429: too many", kind="rate-limited", retry_after=0.0)
    for begin in (0.0, 0.3):
        result = run(down_between(begin, 1e9, limit))
        assert isinstance(result.fatal, EndpointDown)
        assert str(result.fatal) == "rate limits have rejected every request for 3 minutes: HTTP 429: too many"
        assert set(result.outcomes.values()) <= {"ok"}
        assert 180 <= result.seconds < 240
        assert len(result.sent) < 90


@pytest.mark.parametrize("seconds", [25.0, 150.0])
@pytest.mark.parametrize("retry_after", [None, 0.0, 5.0])
def test_a_rate_limit_that_lasts_for_a_while_fails_no_page(seconds: float, retry_after: float | None) -> None:
    limit = Retryable("HTTP 429", kind="rate-limited", retry_after=retry_after)
    result = run(down_between(0.3, seconds, limit), pages=100)
    assert (result.fatal, Counter(result.outcomes.values())) == (None, {"ok": 100})
    assert result.seconds < seconds + 45


def test_a_short_timeout_ends_the_run_before_every_page_is_paid_for() -> None:
    result = run(lambda *_: Retryable("no answer within 5 s", kind="timeout", remedy="raise `timeout`"), pages=100)
    assert isinstance(result.fatal, ProviderUnusable)
    assert str(result.fatal) == "none of 12 attempts was answered: no answer within 5 s; raise `timeout`"
    assert len(result.sent) < 24
