"""Rewrite some fields of one page, unless that would make the page worse.

A request covers only what is needed: if the answer stays, a small request for the search fields contains the answer as
its source. A response is accepted if it adds no error to the page and removes the findings that were the reasons. It
replaces the old text unless the comparison finds it worse.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

from qtgen.errors import (
    AnswerError,
    BudgetReached,
    Deferred,
    Failure,
    Interrupted,
    JudgeError,
    SpliceError,
    UnwritableText,
)
from qtgen.generation.answer_brake import AnswerBrake
from qtgen.generation.answer_candidates import AcceptedAnswer, request_provenance
from qtgen.generation.answer_check import AnswerCheck
from qtgen.generation.answers import values_of
from qtgen.generation.config import GenerationConfig
from qtgen.generation.generator import check_findings, check_fixed, checked_file, text_provenance
from qtgen.generation.grounding.pages import add_grounding
from qtgen.generation.new_pages import default_value, today_value
from qtgen.generation.parsing import parse
from qtgen.generation.prompts import repair_prompt
from qtgen.generation.provenance import answer_group, group_digests
from qtgen.generation.repair_loop import run_task
from qtgen.generation.types import Draft, Outcome, Question, Status
from qtgen.llm.types import Prompt, PromptStyle, Provider
from qtgen.page import Page, Value, read_text, splice
from qtgen.page.fields import Field
from qtgen.page.profile import Kind
from qtgen.regeneration.compare import IDENTICAL, Comparison, compare_by_metrics
from qtgen.regeneration.judged import compare_by_judges
from qtgen.validation.diagnostics import Diagnostic
from qtgen.validation.rules import PageFile

_logger = logging.getLogger(__name__)

NO_REFERENCE = frozenset(
    {"QT604", "QT605", "QT608", "QT609", "QT610", "source-changed", "question-edited", "sent-back"}
)
"""Reasons after which the old answer is no reference for the new one: a refusal, an answer that is too short, off topic
or incoherent, contains residue of the model, was written for another source text or question, or was sent back."""


@dataclass(frozen=True)
class RewriteJob:
    """A page to rewrite.

    Args:
        path: The page's file.
        url: The page's URL, or an empty string if it has none.
        original: The contents of the file.
        page: The page with its safe fixes and new links.
        question: The question that the page answers.
        fields: The fields to rewrite; none if the safe fixes and links are enough.
        reasons: Why, as names of reasons and codes of rules.
        fixes: How many rules the safe fixes satisfied.
        touch_date: True to set the date of the page to today.
        complaint: What a reviewer wrote when sending the texts back.
    """

    path: str
    url: str
    original: bytes
    page: Page
    question: Question
    fields: frozenset[str]
    reasons: tuple[str, ...]
    fixes: int = 0
    touch_date: bool = False
    complaint: str = ""

    @property
    def blank(self) -> Outcome:
        """The outcome as long as there is no other."""
        return Outcome(self.question, Status.FAILED, self.path, self.url)

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups of fields with a field to rewrite."""
        groups = self.page.layout.groups
        return tuple(group for group, paths in groups.items() if self.fields.intersection(paths))

    @property
    def covers_answer(self) -> bool:
        """Whether the answer, or a text that is only written with it, is to be rewritten."""
        return answer_group(self.page.layout) in self.groups

    @property
    def has_reference(self) -> bool:
        """True if a new answer can be compared with the old one."""
        return NO_REFERENCE.isdisjoint(self.reasons)

    def draft_of_fixes(self) -> Draft | None:
        """Return the page with nothing but its safe fixes and new links, or None if it has none."""
        if self.page.text.encode() == self.original:
            return None
        return Draft(self.path, self.url, self.page.text, {}, self.original)


@dataclass(frozen=True)
class RewriteTask:
    """A job as a task for the repair loop: what to ask, and which responses are acceptable."""

    job: RewriteJob
    config: GenerationConfig

    def prompt(self, style: PromptStyle) -> Prompt:
        """Return the first request. A reviewer's complaint is in it like the fault of an earlier answer."""
        page = self.job.page
        if self.job.covers_answer:
            prompt = self.config.render(self.job.question, style)
        else:
            answer = page.layout.decode(page.text_of(page.layout.roles.answer or "") or "")
            prompt = self.config.render_seo(self.job.question, answer, style)
        return repair_prompt(prompt, [self.job.complaint], 1) if self.job.complaint else prompt

    @property
    def blank(self) -> Outcome:
        return self.job.blank

    def check(self, prompt: Prompt, completion: str, *, truncated: bool = False) -> AnswerCheck:
        """Return the page that a response makes, or its faults."""
        try:
            layout = self.job.page.layout
            parsed = parse(prompt, completion, self.job.question.text, layout, truncated=truncated)
            text = splice(self.job.page, self.changes(values_of(parsed.fields, layout)))
        except AnswerError as error:
            return AnswerCheck.unreadable(error)
        except (SpliceError, UnwritableText) as error:
            return AnswerCheck(faults=(str(error),))
        file, diagnostics = check_fixed(PageFile(self.job.path, read_text(text, layout)), self.config, self.job.fields)
        before = self.config.checker(PageFile(self.job.path, self.job.page))
        known = Counter(diagnostic.code for diagnostic in before)
        checked = check_findings(file, diagnostics, parsed.wrappings, known=known, is_reason=self._is_reason)
        if not self.job.covers_answer:
            return checked
        return add_grounding(checked, file, self.job.question, strict=self.config.strict_grounding)

    def _is_reason(self, diagnostic: Diagnostic) -> bool:
        """Return whether a finding is a reason for the rewrite, so that it must be gone."""
        return diagnostic.code in self.job.reasons and diagnostic.field in self.job.fields

    def changes(self, values: Mapping[str, Value]) -> dict[str, Value]:
        """Return the fields to change. A score is removed with the answer that it was given to."""
        changes = {path: value for path, value in values.items() if path in self.job.fields}
        page, roles = self.job.page, self.job.page.layout.roles
        if roles.answer in changes and roles.score in page.values and roles.score is not None:
            row = page.layout.fields[roles.score]
            not_scored = default_value(row)
            if not_scored is not None or not row.required:
                changes[roles.score] = not_scored
        if self.job.touch_date and roles.date is not None and roles.date in page.layout.fields:
            changes[roles.date] = today_value(page.layout.fields[roles.date], self.config.today)
        return changes

    def draft(self, check: AnswerCheck, attempt: AcceptedAnswer) -> Draft:
        """Return the rewritten page with its provenance."""
        job = self.job
        provenance = {
            "url": job.url,
            "id": job.page.values.get(job.page.layout.roles.id or ""),
            "date": self.config.today.isoformat(),
            "because": [*job.reasons],
            "replaced_digests": group_digests(read_text(job.original.decode(), job.page.layout), job.groups),
            **request_provenance(attempt),
            **text_provenance(check, job.question, self.config, job.groups),
        }
        return Draft(job.path, job.url, checked_file(check).page.text, provenance, job.original)


