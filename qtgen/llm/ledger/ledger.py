"""The ledger itself: one database, asked and written in transactions. Nothing here waits for anything else.

A request is claimed before it is sent and its answer committed before it is used, so whatever ends a run, the next one
sends again only what was in flight; and of two runs at once the second waits for what the first has claimed.
"""

import hashlib
import os
import platform
import time
import uuid
from collections.abc import Collection, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa

from qtgen.errors import LedgerError
from qtgen.llm.ledger.engine import open_engine, without_login
from qtgen.llm.ledger.tables import attempts, metadata, pages, prompts, requests, runs
from qtgen.llm.types import Completion, Usage
from qtgen.page.text import storable_text

BEAT = 4.0  # seconds between signs of life
_ALIVE = 15.0  # seconds after its last sign of life that a run counts as gone
_CHUNK = 500  # values in one `IN`


class RequestKey(NamedTuple):
    """What is asked: the hash of the exact bytes, and what they are of."""

    key: bytes
    model: str
    prompt: str
    template: str
    bytes: int


class Attempt(NamedTuple):
    """One time a request was sent. at: seconds since 1970; kind: `ok`, or that of the failure."""

    asked: RequestKey
    at: float
    seconds: float
    kind: str
    usage: Usage


class Judgement(NamedTuple):
    """What an answer was good for: `rejected` or `faulty`. run: that asked, empty: this one."""

    key: bytes
    run: str
    state: str


class Claim(NamedTuple):
    """What a claim finds. completion: the answer, if there is one; busy: another run waits for it."""

    completion: Completion | None = None
    busy: bool = False


class Facts(NamedTuple):
    """faulty: share of answers that could not be used; latency: of an answer, in seconds."""

    faulty: float
    latency: float | None


KINDS = {"done": "ok", "rejected": "ok", "cut": "truncated", "refused": "refused", "filtered": "filtered"}
"""The states of a request that has an answer which is used again, and the kind of each."""
_STATES = {kind: state for state, kind in reversed(KINDS.items())}

MINE = Claim()
BUSY = Claim(busy=True)


def key_of(place: str, body: bytes) -> bytes:
    """place: who is asked."""
    return hashlib.sha256(f"{place}\n".encode() + body).digest()


