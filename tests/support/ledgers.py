"""Requests and changes for tests of the ledger."""

import time

import sqlalchemy as sa

from qtgen.llm.endpoint import request_digest
from qtgen.llm.ledger import Batch, Claim, Judgement, Ledger
from qtgen.llm.ledger.tables import runs
from qtgen.llm.sender import Attempt, RequestKey
from qtgen.llm.types import Completion, Usage

KEYS = [RequestKey(request_digest("", b"%d" % number), "m", "explain", "t", 10) for number in range(600)]
USAGE = Usage(10, 20, 0, 0.5)


def claim(ledger: Ledger, keys: list[RequestKey], *, fresh: bool = False) -> dict[bytes, Claim]:
    return ledger.commit(Batch(claims=keys), fresh=fresh)


def record_answer(ledger: Ledger, key: RequestKey, text: str, kind: str = "ok") -> None:
    attempt = Attempt(key, time.time(), 0.1, kind, USAGE)
    ledger.commit(Batch(attempts=[attempt], answers={key: Completion(text, "m", USAGE, kind=kind)}))


def judge(ledger: Ledger, key: RequestKey, state: str, run: str = "") -> None:
    ledger.commit(Batch(judgements=[Judgement(key.digest, run, state)]))


def silence(ledger: Ledger) -> None:
    """Make a run look as if it has been suspended for a minute."""
    with ledger._engine.begin() as connection:
        connection.execute(sa.update(runs).where(runs.c.id == ledger.run).values(beat=time.time() - 60))
