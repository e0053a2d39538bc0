"""What each action changes: the new text of the page, its provenance, and the record of its rewrite.

Nothing is written here.
"""

import datetime as dt
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from qtgen.errors import UsageError
from qtgen.generation.config import GenerationConfig
from qtgen.generation.decisions import Action, Decision, DecisionLog
from qtgen.generation.output import OutputFolder
from qtgen.generation.provenance import group_digests, written_groups
from qtgen.generation.records import record_text
from qtgen.page import Page, Value, read_text, splice
from qtgen.page.layout import Layout
from qtgen.page.types import typed
from qtgen.review.decisions.edits import AddsErrors, check_edit
from qtgen.review.decisions.rewrites import changed_fields, rewrite_of
from qtgen.review.decisions.undo import UndoTexts, restored_text
from qtgen.review.files import PageOnDisk
from qtgen.review.types import ActionRequest, Rewrite
from qtgen.validation.fixes import apply_safe_fixes
from qtgen.validation.workers import page_file

_KEPT = "a reviewer kept the old text"


@dataclass(frozen=True, slots=True)
class Records:
    """The records of the rewrites of a page: the rejected one, and the accepted one."""

    rejected: str | None = field(repr=False)
    taken: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Change:
    """What an action changes.

    Args:
        text: The new text of the page.
        provenance: The line of provenance to append, or an empty mapping.
        records: The new records of its rewrites, or None if they stay.
    """

    text: str = field(repr=False)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    records: Records | None = None