class Ledger:
    """url: of the database; a path makes an SQLite file. Raises LedgerError where it cannot be used."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.run = uuid.uuid4().hex
        self._beaten = 0.0
        self._engine = open_engine(url)
        with self._transaction() as connection:
            metadata.create_all(connection)

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except (sa.exc.SQLAlchemyError, OverflowError, UnicodeError) as error:  # drivers raise the last two as they are
            reason = " ".join(str(getattr(error, "orig", None) or error).split())
            hint = "; another program holds it" if "lock" in reason else ""
            raise LedgerError(f"the ledger cannot be used: {without_login(self._engine.url)}: {reason}{hint}") from None

    def begin(self) -> None:
        now = time.time()
        row = {"id": self.run, "started": now, "beat": now, "machine": _machine(), "pid": os.getpid()}
        with self._transaction() as connection:
            connection.execute(runs.insert(), row)

    def apply(
        self,
        claims: Sequence[RequestKey],
        tried: Sequence[Attempt],
        done: Mapping[RequestKey, Completion],
        judged: Sequence[Judgement],
        dropped: Sequence[bytes],
        fresh: bool,
    ) -> dict[bytes, Claim]:
        """All of it in one transaction; returns what each claim finds. fresh: answers of before do not count."""
        with self._transaction() as connection:
            if time.time() - self._beaten > BEAT:
                self._beaten = time.time()
                connection.execute(runs.update().where(runs.c.id == self.run).values(beat=self._beaten))
            if tried:
                connection.execute(attempts.insert(), [self._attempt_row(one) for one in tried])
            if done:
                self._keep(connection, done)
            if judged:
                self._judge(connection, judged)
            mine = requests.c.run == self.run, requests.c.state == "open"
            for some in _chunks(dropped):
                connection.execute(requests.delete().where(requests.c.key.in_(some), *mine))
            return self._claim(connection, claims, fresh) if claims else {}

    def _keep(self, connection: sa.Connection, done: Mapping[RequestKey, Completion]) -> None:
        """Whatever stands there: another run may have taken the claim of one that slept, and dropped it."""
        for some in _chunks([asked.key for asked in done]):
            connection.execute(requests.delete().where(requests.c.key.in_(some)))
        rows = [{**asked._asdict(), "run": self.run, **_answer(completion)} for asked, completion in done.items()]
        connection.execute(requests.insert(), rows)

    def _judge(self, connection: sa.Connection, judged: Sequence[Judgement]) -> None:
        """Only the very answer that was judged: another run may have a new one, or wait for it."""
        same = requests.c.key == sa.bindparam("of"), requests.c.run == sa.bindparam("by")
        for state, before in (("rejected", requests.c.state == "done"), ("faulty", requests.c.state != "open")):
            rows = [{"of": one.key, "by": one.run or self.run} for one in judged if one.state == state]
            if rows:
                connection.execute(requests.update().where(*same, before).values(state=state), rows)

    def _claim(self, connection: sa.Connection, claims: Sequence[RequestKey], fresh: bool) -> dict[bytes, Claim]:
        by_key = {asked.key: asked for asked in claims}
        known = {row.key: row for some in _chunks([*by_key]) for row in connection.execute(_select(some))}
        gone = self._gone(connection, {row.run for row in known.values() if row.state == "open"} - {self.run})
        found: dict[bytes, Claim] = {}
        new: list[RequestKey] = []
        for key, asked in by_key.items():
            row = known.get(key)
            if row is None:
                new.append(asked)
            elif row.state in KINDS:  # under --fresh the old answer stays until the new one is there
                found[key] = MINE if fresh and row.run != self.run else Claim(_completion(row))
            elif row.state == "open" and row.run != self.run and row.run not in gone:
                found[key] = BUSY
            else:  # faulty, stale, or of a run that is gone
                connection.execute(requests.delete().where(requests.c.key == key))
                new.append(asked)
        if new:
            rows = [{**one._asdict(), "state": "open", "run": self.run} for one in new]
            connection.execute(requests.insert(), rows)
        return found | dict.fromkeys((asked.key for asked in new), MINE)

    def _gone(self, connection: sa.Connection, owners: set[str]) -> set[str]:
        """Those of the runs that do not live any more."""
        if not owners:
            return set()
        alive = {
            row.id
            for row in connection.execute(sa.select(runs).where(runs.c.id.in_(owners)))
            if time.time() - row.beat < _ALIVE and (row.machine != _machine() or _lives(row.pid))
        }
        return owners - alive

    def _attempt_row(self, one: Attempt) -> dict[str, Any]:
        usage = one.usage
        return {
            "key": one.asked.key,
            "run": self.run,
            "model": one.asked.model,
            "at": one.at,
            "seconds": one.seconds,
            "kind": one.kind,
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
            "cached_tokens": usage.cached_tokens,
            "cost_usd": usage.cost_usd,
        }

    # --- ids and prompts ---------------------------------------------------------------------------------------------

    def ids_for(self, urls: Mapping[str, int | None], first: int, taken: Container[int] = ()) -> dict[str, int]:
        """The id of each page: the one it brings along, the one it has, or the next, not under `first` nor `taken`.

        All are kept, so that no other page is given one of them.
        """
        with self._transaction() as connection:
            rows = (row for some in _chunks([*urls]) for row in connection.execute(_pages(some)))
            found: dict[str, int] = {row.url: row.id for row in rows}
            highest = connection.execute(sa.select(sa.func.max(pages.c.id))).scalar() or 0
            brought = {url: given for url, given in urls.items() if given is not None and found.get(url) != given}
            _replace(connection, pages, pages.c.url, [{"url": url, "id": given} for url, given in brought.items()])
            found |= brought
            number, new = max(first - 1, highest), []
            for url in urls:
                if url not in found:
                    number += 1
                    while number in taken:
                        number += 1
                    found[url] = number
                    new.append({"url": url, "id": number})
            if new:
                connection.execute(pages.insert(), new)
        return found

    def holders(self, ids: Collection[int]) -> dict[int, str]:
        """Which of the ids a page has, and the url of one such."""
        with self._transaction() as connection:
            rows = (row for some in _chunks([*ids]) for row in connection.execute(_holders(some)))
            return {row.id: row.url for row in rows}

    def changed_prompts(self, now: Mapping[str, str]) -> set[str]:
        """Names of the prompts that are other than they last were. now: digest by name."""
        with self._transaction() as connection:
            before = {row.name: row.template for row in connection.execute(sa.select(prompts))}
        return {name for name, template in now.items() if before.get(name, template) != template}

    def keep_prompts(self, now: Mapping[str, str]) -> None:
        """How the prompts are that are used: digest by name."""
        rows = [{"name": name, "template": template} for name, template in now.items()]
        with self._transaction() as connection:
            _replace(connection, prompts, prompts.c.name, rows)

    # --- what is asked of it -----------------------------------------------------------------------------------------

    def known(self, keys: Sequence[bytes]) -> set[bytes]:
        """Those of the requests that have an answer."""
        with self._transaction() as connection:
            return {
                row.key for some in _chunks(keys) for row in connection.execute(_select(some)) if row.state in KINDS
            }

    def history(self, model: str, templates: Collection[str], most: int = 2_000) -> list[tuple[str, int, int, int]]:
        """Prompt, bytes sent, tokens sent and tokens received of a model's last answers to prompts of these digests."""
        columns = requests.c.prompt, requests.c.bytes, attempts.c.prompt_tokens, attempts.c.completion_tokens
        question = (
            sa.select(*columns)
            .join_from(attempts, requests, attempts.c.key == requests.c.key)
            .where(attempts.c.model == model, attempts.c.kind == "ok", requests.c.template.in_(templates))
            .order_by(attempts.c.number.desc())
            .limit(most)
        )
        with self._transaction() as connection:
            return [tuple(row) for row in connection.execute(question)]

    def facts(self, model: str) -> Facts:
        """How a model's requests fared so far."""
        states = (
            sa.select(requests.c.state, sa.func.count().label("total"))
            .where(requests.c.model == model)
            .group_by(requests.c.state)
        )
        of_ok = sa.select(sa.func.avg(attempts.c.seconds)).where(attempts.c.model == model, attempts.c.kind == "ok")
        with self._transaction() as connection:
            counts = {row.state: row.total for row in connection.execute(states)}
            latency = connection.execute(of_ok).scalar()
        judged = sum(counts.values()) - counts.get("open", 0)
        return Facts(1 - counts.get("done", 0) / judged if judged else 0.0, latency)

    def spending(self) -> Iterator[dict[str, Any]]:
        """One row a run, model and kind of outcome: how many attempts, their tokens, cost and seconds.

        `unpriced`: how many of them have a cost that is not known.
        """
        day = sa.cast(attempts.c.at, sa.BigInteger) // 86_400
        columns = attempts.c.run, attempts.c.model, attempts.c.kind, day.label("day")
        sums = [
            sa.func.sum(attempts.c[name]).label(name)
            for name in ("prompt_tokens", "completion_tokens", "cached_tokens", "cost_usd", "seconds")
        ]
        unpriced = sa.func.sum(sa.case((attempts.c.cost_usd.is_(None), 1), else_=0)).label("unpriced")
        question = sa.select(
            *columns, sa.func.count().label("attempts"), sa.func.min(attempts.c.at).label("first"), unpriced, *sums
        ).group_by(*columns)
        with self._transaction() as connection:
            for row in connection.execute(question):
                yield dict(row._mapping)


