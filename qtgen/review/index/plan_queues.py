"""The queues whose pages and order come from plans: audits, the queue `next`, and second readings."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from qtgen.generation.decisions import DecisionLog
from qtgen.generation.output import OutputFolder
from qtgen.review.audits.audits import (
    AuditProgress,
    DigestsOf,
    Plan,
    digests_from_files,
    progress,
    read_plan,
    read_plans,
    second_readings,
)
from qtgen.review.decisions.drafts import Drafts
from qtgen.review.index.index import ReviewIndex
from qtgen.review.index.queues import QueueSources

_AT_ONCE = 300  # pages of each plan whose digests one query reads; more than a plan lists as pending


class PlanTexts:
    """The digests of the texts that the pages of plans have now. One query reads many pages of all plans.

    A page that the index lacks, because the app shows only a part of the batch, is read from its file.

    Args:
        plans: The plans.
        log: The decisions, which tell which pages come next.
        index: The pages.
    """

    def __init__(self, plans: Sequence[Plan], log: DecisionLog, index: ReviewIndex) -> None:
        self._plans, self._log, self._index = plans, log, index
        self._known: dict[str, Mapping[str, str]] = {}
        self._asked: set[str] = set()

    def of(self, plan: Plan) -> DigestsOf:
        """Return a function that returns the digests of a page of one of the plans, or None if the page is gone."""
        sources = self._index.sources
        from_file = digests_from_files(plan, sources.store.folder, sources.checks.profile)

        def digests_of(url: str) -> Mapping[str, str] | None:
            if url not in self._asked:
                self._read(plan, url)
            return self._known[url] if url in self._known else from_file(url)

        return digests_of

    def _read(self, plan: Plan, url: str) -> None:
        """Read a page with those after it; the first time, with the unread pages of all plans."""
        following = (plan.pages[position].url for position in plan.order[plan.places[url] :])
        wanted = {*islice(following, _AT_ONCE)}
        if not self._asked:
            wanted.update(*(islice(self._unread(one), _AT_ONCE) for one in self._plans))
        wanted -= self._asked
        self._asked |= wanted
        self._known.update(self._index.digests(wanted))

    def _unread(self, plan: Plan) -> Iterator[str]:
        urls = (plan.pages[position].url for position in plan.order)
        return (
            url for url in urls if not any(one.draw and one.draw.plan == plan.name for one in self._log.history(url))
        )


def progress_of(plans: Sequence[Plan], log: DecisionLog, index: ReviewIndex, who: str = "") -> list[AuditProgress]:
    """Return how far plans are. The arguments are those of `progress`, with the index instead of its function."""
    texts = PlanTexts(plans, log, index)
    return [progress(plan, log, texts.of(plan), who) for plan in plans]


@dataclass(frozen=True, slots=True)
class PlanQueues:
    """Finds the pages of the queues that plans define.

    Args:
        store: The output folder with the plans.
        log: All decisions.
        index: The pages.
        drafts: Edits that are not finished.
    """

    store: OutputFolder
    log: DecisionLog
    index: ReviewIndex
    drafts: Drafts

    def sources(self) -> QueueSources:
        """Return the functions that the queues call."""
        return QueueSources(
            audits=lambda: [plan.name for plan in read_plans(self.store).audits],
            audit=self.audit,
            next_pages=self.next_pages,
            second=self.second,
            drafts=lambda who: [draft.url for draft in self.drafts.of(who)],
        )

    def audit(self, name: str, who: str) -> Sequence[str]:
        """Return the pages of an audit that a reviewer should read, then the disputes that they may settle."""
        plan = read_plan(self.store, name)
        [done] = progress_of([plan], self.log, self.index, who)
        return [*done.pending, *(url for url in done.disputed if not self._has_read(plan, url, who))]

    def next_pages(self, who: str) -> Sequence[str] | None:
        """Return the pages of the queue `next` that wait for a reviewer. Return None if it has no plan."""
        plan = read_plans(self.store).next
        if plan is None:
            return None
        [done] = progress_of([plan], self.log, self.index, who)
        return done.pending

    def second(self, who: str) -> Sequence[str]:
        """Return the pages that a reviewer should read as the second one."""
        plans = read_plans(self.store).plans.values()
        return [*dict.fromkeys(url for plan in plans for url in second_readings(plan, self.log, who))]

    def _has_read(self, plan: Plan, url: str, who: str) -> bool:
        draws = (one.draw for one in self.log.effective(url) if one.who == who)
        return any(draw is not None and draw.plan == plan.name for draw in draws)
