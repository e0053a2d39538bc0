"""Question -> page: render, complete, parse, check, repair. It is handed its provider and knows neither.

Nothing here reads a clock, a disk or a network but through the provider.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

from qtgen import answers
from qtgen.errors import (
    AnswerError,
    BudgetReached,
    Filtered,
    NoAnswer,
    ProviderError,
    ProviderUnusable,
    Refused,
    Truncated,
    UnwritableText,
)
from qtgen.page import Value, emit, encode, file_name, read_text, seo_title
from qtgen.page.fields import CONSTANTS
from qtgen.page.text import one_line
from qtgen.planning import Job
from qtgen.prompts import Library, ask_again
from qtgen.records import (
    Completion,
    Diagnostic,
    Draft,
    Failure,
    Outcome,
    Prompt,
    Provider,
    Question,
    Severity,
    Status,
    Usage,
)
from qtgen.rules import PageChecker, PageFile, Rule

NOT_SCORED = -1.0
WARMER = 0.1  # added to the temperature each time an answer is asked for again


@dataclass(frozen=True)
class Recipe:
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

    def render(self, question: Question) -> Prompt:
        """What is asked first."""
        return self.library.render(question, name=self.prompt, temperature=self.temperature, max_tokens=self.max_tokens)

    def digests(self) -> dict[str, str]:
        """Name and digest of each prompt that may be used, without any question."""
        names = [self.prompt] if self.prompt else [*self.library.templates]
        given = {"temperature": self.temperature, "max_tokens": self.max_tokens}
        return {name: self.library.render(_ANY, name=name, **given).template_digest for name in names}


_ANY = Question("?", "?")


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One completion, the prompt it answers, and what all of them so far have used."""

    number: int
    prompt: Prompt
    completion: Completion
    usage: Usage


