"""What people decided about pages: one JSON line for every decision, in a file that is only appended to.

A decision holds for the texts that the reviewer saw, by their digests. New links leave it in force; a changed text does
not. Git merges the files of two branches by union, so the lines may be out of order and may occur twice.
"""

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

import msgspec

from qtgen.generation.decision import (
    NOTHING_SEEN,
    REASONS,
    VERSION,
    Action,
    Decision,
    Draw,
    Preference,
    Seen,
    State,
    moment_after,
    timestamp,
)

__all__ = [
    "NOTHING_SEEN",
    "REASONS",
    "Action",
    "Decision",
    "DecisionLog",
    "Draw",
    "LineProblem",
    "Preference",
    "Seen",
    "State",
    "moment_after",
    "read_decisions",
    "timestamp",
]

_decode = msgspec.json.Decoder(Decision).decode


class LineProblem(NamedTuple):
    """A line that is no decision: its number, and why."""

    number: int
    message: str


class DecisionLog:
    """All decisions, in the order in which they were made. Threads may share it.

    Args:
        problems: The lines that are not decisions. They stay in the file.
    """

    def __init__(self, decisions: Iterable[Decision] = (), problems: Iterable[LineProblem] = ()) -> None:
        self.problems = tuple(problems)
        self._decisions: dict[str, Decision] = {}
        self._of_page: dict[str, list[Decision]] = {}
        self._discarded: set[str] = set()
        self._latest = ""  # the greatest `at`
        self._is_sorted = True
        self._lock = threading.Lock()  # for changes; readers see the lists before or after one
        first = {one.id: one for one in reversed([*decisions])}  # of lines with the same id, the first one counts
        for decision in sorted(first.values(), key=lambda one: _order(one, first)):
            self._insert(decision, [*self._of_page.get(decision.url, ()), decision])

    def __len__(self) -> int:
        return len(self._decisions)

    def __iter__(self) -> Iterator[Decision]:
        with self._lock:
            if not self._is_sorted:
                known = self._decisions
                self._decisions = {one.id: one for one in sorted(known.values(), key=lambda one: _order(one, known))}
                self._is_sorted = True
            return iter(list(self._decisions.values()))

    def get(self, id_: str) -> Decision | None:
        """Return the decision with an id, if there is one."""
        return self._decisions.get(id_)

    def add(self, decision: Decision) -> bool:
        """Add a decision. Return False if it is known already, or was discarded."""
        with self._lock:
            if decision.id in self._decisions or decision.id in self._discarded:
                return False
            history = [*self._of_page.get(decision.url, ()), decision]
            known = {one.id: one for one in history}
            self._insert(decision, sorted(history, key=lambda one: _order(one, known)))
            return True

    def _insert(self, decision: Decision, history: list[Decision]) -> None:
        self._is_sorted = self._is_sorted and decision.at >= self._latest
        self._latest = max(self._latest, decision.at)
        self._decisions[decision.id] = decision
        self._of_page[decision.url] = history  # a new list, because another thread may be reading the old one

    def discard(self, id_: str) -> None:
        """Forget a decision, because its page was never changed. A line that repeats it is not added again."""
        with self._lock:
            self._discarded.add(id_)
            if decision := self._decisions.pop(id_, None):
                self._of_page[decision.url] = [one for one in self._of_page[decision.url] if one.id != id_]

    def forget(self, ids: Collection[str]) -> set[str]:
        """Forget decisions whose lines are gone, because Git changed the file, and return their URLs.

        A line that comes back is added again.
        """
        with self._lock:
            decisions = [decision for id_ in ids if (decision := self._decisions.pop(id_, None))]
            urls = {decision.url for decision in decisions}
            for url in urls:
                self._of_page[url] = [one for one in self._of_page[url] if one.id not in ids]
            return urls

    def is_discarded(self, id_: str) -> bool:
        """Return whether a decision was discarded, because its page was never changed."""
        return id_ in self._discarded

    def urls(self) -> Collection[str]:
        """Return the URLs of the pages that have decisions."""
        return [url for url, history in list(self._of_page.items()) if history]

    def history(self, url: str) -> list[Decision]:
        """Return all decisions about a page, also those that were undone."""
        return list(self._of_page.get(url, ()))

    def is_undone(self, decision: Decision) -> bool:
        """Return whether a decision was taken back. An undo can be undone too."""
        return decision.id in self._undone(decision.url)

    def _undone(self, url: str) -> set[str]:
        """Return the ids of the decisions about a page that were taken back by a later undo that is in force."""
        undone: set[str] = set()
        for decision in reversed(self._of_page.get(url, ())):
            if decision.action is Action.UNDO and decision.undoes and decision.id not in undone:
                undone.add(decision.undoes)
        return undone

    def effective(self, url: str) -> list[Decision]:
        """Return the decisions about a page that are in force: neither undone, nor an undo."""
        undone = self._undone(url)
        history = self._of_page.get(url, ())
        return [one for one in history if one.action is not Action.UNDO and one.id not in undone]

    def current(self, url: str) -> Decision | None:
        """Return the decision that the state of a page follows from, if there is one.

        It is the last one, but a blind approval does not lift the rejection of the same text: if two reviewers of an
        audit disagree, the text is rejected until a third one settles it. Skipping a page decides nothing.
        """
        current: Decision | None = None
        for decision in self.effective(url):
            if decision.action is not Action.SKIP and not _is_overruled(decision, current):
                current = decision
        return current

    def state(self, url: str, digests: Mapping[str, str]) -> State:
        """Return the state of a page whose texts have these digests."""
        decision = self.current(url)
        if decision is None:
            return State.OPEN
        return decision.state if decision.holds_for(digests) else State.RETURNED

    def discard_unfinished(self, digests_of: Callable[[str], Mapping[str, str] | None]) -> list[Decision]:
        """Discard and return decisions whose page was never changed, because the program was killed before.

        The page tells whether its last change was carried out, and for an earlier change the next decision does: it
        was made either about the old text or about the new one. Only pages with changes are looked at.

        Args:
            digests_of: Returns the digests of the texts of the page that has a URL, if there is one.
        """
        unfinished: list[Decision] = []
        for url in self.urls():
            if any(one.after for one in self._of_page[url]) and (digests := digests_of(url)) is not None:
                unfinished += self._unfinished(url, digests)
        for decision in unfinished:
            self.discard(decision.id)
        return unfinished

    def _unfinished(self, url: str, digests: Mapping[str, str]) -> Iterator[Decision]:
        next_texts = digests
        for decision in reversed(self._of_page[url]):
            if decision.after:
                old = {group: decision.texts.get(group) for group in decision.after}
                is_done = any(_matches(decision.after, texts) for texts in (digests, next_texts))
                if not is_done and _matches(old, next_texts):
                    yield decision
            next_texts = decision.texts


def _is_overruled(decision: Decision, earlier: Decision | None) -> bool:
    """Return whether a decision leaves an earlier one in force: it is a blind approval of the same text."""
    is_approval = decision.blind and decision.state is State.APPROVED
    return earlier is not None and is_approval and earlier.holds_for(decision.texts)


def _matches(wanted: Mapping[str, str | None], digests: Mapping[str, str]) -> bool:
    return all(digests.get(group) == digest for group, digest in wanted.items())


def _order(decision: Decision, known: Mapping[str, Decision]) -> tuple[str, bool, str]:
    """Return the key that sorts decisions by time. An undo follows what it undoes, whatever their clocks said."""
    undone = known.get(decision.undoes or "")
    at = max(decision.at, undone.at) if undone else decision.at
    return at, decision.action is Action.UNDO, decision.id


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
        elif not decision.texts:  # it would hold for every text
            problems.append(LineProblem(number, "not a decision: it names no text"))
        else:
            decisions.append(decision)
    return DecisionLog(decisions, problems)
