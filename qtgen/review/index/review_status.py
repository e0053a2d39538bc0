"""The status of a page that follows from the decisions: its state, its last decision, and who skipped it."""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from qtgen.generation.decisions import Action, Decision, DecisionLog, State
from qtgen.review.types import Rewrite

_CLONED_AFTER = dt.timedelta(days=1)


class ReviewStatus(NamedTuple):
    """Columns of the index that follow from the decisions.

    Args:
        state: The state of the page.
        decision: The id of the decision that the state follows from.
        decided_at: When it was made.
        reviewer: Who made it.
        skipped: Who skipped the page as it is, as `encode_names` writes it.
        rewrite: `kept` or `taken` if the page has a rewrite.
        is_judged: Whether a decision that is in force was made after the rewrite.
    """

    state: str = State.OPEN.value
    decision: str | None = None
    decided_at: str = ""
    reviewer: str = ""
    skipped: str = ""
    rewrite: str = ""
    is_judged: bool = False


def status_of(log: DecisionLog, url: str, digests: Mapping[str, str], rewrite: Rewrite | None = None) -> ReviewStatus:
    """Return the status of a page that follows from the decisions.

    Args:
        log: The decisions.
        url: The page.
        digests: The digests of its texts, by group of fields.
        rewrite: The rewrite of the page, if it has one.
    """
    status = ReviewStatus(rewrite=("taken" if rewrite.is_taken else "kept") if rewrite else "")
    history = log.effective(url)
    if not history:
        return status
    last_of_reader = {one.who: one for one in history}
    skips = (one for one in last_of_reader.values() if one.action is Action.SKIP and one.holds_for(digests))
    status = status._replace(skipped=encode_names(one.who for one in skips))
    decision = log.current(url)
    if decision is None:
        return status
    is_judged = rewrite is not None and decision.holds_for(digests) and _is_later(decision, rewrite)
    return status._replace(
        state=log.state(url, digests).value,
        decision=decision.id,
        decided_at=decision.at,
        reviewer=decision.who,
        is_judged=is_judged,
    )


def _is_later(decision: Decision, rewrite: Rewrite) -> bool:
    """Return whether a decision was made after a rewrite.

    The time of the rewrite is that of its record. In a fresh clone all files are new, so it is the day of the request.
    """
    day = str(rewrite.made.get("date", ""))[:10]
    if rewrite.saved_at and (not day or abs(_day(rewrite.saved_at) - _day(day)) <= _CLONED_AFTER):
        return decision.at >= rewrite.saved_at
    return decision.at[:10] >= day


def _day(moment: str) -> dt.date:
    try:
        return dt.date.fromisoformat(moment[:10])
    except ValueError:
        return dt.date.min


def encode_names(names: Iterable[str]) -> str:
    """Return names as one text, with a line break before and after each."""
    joined = "\n".join(sorted(name.replace("\n", " ") for name in names))
    return f"\n{joined}\n" if joined else ""
