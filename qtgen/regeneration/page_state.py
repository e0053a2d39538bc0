"""What is known about a page, and what its texts are compared with, to tell whether they are stale."""

import datetime as dt
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from qtgen.generation.decisions import Decision, State
from qtgen.generation.provenance import ProvenanceRecord, group_digests, question_digest, written_groups
from qtgen.page import Page
from qtgen.page.layout import Layout


@dataclass(frozen=True, slots=True)
class Criteria:
    """What the texts of a page are compared with to tell whether they are stale.

    Args:
        today: The date from which ages are counted.
        prompts: The digests of wording and schema of every current prompt, by its name.
        models: The names of the configured models; empty if the user configured none.
        contexts: The digest of the source text in the question files, by page URL. The value is None if the row has
            no source text. Pages that the question files do not contain have no entry.
        older_than: Age limit in days.
        score_below: Lower limit of the score, 0 to 1.
    """

    today: dt.date
    prompts: Mapping[str, tuple[str, str]]
    models: Collection[str]
    contexts: Mapping[str, str | None] = field(default_factory=dict)
    older_than: int | None = None
    score_below: float | None = None


class PageState:
    """What is known about a page when it is checked for reasons.

    Reading the page takes far longer than everything else, so `page` is read when a reason first needs it.

    Args:
        url: The page's URL.
        question_digest: The digest of the page's question and subject, in the form that provenance records. It is empty
            if it is unknown.
        records: The provenance of each group of fields that has any.
        read: Reads the page.
        layout: The layout of the page.
        decision: What a reviewer decided last about the page, if anything.
    """

    def __init__(
        self,
        url: str,
        question_digest: str,
        records: Mapping[str, ProvenanceRecord],
        read: Callable[[], Page],
        layout: Layout,
        decision: Decision | None = None,
    ) -> None:
        self.layout = layout
        self.url = url
        self.question_digest = question_digest
        self.records = records
        self.decision = decision
        self._read = read

    @cached_property
    def page(self) -> Page:
        return self._read()

    @property
    def question_digest_now(self) -> str:
        """The digest of the page's question and subject, which is read from the page if the index does not have it."""
        return self.question_digest or question_digest(self.page)

    @property
    def written_groups(self) -> tuple[str, ...]:
        """The groups of fields that a model writes."""
        return written_groups(self.layout)

    @cached_property
    def decided(self) -> State:
        """The state that the decision puts the page in. `RETURNED` if its texts changed since."""
        if self.decision is None:
            return State.OPEN
        holds = self.decision.holds_for(group_digests(self.page, self.written_groups))
        return self.decision.state if holds else State.RETURNED

    def written_on(self, group: str) -> dt.date | None:
        """Return the date on which a group was written: the recorded one, or else that of the page."""
        record = self.records.get(group)
        if record and (recorded := _date_or_none(record.date)):
            return recorded
        date = self.page.values.get(self.layout.roles.date or "")
        return date if type(date) is dt.date else None  # a datetime, which is a date as well, breaks the schema

    @property
    def score(self) -> float | None:
        """The page's score from 0 to 1, or None if it has not been scored."""
        score = self.page.values.get(self.layout.roles.score or "")
        if isinstance(score, bool) or not isinstance(score, int | float) or score < 0:
            return None
        return float(score)


def _date_or_none(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None
