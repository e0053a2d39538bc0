"""Some fields of a page -> the same page with these written again, unless that would make it worse.

What is asked is only what is needed: where the answer stays, a small request for the search fields, with the answer as
its source. An answer is used if the page then has no error that it did not have, and the findings that were the reason
are gone; it replaces the old text if the comparison does not find it worse.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from qtgen.errors import AnswerError, BudgetReached, Failure, JudgeError, SpliceError, UnwritableText
from qtgen.generation import answers
from qtgen.generation.generator import NOT_SCORED, GenerationConfig, about_text, written_values
from qtgen.generation.prompts import digest
from qtgen.generation.provenance import digests_of
from qtgen.generation.repair_loop import AcceptedAnswer, AnswerCheck, how_made, write
from qtgen.generation.types import Draft, Outcome, Question, Status
from qtgen.llm.types import Prompt, Provider
from qtgen.page import Page, Value, decode_answer, read_text, splice
from qtgen.page.fields import FIELD_GROUPS
from qtgen.regeneration.compare import Comparison, by_judges, by_metrics
from qtgen.validation.diagnostics import Severity
from qtgen.validation.fixes import errors
from qtgen.validation.rules import PageFile

NO_ANSWER = frozenset({"QT604", "QT605", "QT608"})
"""Findings that say that the old answer is none to hold a new one against."""
NO_REFERENCE = frozenset({"source-changed", "question-edited"})
"""Reasons that say the same."""


@dataclass(frozen=True)
class RewriteJob:
    """A page to be worked on. before: what its file holds; page: the same with the safe fixes made; fixes: how many
    rules these satisfied; wanted: the fields that are to be written again; reasons: why."""

    path: str
    url: str
    before: bytes
    page: Page
    question: Question
    wanted: frozenset[str]
    reasons: tuple[str, ...]
    fixes: int = 0
    touch_date: bool = False

    @property
    def blank(self) -> Outcome:
        return Outcome(self.question, Status.FAILED, self.path, self.url)

    @property
    def groups(self) -> tuple[str, ...]:
        return tuple(group for group, paths in FIELD_GROUPS.items() if self.wanted.intersection(paths))

    @property
    def codes(self) -> frozenset[str]:
        return frozenset(name for name in self.reasons if name.startswith("QT"))

    @property
    def is_mended(self) -> bool:
        return self.page.text.encode() != self.before

    def fixed(self) -> Draft | None:
        """The page with its safe fixes alone; None where there are none."""
        if not self.is_mended:
            return None
        return Draft(self.path, self.url, self.page.text, {}, self.before)


@dataclass(frozen=True)
class Rewrite:
    """The task of writing some fields of a page again."""

    revision: RewriteJob
    recipe: GenerationConfig

    @cached_property
    def prompt(self) -> Prompt:
        revision = self.revision
        if "answer" in revision.wanted:
            return self.recipe.render(revision.question)
        return self.recipe.render_seo(revision.question, decode_answer(revision.page.text_of("answer") or ""))

    @property
    def blank(self) -> Outcome:
        return self.revision.blank

    def judge(self, completion: str) -> AnswerCheck:
        try:
            values = written_values(answers.parse(self.prompt.shape, completion))
            text = splice(self.revision.page, self.changes(values))
        except AnswerError as error:
            return AnswerCheck(faults=tuple(error.problems))
        except (SpliceError, UnwritableText) as error:
            return AnswerCheck(faults=(str(error),))
        found = tuple(self.recipe.checker(PageFile(self.revision.path, read_text(text))))
        before = errors(PageFile(self.revision.path, self.revision.page), self.recipe.checker)
        faults = []
        for one in found:
            is_new = one.severity is Severity.ERROR and before[one.code] <= 0
            before[one.code] -= 1
            if is_new or (one.code in self.revision.codes and one.field in self.revision.wanted):
                faults.append(f"{one.field}: {one.message}" if one.field else one.message)
        return AnswerCheck(None if faults else text, tuple(faults), found)

    def changes(self, values: Mapping[str, Value]) -> dict[str, Value]:
        """The fields that change. A score was that of the old answer, and goes with it."""
        revision = self.revision
        changes = {path: value for path, value in values.items() if path in revision.wanted}
        if "answer" in changes and "score" in revision.page.values:
            changes["score"] = NOT_SCORED
        if revision.touch_date:
            changes["date"] = self.recipe.today
        return changes

    def draft(self, text: str, attempt: AcceptedAnswer) -> Draft:
        revision = self.revision
        made = {
            "url": revision.url,
            "id": revision.page.values.get("id"),
            "date": self.recipe.today.isoformat(),
            "because": [*revision.reasons],
            "replaced_digests": digests_of(read_text(revision.before.decode()), revision.groups),
            **how_made(attempt),
            **about_text(PageFile(revision.path, read_text(text)), revision.question, self.recipe, revision.groups),
        }
        return Draft(revision.path, revision.url, text, made, revision.before)


@dataclass(frozen=True, slots=True)
class RewriteResult:
    """What became of a page. rejected: the text that was not taken, as a draft; why: what speaks against it."""

    revision: RewriteJob
    outcome: Outcome
    rejected: Draft | None = field(default=None, repr=False)
    why: str = ""


async def rewrite(
    revision: RewriteJob, recipe: GenerationConfig, providers: Sequence[Provider], judges: Sequence[Provider] = ()
) -> RewriteResult:
    """The page with its wanted fields written again; its outcome is `kept` where that would be no gain.

    judges: ask them which text is better, instead of the metrics. Raises as `writing.write` does.
    """
    outcome = await write(Rewrite(revision, recipe), recipe.repairs, providers)
    draft = outcome.draft
    if draft is None:
        return RewriteResult(revision, replace(outcome, draft=revision.fixed()))
    new = read_text(draft.text)
    changed = {path for path in revision.wanted if new.values.get(path) != revision.page.values.get(path)}
    try:
        verdict = await _compared(revision, new, changed, judges)
    except (BudgetReached, JudgeError) as error:  # its answer is in the ledger: another run compares it
        status = Status.SKIPPED if isinstance(error, BudgetReached) else Status.FAILED
        failed = replace(outcome, status=status, error=Failure(error.kind, str(error)), draft=revision.fixed())
        return RewriteResult(revision, failed)
    if not verdict.worse:
        return RewriteResult(revision, outcome)
    kept = replace(outcome, status=Status.KEPT, draft=revision.fixed())
    return RewriteResult(revision, kept, draft, verdict.why)


async def _compared(
    revision: RewriteJob, new: Page, changed: AbstractSet[str], judges: Sequence[Provider]
) -> Comparison:
    if not changed:
        return Comparison(True, "the same text came again")
    if judges:
        return await by_judges(judges, revision.question, revision.page, new, changed)
    trusted = not NO_REFERENCE.intersection(revision.reasons) and not NO_ANSWER & revision.codes
    return await asyncio.to_thread(by_metrics, revision.page, new, changed, trusted=trusted)


def key_of_attempt(revision: RewriteJob, recipe: GenerationConfig, models: Sequence[str], judges: Sequence[str]) -> str:
    """The same for as long as the same would be asked of the same page, and compared in the same way."""
    asked = Rewrite(revision, recipe).prompt.digest
    old = [str(revision.page.values.get(path)) for path in sorted(revision.wanted)]
    return digest(asked, [*models], [*judges], old)


def why_not(revision: RewriteJob, recipe: GenerationConfig) -> str | None:
    """Why a page cannot be edited line by line in all that would change; None if it can."""
    try:
        splice(revision.page, Rewrite(revision, recipe).changes(dict.fromkeys(revision.wanted, "A text.")))
    except SpliceError as error:
        return str(error)
    return None


def rejected_record(one: RewriteResult, key: str) -> str:
    """What is kept of an attempt that was not taken: both texts of every field, and why."""
    assert one.rejected  # noqa: S101 - the caller's to see to
    new = read_text(one.rejected.text)
    old = one.revision.page
    fields = {path: {"old": old.values.get(path), "new": new.values.get(path)} for path in sorted(one.revision.wanted)}
    record: dict[str, Any] = {
        "path": one.revision.path,
        "url": one.revision.url,
        "reasons": one.revision.reasons,
        "why": one.why,
        "fields": fields,
        "made": one.rejected.provenance,
        "key": key,
    }
    return json.dumps(record, ensure_ascii=False, indent=2) + "\n"
