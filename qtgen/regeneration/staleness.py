"""Which pages are stale: what is looked for, and what was found."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from qtgen.regeneration.reasons import SENT_BACK, Reason


@dataclass(frozen=True, slots=True)
class StalenessFilter:
    """Which reasons for staleness to look for.

    Args:
        reasons: The reasons to check.
        codes: Rules whose findings are reasons.
        groups: The groups of fields that may be rewritten.
        include_edited: True to include texts that a person edited after they were written, or approved.
    """

    reasons: Sequence[Reason]
    codes: frozenset[str]
    groups: frozenset[str]
    include_edited: bool = False


@dataclass(frozen=True, slots=True)
class StalePage:
    """A page with texts that should be rewritten.

    Args:
        path: The page's file.
        url: The page's URL.
        because: The stale fields by the name of the reason, or by the code of the rule.
        free: The reasons that safe fixes or new links are expected to remove, without a request.
        errors: How many findings of severity error are reasons.
        warnings: How many findings of severity warning are reasons.
        context_digest: The digest of the source text that the current answer was written from, if there was one.
        date: When the oldest text was written. Set only if dates were requested.
        score: The page's score. Set only if low scores are looked for.
        complaint: What a reviewer wrote when sending the texts back, if that is a reason.
    """

    path: str
    url: str
    because: Mapping[str, frozenset[str]]
    free: frozenset[str] = frozenset()
    errors: int = 0
    warnings: int = 0
    context_digest: str | None = None
    date: dt.date | None = None
    score: float | None = None
    complaint: str = ""

    @property
    def reasons(self) -> tuple[str, ...]:
        return tuple(self.because)

    @property
    def fields(self) -> frozenset[str]:
        return frozenset().union(*self.because.values())

    @property
    def is_free(self) -> bool:
        """True if no request is expected to be needed."""
        return self.free == self.because.keys()

    def only_for(self, reason: str) -> "StalePage":
        """Return the page as if this were its only reason."""
        complaint = self.complaint if reason == SENT_BACK else ""
        return replace(self, because={reason: self.because[reason]}, free=self.free & {reason}, complaint=complaint)


@dataclass(slots=True)
class StalenessReport:
    """The result of `find_stale`.

    Args:
        pages: How many pages were checked.
        stale: The stale pages, sorted by path.
        edited: Paths of pages that are stale, but only in texts that a person edited.
        approved: Paths of pages that are stale, but whose texts a reviewer approved.
        unreadable: Paths of pages that do not parse.
        gone: URLs that have provenance but no page.
        omitted: How many stale pages a limit removed from `stale`.
    """

    pages: int = 0
    stale: list[StalePage] = field(default_factory=list)
    edited: list[str] = field(default_factory=list)
    approved: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    omitted: int = 0
