"""The reasons for rewriting a page: one function per reason, registered with `@reason`.

A reason returns the groups of fields that are stale. Its docstring is its documentation: `qtgen explain` and
`docs/reference/reasons.md` print it. The findings of rules (QT5xx, QT6xx) are reasons as well, named by their code;
those come from the validator, not from this module.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

from qtgen.generation.decisions import REASONS as LABELS
from qtgen.generation.decisions import Decision, State
from qtgen.generation.provenance import ProvenanceRecord, answer_group
from qtgen.page.layout import Layout
from qtgen.page.text import to_single_line
from qtgen.regeneration.page_state import Criteria, PageState
from qtgen.validation.rules.placeholders import fill_placeholders

_REMOVED = ("removed", "removed")  # the digests of a prompt that no longer exists: equal to no recorded one


ReasonCheck = Callable[[PageState, Criteria], Iterable[str]]
"""Returns the groups of a page's fields that are stale for one reason."""


@dataclass(frozen=True, slots=True)
class Reason:
    """A registered reason.

    Args:
        name: The name by which users select it.
        check: Finds the stale groups of a page.
        setting: The field of `Criteria` without which the reason never applies, if there is one.
        only_if_named: True if the reason applies only when a user selects it by name.
        role: The role without which the reason never applies, if there is one.
    """

    name: str
    check: ReasonCheck = field(repr=False)
    setting: str | None
    only_if_named: bool
    role: Literal["score"] | None = None

    def applies_to(self, layout: Layout) -> bool:
        """Return whether pages of a layout can be stale for this reason."""
        return self.role is None or getattr(layout.roles, self.role) is not None

    @property
    def doc(self) -> str:
        return inspect.getdoc(self.check) or ""

    @property
    def needs_history(self) -> bool:
        """Whether only pages with provenance or a decision can be stale for this reason, not all pages."""
        return not self.only_if_named and self.setting is None


REASONS: dict[str, Reason] = {}
"""Every reason by name, in the order in which reports list them."""


def reason(
    *, setting: str | None = None, only_if_named: bool = False, role: Literal["score"] | None = None
) -> Callable[[ReasonCheck], ReasonCheck]:
    """Register a function as a reason, named like the function with hyphens for underscores."""

    def register(check: ReasonCheck) -> ReasonCheck:
        name = check.__name__.replace("_", "-")
        REASONS[name] = Reason(name, check, setting, only_if_named, role)
        return check

    return register


def describe_reason(reason: Reason, layout: Layout, setting_label: Callable[[str], str] = "`{}`".format) -> str:
    """Return a reason's documentation as markdown.

    Args:
        reason: The reason to describe.
        layout: The layout of pages, whose fields it names.
        setting_label: Returns how the reader sets a setting; a command returns the option's name.
    """
    active = "active by default"
    if reason.only_if_named:
        active = "active only if named"
    elif reason.setting is not None:
        active = f"active if {setting_label(reason.setting)} is given"
    return f"## {reason.name} ({active})\n\n{fill_placeholders(reason.doc, layout)}"


def is_rule(reason: str) -> bool:
    """Return True if the name of a reason is the code of a rule, and False if it is one of `REASONS`."""
    return reason not in REASONS


def group_of(path: str | None, layout: Layout) -> str | None:
    """Return the group of the field at a dotted path, or None if the field is never rewritten.

    An item of a list is in the group of its list.
    """
    groups = _group_by_path(layout)
    name = path or ""
    while name:
        if name in groups:
            return groups[name]
        name = name.rpartition(".")[0]
    return None


@cache
def _group_by_path(layout: Layout) -> Mapping[str, str]:
    return {path: group for group, paths in layout.groups.items() for path in paths}


def _groups_if(state: PageState, is_stale: Callable[[ProvenanceRecord], bool]) -> list[str]:
    """Return the groups whose provenance meets a condition."""
    return [group for group, record in state.records.items() if is_stale(record)]


