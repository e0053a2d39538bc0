"""Question -> page: render, complete, parse, check, repair. It is handed its provider and knows neither.

Nothing here reads a clock, a disk or a network but through the provider.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from qtgen import answers
from qtgen.errors import AnswerError, ProviderError, ProviderUnusable, Truncated, UnwritableText
from qtgen.page import Value, emit, encode, file_name, read_text, seo_title
from qtgen.page.fields import CONSTANTS
from qtgen.page.text import one_line
from qtgen.planning import Job
from qtgen.prompts import Library, ask_again
from qtgen.records import Completion, Diagnostic, Draft, Failure, Outcome, Prompt, Provider, Severity, Status, Usage
from qtgen.rules import PageFile, Rule, run

NOT_SCORED = -1.0
WARMER = 0.1  # added to the temperature each time an answer is asked for again


@dataclass(frozen=True, slots=True)
class Recipe:
    """How every page of a run is made."""

    library: Library
    rules: Sequence[Rule]
    today: dt.date
    repairs: int = 3
    prompt: str | None = None
    temperature: float | None = None
    max_tokens: int | None = None


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


_CUT_OFF = _Verdict(faults=("the answer was cut off at the token limit; write a shorter one",))


async def generate(job: Job, recipe: Recipe, provider: Provider) -> Outcome:
    """The page for `job`, asked for again up to `recipe.repairs` times while it has faults.

    An outcome of status written carries the draft, which is not on disk yet. Raises ProviderUnusable, after which
    every other request would fail as well; any other failure is an outcome.
    """
    prompt = recipe.library.render(
        job.question, name=recipe.prompt, temperature=recipe.temperature, max_tokens=recipe.max_tokens
    )
    failed = Outcome(job.question, Status.FAILED, job.path, job.url)
    asked, usage, verdict = prompt, Usage(), _CUT_OFF
    for number in range(1, recipe.repairs + 2):
        try:
            completion = await provider.complete(asked)
        except ProviderUnusable:
            raise
        except Truncated as error:
            usage += error.usage or Usage()
            failed = replace(failed, attempts=number, usage=usage)
            verdict = _CUT_OFF
        except ProviderError as error:
            spent = usage + (error.usage or Usage())
            return replace(failed, attempts=number, usage=spent, error=Failure(error.kind, str(error)))
        else:
            usage += completion.usage
            verdict = judge(job, recipe.rules, prompt.shape, completion.text)
            failed = replace(
                failed, attempts=number, usage=usage, diagnostics=verdict.diagnostics, last_text=completion.text
            )
            if verdict.text is not None:
                made = provenance(job, _Attempt(number, asked, completion, usage), provider.name, recipe.today)
                return replace(failed, status=Status.WRITTEN, draft=Draft(job.path, job.url, verdict.text, made))
        asked = ask_again(prompt, verdict.faults, WARMER * number)
    kind = Truncated.kind if verdict is _CUT_OFF else AnswerError.kind
    reasons = "; ".join(verdict.faults[:3])
    return replace(failed, error=Failure(kind, f"no usable answer in {number} attempts: {reasons}"))


def judge(job: Job, rules: Sequence[Rule], shape: str, completion: str) -> _Verdict:
    """Parse, emit and check: the page that `completion` makes, or its faults as sentences for the model."""
    try:
        text = emit(page_values(job, answers.parse(shape, completion)))
    except AnswerError as error:
        return _Verdict(faults=tuple(error.problems))
    except UnwritableText as error:
        return _Verdict(faults=(str(error),))
    diagnostics = tuple(run(PageFile(job.path, read_text(text)), rules))
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
        "usage": asdict(attempt.usage),
        "request_id": completion.request_id,
    }
