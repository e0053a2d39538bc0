"""Batches in the ledger, on SQLite and PostgreSQL."""

import uuid
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from qtgen.errors import ErrorReply
from qtgen.llm.ledger import Claim, Ledger
from qtgen.llm.ledger.batch_types import BatchRecord, BatchState, LostClaims, SettledRequest
from qtgen.llm.ledger.tables import requests
from qtgen.llm.types import Completion
from support.ledgers import KEYS, USAGE, claim, end_process, record_answer

MINE = Claim()


def record(ledger: Ledger, count: int, **changes: Any) -> BatchRecord:
    first = BatchRecord(
        uuid.uuid4().hex, "p" * 64, "m", ledger.run, BatchState.PREPARED, "{}", count, 100, 10, set_aside_usd=2.0
    )
    return replace(first, **changes)


def submitted(ledger: Ledger, count: int, **options: Any) -> BatchRecord:
    """Claim the first keys and submit them in a batch."""
    claim(ledger, KEYS[:count], **options)
    batch = record(ledger, count)
    ledger.batches.add(batch, [key.digest for key in KEYS[:count]], fresh=options.get("fresh", False))
    assert ledger.batches.submitted(batch.id, "remote", "validating")
    return batch


def answered(number: int, text: str = "yes") -> SettledRequest:
    return SettledRequest(KEYS[number].digest, "ok", USAGE, Completion(text, "m", USAGE))


def state(ledger: Ledger, number: int) -> str | None:
    with ledger._database.read() as connection:
        query = sa.select(requests.c.state).where(requests.c.key == KEYS[number].digest)
        return connection.scalar(query)


def test_requests_in_a_batch_belong_to_it_whichever_run_is_alive(ledgers: list[Ledger]) -> None:
    first, second = ledgers
    batch = submitted(first, 3)
    end_process(first)
    for fresh in (False, True):
        found = claim(second, KEYS[:4], fresh=fresh)
        assert [found[key.digest].batch for key in KEYS[:4]] == [batch.id] * 3 + [""]
    assert first.batches.pending(batch.id) == 3
    assert [one.id for one in second.batches.records(states=[BatchState.SUBMITTED], models=["m"])] == [batch.id]
    assert second.batches.records(place="q" * 64) == []


def test_settling_twice_changes_nothing(ledgers: list[Ledger]) -> None:
    first, second = ledgers
    batch = submitted(first, 4)
    results = [
        answered(0),
        SettledRequest(KEYS[1].digest, "bad-request", reply=ErrorReply(400, "no")),
        SettledRequest(KEYS[2].digest, "unavailable", USAGE),
    ]
    assert len(first.batches.settle(batch.id, results)) == 3
    assert second.batches.settle(batch.id, [*results[:1], answered(3)]) == {KEYS[3].digest}
    assert second.batches.settle("nosuch", results) == set()
    assert [state(first, number) for number in range(4)] == ["done", "failed", None, "done"]
    stored = first.batches.record(batch.id)
    assert stored is not None
    assert (stored.collected, stored.answered, stored.cost_usd, stored.unpriced) == (4, 2, 1.5, 0)
    assert sum(row.attempts for row in first.spending()) == 4
    assert first.batches.close(batch.id, BatchState.COLLECTED) == 0
    assert first.batches.settle(batch.id, results) == set()
    found = claim(second, KEYS[:3])
    assert found[KEYS[0].digest].completion is not None
    assert (found[KEYS[1].digest], found[KEYS[2].digest]) == (MINE, MINE)


def test_rejections_keep_the_endpoints_words(ledgers: list[Ledger]) -> None:
    first, second = ledgers
    batch = submitted(first, 1)
    reply = ErrorReply(400, "no such field", "invalid_request_error", "unknown", "grammar")
    first.batches.settle(batch.id, [SettledRequest(KEYS[0].digest, "bad-request", reply=reply)])
    assert second.batches.rejections(["m"])[KEYS[0].digest].reply == reply
    assert second.batches.rejections(["other"]) == {}


