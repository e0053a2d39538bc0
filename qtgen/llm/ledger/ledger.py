"""The ledger's database. Each method is one transaction, and none waits for anything but the database."""

import time
import uuid
from collections.abc import Collection, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager

import sqlalchemy as sa

from qtgen.errors import LedgerError
from qtgen.llm.ledger import allowances, claims, dialects, groups, page_ids, statistics
from qtgen.llm.ledger.allowances import RateDraw, RateGrant
from qtgen.llm.ledger.dialects import StoredDialect
from qtgen.llm.ledger.engine import open_engine, without_login
from qtgen.llm.ledger.group import LedgerGroup
from qtgen.llm.ledger.groups import Work
from qtgen.llm.ledger.liveness import BEAT, run_row
from qtgen.llm.ledger.statistics import Spending
from qtgen.llm.ledger.tables import create_tables, runs
from qtgen.llm.ledger.types import Batch, Claim, ModelFacts

_HISTORY = 2_000  # answers


class Ledger:
    """A ledger, opened for one run. Every method raises LedgerError if the database cannot be used.

    Args:
        url: URL of the database, or the path of an SQLite file.
        create: Whether to create tables that are missing.

    Raises SettingsError for a URL that cannot be used, and MissingExtra.
    """

    def __init__(self, url: str, *, create: bool = True) -> None:
        self.run = uuid.uuid4().hex
        self._last_beat = 0.0
        self._engine = open_engine(url)
        if create:
            with self._transaction() as connection:
                create_tables(connection)

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except (sa.exc.SQLAlchemyError, OverflowError, UnicodeError) as error:  # drivers raise the last two unwrapped
            reason = " ".join(str(getattr(error, "orig", None) or error).split())
            message = f"the ledger cannot be used: {without_login(self._engine.url)}: {reason}"
            remedy = "end the other program that has locked it" if "lock" in reason else None
            raise LedgerError(message, remedy=remedy) from None

    def begin(self) -> None:
        """Record the run, so that other runs know whose claims are still alive."""
        with self._transaction() as connection:
            connection.execute(runs.insert(), run_row(self.run))

    def join(self, work: Work) -> LedgerGroup:
        """Let the run join the live runs with the same work. Raises SettingsError if these have another budget."""
        with self._transaction() as connection:
            return LedgerGroup(self.run, groups.join(connection, self.run, work, time.time()), self._transaction)

    def end(self) -> None:
        """Record that the run has ended, so that no other run waits for it."""
        with self._transaction() as connection:
            groups.end(connection, self.run)

    def draw_rates(self, place: str, draws: Sequence[RateDraw]) -> list[RateGrant]:
        """Draw from the rate limits at an endpoint. See `allowances.draw_rates`."""
        with self._transaction() as connection:
            return allowances.draw_rates(connection, place, draws, time.time())

    def commit(self, batch: Batch, *, fresh: bool = False) -> dict[bytes, Claim]:
        """Commit a batch and return what came of its claims, by digest. If `fresh`, older answers are not reused."""
        with self._transaction() as connection:
            if time.time() - self._last_beat > BEAT:
                self._last_beat = time.time()
                connection.execute(runs.update().where(runs.c.id == self.run).values(beat=self._last_beat))
            if batch.attempts:
                claims.record_attempts(connection, self.run, batch.attempts)
            if batch.answers:
                claims.record_answers(connection, self.run, batch.answers)
            if batch.judgements:
                claims.judge(connection, self.run, batch.judgements)
            for (place, model), text in batch.dialects.items():
                dialects.record(connection, place, model, text)
            claims.release(connection, self.run, batch.releases)
            return claims.claim(connection, self.run, batch.claims, fresh=fresh) if batch.claims else {}

    def answered(self, digests: Sequence[bytes]) -> set[bytes]:
        """Return the digests of the requests whose response would be reused."""
        with self._transaction() as connection:
            return claims.answered(connection, digests)

    def dialect(self, place: str, model: str) -> StoredDialect | None:
        """Return what an earlier run learned about a model at a place, or None."""
        with self._transaction() as connection:
            return dialects.find(connection, place, model)

    def has_answers(self, models: Collection[str]) -> bool:
        """Return whether any of these models has answered a request."""
        with self._transaction() as connection:
            return claims.has_answers(connection, models)

    def learned_dialects(self) -> list[StoredDialect]:
        """Return what earlier runs learned about all models and places."""
        with self._transaction() as connection:
            return dialects.find_all(connection)

    def assign_ids(
        self, given_ids: Mapping[str, int | None], first: int, reserved: Container[int] = ()
    ) -> dict[str, int]:
        """Return an id for each page, by URL, and keep it for good. See `page_ids.assign_ids`."""
        with self._transaction() as connection:
            return page_ids.assign_ids(connection, given_ids, first, reserved)

    def urls_by_id(self, ids: Collection[int]) -> dict[int, str]:
        """Return the URL of a page that has each id; ids that no page has are left out."""
        with self._transaction() as connection:
            return page_ids.urls_by_id(connection, ids)

    def changed_prompts(self, digests: Mapping[str, str]) -> set[str]:
        """Return the names of the prompts whose digest is not the one that was recorded last."""
        with self._transaction() as connection:
            return page_ids.changed_prompts(connection, digests)

    def record_prompts(self, digests: Mapping[str, str]) -> None:
        """Record the digests of prompts, by name."""
        with self._transaction() as connection:
            page_ids.record_prompts(connection, digests)

    def history(self, model: str, templates: Collection[str], limit: int = _HISTORY) -> list[tuple[str, int, int, int]]:
        """Return a model's last answers: prompt, bytes sent, tokens sent, tokens received."""
        with self._transaction() as connection:
            return statistics.history(connection, model, templates, limit)

    def facts(self, model: str) -> ModelFacts:
        """Return how a model's requests went so far."""
        with self._transaction() as connection:
            return statistics.facts(connection, model)

    def spending(self) -> list[Spending]:
        """Return the sums of all attempts, by run, model, kind and day."""
        with self._transaction() as connection:
            return list(statistics.spending(connection))
