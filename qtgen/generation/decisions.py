"""What people decided about pages: one JSON line for every decision, in a file that is only appended to.

A decision holds for the texts that the reader saw, by their digests. New links leave it in force; a changed text does
not. Git merges the files of two branches by union, so the lines may be out of order and may occur twice.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Literal, NamedTuple

import msgspec

from qtgen.generation.provenance import group_digests
from qtgen.page import Page

VERSION = 1
"""Version of the line."""


class Action(StrEnum):
    """What a reader did. A rewrite is taken or kept back; every other action concerns the text of the page."""

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


class Draw(msgspec.Struct, frozen=True):
    """The audit or queue that chose a page, and the probability with which it did."""

    plan: str
    probability: float


class Seen(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the reader saw beside the text: the page's score and its version, and the verdict of the comparison."""

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
        who: The reader.
        action: What the reader did.
        url: The page.
        texts: Digests of the texts that the reader saw, by group of fields.
        after: Digests of the texts after the action, if it changed the page.
        reasons: Keys of `REASONS`.
        note: Free text of the reader.
        acceptable: Whether the text as shown could be published; None if the action does not say.
        prefers: Which of two texts is better; None if only one was shown.
        draw: The draw that the page came from; None if a person chose it.
        blind: Whether the reader saw neither score, nor comparison, nor another reader's decision.
        seen: What the reader saw beside the text.
        seconds: How long the page was open.
        undoes: The id of the decision that an undo takes back.
    """

    v: int = VERSION
    id: str
    at: str
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
        if self.action is Action.ADJUDICATE:
            return State.APPROVED if self.acceptable else State.REJECTED
        if self.action in (Action.SKIP, Action.UNDO):
            return State.OPEN
        return State.REJECTED if self.action is Action.REJECT else State.APPROVED

    def holds_for(self, digests: Mapping[str, str]) -> bool:
        """Return whether the texts with these digests are those that the decision left behind."""
        return all(digests.get(group) == digest for group, digest in self.result.items())

    def line(self) -> str:
        """Return the decision as a line of the file."""
        return _encode(self).decode()


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Decision).decode


class LineProblem(NamedTuple):
    """A line that is no decision: its number, and why."""

    number: int
    message: str


class DecisionLog:
    """All decisions, in the order in which they were made.

    Args:
        problems: The lines that are no decisions. They stay in the file.
    """

    def __init__(self, decisions: Iterable[Decision] = (), problems: Iterable[LineProblem] = ()) -> None:
        self.problems = tuple(problems)
        self._decisions: dict[str, Decision] = {}
        self._of_page: dict[str, list[Decision]] = defaultdict(list)
        self._undone: dict[str, str] = {}  # the id of the undo, by the id of what it undoes
        for decision in sorted(decisions, key=lambda one: (one.at, one.id)):
            self.add(decision)

    def __len__(self) -> int:
        return len(self._decisions)

    def __iter__(self) -> Iterator[Decision]:
        return iter(self._decisions.values())

    def get(self, id_: str) -> Decision | None:
        """Return the decision with an id, if there is one."""
        return self._decisions.get(id_)

    def add(self, decision: Decision) -> bool:
        """Add the latest decision. Return False if it is known already."""
        if decision.id in self._decisions:
            return False
        self._decisions[decision.id] = decision
        self._of_page[decision.url].append(decision)
        if decision.action is Action.UNDO and decision.undoes:
            self._undone[decision.undoes] = decision.id
        return True

    def discard(self, id_: str) -> None:
        """Forget a decision, because its page was never changed."""
        decision = self._decisions.pop(id_)
        self._of_page[decision.url].remove(decision)
        if decision.undoes:
            self._undone.pop(decision.undoes, None)

    def urls(self) -> Iterable[str]:
        """Return the URLs of the pages that have decisions."""
        return self._of_page.keys()

    def history(self, url: str) -> list[Decision]:
        """Return all decisions about a page, also those that were undone."""
        return list(self._of_page.get(url, ()))

    def is_undone(self, decision: Decision) -> bool:
        """Return whether a decision was taken back. An undo can be undone too."""
        undo = self._undone.get(decision.id)
        return undo is not None and undo in self._decisions and not self.is_undone(self._decisions[undo])

    def effective(self, url: str) -> list[Decision]:
        """Return the decisions about a page that stand: neither undone, nor an undo."""
        decisions = self._of_page.get(url, ())
        return [one for one in decisions if one.action is not Action.UNDO and not self.is_undone(one)]

    def current(self, url: str) -> Decision | None:
        """Return the decision that the state of a page follows from, if there is one.

        It is the last one that was not blind, or else the last blind one. Skipping a page decides nothing.
        """
        decisions = [one for one in self.effective(url) if one.action is not Action.SKIP]
        return next((one for one in reversed(decisions) if not one.blind), decisions[-1] if decisions else None)

    def state(self, url: str, digests: Mapping[str, str]) -> State:
        """Return the state of a page whose texts have these digests."""
        decision = self.current(url)
        if decision is None:
            return State.OPEN
        return decision.state if decision.holds_for(digests) else State.RETURNED

    def discard_unfinished(self, page_at: Callable[[str], Page | None]) -> list[Decision]:
        """Discard and return decisions whose page was never changed, because the program was killed before.

        Args:
            page_at: Returns the page that has a URL, if there is one.
        """
        unfinished = []
        for url in list(self._of_page):
            last = next((one for one in reversed(self.history(url)) if one.after), None)
            if last is None or self.is_undone(last):
                continue
            page = page_at(url)
            if page is None:
                continue
            digests = group_digests(page, list(last.after))
            if digests != last.after and all(digests[group] == last.texts.get(group) for group in last.after):
                self.discard(last.id)
                unfinished.append(last)
        return unfinished


def read_decisions(lines: Iterable[bytes]) -> DecisionLog:
    """Return all decisions. Lines that are none, such as one that a crash cut short, are listed as problems."""
    decisions, problems = [], []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            decision = _decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            problems.append(LineProblem(number, f"not a decision: {error}"))
            continue
        if decision.v > VERSION:
            problems.append(LineProblem(number, f"written by a newer qtgen (version {decision.v})"))
        else:
            decisions.append(decision)
    return DecisionLog(decisions, problems)


def timestamp(moment: dt.datetime) -> str:
    """Return a moment in the form of `Decision.at`."""
    return moment.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
