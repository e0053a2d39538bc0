"""Question -> page: what is asked for a new page, and what makes an answer one."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from qtgen.errors import AnswerError, UnwritableText
from qtgen.generation import answers
from qtgen.generation.plan import Job
from qtgen.generation.prompts import Library
from qtgen.generation.provenance import WRITTEN, digest_of, digests_of
from qtgen.generation.repair_loop import AcceptedAnswer, AnswerCheck, how_made, write
from qtgen.generation.types import Draft, Outcome, Question, Status
from qtgen.llm.types import Prompt, Provider
from qtgen.page import Value, emit, encode_answer, file_name, read_text, seo_title
from qtgen.page.fields import CONSTANTS, FIELD_GROUPS
from qtgen.page.text import to_single_line
from qtgen.site.index import title_digest
from qtgen.validation.diagnostics import Severity
from qtgen.validation.fixes import mended
from qtgen.validation.rules import PageChecker, PageFile, Rule

NOT_SCORED = -1.0


@dataclass(frozen=True)
class GenerationConfig:
    """How every page of a run is made."""

    library: Library
    rules: Sequence[Rule]
    today: dt.date
    repairs: int = 3
    prompt: str | None = None
    temperature: float | None = None
    max_tokens: int | None = None

    @cached_property
    def checker(self) -> PageChecker:
        return PageChecker(self.rules)

    @cached_property
    def fixer(self) -> PageChecker:
        """The same rules, with what mends their findings."""
        return PageChecker(self.rules, fixes=True)

    @property
    def _given(self) -> dict[str, Any]:
        return {"temperature": self.temperature, "max_tokens": self.max_tokens}

    def render(self, question: Question) -> Prompt:
        """What is asked first for a page."""
        return self.library.render(question, name=self.prompt, **self._given)

    def render_seo(self, question: Question, answer: str) -> Prompt:
        """What is asked first for the search fields of a page. answer: as markdown."""
        return self.library.render_seo(question, answer, **self._given)

    def digests(self) -> dict[str, str]:
        """Name and digest of each prompt that may be used, without any question."""
        able = [name for name, one in self.library.templates.items() if one.header.task == "page"]
        names = [self.prompt] if self.prompt else able
        return {name: self.library.render(_ANY, name=name, **self._given).template_digest for name in names}

    def parts(self) -> dict[str, tuple[str, str]]:
        """Of every prompt by name: the digests of its wording and of its schema."""
        return self.library.digests(**self._given)


_ANY = Question("?", "?")


async def generate(job: Job, recipe: GenerationConfig, providers: Sequence[Provider]) -> Outcome:
    """The page for `job`, from the first provider that makes a usable one. Raises as `write` does."""
    return await write(NewPage(job, recipe), recipe.repairs, providers)


@dataclass(frozen=True)
class NewPage:
    """The task of writing a whole page for a question."""

    job: Job
    recipe: GenerationConfig

    @cached_property
    def prompt(self) -> Prompt:
        return self.recipe.render(self.job.question)

    @property
    def blank(self) -> Outcome:
        return Outcome(self.job.question, Status.FAILED, self.job.path, self.job.url)

    def judge(self, completion: str) -> AnswerCheck:
        """Parse, emit and check: the page that `completion` makes, or its faults."""
        try:
            text = emit(page_values(self.job, answers.parse(self.prompt.shape, completion)))
        except AnswerError as error:
            return AnswerCheck(faults=tuple(error.problems))
        except UnwritableText as error:
            return AnswerCheck(faults=(str(error),))
        diagnostics = tuple(self.recipe.checker(PageFile(self.job.path, read_text(text))))
        errors = [one for one in diagnostics if one.severity is Severity.ERROR]
        faults = tuple(f"{one.field}: {one.message}" if one.field else one.message for one in errors)
        return AnswerCheck(None if faults else text, faults, diagnostics)

    def draft(self, text: str, attempt: AcceptedAnswer) -> Draft:
        job = self.job
        made = {
            "url": job.url,
            "id": job.id,
            "date": self.recipe.today.isoformat(),
            **how_made(attempt),
            **about_text(PageFile(job.path, read_text(text)), job.question, self.recipe, WRITTEN),
        }
        return Draft(job.path, job.url, text, made)


def about_text(file: PageFile, question: Question, recipe: GenerationConfig, groups: Sequence[str]) -> dict[str, Any]:
    """The part of a page's provenance that tells what was written, and from what.

    The digests are of the text with its safe fixes made, so that these do not look like a person's edits later.
    """
    return {
        "groups": [*groups],
        "question_digest": f"{title_digest(question.text, question.subject):016x}",
        "context_digest": digest_of(question.context) if question.context else None,
        "text_digests": digests_of(mended(file, recipe.fixer, TEXT_FIELDS), groups),
    }


TEXT_FIELDS = frozenset(path for group in WRITTEN for path in FIELD_GROUPS[group])


def page_values(job: Job, answer: answers.SearchFields) -> dict[str, Value]:
    """Every field of a new page, by dotted path. Raises UnwritableText."""
    title, subject = job.question.text, job.question.subject
    return {
        **CONSTANTS,
        "id": job.id,
        "date": job.date,
        "title": title,
        "article_title": title,
        "question": title,
        "seo.title": seo_title(subject),
        **written_values(answer),
        "subject": subject,
        "file_name": file_name(title),
        "url": job.url,
        "score": NOT_SCORED,
    }


def written_values(answer: answers.SearchFields) -> dict[str, Value]:
    """The fields that a model writes, by dotted path. Raises UnwritableText."""
    values: dict[str, Value] = {
        "seo.page_description": to_single_line(answer.page_description),
        "seo.page_keywords": to_single_line(answer.keywords),
    }
    if isinstance(answer, answers.Answer):
        values["answer"] = encode_answer(answers.to_markdown(answer))
    return values
