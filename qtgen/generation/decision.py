"""A decision of a reviewer about a page, as a line of `OUT/.qtgen/decisions.jsonl`. `decisions` holds all of them."""

import datetime as dt
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Literal

import msgspec

VERSION = 1
"""Version of the line."""


class Action(StrEnum):
    """What a reviewer did. A rewrite is taken or kept back; every other action concerns the text of the page."""

    APPROVE = "approve"
    REJECT = "reject"
    TAKE = "take"
    KEEP = "keep"
    EDIT = "edit"
    SEND_BACK = "send-back"
    SKIP = "skip"
    ADJUDICATE = "adjudicate"
    UNDO = "undo"


class State(StrEnum):
    """Where a page is in the review. `OPEN`: nobody has decided. `RETURNED`: its text changed since its decision."""

    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"
    SENT_BACK = "sent-back"
    RETURNED = "returned"


REASONS = {
    "fact": "Factual error",
    "incomplete": "Incomplete",
    "unclear": "Unclear",
    "off-topic": "Off topic",
    "format": "Format or math",
    "search-fields": "Search fields",
    "other": "Other",
}
"""The reasons of a rejection with their labels, in the order of the keys 1 to 7."""

Preference = Literal["new", "old", "same"]
Moment = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z\Z")]


class Draw(msgspec.Struct, frozen=True):
    """The audit or queue that chose a page, and the probability with which it did."""

    plan: str
    probability: float


class Seen(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the reviewer saw beside the text: the page's score and its version, and the verdict of the comparison."""

    score: float | None = None
    scorer: str = ""
    compared: str = ""


NOTHING_SEEN = Seen()


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the file.

    Args:
        v: Version of the line.
        id: A UUID. A line that occurs twice counts once.
        at: When it was decided, in UTC: `2026-11-27T09:30:00.000Z`.
        who: The reviewer.
        action: What the reviewer did.
        url: The page.
        texts: Digests of the texts that the reviewer saw, by group of fields.
        after: Digests of the texts after the action, if it changed the page.
        reasons: Keys of `REASONS`.
        note: Free text of the reviewer.
        acceptable: Whether the text as shown could be published; None if the action does not say.
        prefers: Which of two texts is better; None if only one was shown.
        draw: The draw that the page came from; None if a person chose it.
        blind: Whether the reviewer saw neither score, nor comparison, nor another reviewer's decision.
        seen: What the reviewer saw beside the text.
        seconds: How long the page was open.
        undoes: The id of the decision that an undo takes back.
    """

    v: int = VERSION
    id: str
    at: Moment
    who: str
    action: Action
    url: str
    texts: dict[str, str]
    after: dict[str, str] = {}
    reasons: tuple[str, ...] = ()
    note: str = ""
    acceptable: bool | None = None
    prefers: Preference | None = None
    draw: Draw | None = None
    blind: bool = False
    seen: Seen = NOTHING_SEEN
    seconds: float | None = None
    undoes: str | None = None

    @property
    def result(self) -> dict[str, str]:
        """Digests of the texts that the decision left behind, by group of fields."""
        return {**self.texts, **self.after}

    @property
    def state(self) -> State:
        """The state that the decision puts its page in, as long as the texts stay."""
        if self.action is Action.SEND_BACK:
            return State.SENT_BACK
        if self.action in (Action.SKIP, Action.UNDO):
            return State.OPEN
        if self.action is Action.ADJUDICATE:
            return State.APPROVED if self.acceptable else State.REJECTED
        is_kept_as_bad = self.action is Action.KEEP and self.acceptable is False
        return State.REJECTED if self.action is Action.REJECT or is_kept_as_bad else State.APPROVED

    def holds_for(self, digests: Mapping[str, str]) -> bool:
        """Return whether the texts with these digests are those that the decision left behind."""
        return all(digests.get(group) == digest for group, digest in self.result.items())

    def line(self) -> str:
        """Return the decision as a line of the file."""
        return _encode(self).decode()


_encode = msgspec.json.Encoder().encode


def timestamp(moment: dt.datetime) -> str:
    """Return a moment in the form of `Decision.at`."""
    return moment.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment_after(earlier: str, moment: str) -> str:
    """Return `moment`, or the first millisecond after `earlier` if that is not before it.

    Decisions about a page keep their order even if clocks differ or are set back.
    """
    if moment > earlier:
        return moment
    try:
        return timestamp(dt.datetime.fromisoformat(earlier) + dt.timedelta(milliseconds=1))
    except (ValueError, OverflowError):  # a line with the 31st of February, or of the year 9999
        return earlier
