"""A client: the whole stack above a scripted transport."""

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

from qtgen._util.concurrency import Stop
from qtgen.errors import (
    BadRequest,
    BudgetReached,
    Filtered,
    Interrupted,
    NoAnswer,
    Refused,
    Retryable,
    Truncated,
    Unreachable,
)
from qtgen.llm.budget import Budget
from qtgen.llm.client import Client, ClientStats
from qtgen.llm.endpoint import Endpoint
from qtgen.llm.ledger import Ledger, open_writer
from qtgen.llm.pacing import AdaptiveLimiter, Pacer
from qtgen.llm.types import Completion, Prompt
from support.senders import FREE, PRICED, USAGE, ScriptedSender, SlowSender, answer
from support.simulated import simulate


def make_client(transport: Any, endpoint: Endpoint = PRICED, **options: Any) -> Client:
    return Client(transport, endpoint, Pacer(AdaptiveLimiter(4)), **options)


def complete(prompt: Prompt, *script: Completion | Exception, **options: Any) -> Completion:
    async def main() -> Completion:
        return await make_client(ScriptedSender(*script), **options).complete(prompt)

    return simulate(main())


def test_an_answer_comes_back_with_what_earlier_attempts_used(prompt: Prompt) -> None:
    found = complete(prompt, Retryable("x", kind="malformed", usage=USAGE), answer("so"))
    assert (found.text, found.usage, found.lost) == ("so", USAGE, USAGE)


@pytest.mark.parametrize("error", [Truncated, Refused, Filtered])
def test_a_final_response_without_an_answer_is_an_error_with_its_completion(
    prompt: Prompt, error: type[NoAnswer]
) -> None:
    message = "the answer was cut off at the token limit; raise `max_tokens`" if error is Truncated else "the reason"
    with pytest.raises(error, match=f"^{message}$") as caught:
        complete(prompt, Retryable("x", kind="malformed", usage=USAGE), answer("the reason", kind=error.kind))
    assert caught.value.usage == USAGE
    assert (caught.value.completion.text, caught.value.completion.lost) == ("the reason", USAGE)


def test_a_recorded_refusal_raises_the_same_error_again(prompt: Prompt, tmp_path: Path) -> None:
    async def main() -> tuple[list[str], ClientStats, int]:
        ledger, transport = Ledger(str(tmp_path / "ledger.sqlite")), ScriptedSender(answer("no", kind="refused"))
        errors = []
        async with open_writer(ledger, fresh=False) as writer:
            client = make_client(transport, writer=writer)
            for _ in range(2):
                with pytest.raises(Refused) as caught:
                    await client.complete(prompt)
                errors.append(f"{caught.value} {caught.value.completion.reused}")
        ledger.close()
        return errors, client.stats(), len(transport.requests)

    errors, stats, sent = asyncio.run(main())
    assert (errors, sent) == (["no False", "no True"], 1)
    assert (stats.attempts, stats.reused) == ({"refused": 1}, 1)


def test_rejected_and_forgotten_answers_are_recorded(prompt: Prompt, tmp_path: Path) -> None:
    async def main() -> ClientStats:
        ledger = Ledger(str(tmp_path / "ledger.sqlite"))
        async with open_writer(ledger, fresh=False) as writer:
            client = make_client(ScriptedSender(answer(), answer()), writer=writer)
            completion = await client.complete(prompt)
            client.reject(completion)
            reused = await client.complete(prompt)
            client.reject(reused)
            assert reused.reused
            client.forget(completion)
            assert not (await client.complete(prompt)).reused, "a forgotten answer is requested again"
        ledger.close()
        return client.stats()

    stats = asyncio.run(main())
    assert (stats.rejected, stats.reused, stats.attempts) == (1, 1, {"ok": 2})


def test_without_a_ledger_judgements_are_only_counted(prompt: Prompt) -> None:
    async def main() -> ClientStats:
        client = make_client(ScriptedSender(answer()))
        completion = await client.complete(prompt)
        client.reject(completion)
        client.forget(completion)
        return client.stats()

    assert simulate(main()).rejected == 1