def _select(keys: Sequence[bytes]) -> sa.Select[Any]:
    return sa.select(requests).where(requests.c.key.in_(keys))


def _pages(urls: Sequence[str]) -> sa.Select[Any]:
    return sa.select(pages).where(pages.c.url.in_(urls))


def _holders(ids: Sequence[int]) -> sa.Select[Any]:
    return sa.select(pages).where(pages.c.id.in_(ids))


def _replace(connection: sa.Connection, table: sa.Table, key: sa.Column[Any], rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows, instead of those that have their keys."""
    for some in _chunks(rows):
        connection.execute(table.delete().where(key.in_([row[key.name] for row in some])))
        connection.execute(table.insert(), some)


def _chunks(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (values[at : at + _CHUNK] for at in range(0, len(values), _CHUNK))


def _answer(completion: Completion) -> dict[str, Any]:
    usage = completion.usage
    return {
        "state": _STATES[completion.kind],
        "answer": storable_text(completion.text),
        "served_by": completion.model,
        "request_id": completion.request_id,
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "cached_tokens": usage.cached_tokens,
        "cost_usd": usage.cost_usd,
    }


def _completion(row: Any) -> Completion:
    usage = Usage(row.prompt_tokens or 0, row.completion_tokens or 0, row.cached_tokens or 0, row.cost_usd)
    by, kind = row.served_by or row.model, KINDS[row.state]
    return Completion(row.answer or "", by, usage, row.request_id, kind=kind, run=row.run, key=row.key, reused=True)


def _machine() -> str:
    return hashlib.sha256(f"{platform.node()} {_boot()}".encode()).hexdigest()[:16]


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text()
    except OSError:
        return ""


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
