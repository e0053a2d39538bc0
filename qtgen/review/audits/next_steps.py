"""What to do next in an audit, in one sentence for a person who plans it and knows no statistics."""

from dataclasses import dataclass

from qtgen._util.text import pluralize
from qtgen.review.audits.acceptance import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """The state of an audit that its next step depends on.

    Args:
        verdict: The verdict so far.
        read: The number of pages that were read and count.
        bad: How many of them are bad.
        changed: The number of pages that count as bad because their text changed since the plan was made.
        skipped: The number of pages that count as bad because two reviewers skipped them.
        found_bad: The number of bad pages that were read, also of those that do not count yet.
        unread: The number of unread pages among those that must be read.
        remaining: The number of pages to read until acceptance if none is bad; None if it cannot be reached.
        may_be_bad: How many of them may be bad. More than 0 only if the number of pages to read is fixed.
        disputed: The number of pages about which reviewers disagree.
        is_audit: False for the queue `next`.
    """

    verdict: Verdict
    read: int
    bad: int
    changed: int
    skipped: int
    found_bad: int
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
        fix = "fix what they have in common, then plan a new audit" if now.bad else "plan a new audit"
        return f"The batch is not accepted: {_result(now)}; {fix}."
    if now.disputed and (not now.unread or now.remaining is None):
        return f"Let a third reviewer settle {pluralize(now.disputed, 'page')} about which two reviewers disagree."
    if now.remaining is None:
        words = "even if it is not bad" if now.unread == 1 else "even if none of them is bad"
        reason = "too many others are" if now.found_bad else f"{_not_read(now)} as bad"
        return f"Read {pluralize(now.unread, 'more page')}; {words}, the batch is not accepted, because {reason}."
    return f"Read {pluralize(now.remaining, 'more page')}; if {_condition(now)}, the batch is accepted."


def _condition(now: Situation) -> str:
    if now.may_be_bad:
        return f"at most {now.may_be_bad:,} {'is' if now.may_be_bad == 1 else 'are'} bad"
    return "it is not bad" if now.remaining == 1 else "none is bad"


def _result(now: Situation) -> str:
    bad = "none was bad" if not now.bad else "1 was bad" if now.bad == 1 else f"{now.bad:,} were bad"
    read = f"{pluralize(now.read, 'page')} {'was' if now.read == 1 else 'were'} read, and {bad}"
    not_read = _not_read(now)
    if not not_read:
        return read
    return f"{read}; also, {not_read} as bad" if now.bad else f"{read}, but {not_read} as bad"


def _not_read(now: Situation) -> str:
    """Return why unread pages count as bad, without the end of the sentence; empty if there are none."""
    parts = []
    if now.changed:
        parts.append(f"{pluralize(now.changed, 'page')} changed since the plan")
    if now.skipped:
        were = "was" if now.skipped == 1 else "were"
        parts.append(f"{pluralize(now.skipped, 'page')} {were} skipped by two reviewers")
    if not parts:
        return ""
    return f"{' and '.join(parts)}, which {'counts' if now.changed + now.skipped == 1 else 'count'}"


def _next_of_queue(now: Situation) -> str:
    if not now.remaining:
        return "All pages of this queue were read."
    return f"Read the next page; {pluralize(now.remaining, 'page')} {'is' if now.remaining == 1 else 'are'} left."
