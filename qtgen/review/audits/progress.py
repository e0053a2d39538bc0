"""How far an audit is: what its verdict is so far, and which pages to read next.

Only the complete prefix of a plan's order counts: the pages before the first one that nobody has read. Otherwise
reviewers could leave the difficult pages for later. A page whose text changed before it was read counts as bad, and so
does one that two reviewers skipped.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from qtgen.generation.decisions import DecisionLog
from qtgen.review.audits.acceptance import SequentialRule, Verdict
from qtgen.review.audits.estimates import Rate, audit_rate, next_rate
from qtgen.review.audits.next_steps import Situation, next_step
from qtgen.review.audits.plans import Plan
from qtgen.review.audits.readings import DigestsOf, Outcome, outcome_of
from qtgen.review.audits.sampling import inclusion_probabilities

PENDING_MAX = 200
"""Pages that `AuditProgress.pending` lists at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditProgress:
    """How far an audit is, or the queue `next`.

    Args:
        plan: The plan.
        verdict: What follows from the pages that count; always `continue` for `next`.
        read: The number of pages that count: those before the first one that nobody has read. Pages that changed or
            were skipped are among them.
        bad: How many of them are bad.
        changed: How many of these are bad because their text changed before it was read.
        skipped: How many of these are bad because two reviewers skipped them.
        bad_at: The places of the bad pages, counted from 1, in the order of reading.
        ahead: The number of pages that were read and do not count yet, because an earlier one is missing.
        changed_ahead: The number of pages after the first unread one that changed before they were read.
        rate: The estimated share of publishable pages; None if there is none.
        remaining: The number of pages to read until the batch is accepted, if none of them is bad. None if it cannot be
            accepted any more, or if there is a verdict. For `next`: all that are left.
        next_sentence: What to do next, in one sentence.
        pending: The pages to read next, in order, at most 200.
        disputed: The pages about which reviewers disagree, and that nobody has settled.
        needs_second: The pages that were read once and need a second reviewer.
    """

    plan: Plan
    verdict: Verdict
    read: int
    bad: int
    changed: int
    skipped: int
    bad_at: tuple[int, ...]
    ahead: int
    changed_ahead: int
    rate: Rate | None
    remaining: int | None
    next_sentence: str
    pending: tuple[str, ...]
    disputed: tuple[str, ...]
    needs_second: tuple[str, ...]

    @property
    def judged(self) -> int:
        """The number of pages that count and that somebody read."""
        return self.read - self.changed - self.skipped

    @property
    def judged_bad(self) -> int:
        """How many of the pages that somebody read are bad."""
        return self.bad - self.changed - self.skipped

    @property
    def bad_range(self) -> tuple[float, float] | None:
        """The interval of the share of bad pages in the whole batch, from 0 to 1; None without an estimate."""
        return None if self.rate is None else self.rate.bad_share[1:]


def progress(plan: Plan, log: DecisionLog, digests_of: DigestsOf, who: str = "") -> AuditProgress:
    """Return how far an audit is.

    Args:
        plan: The plan.
        log: All decisions.
        digests_of: Returns the present digests of a page; None if it is gone. It is called for the unread pages among
            those to read next. Pass the `get` of a mapping that was read at once, not a query for each page.
        who: A reviewer, whose skipped pages are left out of the pending ones.
    """
    walk = _Walk(plan, who)
    for outcome in outcomes(plan, log, digests_of):
        walk.add(outcome)
        if walk.is_done:
            break
    return walk.result()


def outcomes(plan: Plan, log: DecisionLog, digests_of: DigestsOf) -> Iterator[Outcome]:
    """Yield what is known about the pages of a plan, in the order of reading."""
    return (outcome_of(plan, plan.pages[position], log, digests_of) for position in plan.order)


def second_readings(plan: Plan, log: DecisionLog, who: str = "") -> list[str]:
    """Return the pages that need a second reviewer and about which `who` has not decided yet, in the order of reading.

    Neither reviewer may see the score, the comparison or the other reviewer's decision. Without `who`, all such pages
    are returned.
    """
    read = [url for url in log.urls() if url in plan.positions and plan.wants_second(url)]
    known = (outcome_of(plan, plan.pages[plan.positions[url]], log, lambda _: None) for url in read)
    wanting = [one.page.url for one in known if one.needs_second and who not in one.seen_by]
    return sorted(wanting, key=plan.places.__getitem__)


