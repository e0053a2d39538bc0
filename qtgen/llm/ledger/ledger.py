"""The ledger's database. Each method is one transaction, and none waits for anything but the database."""

import uuid
from collections.abc import Collection, Container, Mapping, Sequence
from pathlib import Path

from qtgen.errors import LedgerError
from qtgen.llm.ledger import allowances, claims, dialects, groups, page_ids, statistics
from qtgen.llm.ledger.allowances import RateDraw, RateGrant
from qtgen.llm.ledger.batches import BatchStore
from qtgen.llm.ledger.clock import now
from qtgen.llm.ledger.database import Database
from qtgen.llm.ledger.dialects import StoredDialect
from qtgen.llm.ledger.group import LedgerGroup
from qtgen.llm.ledger.groups import Work
from qtgen.llm.ledger.liveness import forget_future_beats, run_row
from qtgen.llm.ledger.schema import check_version, prepare_tables
from qtgen.llm.ledger.statistics import Spending
from qtgen.llm.ledger.tables import runs
from qtgen.llm.ledger.types import Changes, Claim, ModelFacts, ModelPace
from qtgen.llm.ledger.unsettled import UnsettledChanges, UnsettledFiles

_HISTORY = 2_000  # answers


class Ledger:
    """A ledger, opened for one run.

    Every method raises LedgerError if the database cannot be used, and LedgerUnavailable if the error may be temporary.

    Args:
        url: URL of the database, or the path of an SQLite file.
        create: Whether to create or upgrade the tables.
        folder: Folder for responses that cannot be recorded. None to lose them.

    Attributes:
        own_batches: The batches whose answers are the run's own.

    Raises SettingsError for a URL that cannot be used, MissingExtra, and LedgerError.
    """

    def __init__(self, url: str, *, create: bool = True, folder: Path | None = None) -> None:
        self.run = uuid.uuid4().hex
        self.unsettled = UnsettledFiles(folder) if folder else None
        self.own_batches: set[str] = set()
        self._answers_of = ""  # the group whose answers are the run's own
        self._database = Database(url)
        try:
            if create:
                prepare_tables(self._database)
            else:
                check_version(self._database)
        except LedgerError:
            self.close()
            raise

    def close(self) -> None:
        self._database.close()

    @property
    def batches(self) -> BatchStore:
        """The batches of a provider's Batch API."""
        return BatchStore(self._database, self.run)

    def begin(self, work: Work | None = None) -> LedgerGroup | None:
        """Record the run, so that other runs know whose claims are still alive.

        First, record responses that an earlier run could not record. With `work`, the run joins the live runs with the
        same work, and their group is returned. Raises SettingsError if these have another budget.
        """
        for changes in self.unsettled.changes(self.run) if self.unsettled else ():
            self._settle(changes)
        if self.unsettled:
            self.unsettled.remove()
        with self._database.exclusive() if work else self._database.write() as connection:
            forget_future_beats(connection)
            connection.execute(runs.insert().values(run_row(self.run)))
            membership = groups.join(connection, self.run, work) if work else None
            self._answers_of = membership.group if membership and work and work.shares_answers else ""
        return LedgerGroup(self.run, membership, self._database) if membership else None

    def end(self) -> None:
        """Record that the run has ended, so that no other run waits for it."""
        with self._database.write() as connection:
            connection.execute(runs.update().where(runs.c.id == self.run).values(ended=now()))

    def draw_rates(self, place: str, draws: Sequence[RateDraw]) -> list[RateGrant]:
        """Draw from the rate limits at an endpoint. See `allowances.draw_rates`."""
        with self._database.write() as connection:
            return allowances.draw_rates(connection, place, draws)

    def commit(self, changes: Changes, *, fresh: bool = False) -> dict[bytes, Claim]:
        """Commit changes and return what came of their claims, by digest. If `fresh`, older answers are not reused.

        Changes can be committed again if it is unknown whether the first commit succeeded.
        """
        with self._database.write() as connection:
            connection.execute(runs.update().where(runs.c.id == self.run).values(beat=now()))
            if changes.attempts:
                claims.record_attempts(connection, self.run, changes.attempts)
            if changes.answers:
                claims.record_answers(connection, self.run, changes.answers)
            if changes.judgements:
                claims.judge(connection, self.run, changes.judgements)
            for (place, model), text in sorted(changes.dialects.items()):
                dialects.record(connection, place, model, text)
            claims.release(connection, self.run, changes.releases)
            if not changes.claims:
                return {}
            return claims.claim(
                connection,
                self.run,
                changes.claims,
                fresh=fresh,
                own_batches=self.own_batches,
                group=self._answers_of,
            )

    def _settle(self, changes: UnsettledChanges) -> None:
        """Commit what an earlier run could not record. Responses that were committed nevertheless stay unchanged."""
        with self._database.write() as connection:
            claims.record_attempts(connection, changes.run, changes.attempts)
            claims.record_answers(connection, changes.run, dict(changes.answers), late=True)
            claims.judge(connection, changes.run, changes.judgements)

    def answered(self, digests: Sequence[bytes]) -> set[bytes]:
        """Return the digests of the requests whose response would be reused."""
        with self._database.read() as connection:
            return claims.answered(connection, digests)

    def dialect(self, place: str, model: str) -> StoredDialect | None:
        """Return what an earlier run learned about a model at a place, or None."""
        with self._database.read() as connection:
            return dialects.find(connection, place, model)

    def has_answers(self, models: Collection[str]) -> bool:
        """Return whether any of these models has answered a request."""
        with self._database.read() as connection:
            return claims.has_answers(connection, models)

    def learned_dialects(self) -> list[StoredDialect]:
        """Return what earlier runs learned about all models and places."""
        with self._database.read() as connection:
            return dialects.find_all(connection)

    def assign_ids(
        self, given_ids: Mapping[str, int | None], first: int, reserved: Container[int] = ()
    ) -> dict[str, int]:
        """Return an id for each page, by URL, and keep it for good. See `page_ids.assign_ids`."""
        with self._database.exclusive() as connection:
            return page_ids.assign_ids(connection, given_ids, first, reserved)

    def record_pages(self, urls: Collection[str]) -> None:
        """Record pages of a site without ids, by URL. The id of a page that has one stays."""
        with self._database.write() as connection:
            page_ids.record_pages(connection, urls)

    def urls_by_id(self, ids: Collection[int]) -> dict[int, str]:
        """Return the URL of a page that has each id; ids that no page has are left out."""
        with self._database.read() as connection:
            return page_ids.urls_by_id(connection, ids)

    def changed_prompts(self, digests: Mapping[str, str]) -> set[str]:
        """Return the names of the prompts whose digest is not the one that was recorded last."""
        with self._database.read() as connection:
            return page_ids.changed_prompts(connection, digests)

    def record_prompts(self, digests: Mapping[str, str]) -> None:
        """Record the digests of prompts, by name."""
        with self._database.write() as connection:
            page_ids.record_prompts(connection, digests)

    def history(self, model: str, templates: Collection[str], limit: int = _HISTORY) -> list[tuple[str, int, int, int]]:
        """Return a model's last answers: prompt, bytes sent, tokens sent, tokens received."""
        with self._database.read() as connection:
            return statistics.history(connection, model, templates, limit)

    def facts(self, model: str) -> ModelFacts:
        """Return how a model's requests went so far."""
        with self._database.read() as connection:
            return statistics.facts(connection, model)

    def pace(self, model: str, limit: int = _HISTORY) -> ModelPace:
        """Return how long a model took for its last answers, and how its last attempts ended."""
        with self._database.read() as connection:
            return statistics.pace(connection, model, limit)

    def spending(self) -> list[Spending]:
        """Return the sums of all attempts, by run, model, kind and day."""
        with self._database.read() as connection:
            return list(statistics.spending(connection))
