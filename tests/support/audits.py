"""Batches of pages, and decisions about them, for tests of the review app."""

import datetime as dt
import itertools
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from qtgen.generation.decisions import Action, Decision, DecisionLog, timestamp
from qtgen.generation.output import OutputFolder
from qtgen.page.profile import default_profile
from qtgen.review.audits.audits import Frame, Limits, Plan, SourcePage, make_plan, read_frame, save_plan

NOW = dt.datetime(2026, 11, 27, 9, 30, tzinfo=dt.UTC)


def source_page(number: int, **features: float) -> SourcePage:
    """Return a page of a batch."""
    digests = {"answer": f"{number:016x}", "seo": f"{number + 1:016x}"}
    return SourcePage(f"/learn/biology/questions/{number:05}", f"biology/{number:05}.md", digests, features)


def batch(count: int) -> Frame:
    """Return a batch of pages."""
    return Frame(tuple(source_page(number) for number in range(count)))


def audit(count: int = 5_000, name: str = "spring", seed: int = 1, **limits: Any) -> Plan:
    """Return the plan of an audit with a tolerance of 2%, or with other `limits`."""
    chosen = Limits(**{"tolerance": 0.02, **limits})
    return make_plan(name, batch(count), DecisionLog(), at=NOW, seed=seed, limits=chosen)


class Review:
    """Decisions about the pages of a plan.

    Args:
        plan: The plan.
        bad: The places of the bad pages in the order of reading, counted from 1.
    """

    def __init__(self, plan: Plan, bad: Iterable[int] = ()) -> None:
        self.plan = plan
        self.log = DecisionLog()
        self.bad = frozenset(bad)
        self.texts: dict[str, Mapping[str, str]] = {page.url: plan.digests_of(page) for page in plan.pages}
        self._numbers = itertools.count()

    def url(self, place: int) -> str:
        """Return the page at a place in the order of reading, counted from 1."""
        return self.plan.pages[self.plan.order[place - 1]].url

    def decide(self, place: int, action: Action | None = None, who: str = "ann", **fields: Any) -> Decision:
        """Decide about a page: approve it, or reject it if it is bad, or do something else."""
        number, url = next(self._numbers), self.url(place)
        default = Action.REJECT if place in self.bad else Action.APPROVE
        moment = timestamp(NOW + dt.timedelta(seconds=number))
        known: dict[str, Any] = {"texts": dict(self.texts[url]), "draw": self.plan.draw(url), **fields}
        decision = Decision(id=f"{number:06}", at=moment, who=who, action=action or default, url=url, **known)
        self.log.add(decision)
        return decision

    def read(self, first: int, last: int, who: str = "ann", **fields: Any) -> None:
        """Decide about the pages at several places."""
        for place in range(first, last + 1):
            self.decide(place, who=who, **fields)

    def change(self, place: int) -> None:
        """Let the text of a page change."""
        self.texts[self.url(place)] = {"answer": "changed", "seo": "changed"}


def write_audit(store: OutputFolder, *, name: str = "spring", seed: int = 7, **limits: Any) -> Review:
    """Freeze an audit of the pages below `site`, and return it with decisions that are appended to the file."""
    frame = read_frame([Path("site")], store.folder, default_profile())
    chosen = None if name == "next" else Limits(**{"tolerance": 0.1, **limits})
    plan = make_plan(name, frame, store.decision_log(), at=NOW, seed=seed, limits=chosen)
    save_plan(store, plan)
    return _ReviewInFile(plan, store)


class _ReviewInFile(Review):
    def __init__(self, plan: Plan, store: OutputFolder) -> None:
        super().__init__(plan)
        self._store = store

    def decide(self, place: int, action: Action | None = None, who: str = "ann", **fields: Any) -> Decision:
        decision = super().decide(place, action, who, **fields)
        unique = msgspec.structs.replace(decision, id=f"{self.plan.name}-{decision.id}")
        self._store.append_decision(unique)
        return unique
