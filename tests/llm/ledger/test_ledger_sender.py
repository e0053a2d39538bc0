"""The ledger's layer of the client."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from qtgen._util.concurrency import Stop
from qtgen.errors import LedgerError, Retryable
from qtgen.llm.ledger import Ledger, LedgerSender, open_writer
from qtgen.llm.types import Completion
from support.senders import USAGE, ScriptedSender, SlowSender, answer, request


def use(ledger: Ledger, body: Callable[[Any], Coroutine[Any, Any, Any]], *, fresh: bool = False) -> Any:
    """Run `body` with an open writer."""

    async def main() -> Any:
        async with open_writer(ledger, fresh=fresh) as writer:
            return await body(writer)

    return asyncio.run(asyncio.wait_for(main(), 30))


@pytest.mark.parametrize("kind", ["ok", "refused", "truncated", "filtered"])
def test_a_final_response_is_sent_for_once_and_then_reused(ledger: Ledger, kind: str) -> None:
    inner = ScriptedSender(answer("so", kind=kind))

    async def twice(writer: Any) -> list[Completion]:
        sender = LedgerSender(inner, writer, Stop())
        return [await sender.send(request()), await sender.send(request())]

    first, second = use(ledger, twice)
    assert (first.reused, second.reused) == (False, True)
    assert {(found.text, found.kind, found.usage, found.key) for found in (first, second)} == {
        ("so", kind, USAGE, request().key.digest)
    }
    assert len(inner.requests) == 1


def test_a_failure_is_not_recorded(ledger: Ledger) -> None:
    inner = ScriptedSender(Retryable("x"), answer())

    async def twice(writer: Any) -> Completion:
        sender = LedgerSender(inner, writer, Stop())
        with pytest.raises(Retryable):
            await sender.send(request())
        return await sender.send(request())

    assert use(ledger, twice).reused is False
    assert len(inner.requests) == 2


def test_a_cancelled_request_can_be_sent_again(ledger: Ledger) -> None:
    async def cancel(writer: Any) -> Completion:
        task = asyncio.create_task(LedgerSender(SlowSender(60), writer, Stop()).send(request()))
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return await LedgerSender(ScriptedSender(answer("second")), writer, Stop()).send(request())

    assert use(ledger, cancel).text == "second"


def test_an_answer_that_cannot_be_recorded_is_used_and_ends_the_run(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full_disk(*_: object) -> None:
        raise LedgerError("the ledger cannot be used: disk full")

    stop = Stop()

    async def send(writer: Any) -> Completion:
        monkeypatch.setattr(writer, "record_answer", full_disk)
        completion = await LedgerSender(ScriptedSender(answer("paid")), writer, stop).send(request())
        writer.release(request().key)
        return completion

    assert use(ledger, send).text == "paid"
    assert isinstance(stop.failure, LedgerError)