def test_a_budget_counts_what_the_request_really_asks_for(prompt: Prompt) -> None:
    def spent(extra: dict[str, Any], base_url: str | None = None) -> float:
        budget = Budget(1.0)
        endpoint = Endpoint("scripted", "m", base_url, extra=extra, price_input=0.0, price_output=10.0)
        with pytest.raises((Retryable, BudgetReached)):
            complete(prompt, Retryable("x", kind="dropped"), tries=1, budget=budget, endpoint=endpoint)
        return budget.spent

    assert spent({}) == pytest.approx(1_200 * 10 / 1e6)
    assert spent({"max_tokens": 60_000}) == pytest.approx(60_000 * 10 / 1e6)
    assert spent({"max_completion_tokens": 60_000}, "http://x/v1") == pytest.approx(60_000 * 10 / 1e6)
    assert spent({"n": 4}) == pytest.approx(4 * 1_200 * 10 / 1e6)
    assert spent({"n": 100}) == 0.0, "it is not sent"


def test_stats_show_what_is_in_flight_and_what_it_waits_for(prompt: Prompt) -> None:
    async def main() -> list[ClientStats]:
        client = make_client(SlowSender(30, lambda _: answer()), FREE)
        snapshots = [client.stats()]
        task = asyncio.create_task(client.complete(prompt))
        await asyncio.sleep(15)
        snapshots.append(client.stats())
        await task
        await asyncio.sleep(30)
        snapshots.append(client.stats())
        return snapshots

    before, during, after = simulate(main())
    assert before == ClientStats("m", {}, concurrency=4, max_concurrency=4)
    assert (during.in_flight, during.attempts) == (1, {})
    assert (after.in_flight, after.attempts, after.waiting_for) == (0, {"ok": 1}, "")
    assert after.tokens_per_minute == pytest.approx(150 * 60 / 30, rel=0.1), "150 tokens since the first attempt ended"


@pytest.mark.parametrize(
    ("failure", "waiting_for"),
    [(Retryable("x", kind="rate-limited", retry_after=20.0), "limit"), (Unreachable("gone"), "outage")],
)
def test_stats_say_why_nothing_starts(prompt: Prompt, failure: Exception, waiting_for: str) -> None:
    async def main() -> ClientStats:
        client = make_client(ScriptedSender(answer(), failure, failure, answer(), answer()))
        await client.complete(prompt)
        tasks = [asyncio.create_task(client.complete(prompt)) for _ in range(2)]
        await asyncio.sleep(0.5)
        stats = client.stats()
        await asyncio.gather(*tasks)
        assert client.stats().waiting_for == ""
        return stats

    stats = simulate(main())
    assert stats.waiting_for == waiting_for
    assert stats.waiting_seconds > 0


def test_after_a_stop_no_request_is_made(prompt: Prompt) -> None:
    async def main() -> int:
        stop, transport = Stop(), ScriptedSender(answer(), answer())
        client = make_client(transport, stop=stop)
        await client.complete(prompt)
        stop.request()
        with pytest.raises(Interrupted):
            await client.complete(prompt)  # a repair, or the next model
        return len(transport.requests)

    assert simulate(main()) == 1


def test_the_log_contains_no_key_and_no_text(prompt: Prompt, caplog: pytest.LogCaptureFixture) -> None:
    endpoint = Endpoint("openai", "m", api_key="sk-secret", price_input=1.0, price_output=1.0)
    with caplog.at_level(logging.DEBUG, "qtgen"):
        complete(prompt, Retryable("HTTP 500"), answer("the secret answer"), endpoint=endpoint)
    assert caplog.text.count("request ") == 2
    assert "secret" not in caplog.text
    assert "osmosis" not in caplog.text.lower()


def test_one_rejected_request_among_others_fails_alone(prompt: Prompt) -> None:
    async def main() -> list[type[Any]]:
        script = {1: BadRequest("too long"), 3: BadRequest("too long")}
        client = make_client(SlowSender(0.01, lambda number: script.get(number) or answer()))
        results = await asyncio.gather(*(client.complete(prompt) for _ in range(3)), return_exceptions=True)
        return [type(result) for result in results]

    assert simulate(main()) == [BadRequest, Completion, BadRequest]
