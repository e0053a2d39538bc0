"""The queues whose pages and order come from plans: audits, the queue `next`, and second readings."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from qtgen.generation.decisions import DecisionLog
from qtgen.generation.output import OutputFolder
from qtgen.review.audits import Plan, progress, read_plan, read_plans, second_readings
from qtgen.review.drafts import Drafts
from qtgen.review.index import ReviewIndex
from qtgen.review.queues import QueueSources

_AT_ONCE = 500  # pages whose digests one query reads


def digests_in_order(plan: Plan, index: ReviewIndex) -> Callable[[str], Mapping[str, str] | None]:
    """Return a function that returns the digests of a page's texts, or None if there is no such page.

    It reads many pages at once, in the order of the plan.
    """
    urls = [plan.pages[position].url for position in plan.order]
    places = {url: place for place, url in enumerate(urls)}
    known: dict[str, Mapping[str, str] | None] = {}

    def digests_of(url: str) -> Mapping[str, str] | None:
        if url not in known:
            place = places.get(url, 0)
            some = urls[place : place + _AT_ONCE]
            pages = index.pages(some)
            known.update({one: pages[one].digests if one in pages else None for one in some})
        return known.get(url)

    return digests_of


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
        """Return the pages of an audit that a reader should read, then the disputes that they may settle."""
        plan = read_plan(self.store, name)
        done = progress(plan, self.log, digests_in_order(plan, self.index), who)
        disputed = [url for url in done.disputed if not self._has_read(url, who)]
        return [*(url for url in done.pending if not self._has_read(url, who)), *disputed]

    def next_pages(self, who: str) -> Sequence[str] | None:
        """Return the pages of the queue `next` that wait for a reader. Return None if it has no plan."""
        plan = read_plans(self.store).next
        if plan is None:
            return None
        return progress(plan, self.log, digests_in_order(plan, self.index), who).pending

    def second(self, who: str) -> Sequence[str]:
        """Return the pages that a reader should read as the second one."""
        plans = read_plans(self.store).plans.values()
        return [*dict.fromkeys(url for plan in plans for url in second_readings(plan, self.log, who))]

    def _has_read(self, url: str, who: str) -> bool:
        return any(one.who == who and one.blind for one in self.log.effective(url))