@dataclass(frozen=True, slots=True)
class ChangeBuilder:
    """Builds the change that an action makes. Writes nothing.

    Args:
        store: The output folder with the records of rewrites.
        log: All decisions.
        undo_texts: What earlier actions replaced.
        config: The rules that an edited page must satisfy.
    """

    store: OutputFolder
    log: DecisionLog
    undo_texts: UndoTexts
    config: GenerationConfig

    def build(self, request: ActionRequest, file: PageOnDisk, undone: Decision | None) -> Change | None:
        """Return what an action changes, or None if it only adds a decision.

        Raises UsageError, SpliceError and UnwritableText."""
        if file.page.problems and request.action is not Action.SKIP:
            problem = file.page.problems[0].message
            raise UsageError(f"the page does not parse: {problem}", path=file.path, remedy="correct it first")
        if request.action in (Action.TAKE, Action.KEEP):
            return self._judge(request, file)
        if request.action is Action.EDIT:
            return self._edit(request, file)
        return self._undo(undone, file) if undone else None

    def _judge(self, request: ActionRequest, file: PageOnDisk) -> Change | None:
        """Return the change if a rewrite is taken or its old text is kept. The page may have that text already."""
        rewrite = rewrite_of(self.store, file.path, file.page.layout.profile)
        if rewrite is None:
            verb = "take" if request.action is Action.TAKE else "keep back"
            raise UsageError(f"there is no rewrite to {verb}", path=file.path, remedy="approve or reject the page")
        if request.rewrite and request.rewrite != rewrite.digest:
            message = "the rewrite was replaced by another one since it was shown"
            raise UsageError(message, path=file.path, remedy="look at the new one")
        replaced = rewrite.new if rewrite.is_taken else rewrite.old
        is_as_wanted = rewrite.is_taken is (request.action is Action.TAKE)
        if changed := changed_fields(replaced, file.page):
            if is_as_wanted and request.action is Action.KEEP:
                return None
            message = "changed since the rewrite was made, so the rewrite no longer applies"
            raise UsageError(message, path=file.path, field=changed[0], remedy="edit the page")
        if is_as_wanted:
            return None
        return self._revert(rewrite, file) if rewrite.is_taken else self._take(rewrite, file)

    def _take(self, rewrite: Rewrite, file: PageOnDisk) -> Change:
        """Return the page with the new texts."""
        changes: dict[str, Value] = dict(rewrite.new)
        also: dict[str, Any] = {}
        layout, values = file.page.layout, file.page.values
        score = layout.roles.score
        if layout.roles.answer in changes and score is not None and score in values:
            changes[score] = unscored = _unscored(layout, score)
            also = {score: {"old": values[score], "new": unscored}}
        text = splice(file.page, changes)
        record = self.store.rejected_records.read(str(file.path)) or {}
        return Change(
            text,
            self._provenance(rewrite, file, read_text(text, layout)),
            Records(None, record_text({**record, "also": also})),
        )

    def _provenance(self, rewrite: Rewrite, file: PageOnDisk, new: Page) -> dict[str, Any]:
        """Return the line of provenance, with the digests of the texts as they are now."""
        if not rewrite.made:
            return {}
        layout = file.page.layout
        groups = rewrite.made.get("groups") or written_groups(layout)
        fixed = apply_safe_fixes(page_file(str(file.path), new), self.config.fixer, frozenset(layout.model_fields))
        return {
            **rewrite.made,
            **({"compared": rewrite.compared} if rewrite.compared else {}),
            "replaced_digests": group_digests(file.page, groups),
            "text_digests": group_digests(fixed, groups),
        }

    def _revert(self, rewrite: Rewrite, file: PageOnDisk) -> Change:
        """Return the page with the old texts. Its record keeps `regenerate` from repeating the attempt."""
        changes: dict[str, Value] = dict(rewrite.old)
        for path, both in rewrite.also.items():
            if path in file.page.values and isinstance(both, dict) and both.get("old") is not None:
                changes[path] = _as_type_of(file.page.values[path], both["old"])
        record = self.store.taken_records.read(str(file.path)) or {}
        rejected = record_text({**record, "why": _KEPT, "also": {}})
        return Change(splice(file.page, changes), records=Records(rejected, None))

    def _edit(self, request: ActionRequest, file: PageOnDisk) -> Change:
        check = check_edit(file, request.fields, self.config.checker)
        if check.text.encode() == file.contents:
            raise UsageError("the edit changes nothing", path=file.path, remedy="approve the page instead")
        if check.new_errors:
            raise AddsErrors(file.path, check.new_errors)
        return Change(check.text)

    def undone_decision(self, request: ActionRequest) -> Decision:
        """Return the decision that a request undoes. Raises UsageError if there is none that could be undone."""
        if request.undoes is None:
            own = [one for one in self.log.effective(request.url) if one.who == request.who]
            if not own:
                raise UsageError("there is nothing to undo: you have decided nothing about this page")
            return own[-1]
        decision = self.log.get(request.undoes)
        if decision is None or decision.url != request.url:
            raise UsageError("there is nothing to undo: this page has no such decision", field="undoes")
        if self.log.is_undone(decision):
            raise UsageError("there is nothing to undo: the decision was undone before", field="undoes")
        return decision

    def _undo(self, undone: Decision, file: PageOnDisk) -> Change | None:
        """Return the page as it was before a decision, or None if the decision left the page as it is now."""
        if not undone.after:
            self._check_again_in_force(undone, file)
            return None
        digests = file.digests
        if all(digests.get(group) == undone.texts.get(group) for group in undone.after):
            return None  # git or a person has put the old text back
        if any(digests.get(group) != digest for group, digest in undone.after.items()):
            message = "the text changed after that decision"
            raise UsageError(message, path=file.path, remedy="undo the later change first, or edit the page")
        snapshot = self.undo_texts.get(undone.id)
        if snapshot is None:
            message = "the earlier text is not on this machine, so the decision cannot be undone here"
            raise UsageError(message, path=file.path, remedy="restore the page with git")
        records = Records(snapshot.rejected, snapshot.taken) if snapshot.moves_record else None
        return Change(restored_text(file, snapshot), records=records)

    def _check_again_in_force(self, undone: Decision, file: PageOnDisk) -> None:
        """Raise UsageError if undoing an undo would bring back a decision about a text that the page does not have."""
        again = self.log.get(undone.undoes or "")
        if again and again.after and not again.holds_for(file.digests):
            message = "the page no longer has the text of that decision, so it cannot be done again"
            raise UsageError(message, path=file.path, remedy="edit the page")


def _unscored(layout: Layout, score: str) -> Value:
    """Return the score of a page that was not scored yet, or None if such a page has no score."""
    row = layout.fields[score]
    default = row.spec.default
    return None if default is None or isinstance(default, tuple) else typed(default, row.spec.kinds)


def _as_type_of(value: Value, old: Any) -> Value:
    """Return an old value from a record, in which a date is a text. Return `value` if it is damaged."""
    if isinstance(value, dt.date) and isinstance(old, str):
        with suppress(ValueError):
            return dt.date.fromisoformat(old)
        return value
    return old if isinstance(old, str | int | float) else value
