"""Decide what to do about each stale page, and in which order.

A page is read again when its turn comes, because it may have changed since it was found stale. Safe fixes and new links
come first; a request is planned only for the fields that are still stale after them.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from qtgen.errors import Failure, SpliceError, UnwritableText
from qtgen.generation.config import GenerationConfig
from qtgen.generation.page_texts import shown_text, text_paths
from qtgen.generation.places import Places
from qtgen.generation.provenance import answer_group
from qtgen.generation.types import Outcome, Question, Status
from qtgen.page import Layout, Page, normalize_lines, read, read_as, read_text, splice
from qtgen.page.splicer import Changes
from qtgen.regeneration.reasons import is_rule
from qtgen.regeneration.rewrite import RewriteJob, RewriteResult, splice_problem
from qtgen.regeneration.staleness import StalePage
from qtgen.site.discovery import read_page_bytes
from qtgen.validation.fixes import apply_safe_fixes
from qtgen.validation.rules import PageFile
from qtgen.validation.workers import page_file

Order = Literal["worst", "oldest"]


def prioritize(stale_pages: Iterable[StalePage], order: Order, was_tried: Callable[[str], bool]) -> list[StalePage]:
    """Return the pages in the order in which to rewrite them.

    Args:
        stale_pages: The pages to sort.
        order: `oldest` puts the pages with the oldest texts first and those without a date last. `worst` puts the
            pages with most errors first, then those with most warnings, then those with the lowest score.
        was_tried: Tells by its path whether an earlier attempt at a page failed or was rejected. Such pages come after
            all others, so that a run with a limit does not repeat the same pages again and again.
    """
    key = _age_key if order == "oldest" else _quality_key
    return sorted(stale_pages, key=lambda page: (was_tried(page.path), key(page), page.path))


def _age_key(page: StalePage) -> tuple[float, ...]:
    return ((page.date or dt.date.max).toordinal(),)


def _quality_key(page: StalePage) -> tuple[float, ...]:
    no_score = 2.0  # above every score
    return -page.errors, -page.warnings, no_score if page.score is None else page.score


@dataclass(frozen=True, slots=True)
class RewriteSources:
    """What is needed besides the pages themselves.

    Args:
        contexts: The source text of each page that the question files contain, by URL.
        links: The new values of the links of each page whose links are to be repaired, by path.
    """

    contexts: Mapping[str, str | None] = field(default_factory=dict)
    links: Mapping[str, Changes] = field(default_factory=dict)


def plan_jobs(
    stale_pages: Iterable[StalePage], config: GenerationConfig, sources: RewriteSources, *, touch_date: bool = False
) -> Iterator[RewriteJob | RewriteResult]:
    """Yield for each page, in the given order, the job to do or the result if no request is needed or possible.

    Pages are read one by one as the iterator advances.

    Args:
        stale_pages: The pages to plan for.
        config: The current configuration.
        sources: Source texts and links.
        touch_date: True to set the date of rewritten pages to today.
    """
    return (plan_job(page, config, sources, touch_date=touch_date) for page in stale_pages)


def plan_job(
    stale_page: StalePage, config: GenerationConfig, sources: RewriteSources, *, touch_date: bool = False
) -> RewriteJob | RewriteResult:
    """Read one page, and return the job to do or the result. See `plan_jobs`."""
    path = stale_page.path
    try:
        original = read_page_bytes(path)
    except OSError as error:
        return not_attempted(stale_page, Failure("page", f"{path}: {error.strerror or error}"), config.layout)
    contents = normalize_lines(original)
    page = read(contents, config.profile, path)
    if page.problems or page.text.encode() != contents:
        return not_attempted(
            stale_page, Failure("page", f"{path}: the page does not parse; it was left unchanged"), config.layout
        )
    file = page_file(path, page)
    try:
        fixed = _without_requests(file, stale_page, config, sources)
    except (SpliceError, UnwritableText) as error:
        return not_attempted(stale_page, Failure(error.kind, f"{path}: {error}"), config.layout)
    because = _remaining_reasons(stale_page, file._replace(page=fixed), config)
    url = _key_of(page, path, config)
    job = RewriteJob(
        path,
        url,
        original,
        fixed,
        _question_of(page, path, sources.contexts.get(url)),
        fields=frozenset().union(*because.values()),
        reasons=tuple(because) or stale_page.reasons,
        fixes=sum(is_rule(reason) for reason in stale_page.because.keys() - because.keys()),
        touch_date=touch_date,
        complaint=stale_page.complaint,
    )
    if not job.fields:
        return _result_of_fixes(job)
    failure = _obstacle(job, stale_page, config, sources)
    return RewriteResult(job, replace(job.blank, error=failure)) if failure else job


def _without_requests(file: PageFile, stale_page: StalePage, config: GenerationConfig, sources: RewriteSources) -> Page:
    """Return the page with its safe fixes and new links. Raises SpliceError and UnwritableText."""
    fixed = apply_safe_fixes(file, config.fixer, text_paths(file.page.layout) & stale_page.fields)
    links = sources.links.get(file.path)
    return read_text(splice(fixed, links), fixed.layout) if links else fixed


def _remaining_reasons(stale_page: StalePage, file: PageFile, config: GenerationConfig) -> dict[str, frozenset[str]]:
    """Return the stale fields by reason that safe fixes and new links have not removed."""
    findings: dict[str, set[str]] = defaultdict(set)
    for diagnostic in config.checker(file):
        findings[diagnostic.code].add(diagnostic.field or "")
    remaining = {
        reason: fields & findings[reason] if is_rule(reason) else fields
        for reason, fields in stale_page.because.items()
    }
    return {reason: fields for reason, fields in remaining.items() if fields}


def _key_of(page: Page, path: str, config: GenerationConfig) -> str:
    """Return the value of a page's key, or an empty text without one. If the layout has no key, return its path."""
    if (field := page.layout.roles.key) is None:
        return Places(config.layout, config.today).tail(path)
    return shown_text(page, field)