class _Walk:
    """Goes through the pages in the order of reading, until it is known what to do next."""

    def __init__(self, plan: Plan, who: str) -> None:
        self._plan = plan
        self._who = who
        self._labels: list[float] = []  # of the complete prefix
        self._bad_at: list[int] = []
        self._changed = self._skipped = self._ahead = self._changed_ahead = 0
        self._skipped_ahead = 0
        self._certain = 0  # bad pages of the prefix that nobody disputes
        self._place = self._unread = self._bad = 0
        self._pending: list[str] = []
        self._disputed: list[str] = []
        self._second: list[str] = []
        self._verdict = Verdict.CONTINUE
        self._is_enough = False  # whether the batch is accepted if no pending page is bad

    @property
    def is_done(self) -> bool:
        """Whether no later page changes the result."""
        most = len(self._plan.pages) if self._plan.rule is None else self._plan.rule.most_read
        is_listed = len(self._pending) >= PENDING_MAX
        return self._verdict is not Verdict.CONTINUE or self._is_enough or is_listed or self._place >= most

    def add(self, outcome: Outcome) -> None:
        self._place += 1
        self._bad += outcome.is_bad
        if outcome.label is None:
            self._unread += 1
            if self._who not in outcome.skipped_by:
                self._pending.append(outcome.page.url)
        elif self._unread:
            self._pass(outcome)
        else:
            self._count(outcome)
        if outcome.is_disputed:
            self._disputed.append(outcome.page.url)
        if outcome.needs_second and self._plan.wants_second(outcome.page.url):
            self._second.append(outcome.page.url)
        self._check()

    def _pass(self, outcome: Outcome) -> None:
        """Add a page that does not count yet, because an earlier one was not read."""
        self._changed_ahead += outcome.is_changed
        self._skipped_ahead += outcome.is_skipped
        self._ahead += not (outcome.is_changed or outcome.is_skipped)

    def _count(self, outcome: Outcome) -> None:
        """Add a page to the complete prefix."""
        self._labels.append(outcome.label or 0.0)
        self._certain += outcome.is_bad and not outcome.is_disputed
        self._changed += outcome.is_changed
        self._skipped += outcome.is_skipped
        if outcome.is_bad:
            self._bad_at.append(self._place)

    def _check(self) -> None:
        bounds = self._plan.bounds
        if bounds is None:
            return
        is_accepted = self._bad <= bounds.accept[self._place]
        if self._unread:
            self._is_enough = bool(is_accepted)
        elif is_accepted:
            self._verdict = Verdict.ACCEPT
        elif self._certain >= bounds.reject[self._place]:
            self._verdict = Verdict.REJECT

    def _remaining(self) -> int | None:
        bounds = self._plan.bounds
        if bounds is None:
            return self._unread + len(self._plan.pages) - self._place
        if self._verdict is not Verdict.CONTINUE:
            return None
        place = self._place if self._is_enough else int(np.searchsorted(bounds.accept, self._bad))
        return None if place >= len(bounds.accept) else self._unread + place - self._place

    def _may_be_bad(self) -> int:
        allowed = self._plan.allowed
        return 0 if allowed is None else max(0, min(allowed - self._bad, self._unread))

    def result(self) -> AuditProgress:
        remaining = self._remaining()
        changed, skipped = self._changed + self._changed_ahead, self._skipped + self._skipped_ahead
        situation = Situation(
            verdict=self._verdict,
            read=len(self._labels) - self._changed - self._skipped,
            bad=len(self._bad_at) - self._changed - self._skipped,
            changed=changed,
            skipped=skipped,
            found_bad=self._bad - changed - skipped,
            unread=self._unread,
            remaining=remaining,
            may_be_bad=self._may_be_bad(),
            disputed=len(self._disputed),
            is_audit=self._plan.rule is not None,
        )
        return AuditProgress(
            plan=self._plan,
            verdict=self._verdict,
            read=len(self._labels),
            bad=len(self._bad_at),
            changed=self._changed,
            skipped=self._skipped,
            bad_at=tuple(self._bad_at),
            ahead=self._ahead,
            changed_ahead=self._changed_ahead,
            rate=self._rate(),
            remaining=remaining,
            next_sentence=next_step(situation),
            pending=tuple(self._pending),
            disputed=tuple(self._disputed),
            needs_second=tuple(self._second),
        )

    def _rate(self) -> Rate | None:
        plan, read, bad = self._plan, len(self._labels), len(self._bad_at)
        drawn, labels = list(plan.order[:read]), np.array(self._labels, np.float64)
        if plan.rule is None:
            probabilities = inclusion_probabilities(plan.weights, read)[drawn]
            return next_rate(labels, plan.predictions[drawn], probabilities, plan.predictions)
        if isinstance(plan.rule, SequentialRule):
            pages = len(plan.pages)
            low, high = plan.rule.interval(read, bad)
            value = 1 - bad / read if read else None
            return Rate(value, 1 - high / pages, 1 - low / pages, "sequential", read, bad)
        return audit_rate(labels, plan.predictions[drawn], plan.predictions, plan.confidence)
