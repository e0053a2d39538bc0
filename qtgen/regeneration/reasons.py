"""Why a page should be written again. A reason is one function: what is known of a page -> the fields it speaks of.

A finding of a rule (QT5…, QT6…) is a reason too, by its code; which pages have one is for the validator to say.
"""

import datetime as dt
import inspect
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from qtgen.generation.provenance import WRITTEN, ProvenanceRecord
from qtgen.page import Page
from qtgen.page.fields import FIELD_GROUPS


@dataclass(frozen=True, slots=True)
class Criteria:
    """What texts are held against. prompts: by name the digests of wording and schema in force; models: that would be
    asked; contexts: by url the digest of the source text that the question files give (None: none); a url that they do
    not name is not in it. older_than: days; score_below: 0 to 1."""

    today: dt.date
    prompts: Mapping[str, tuple[str, str]]
    models: Collection[str]
    contexts: Mapping[str, str | None] = field(default_factory=dict)
    older_than: int | None = None
    score_below: float | None = None


class PageState:
    """What is known of a page. question: the digest of its title and subject; made: how each of its groups came about;
    read: gives the page when somebody looks, which takes longer than all else."""

    def __init__(self, url: str, question: str, made: Mapping[str, ProvenanceRecord], read: Callable[[], Page]) -> None:
        self.url, self.question, self.made = url, question, made
        self._read = read

    @cached_property
    def page(self) -> Page:
        return self._read()

    def written(self, group: str) -> dt.date | None:
        """The day on which a group was written: as it was noted, else the page's own date."""
        made = self.made.get(group)
        noted = _day(made.date) if made else None
        own = self.page.values.get("date") if noted is None else None
        return own if type(own) is dt.date else noted  # a time of day beside it breaks the schema

    @property
    def score(self) -> float | None:
        """0 to 1; None where the page is not scored."""
        value = self.page.values.get("score")
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            return None
        return float(value)


def _day(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


ReasonCheck = Callable[[PageState, Criteria], Iterable[str]]
"""The groups of a page that are stale for one reason."""


@dataclass(frozen=True, slots=True)
class Reason:
    """option: which must be given for it; asked_for: whether it counts only where it is named."""

    name: str
    of: ReasonCheck = field(repr=False)
    option: str | None
    asked_for: bool

    @property
    def doc(self) -> str:
        return inspect.getdoc(self.of) or ""


REASONS: dict[str, Reason] = {}


def reason(*, option: str | None = None, asked_for: bool = False) -> Callable[[ReasonCheck], ReasonCheck]:
    """Put a function into the table of reasons, under its own name."""

    def add(of: ReasonCheck) -> ReasonCheck:
        name = of.__name__.replace("_", "-")
        REASONS[name] = Reason(name, of, option, asked_for)
        return of

    return add


def describe_reason(one: Reason) -> str:
    """A reason's documentation for people."""
    needs = f"counts where {one.option} is given" if one.option else "counts by itself"
    return f"## {one.name} ({'counts only where it is named' if one.asked_for else needs})\n\n{one.doc}"


def _where(standing: PageState, differs: Callable[[ProvenanceRecord], bool]) -> Iterable[str]:
    return [group for group, made in standing.made.items() if differs(made)]


@reason(option="--older-than")
def old(standing: PageState, now: Criteria) -> Iterable[str]:
    """Written more than --older-than days ago.

    The day is the one noted when the text was written, so a page whose `date` stays is not old for ever; where nothing
    is noted, the page's `date`.
    """
    days = {group: standing.written(group) for group in WRITTEN}
    return [group for group, day in days.items() if day and (now.today - day).days > (now.older_than or 0)]


@reason()
def prompt_changed(standing: PageState, now: Criteria) -> Iterable[str]:
    """The prompt is not worded as it was when the text was written, or has other parameters, or is there no more."""

    def differs(made: ProvenanceRecord) -> bool:
        return made.wording_digest not in ("", now.prompts.get(made.prompt, ("gone", ""))[0])

    return _where(standing, differs)


@reason()
def schema_changed(standing: PageState, now: Criteria) -> Iterable[str]:
    """The form that the model filled in has changed since: other parts, or other limits."""

    def differs(made: ProvenanceRecord) -> bool:
        return made.prompt in now.prompts and made.schema_digest not in ("", now.prompts[made.prompt][1])

    return _where(standing, differs)


@reason()
def model_changed(standing: PageState, now: Criteria) -> Iterable[str]:
    """Written by a model that is none of those which would be asked now.

    Only where a provider, a model or an endpoint is named: with none, the model on this machine would answer for want
    of another, and that is no change.
    """
    if not now.models:
        return ()
    return _where(standing, lambda made: made.asked_model not in ("", *now.models))


@reason()
def source_changed(standing: PageState, now: Criteria) -> Iterable[str]:
    """The source text that the answer rests on is another one: `context` in the question files (--questions)."""

    def differs(made: ProvenanceRecord) -> bool:
        return bool(made.question_digest) and now.contexts[standing.url] != made.context_digest

    return _where(standing, differs) if standing.url in now.contexts else ()


@reason()
def question_edited(standing: PageState, now: Criteria) -> Iterable[str]:  # noqa: ARG001 - the form of a reason
    """The page's question or subject is not the one that the text was written for: somebody edited it by hand."""
    return _where(standing, lambda made: made.question_digest not in ("", standing.question))


@reason(option="--score-below")
def low_score(standing: PageState, now: Criteria) -> Iterable[str]:
    """The page's `score` is under --score-below. A page that was not scored has none."""
    return WRITTEN if standing.score is not None and standing.score < (now.score_below or 0.0) else ()


@reason(asked_for=True)
def unknown_provenance(standing: PageState, now: Criteria) -> Iterable[str]:  # noqa: ARG001 - the form of a reason
    """Nothing is noted of how the text came about: it is older than qtgen, or a person wrote it."""
    return [group for group in WRITTEN if group not in standing.made]


def group_of(path: str | None) -> str | None:
    """The group that a field belongs to; None for those that are never written again."""
    return _GROUP_OF.get(path or "")


_GROUP_OF = {path: group for group, paths in FIELD_GROUPS.items() for path in paths}