@reason(setting="older_than")
def old(state: PageState, criteria: Criteria) -> Iterable[str]:
    """The text is older than the given number of days.

    The age is counted from the date in the provenance, so a rewritten page is not old even if it keeps its `{date}`. If
    the text has no provenance, the age is counted from the page's `{date}`.
    """
    dates = {group: state.written_on(group) for group in state.written_groups}
    return [
        group for group, date in dates.items() if date and (criteria.today - date).days > (criteria.older_than or 0)
    ]


@reason()
def prompt_changed(state: PageState, criteria: Criteria) -> Iterable[str]:
    """The wording or the parameters of the prompt changed after the text was written, or the prompt was removed."""

    def is_stale(record: ProvenanceRecord) -> bool:
        wording, _ = criteria.prompts.get(record.prompt, _REMOVED)
        return record.wording_digest not in ("", wording)

    return _groups_if(state, is_stale)


@reason()
def schema_changed(state: PageState, criteria: Criteria) -> Iterable[str]:
    """The schema of the model's response (its fields or limits) changed after the text was written."""

    def is_stale(record: ProvenanceRecord) -> bool:
        if record.prompt not in criteria.prompts:
            return False
        _, schema = criteria.prompts[record.prompt]
        return record.schema_digest not in ("", schema)

    return _groups_if(state, is_stale)


@reason()
def model_changed(state: PageState, criteria: Criteria) -> Iterable[str]:
    """The text was written by a model that is not one of the configured models.

    This reason applies only if a provider, a model or an endpoint is configured. Without one, qtgen would use the
    embedded model, but this default does not make the texts of other models stale.
    """
    if not criteria.models:
        return ()
    return _groups_if(state, lambda record: record.asked_model not in ("", *criteria.models))


@reason()
def source_changed(state: PageState, criteria: Criteria) -> Iterable[str]:
    """The source text of the answer (`context` in the question file) changed after the text was written.

    This reason applies only to pages whose questions are in the given question files.
    """
    if state.url not in criteria.contexts:
        return ()
    context = criteria.contexts[state.url]
    return _groups_if(state, lambda record: bool(record.question_digest) and record.context_digest != context)


@reason()
def question_edited(state: PageState, criteria: Criteria) -> Iterable[str]:  # noqa: ARG001 - every reason takes both
    """The page's question or subject was edited after the text was written."""
    return _groups_if(state, lambda record: record.question_digest not in ("", state.question_digest_now))


@reason(setting="score_below", role="score")
def low_score(state: PageState, criteria: Criteria) -> Iterable[str]:
    """The page's `{score}` is below the given limit. The reason ignores pages without a score."""
    return state.written_groups if state.score is not None and state.score < (criteria.score_below or 0.0) else ()


@reason()
def sent_back(state: PageState, criteria: Criteria) -> Iterable[str]:  # noqa: ARG001 - every reason takes both
    """A reviewer sent the page back in `qtgen review`, and its texts have not changed since.

    The request contains the reviewer's note, except for the short prompts of small models. If the reviewer's only
    reason is `search-fields`, the answer stays. The reason also applies to texts without provenance and to texts that a
    person edited.
    """
    if state.decision is None or state.decision.state is not State.SENT_BACK or state.decided is not State.SENT_BACK:
        return ()  # the page is read only for the last condition
    if state.decision.reasons != ("search-fields",):
        return state.written_groups
    return [group for group in state.written_groups if group != answer_group(state.layout)]


SENT_BACK = "sent-back"
"""The name of the reason above."""


def complaint_of(decision: Decision) -> str:
    """Return the note of a reviewer who sent a page back, as one line for the model."""
    labels = ", ".join(LABELS[reason] for reason in decision.reasons if reason in LABELS)
    note = to_single_line(decision.note)
    return f"{labels}: {note}" if labels else note


@reason(only_if_named=True)
def unknown_provenance(state: PageState, criteria: Criteria) -> Iterable[str]:  # noqa: ARG001 - every reason takes both
    """The text has no provenance: qtgen did not write it, or its record is missing."""
    return [group for group in state.written_groups if group not in state.records]
