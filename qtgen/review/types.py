"""Types that the parts of the review app share."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from qtgen.generation.decisions import NOTHING_SEEN, Action, Decision, Draw, Preference, Seen, State
from qtgen.generation.provenance import text_hash


class FindingCount(NamedTuple):
    """How often a rule found something on a page."""

    code: str
    severity: str
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedPage:
    """What the index knows about a page.

    Args:
        url: The page's URL. Of pages with the same URL only the first one has it; see `problem`.
        path: The page's file.
        file_digest: `file_digest` of the file.
        digests: Digests of the texts by group of fields, as provenance records them.
        score: The score, from 0 to 1.
        findings: Counts of findings, errors first.
        state: The state that follows from the decisions.
        decision: The id of the decision that the state follows from.
        decided_at: When that decision was made.
        reviewer: Who made it.
        batch: The day and the model of the last request that wrote the answer: `2026-11-27 gpt-4o-mini`.
        rewrite: `kept` if the comparison kept the old texts, `taken` if the page has the new ones, or an empty string.
        is_writable: False for a page outside the folders that were given, and for a read-only file.
        problem: Why the page cannot be reviewed, such as a duplicate URL, or an empty string.
    """

    url: str
    path: str
    title: str
    subject: str
    file_digest: str
    digests: Mapping[str, str]
    score: float | None = None
    findings: tuple[FindingCount, ...] = ()
    state: State = State.OPEN
    decision: str | None = None
    decided_at: str = ""
    reviewer: str = ""
    batch: str = ""
    rewrite: str = ""
    is_writable: bool = True
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRequest:
    """An action that a reviewer asks for.

    Args:
        id: A UUID that the browser chose. The same id twice counts once.
        who: The reviewer.
        url: The page.
        file_digest: The digest of the file as it was shown.
        fields: New values by field, if the action is an edit. The answer is markdown with real line breaks.
        undoes: The id of the decision to undo; None for the reviewer's last one about the page.
        rewrite: The digest of the rewrite as it was shown, if one was.
    """

    id: str
    who: str
    action: Action
    url: str
    file_digest: str
    reasons: tuple[str, ...] = ()
    note: str = ""
    acceptable: bool | None = None
    prefers: Preference | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    undoes: str | None = None
    rewrite: str = ""
    draw: Draw | None = None
    blind: bool = False
    seen: Seen = NOTHING_SEEN
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class ActionResult:
    """What an action did.

    Args:
        decision: The line that was appended.
        file_digest: The digest of the file now.
        is_repeat: True if the id was known, so that nothing was done.
    """

    decision: Decision
    file_digest: str
    is_repeat: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewrite:
    """A rewrite of a page, with the old and the new values of each field.

    Args:
        is_taken: True if the page has the new texts; False if the comparison kept the old ones.
        old: The old values by field, as the page holds them.
        new: The new values by field.
        reasons: Why the page was rewritten, as names of reasons and codes of rules.
        why: The objections of the comparison, or what the judges said; one line.
        compared: `by`, `judges`, `verdict` and `measures` of the comparison.
        made: The provenance line of the new texts.
        also: The old and new values of other fields that changed with them: the score and the date.
        saved_at: When the record was saved, in the form of `Decision.at`.
    """

    url: str
    path: str
    is_taken: bool
    old: Mapping[str, Any]
    new: Mapping[str, Any]
    reasons: Sequence[str] = ()
    why: str = ""
    compared: Mapping[str, Any] = field(default_factory=dict)
    made: Mapping[str, Any] = field(default_factory=dict)
    also: Mapping[str, Any] = field(default_factory=dict)
    saved_at: str = ""

    @property
    def digest(self) -> str:
        """A digest of both versions. A browser sends it to identify the rewrite that it showed."""
        return text_hash(json.dumps([dict(self.old), dict(self.new)], sort_keys=True, default=str))


class Mark(NamedTuple):
    """A half-open range of code points of a markdown text that the other version lacks."""

    start: int
    end: int
    kind: Literal["ins", "del"]


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks at a screen, and what they may do."""

    name: str
    may_write: bool = True


@dataclass(frozen=True, slots=True)
class View:
    """A screen: the template and its variables, or a status other than 200 with both."""

    template: str
    context: Mapping[str, Any]
    status: int = 200
