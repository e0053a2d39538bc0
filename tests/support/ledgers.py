"""Requests and changes for tests of the ledger."""

import subprocess
import sys
import time

import sqlalchemy as sa

from qtgen.llm.endpoint import request_digest
from qtgen.llm.ledger import Changes, Claim, Judgement, Ledger
from qtgen.llm.ledger.database import Database
from qtgen.llm.ledger.tables import runs
from qtgen.llm.sender import Attempt, RequestKey
from qtgen.llm.types import Completion, Usage

KEYS = [RequestKey(request_digest("", b"%d" % number), "m", "explain", "t", 10) for number in range(600)]
USAGE = Usage(10, 20, 0, 0.5)
OLDER = {
    "requests": ("reasoning_tokens", "reported_usd"),
    "attempts": ("reasoning_tokens", "reported_usd"),
    "runs": ("group_id", "ended"),
}
"""Columns that the first ledgers did not have."""


def claim(ledger: Ledger, keys: list[RequestKey], *, fresh: bool = False) -> dict[bytes, Claim]:
    return ledger.commit(Changes(claims=keys), fresh=fresh)


def record_answer(ledger: Ledger, key: RequestKey, text: str, kind: str = "ok") -> None:
    attempt = Attempt(key, time.time(), 0.1, kind, USAGE)
    ledger.commit(Changes(attempts=[attempt], answers={key: Completion(text, "m", USAGE, kind=kind)}))


def judge(ledger: Ledger, key: RequestKey, state: str, run: str = "") -> None:
    ledger.commit(Changes(judgements=[Judgement(key.digest, run, state)]))


def end_process(ledger: Ledger) -> None:
    """Make a run look as if its process has been killed."""
    finished = subprocess.Popen([sys.executable, "-c", ""])
    finished.wait()
    with ledger._database.write() as connection:
        connection.execute(sa.update(runs).where(runs.c.id == ledger.run).values(pid=finished.pid))


def make_older(url: str) -> None:
    """Remove from a ledger what its first version did not have."""
    database = Database(url)
    with database.write() as connection:
        connection.execute(sa.text("DROP INDEX attempts_once"))
        connection.execute(sa.text("CREATE INDEX attempts_by_run ON attempts (run)"))
        for table in ("schema", "dialects"):
            connection.execute(sa.text(f"DROP TABLE {table}"))
        for table, columns in OLDER.items():
            for column in columns:
                connection.execute(sa.text(f"ALTER TABLE {table} DROP COLUMN {column}"))
    database.close()