@dataclass(frozen=True, slots=True)
class _Verdict:
    """The page that an answer makes, or what is wrong with it."""

    text: str | None = None
    faults: tuple[str, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()


_MORE = 2  # times as many tokens for an answer that was cut off, once
_LAST_WORDS = {error.kind for error in (AnswerError, Truncated, Refused, Filtered)}


async def generate(job: Job, recipe: Recipe, providers: Sequence[Provider]) -> Outcome:
    """The page for `job`, from the first provider that makes a usable one.

    An outcome of status written carries the draft, which is not on disk yet. Raises ProviderUnusable, after which
    every other request would fail as well, and LedgerError; any other failure is an outcome.
    """
    work = _Work(job, recipe, recipe.render(job.question))
    outcome = Outcome(job.question, Status.FAILED, job.path, job.url)
    for provider in providers:
        outcome = await work.ask(provider)
        if outcome.status is not Status.FAILED:
            break
    if outcome.status is Status.FAILED and outcome.error and outcome.error.kind in _LAST_WORDS:
        work.forget()
    return outcome


@dataclass(slots=True)
class _Turn:
    """What one provider is asked next. prompt: the same without the faults of its last answer."""

    prompt: Prompt
    asked: Prompt
    repairs: int = 0
    is_longer: bool = False

    def lengthen(self) -> None:
        """After an answer that was cut off; no repair, for nothing was wrong with it."""
        self.prompt, self.asked = _with_more_tokens(self.prompt), _with_more_tokens(self.asked)
        self.is_longer = True

    def mend(self, faults: Sequence[str]) -> None:
        self.repairs += 1
        self.asked = ask_again(self.prompt, faults, WARMER * self.repairs)


class _Work:
    """One page in the making, and what was used for it so far."""

    def __init__(self, job: Job, recipe: Recipe, prompt: Prompt) -> None:
        self._job, self._recipe, self._prompt = job, recipe, prompt
        self._answers: list[tuple[Provider, Completion]] = []
        self._made = Usage()  # what the page took, this time or before
        self._failed = Outcome(job.question, Status.FAILED, job.path, job.url)

    async def ask(self, provider: Provider) -> Outcome:
        """One provider: asked again up to `recipe.repairs` times while its answer has faults."""
        turn = _Turn(self._prompt, self._prompt)
        while True:
            try:
                completion = await self._answer(provider, turn.asked)
            except ProviderUnusable:
                raise
            except ProviderError as error:
                if not isinstance(error, Truncated) or turn.is_longer:
                    return self._failure(error)
                turn.lengthen()
                continue
            except BudgetReached as error:
                return replace(self._failure(error), status=Status.SKIPPED)
            verdict = judge(self._job, self._recipe.checker, self._prompt.shape, completion.text)
            self._failed = replace(self._failed, diagnostics=verdict.diagnostics, last_text=completion.text)
            if verdict.text is not None:
                return self._page(verdict.text, turn.asked, completion, provider)
            provider.reject(completion)
            if turn.repairs == self._recipe.repairs:
                return self._given_up(verdict.faults)
            turn.mend(verdict.faults)

    def forget(self) -> None:
        """It led to no page: the next run must not come to the same end without asking."""
        for provider, completion in self._answers:
            provider.forget(completion)

    async def _answer(self, provider: Provider, prompt: Prompt) -> Completion:
        """The next answer; what it took is counted, whatever came of it."""
        self._failed = replace(self._failed, attempts=self._failed.attempts + 1)
        try:
            completion = await provider.complete(prompt)
        except NoAnswer as error:
            if error.completion is None:
                self._use(error.usage or Usage())
            else:
                self._take(provider, error.completion)
            raise
        except (ProviderError, BudgetReached) as error:
            self._use(error.usage or Usage())
            raise
        self._take(provider, completion)
        return completion

    def _take(self, provider: Provider, completion: Completion) -> None:
        self._answers.append((provider, completion))
        self._use(completion.usage + completion.lost, completion.reused)

    def _use(self, usage: Usage, reused: bool = False) -> None:
        self._made += usage
        if not reused:
            self._failed = replace(self._failed, usage=self._failed.usage + usage)

    def _failure(self, error: ProviderError | BudgetReached) -> Outcome:
        return replace(self._failed, error=Failure(error.kind, str(error)))

    def _given_up(self, faults: Sequence[str]) -> Outcome:
        message = f"no usable answer in {self._failed.attempts} attempts: {'; '.join(faults[:3])}"
        return replace(self._failed, error=Failure(AnswerError.kind, message))

    def _page(self, text: str, prompt: Prompt, completion: Completion, provider: Provider) -> Outcome:
        attempt = _Attempt(self._failed.attempts, prompt, completion, self._made)
        made = provenance(self._job, attempt, provider.name, self._recipe.today)
        draft = Draft(self._job.path, self._job.url, text, made)
        return replace(self._failed, status=Status.WRITTEN, model=provider.model, draft=draft)


def _with_more_tokens(prompt: Prompt) -> Prompt:
    return replace(prompt, parameters={**prompt.parameters, "max_tokens": _MORE * prompt.parameters["max_tokens"]})


def judge(job: Job, check: PageChecker, shape: str, completion: str) -> _Verdict:
    """Parse, emit and check: the page that `completion` makes, or its faults as sentences for the model."""
    try:
        text = emit(page_values(job, answers.parse(shape, completion)))
    except AnswerError as error:
        return _Verdict(faults=tuple(error.problems))
    except UnwritableText as error:
        return _Verdict(faults=(str(error),))
    diagnostics = tuple(check(PageFile(job.path, read_text(text))))
    errors = [d for d in diagnostics if d.severity is Severity.ERROR]
    faults = tuple(f"{d.field}: {d.message}" if d.field else d.message for d in errors)
    return _Verdict(None if faults else text, faults, diagnostics)


def page_values(job: Job, answer: answers.Answer) -> dict[str, Value]:
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
        "seo.page_description": one_line(answer.page_description),
        "seo.page_keywords": one_line(answer.keywords),
        "answer": encode(answers.to_markdown(answer)),
        "subject": subject,
        "file_name": file_name(title),
        "url": job.url,
        "score": NOT_SCORED,
    }


def provenance(job: Job, attempt: _Attempt, provider: str, today: dt.date) -> dict[str, Any]:
    """How a page came about, as a JSON object."""
    prompt, completion = attempt.prompt, attempt.completion
    return {
        "url": job.url,
        "id": job.id,
        "prompt": prompt.name,
        "prompt_version": prompt.version,
        "prompt_digest": prompt.digest,
        "template_digest": prompt.template_digest,
        "provider": provider,
        "model": completion.model,
        "parameters": dict(prompt.parameters),
        "date": today.isoformat(),
        "attempts": attempt.number,
        "usage": {**asdict(attempt.usage), "cost_usd": _rounded(attempt.usage.cost_usd)},
        "request_id": completion.request_id,
    }


def _rounded(usd: float | None) -> float | None:
    return None if usd is None else round(usd, 8)