def test_closing_frees_what_has_no_result_once(ledgers: list[Ledger]) -> None:
    first, second = ledgers
    batch = submitted(first, 600)
    first.batches.settle(batch.id, [answered(0)])
    assert second.batches.close(batch.id, BatchState.CANCELLED, expected=(BatchState.PREPARED,)) == 0
    assert second.batches.close(batch.id, BatchState.COLLECTED) == 599
    assert first.batches.close(batch.id, BatchState.LOST) == 0
    assert not first.batches.update(batch.id, status="x")
    assert (state(first, 0), state(first, 1)) == ("done", None)
    stored = first.batches.record(batch.id)
    assert stored is not None
    assert (stored.state, stored.left_aside_usd, stored.is_unfinished) == (BatchState.COLLECTED, 0.0, False)


def test_claims_that_another_run_has_taken_over_are_not_submitted(ledgers: list[Ledger]) -> None:
    first, second = ledgers
    claim(first, KEYS[:3])
    end_process(first)
    claim(second, KEYS[1:2])
    batch = record(first, 3)
    with pytest.raises(LostClaims):
        first.batches.add(batch, [key.digest for key in KEYS[:3]])
    assert first.batches.record(batch.id) is None
    assert [state(first, number) for number in range(3)] == ["open"] * 3


def test_a_fresh_batch_that_is_given_up_leaves_the_older_answer(ledgers: list[Ledger]) -> None:
    first, second = ledgers
    for number, kind in enumerate(["ok", "refused"]):
        claim(first, KEYS[number : number + 1])
        record_answer(first, KEYS[number], "old", kind)
    batch = submitted(second, 2, fresh=True)
    assert claim(first, KEYS[:1])[KEYS[0].digest].batch == batch.id
    assert second.batches.close(batch.id, BatchState.CANCELLED) == 2
    completion = claim(first, KEYS[:1])[KEYS[0].digest].completion
    assert completion is not None
    assert completion.text == "old"
    assert state(first, 1) is None


def test_a_fresh_run_does_not_ask_again_for_what_its_own_batches_brought(ledgers: list[Ledger]) -> None:
    first, second = ledgers
    batch = submitted(first, 1)
    first.batches.settle(batch.id, [answered(0)])
    assert claim(second, KEYS[:1], fresh=True)[KEYS[0].digest] == MINE
    first.own_batches.add(batch.id)
    assert claim(first, KEYS[:1], fresh=True)[KEYS[0].digest].completion is not None


def test_a_prepared_batch_is_abandoned_once_its_run_is_dead(ledgers: list[Ledger]) -> None:
    first, second = ledgers
    claim(first, KEYS[:1])
    batch = record(first, 1)
    first.batches.add(batch, [KEYS[0].digest])
    assert second.batches.abandoned([batch]) == []
    end_process(first)
    assert second.batches.abandoned([batch]) == [batch]
    assert first.batches.abandoned([batch]) == []
    assert 0 <= second.batches.age(second.batches.records()[0]) < 60
    second.batches.close(batch.id, BatchState.LOST, expected=(BatchState.PREPARED,))
    assert not first.batches.submitted(batch.id, "remote", "validating"), "its requests are free already"


def test_a_scope_keeps_its_token_until_it_is_renewed(ledgers: list[Ledger]) -> None:
    first, second = ledgers
    token = first.batches.scope("eval core", renew=False)
    assert second.batches.scope("eval core", renew=False) == token
    assert second.batches.scope("eval core", renew=True) != token
    assert second.batches.scope("eval other", renew=True) != token


def test_latencies_of_batches_say_nothing_about_live_requests(ledgers: list[Ledger]) -> None:
    first, _ = ledgers
    claim(first, KEYS[5:6])
    record_answer(first, KEYS[5], "live")
    batch = submitted(first, 2)
    first.batches.settle(batch.id, [answered(0)])
    facts = first.facts("m")
    assert facts.faulty == 0
    assert facts.latency == pytest.approx(0.1)


def test_answers_are_counted_by_prompt_and_by_who_asks_for_them(ledgers: list[Ledger]) -> None:
    first, _ = ledgers
    batch = submitted(first, 3)
    first.batches.settle(batch.id, [answered(0), answered(1)])
    assert first.batches.answers_by_template([batch.id]) == {("explain", "t"): 2}
    assert first.batches.unasked([batch.id], {KEYS[0].digest}) == 1
    assert first.batches.owners([key.digest for key in KEYS[:4]]) == {key.digest: batch.id for key in KEYS[:3]}
