"""Turn the decisions about the pages of a draw into labels, and find the pages about which reviewers disagree.

The label is 1 if the text as shown can be published: it was approved, or edited as polish only. With two reviewers it
is the label of the person who settled the dispute, or else the mean of both. Only decisions of the draw count, and
the decision that settles a dispute between two of them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from qtgen.generation.decisions import Action, Decision, DecisionLog
from qtgen.review.audits.plans import FramePage, Plan

DigestsOf = Callable[[str], Mapping[str, str] | None]
"""Returns the digests of the texts that a page has now, by group of fields; None if the page is gone."""

_SKIPS = 2  # reviewers who skip a page before it counts as bad


class Reading(NamedTuple):
    """The last decision of a reviewer about a page, with its label."""

    who: str
    label: float
    is_blind: bool
    decision: Decision


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is known about a page of a draw.

    Args:
        label: From 0 (bad) to 1 (can be published); None if nobody has read the page.
        readings: The readings of the frozen text.
        skipped_by: The reviewers who skipped the page and did not read it.
        seen_by: All reviewers who decided about the page in this draw, whatever text it had then.
        is_changed: Whether the text changed, or the page went, before anybody read it. Such a page is bad.
        is_skipped: Whether it is bad because two reviewers skipped it.
        is_disputed: Whether reviewers disagree and nobody has settled the dispute.
    """

    page: FramePage
    label: float | None
    readings: tuple[Reading, ...] = ()
    skipped_by: tuple[str, ...] = ()
    seen_by: frozenset[str] = frozenset()
    is_changed: bool = False
    is_skipped: bool = False
    is_disputed: bool = False

    @property
    def needs_second(self) -> bool:
        """Whether one reviewer has read the page and left its text as it was, so that a second one can read it."""
        return len(self.readings) == 1 and not self.readings[0].decision.after

    @property
    def is_bad(self) -> bool:
        """Whether the page counts as bad if a label must be one of two."""
        return self.label is not None and self.label < 1


def label_of(decision: Decision) -> float | None:
    """Return the label that a decision gives to the text as shown; None if it gives none.

    Taking or keeping a rewrite compares two texts, so it gives a label only with `acceptable`.
    """
    if decision.action in (Action.SKIP, Action.UNDO):
        return None
    if decision.acceptable is not None:
        return float(decision.acceptable)
    if decision.action is Action.APPROVE:
        return 1.0
    return 0.0 if decision.action in (Action.REJECT, Action.SEND_BACK, Action.EDIT) else None


def outcome_of(plan: Plan, page: FramePage, log: DecisionLog, digests_of: DigestsOf) -> Outcome:
    """Return what is known about a page of a plan. `digests_of` is called only if nobody has read the page."""
    frozen = plan.digests_of(page)
    effective = log.effective(page.url)
    decisions = [one for one in effective if _is_drawn(one, plan)]
    saw_frozen = [one for one in decisions if not _is_changed(one.texts, frozen)]
    readings, skipped_by = _by_reader(saw_frozen)
    seen_by = frozenset(one.who for one in decisions)
    if len(skipped_by) >= _SKIPS:
        return Outcome(page, 0.0, readings, skipped_by, seen_by, is_skipped=True)
    if readings:
        labels = [reading.label for reading in readings]
        is_disputed = len(set(labels)) > 1
        adjudicated = _adjudicated(effective, frozen) if is_disputed else None
        label = sum(labels) / len(labels) if adjudicated is None else adjudicated
        return Outcome(page, label, readings, skipped_by, seen_by, is_disputed=is_disputed and adjudicated is None)
    if len(decisions) > len(saw_frozen) or _is_changed(digests_of(page.url), frozen):
        return Outcome(page, 0.0, (), skipped_by, seen_by, is_changed=True)
    return Outcome(page, None, (), skipped_by, seen_by)


def changed_unread(plan: Plan, log: DecisionLog, digests_of: DigestsOf) -> int:
    """Return how many pages have another text than the plan froze, although no reviewer of the draw saw them.

    The verdict does not cover their present texts.
    """
    unread = (page for page in plan.pages if not any(_is_drawn(one, plan) for one in log.effective(page.url)))
    return sum(_is_changed(digests_of(page.url), plan.digests_of(page)) for page in unread)


def plans_that_read(log: DecisionLog, url: str) -> frozenset[str]:
    """Return the names of the plans in which somebody has read a page."""
    return frozenset(one.draw.plan for one in log.effective(url) if one.draw is not None and label_of(one) is not None)


def _is_drawn(decision: Decision, plan: Plan) -> bool:
    return decision.draw is not None and decision.draw.plan == plan.name


def _adjudicated(decisions: list[Decision], frozen: Mapping[str, str]) -> float | None:
    """Return the label of the last decision that settles a dispute about the frozen text, in a draw or not."""
    labels = (
        label_of(one)
        for one in reversed(decisions)
        if one.action is Action.ADJUDICATE and not _is_changed(one.texts, frozen)
    )
    return next((label for label in labels if label is not None), None)


def _by_reader(decisions: list[Decision]) -> tuple[tuple[Reading, ...], tuple[str, ...]]:
    """Return the last reading of each reviewer, and those whose last decision is to skip."""
    readings: dict[str, Reading] = {}
    skipped: dict[str, None] = {}
    for decision in decisions:
        label = label_of(decision)
        if decision.action is Action.SKIP:
            skipped[decision.who] = None
            readings.pop(decision.who, None)
        elif label is not None and decision.action is not Action.ADJUDICATE:
            readings[decision.who] = Reading(decision.who, label, decision.blind, decision)
            skipped.pop(decision.who, None)
    return tuple(readings.values()), tuple(skipped)


def _is_changed(digests: Mapping[str, str] | None, frozen: Mapping[str, str]) -> bool:
    return digests is None or any(digests.get(group) != text for group, text in frozen.items())
