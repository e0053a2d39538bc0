"""Claiming requests and recording their responses: nothing is sent twice, and nothing that was paid for is lost."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from qtgen.errors import LedgerError
from qtgen.llm.ledger import Changes, Ledger, Work
from qtgen.llm.ledger.claims import KINDS
from qtgen.llm.ledger.tables import attempts
from qtgen.llm.ledger.types import BUSY, MINE
from qtgen.llm.sender import Attempt
from qtgen.llm.types import Usage
from support.ledgers import KEYS, USAGE, claim, end_process, judge, record_answer


def test_an_answer_is_paid_for_once(ledgers: list[Ledger]) -> None:
    mine, other = ledgers
    assert claim(mine, KEYS[:1]) == {KEYS[0].digest: MINE}
    assert claim(other, KEYS[:1]) == {KEYS[0].digest: BUSY}
    record_answer(mine, KEYS[0], "so it is\0")
    found = claim(other, KEYS[:1])[KEYS[0].digest].completion
    assert found
    assert found.text == "so it is\ufffd"
    assert (found.reused, found.usage, found.run, found.key) == (True, USAGE, mine.run, KEYS[0].digest)
    assert claim(other, KEYS[:1], fresh=True) == {KEYS[0].digest: MINE}


def test_fresh_runs_that_share_a_list_reuse_the_answers_of_their_group(url: str) -> None:
    found = []
    for name, shares in (("old", True), ("list", True), ("list", True), ("list", False)):
        ledger = Ledger(url)
        ledger.begin(Work("generate", name, shares_answers=shares))
        found.append(ledger)
    earlier, dead, heir, repeat = found
    record_answer(earlier, KEYS[0], "an older answer")
    claim(dead, KEYS[1:2])
    record_answer(dead, KEYS[1], "an answer of the group")
    end_process(dead)
    claims = claim(heir, KEYS[:2], fresh=True)
    assert claims[KEYS[0].digest] == MINE
    assert (answer := claims[KEYS[1].digest].completion)
    assert answer.text == "an answer of the group"
    assert claim(repeat, KEYS[1:2], fresh=True) == {KEYS[1].digest: MINE}, "repeats of an evaluation share no answers"
    for ledger in found:
        ledger.close()


def test_of_two_runs_that_claim_at_once_each_gets_other_requests(ledgers: list[Ledger]) -> None:
    ready = threading.Barrier(2)

    def claim_all(ledger: Ledger, step: int) -> list[bytes]:
        ready.wait()
        return [digest for key in KEYS[::step] for digest, found in claim(ledger, [key]).items() if found == MINE]

    with ThreadPoolExecutor() as pool:
        first, second = pool.map(claim_all, ledgers, (1, -1))
    assert len(first) + len(second) == len(KEYS)
    assert set(first) | set(second) == {key.digest for key in KEYS}


def test_claims_of_a_dead_run_are_free(ledgers: list[Ledger]) -> None:
    mine, other = ledgers
    claim(mine, KEYS[:1])
    end_process(mine)
    assert claim(other, KEYS[:1]) == {KEYS[0].digest: MINE}


def test_a_claim_that_is_released_is_free(ledgers: list[Ledger]) -> None:
    mine, other = ledgers
    claim(mine, KEYS[:2])
    other.commit(Changes(releases=[KEYS[0].digest]))
    assert claim(other, KEYS[:1]) == {KEYS[0].digest: BUSY}, "only its owner can release it"
    mine.commit(Changes(releases=[KEYS[0].digest]))
    assert claim(other, KEYS[:2]) == {KEYS[0].digest: MINE, KEYS[1].digest: BUSY}


@pytest.mark.parametrize(("state", "kind"), [*KINDS.items()])
def test_every_response_except_a_faulty_one_is_reused(ledgers: list[Ledger], state: str, kind: str) -> None:
    mine, other = ledgers
    claim(mine, KEYS[:1])
    record_answer(mine, KEYS[0], "so", kind)
    if state == "rejected":
        judge(mine, KEYS[0], state)
    found = claim(other, KEYS[:1])[KEYS[0].digest].completion
    assert found
    assert (found.text, found.kind, found.usage, found.run) == ("so", kind, USAGE, mine.run)
    assert other.answered([KEYS[0].digest]) == {KEYS[0].digest}
    assert other.facts("m").faulty == (0.0 if state == "done" else 1.0)
    judge(other, KEYS[0], "faulty", found.run)
    judge(mine, KEYS[0], "rejected")
    assert other.answered([KEYS[0].digest]) == set()
    assert claim(other, KEYS[:1]) == {KEYS[0].digest: MINE}


def test_a_suspended_run_takes_nothing_from_the_one_that_took_over(ledgers: list[Ledger]) -> None:
    suspended, other = ledgers
    claim(suspended, KEYS[:2])
    end_process(suspended)
    assert set(claim(other, KEYS[:2]).values()) == {MINE}
    suspended.commit(Changes(releases=[KEYS[0].digest]))  # a claim that is not its own any more
    record_answer(other, KEYS[0], "paid")
    judge(suspended, KEYS[0], "faulty")
    assert other.answered([KEYS[0].digest]) == {KEYS[0].digest}
    other.commit(Changes(releases=[KEYS[1].digest]))
    record_answer(suspended, KEYS[1], "paid as well")
    assert other.answered([KEYS[1].digest]) == {KEYS[1].digest}


def test_an_old_answer_stays_until_a_fresh_one_is_there(ledgers: list[Ledger]) -> None:
    mine, other = ledgers
    claim(mine, KEYS[:1])
    record_answer(mine, KEYS[0], "first")
    assert claim(other, KEYS[:1], fresh=True) == {KEYS[0].digest: MINE}
    other.commit(Changes(releases=[KEYS[0].digest]), fresh=True)  # it got no answer
    assert mine.answered([KEYS[0].digest]) == {KEYS[0].digest}
    record_answer(other, KEYS[0], "second")
    found = claim(mine, KEYS[:1])[KEYS[0].digest].completion
    assert found
    assert found.text == "second"


def test_a_transaction_that_fails_leaves_nothing_behind(ledgers: list[Ledger]) -> None:
    ledger = ledgers[0]
    claim(ledger, KEYS[:1])
    impossible = Attempt(KEYS[0], 0.0, 0.0, None, USAGE)  # type: ignore[arg-type]
    with pytest.raises(LedgerError):
        ledger.commit(Changes(attempts=[impossible], releases=[KEYS[0].digest]))
    with ledger._database.write() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(attempts)).scalar() == 0
    assert claim(ledgers[1], KEYS[:1]) == {KEYS[0].digest: BUSY}


@pytest.mark.parametrize("usage", [Usage(10**30, 1), Usage(1, 2**63)])
def test_a_value_that_no_database_can_hold_is_a_ledger_error(ledgers: list[Ledger], usage: Usage) -> None:
    with pytest.raises(LedgerError, match="the ledger cannot be used"):
        ledgers[0].commit(Changes(attempts=[Attempt(KEYS[0], 0.0, 0.0, "ok", usage)]))


def test_lone_surrogates_are_recorded_as_escapes(ledgers: list[Ledger]) -> None:
    claim(ledgers[0], KEYS[:1])
    record_answer(ledgers[0], KEYS[0], '{"a": "\ud83d"}')
    found = claim(ledgers[1], KEYS[:1])[KEYS[0].digest].completion
    assert found
    assert found.text == '{"a": "\\ud83d"}'
