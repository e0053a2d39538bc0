"""Queries over what the ledger has recorded."""

import pytest

from qtgen.llm.ledger import Changes, Ledger
from qtgen.llm.sender import Attempt
from qtgen.llm.types import Usage
from support.ledgers import KEYS, USAGE, claim, judge, record_answer

DAY = 86_400


def test_spending_is_summed_by_day_in_utc(ledgers: list[Ledger]) -> None:
    ledger, day = ledgers[0], 20_000 * DAY
    made = [Attempt(KEYS[0], time, 0.1, "ok", USAGE) for time in (day, day + DAY - 1, day + DAY)]
    made.append(Attempt(KEYS[0], day + 1, 0.1, "timeout", Usage(0, 0, 0, None)))
    ledger.commit(Changes(attempts=made))
    rows = {(row.day, row.kind): row for row in ledger.spending()}
    first = rows[20_000, "ok"]
    assert (first.attempts, first.cost_usd, first.completion_tokens, first.first) == (2, 1.0, 40, day)
    assert rows[20_001, "ok"].attempts == 1
    assert (rows[20_000, "timeout"].unpriced, rows[20_000, "timeout"].cost_usd) == (1, None)


def test_history_and_facts_of_a_model(ledgers: list[Ledger]) -> None:
    ledger = ledgers[0]
    claim(ledger, KEYS[:4])
    for key in KEYS[:4]:
        record_answer(ledger, key, "yes")
    judge(ledger, KEYS[0], "faulty")
    assert ledger.history("m", ["t"]) == [("explain", 10, 10, 20)] * 4
    for number, template in enumerate("tut", 4):
        key = KEYS[number]._replace(template=template, size=number)
        claim(ledger, [key])
        record_answer(ledger, key, "yes")
    assert [row[1] for row in ledger.history("m", ["t"], limit=3)] == [6, 4, 10], "the last ones, of this prompt"
    assert ledger.history("m", []) == []
    assert [*ledger.facts("m")] == pytest.approx([1 / 7, 0.1])
    assert ledger.answered([key.digest for key in KEYS]) == {key.digest for key in KEYS[1:7]}
    assert ledger.facts("other") == (0.0, None)


def test_the_pace_of_a_models_last_attempts(ledgers: list[Ledger]) -> None:
    ledger = ledgers[0]
    kinds = ("timeout", "ok", "rate-limited", "ok")
    made = [Attempt(KEYS[0], DAY + number, 1.0 + number, kind, USAGE) for number, kind in enumerate(kinds)]
    ledger.commit(Changes(attempts=made))
    assert ledger.pace("m") == ((4.0, 2.0), {"ok": 2, "timeout": 1, "rate-limited": 1})
    assert ledger.pace("m", 2) == ((4.0,), {"ok": 1, "rate-limited": 1})
    assert ledger.pace("other") == ((), {})
