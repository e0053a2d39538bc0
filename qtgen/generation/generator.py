"""Write a new page: what is requested for a question, and what makes an answer a page."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from qtgen.errors import AnswerError, UnwritableText
from qtgen.generation.answer_brake import AnswerBrake
from qtgen.generation.answer_candidates import AcceptedAnswer, Selector, request_provenance
from qtgen.generation.answer_check import AnswerCheck, Concern
from qtgen.generation.answer_parts import SearchFields
from qtgen.generation.answers import values_of
from qtgen.generation.config import GenerationConfig
from qtgen.generation.grounding.pages import add_grounding, grounding_provenance
from qtgen.generation.new_pages import page_values
from qtgen.generation.page_texts import shown_text, text_paths
from qtgen.generation.parsing import parse
from qtgen.generation.plan import Job
from qtgen.generation.provenance import answer_group, group_digests, question_digest, text_hash, written_groups
from qtgen.generation.repair_loop import run_task
from qtgen.generation.types import Draft, Outcome, Question, Status
from qtgen.generation.unwrap import Wrapping
from qtgen.llm.types import Prompt, PromptStyle, Provider
from qtgen.page import Page, Value, emit, read_text
from qtgen.page.layout import Layout
from qtgen.validation.diagnostics import Diagnostic, Severity
from qtgen.validation.fixes import apply_safe_fixes
from qtgen.validation.rules import REGISTRY, PageFile
from qtgen.validation.rules.types import Repairable
from qtgen.validation.text_quality import measure


async def generate_page(
    job: Job,
    config: GenerationConfig,
    providers: Sequence[Provider],
    selector: Selector | None = None,
    brake: AnswerBrake | None = None,
) -> Outcome:
    """Return the outcome of a job, with the draft of its page. See `run_task` for the arguments and errors."""
    task, candidates = NewPage(job, config), config.candidates
    return await run_task(task, config.repairs, providers, candidates=candidates, selector=selector, brake=brake)


def describe_fault(diagnostic: Diagnostic) -> str:
    """Return a finding as a sentence for the model, which starts with the field unless the message names it."""
    if diagnostic.field is None or f"`{diagnostic.field}`" in diagnostic.message:
        return diagnostic.message
    return f"{diagnostic.field}: {diagnostic.message}"


def check_fixed(
    file: PageFile, config: GenerationConfig, fields: Collection[str]
) -> tuple[PageFile, tuple[Diagnostic, ...]]:
    """Return a new page and its findings. If `fields` have errors with safe fixes, these are applied.

    Other errors go back to the model. What a fix can resolve need not be paid for.
    """
    diagnostics = tuple(config.checker(file))
    if not any(_has_safe_fix(diagnostic) and diagnostic.field in fields for diagnostic in diagnostics):
        return file, diagnostics
    file = file._replace(page=apply_safe_fixes(file, config.fixer, fields))
    return file, tuple(config.checker(file))


def _has_safe_fix(diagnostic: Diagnostic) -> bool:
    is_error = diagnostic.severity is Severity.ERROR
    return is_error and diagnostic.fixable and REGISTRY[diagnostic.code].fix == "safe"


def check_findings(
    file: PageFile,
    diagnostics: Sequence[Diagnostic],
    wrappings: tuple[Wrapping, ...] = (),
    *,
    known: Mapping[str, int] | None = None,
    is_reason: Callable[[Diagnostic], bool] = lambda _: False,
) -> AnswerCheck:
    """Return the check of a page with these findings.

    Errors are faults. A warning in a text that the model wrote is a fault or a concern if its rule says so.

    Args:
        file: The page.
        diagnostics: Its findings.
        wrappings: What was around the answer.
        known: How many findings the page had before, by code. As many are neither faults nor concerns.
        is_reason: Tells whether a finding is a fault in any case.
    """
    faults, concerns = [], []
    remaining = Counter(known)
    page = file.page
    text_fields = text_paths(page.layout)
    for diagnostic in diagnostics:
        is_new = remaining[diagnostic.code] <= 0
        remaining[diagnostic.code] -= 1
        consequence = "fault" if is_reason(diagnostic) else _consequence(diagnostic, text_fields) if is_new else None
        if consequence == "fault":
            faults.append(describe_fault(diagnostic))
        elif consequence == "concern":
            concerns.append(Concern(describe_fault(diagnostic)))
    kept = None if faults else page.text
    return AnswerCheck(
        kept,
        tuple(faults),
        tuple(diagnostics),
        tuple(concerns),
        wrappings,
        file=file,
        roughness=partial(_roughness, page),
    )


def _consequence(diagnostic: Diagnostic, text_fields: Collection[str]) -> Repairable | None:
    """Return what a finding in a new text means for the answer."""
    if diagnostic.severity is Severity.ERROR:
        return "fault"
    return REGISTRY[diagnostic.code].repairable if diagnostic.field in text_fields else None


def _roughness(page: Page) -> float:
    """Return how close a page is to a finding of QT609 or QT610, from 0 for a perfect page."""
    layout, roles = page.layout, page.layout.roles
    paths = (roles.question, layout.description, layout.keywords, roles.answer)
    question, description, keywords, answer = (shown_text(page, path) for path in paths)
    return measure(question, description, keywords, layout.decode(answer), math=layout.codec.math).penalty


@dataclass(frozen=True)
class NewPage:
    """The task of writing a whole page for a question."""

    job: Job
    config: GenerationConfig

    def prompt(self, style: PromptStyle) -> Prompt:
        """Return the first request for the page."""
        return self.config.render(self.job.question, style)

    @property
    def blank(self) -> Outcome:
        """The outcome if no answer is accepted."""
        return Outcome(self.job.question, Status.FAILED, self.job.path, self.job.url)

    def check(self, prompt: Prompt, completion: str, *, truncated: bool = False) -> AnswerCheck:
        """Parse an answer, emit its page and validate that against the rules."""
        try:
            parsed = parse(prompt, completion, self.job.question.text, self.config.layout, truncated=truncated)
            text = emit(job_values(self.job, parsed.fields, self.config.layout), self.config.layout)
        except AnswerError as error:
            return AnswerCheck.unreadable(error)
        except UnwritableText as error:
            return AnswerCheck(faults=(str(error),))
        layout = self.config.layout
        file, diagnostics = check_fixed(
            PageFile(self.job.path, read_text(text, layout)), self.config, text_paths(layout)
        )
        checked = check_findings(file, diagnostics, parsed.wrappings)
        return add_grounding(checked, file, self.job.question, strict=self.config.strict_grounding)

    def draft(self, check: AnswerCheck, answer: AcceptedAnswer) -> Draft:
        """Return the page with its provenance."""
        job = self.job
        provenance = {
            "url": job.url,
            "id": job.id,
            "date": self.config.today.isoformat(),
            **request_provenance(answer),
            **text_provenance(check, job.question, self.config, written_groups(self.config.layout)),
        }
        return Draft(job.path, job.url, checked_file(check).page.text, provenance)


def checked_file(check: AnswerCheck) -> PageFile:
    """Return the page of a usable answer."""
    if check.file is None:
        raise ValueError("the answer makes no page")
    return check.file


def text_provenance(
    check: AnswerCheck, question: Question, config: GenerationConfig, groups: Sequence[str]
) -> dict[str, Any]:
    """Return the part of a page's provenance that describes the texts and their sources, as a JSON object.

    The digests are of the texts after safe fixes, so that applying these later does not count as an edit by a person.

    Args:
        check: The check of the new page.
        question: Its question.
        config: The configuration that it was made with.
        groups: The groups of fields that were written.
    """
    file = checked_file(check)
    page, fields = file.page, text_paths(file.page.layout)
    if any(diagnostic.fixable and diagnostic.field in fields for diagnostic in check.diagnostics):
        page = apply_safe_fixes(file, config.fixer, fields)
    return {
        "groups": [*groups],
        "question_digest": question_digest(file.page),
        "context_digest": text_hash(question.context) if question.context else None,
        **(grounding_provenance(file.page, question) if answer_group(file.page.layout) in groups else {}),
        "text_digests": group_digests(page, groups),
    }


def job_values(job: Job, answer: SearchFields, layout: Layout) -> dict[str, Value]:
    """Return every field of a job's page, by dotted path. Raises UnwritableText."""
    written = values_of(answer, layout)
    return page_values(job.question, written, layout, date=job.date, number=job.id, path=job.path)
