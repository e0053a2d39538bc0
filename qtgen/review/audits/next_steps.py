"""What to do next in an audit, in one sentence for a person who plans it and knows no statistics."""

from dataclasses import dataclass

from qtgen._util.text import pluralize
from qtgen.review.audits.acceptance import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Where an audit is.

    Args:
        verdict: The verdict so far.
        read: The number of pages that count.
        bad: How many of them are bad.
        unread: The number of unread pages among those that must be read.
        remaining: The number of pages to read until acceptance if none is bad; None if it cannot be reached.
        may_be_bad: How many of them may be bad. More than 0 only if the number of pages to read is fixed.
        disputed: The number of pages about which readers disagree.
        is_audit: False for the queue `next`.
    """

    verdict: Verdict
    read: int
    bad: int
    unread: int
    remaining: int | None
    may_be_bad: int
    disputed: int
    is_audit: bool


def next_step(now: Situation) -> str:
    """Return the next step."""
    if not now.is_audit:
        return _next_of_queue(now)
    if now.verdict is Verdict.ACCEPT:
        return f"The batch is accepted: {_result(now)}."
    if now.verdict is Verdict.REJECT:
        return f"The batch is rejected: {_result(now)}; fix what they have in common, then plan a new audit."
    if now.disputed and (not now.unread or now.remaining is None):
        return f"Adjudicate {pluralize(now.disputed, 'page')} about which the readers disagree."
    if now.remaining is None:
        words = "even if none of them is bad, the batch is rejected, because too many others are"
        return f"Read {pluralize(now.unread, 'more page')}; {words}."
    return f"Read {pluralize(now.remaining, 'more page')}; if {_condition(now)}, the batch is accepted."


def _condition(now: Situation) -> str:
    if now.may_be_bad:
        return f"at most {now.may_be_bad:,} {'is' if now.may_be_bad == 1 else 'are'} bad"
    return "it is not bad" if now.remaining == 1 else "none is bad"


def _result(now: Situation) -> str:
    bad = "none was bad" if not now.bad else "1 was bad" if now.bad == 1 else f"{now.bad:,} were bad"
    return f"{pluralize(now.read, 'page')} {'was' if now.read == 1 else 'were'} read, and {bad}"


def _next_of_queue(now: Situation) -> str:
    if not now.remaining:
        return "All pages of this queue were read."
    return f"Read the next page; {pluralize(now.remaining, 'page')} {'is' if now.remaining == 1 else 'are'} left."
