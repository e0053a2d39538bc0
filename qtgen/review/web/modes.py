"""How a page is judged: openly, blindly as a part of a draw, or to settle a dispute."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from qtgen.generation.decisions import Draw
from qtgen.generation.output import OutputFolder
from qtgen.review.audits.audits import NEXT, Plan, read_plan, read_plans
from qtgen.review.index.queues import AUDIT, SECOND


@dataclass(frozen=True, slots=True)
class Mode:
    """How a page is judged.

    Args:
        is_blind: Whether the reviewer sees neither score, findings, comparison nor earlier decisions.
        draw: The draw that the page comes from, if it comes from one.
        settles: Whether the reviewer settles a dispute of two other reviewers.
        has_two_readers: Whether two reviewers of the draw judge the page, so that its text must stay as it is.
    """

    is_blind: bool = False
    draw: Draw | None = None
    settles: bool = False
    has_two_readers: bool = False

    @property
    def may_edit(self) -> bool:
        """Whether the reviewer may change the text. A blind reviewer can do so in a draw that nobody else reads."""
        return not self.is_blind or (self.draw is not None and not self.has_two_readers)

    @property
    def may_send_back(self) -> bool:
        """Whether the reviewer may ask for a rewrite. A blind reviewer cannot do so for two texts that they compare."""
        return not self.settles and (not self.is_blind or self.draw is not None)


OPENLY = Mode()
InPlan = Callable[[Plan], bool]


def mode_of(
    store: OutputFolder, queue: str, url: str, is_disputed: InPlan, needs_second: InPlan, was_read: InPlan
) -> Mode:
    """Return how the pages of a queue are judged.

    Args:
        store: The output folder with the plans.
        queue: The name of a queue, or an empty string.
        url: The page.
        is_disputed: Whether two reviewers disagree about the page in a plan.
        needs_second: Whether the page waits for its second reading in a plan.
        was_read: Whether somebody has read the page in a plan.

    Raises UsageError for an audit that does not exist or that was edited.
    """
    if queue.startswith(AUDIT):
        plan = read_plan(store, queue.removeprefix(AUDIT))
        if is_disputed(plan):
            return Mode(settles=True)
        has_two = plan.wants_second(url) or was_read(plan)
        return Mode(is_blind=True, draw=plan.draw(url), has_two_readers=has_two)
    if queue not in (SECOND, NEXT):
        return OPENLY
    plans = read_plans(store)
    if queue == NEXT:
        drawn = plans.next
        if drawn is None:
            return OPENLY
        has_two = drawn.wants_second(url)
        return Mode(is_blind=has_two, draw=drawn.draw(url), has_two_readers=has_two)
    wanting = sorted((plan for plan in plans.plans.values() if plan.wants_second(url)), key=needs_second)
    return Mode(is_blind=True, draw=wanting[-1].draw(url) if wanting else None, has_two_readers=True)


def is_swapped(url: str, who: str) -> bool:
    """Return whether a blind reviewer sees the new text as A. It stays the same when the page is opened again."""
    return hashlib.sha256(f"{url}\0{who}".encode("utf-8", "surrogatepass")).digest()[0] % 2 == 1