@dataclass(frozen=True, slots=True)
class RewriteResult:
    """The result for one page.

    Args:
        job: What was to be done.
        outcome: What was done. Its draft is the text for the page, if there is one.
        rejected: The rewrite that the comparison rejected.
        explanation: Why it was rejected.
        comparison: How the new text compares with the old one, if there is a new one.
    """

    job: RewriteJob
    outcome: Outcome
    rejected: Draft | None = field(default=None, repr=False)
    explanation: str = ""
    comparison: Comparison | None = None


async def rewrite(
    job: RewriteJob,
    config: GenerationConfig,
    providers: Sequence[Provider],
    judges: Sequence[Provider] = (),
    brake: AnswerBrake | None = None,
) -> RewriteResult:
    """Return the page with its fields rewritten, or with status `kept` if the new text is worse.

    The result is `skipped` if the budget does not suffice for a judge, or if a judge raises Interrupted. It is
    `pending` if a judge raises Deferred.

    Args:
        job: The page and its fields.
        config: The current configuration.
        providers: The models that may write the text; later ones are fallbacks.
        judges: Models that compare the texts. Metrics compare them if there are none.
        brake: Ends the run if the first answers all have the same fault.

    Raises:
        ProviderUnusable: Every further request would fail as well.
        LedgerError: The ledger cannot be read or written.
    """
    outcome = await run_task(RewriteTask(job, config), config.repairs, providers, brake=brake)
    draft = outcome.draft
    if draft is None:
        return RewriteResult(job, replace(outcome, draft=job.draft_of_fixes()))
    try:
        comparison = await _compare(job, read_text(draft.text, job.page.layout), judges)
    except (
        BudgetReached,
        Deferred,
        Interrupted,
        JudgeError,
    ) as error:  # the ledger has the response: another run compares it
        status = Status.SKIPPED
        if isinstance(error, JudgeError | Deferred):
            status = Status.FAILED if isinstance(error, JudgeError) else Status.PENDING
        failure = Failure(error.kind, str(error))
        return RewriteResult(job, replace(outcome, status=status, error=failure, draft=job.draft_of_fixes()))
    draft = replace(draft, provenance={**draft.provenance, "compared": comparison.as_dict()})
    if not comparison.is_worse:
        return RewriteResult(job, replace(outcome, draft=draft), comparison=comparison)
    _logger.info("%s: rewrite rejected: %s", job.path, comparison.explanation)
    kept = replace(outcome, status=Status.KEPT, draft=job.draft_of_fixes())
    return RewriteResult(job, kept, draft, comparison.explanation, comparison)


async def _compare(job: RewriteJob, new: Page, judges: Sequence[Provider]) -> Comparison:
    old = job.page
    changed: AbstractSet[str] = {path for path in job.fields if new.values.get(path) != old.values.get(path)}
    if not changed:
        return IDENTICAL
    if judges:
        return await compare_by_judges(judges, job.question, old, new, changed)
    return await asyncio.to_thread(compare_by_metrics, old, new, changed, has_reference=job.has_reference)


def _placeholder(field: Field | None) -> Value:
    """Return any value that differs from the old one, to try an edit before it is paid for."""
    kind = field.kind if field else Kind.TEXT
    numbers: dict[Kind, Value] = {Kind.INT: 10**9, Kind.FLOAT: 1e9, Kind.LIST: ["A text."]}
    return numbers.get(kind, "A text.")


def splice_problem(job: RewriteJob, config: GenerationConfig) -> str | None:
    """Return why the page cannot be edited line by line in every field that would change, or None if it can."""
    rows = job.page.layout.fields
    placeholders = {path: _placeholder(rows.get(path)) for path in job.fields}
    changes = RewriteTask(job, config).changes(placeholders)
    try:
        splice(job.page, changes)
    except SpliceError as error:
        return str(error)
    return None