def _question_of(page: Page, path: str, context: str | None) -> Question:
    roles = page.layout.roles
    texts = (page.text_of(field) for field in (*reversed(page.layout.title_copies), roles.question))
    subject = shown_text(page, roles.subject)
    return Question(next(filter(None, texts), ""), subject, context=context, source=path)


def _obstacle(
    job: RewriteJob, stale_page: StalePage, config: GenerationConfig, sources: RewriteSources
) -> Failure | None:
    """Return why no request should be sent for a job, or None."""
    page, title = job.page, job.page.layout.roles.question
    copy = next(reversed(page.layout.title_copies), title)  # the last one is what readers see as the question
    if page.text_of(copy) != page.text_of(title):
        message = f"{job.path}: `{title}` and `{copy}` differ; correct the wrong one first (QT301)"
        return Failure("page", message)
    if problem := splice_problem(job, config):
        return Failure("splice", f"{job.path}: {problem}")
    if answer_group(page.layout) in job.groups and stale_page.context_digest and job.url not in sources.contexts:
        return Failure(
            "source",
            f"{job.path}: the answer was written from a source text that is missing; add the question file with it",
        )
    return None


def _result_of_fixes(job: RewriteJob) -> RewriteResult:
    draft = job.draft_of_fixes()
    if draft is None:
        failure = Failure("page", f"{job.path}: the page is no longer stale")
        return RewriteResult(job, replace(job.blank, status=Status.SKIPPED, error=failure))
    return RewriteResult(job, replace(job.blank, status=Status.FIXED, draft=draft))


def not_attempted(
    stale_page: StalePage, failure: Failure | None, layout: Layout, status: Status = Status.FAILED
) -> RewriteResult:
    """Return the result of a page for which no work was done."""
    question = Question("", "", source=stale_page.path)
    job = RewriteJob(
        stale_page.path, stale_page.url, b"", read_as(b"", layout), question, stale_page.fields, stale_page.reasons
    )
    return RewriteResult(job, Outcome(question, status, stale_page.path, stale_page.url or None, error=failure))
