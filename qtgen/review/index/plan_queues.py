"""The queues whose pages and order come from plans: audits, the queue `next`, and second readings."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from qtgen.generation.decisions import DecisionLog
from qtgen.generation.output import OutputFolder
from qtgen.review.audits.audits import Plan, digests_from_files, progress, read_plan, read_plans, second_readings
from qtgen.review.decisions.drafts import Drafts
from qtgen.review.index.index import ReviewIndex
from qtgen.review.index.queues import QueueSources

_AT_ONCE = 500  # pages whose digests one query reads


def digests_in_order(plan: Plan, index: ReviewIndex) -> Callable[[str], Mapping[str, str] | None]:
    """Return a function that returns the digests of a page's texts, or None if there is no such page.

    It takes many pages from the index at once, in the order of the plan. A page that the index lacks, because the app
    shows only a part of the batch, is read from its file.
    """
    from_file = digests_from_files(plan, index.sources.store.folder)
    urls = [plan.pages[position].url for position in plan.order]
    places = {url: place for place, url in enumerate(urls)}
    known: dict[str, Mapping[str, str] | None] = {}
    asked: set[str] = set()

    def digests_of(url: str) -> Mapping[str, str] | None:
        if url not in asked:
            place = places.get(url, 0)
            some = urls[place : place + _AT_ONCE]
            asked.update(some)
            known.update({one: page.digests for one, page in index.pages(some).items()})
        if url not in known:
            known[url] = from_file(url)
        return known[url]

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
        return [*done.pending, *(url for url in done.disputed if not self._has_read(plan, url, who))]

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

    def _has_read(self, plan: Plan, url: str, who: str) -> bool:
        draws = (one.draw for one in self.log.effective(url) if one.who == who)
        return any(draw is not None and draw.plan == plan.name for draw in draws)
