"""Pages of a site -> which of them are stale and why, and of each such page what is to be done.

Which pages are stale is told by facts and findings (which the cache holds) and by provenance; a page is read only where
a reason needs it, and once more when its turn comes.
"""

import datetime as dt
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from qtgen.errors import Failure, SpliceError, UnwritableText
from qtgen.generation.generator import TEXT_FIELDS, GenerationConfig
from qtgen.generation.provenance import WRITTEN, ProvenanceIndex, ProvenanceRecord, digests_of
from qtgen.generation.types import Outcome, Question, Status
from qtgen.page import Page, read, read_text, splice
from qtgen.page.fields import FIELD_GROUPS
from qtgen.page.splicer import Changes
from qtgen.regeneration.reasons import Criteria, PageState, Reason, group_of
from qtgen.regeneration.rewrite import RewriteJob, RewriteResult, why_not
from qtgen.site.discovery import PageBatch, read_page, read_page_bytes
from qtgen.site.index import SiteIndex
from qtgen.validation.diagnostics import Diagnostic, Severity
from qtgen.validation.fixes import mended
from qtgen.validation.rules import REGISTRY, PageFile
from qtgen.validation.run import ValidationOptions, ValidationResult
from qtgen.validation.workers import page_file

_NOT_TO_BE_READ = ("QT101", "QT102", "QT103", "QT104", "QT105", "QT107", "QT108")


@dataclass(frozen=True, slots=True)
class StalenessFilter:
    """What is looked for. reasons, codes: why a page may be stale; groups: of fields that may be written again."""

    reasons: Sequence[Reason]
    codes: frozenset[str]
    groups: frozenset[str] = frozenset(WRITTEN)
    include_edited: bool = False
    touch_date: bool = False


@dataclass(frozen=True, slots=True)
class Stale:
    """A page that is to be worked on. because: by reason the fields it speaks of; free: those reasons that safe fixes
    do away with, as far as can be told without making them; errors, warnings: how many findings are reasons."""

    path: str
    url: str
    because: Mapping[str, frozenset[str]]
    free: frozenset[str] = frozenset()
    errors: int = 0
    warnings: int = 0
    context_digest: str | None = None
    day: dt.date | None = None  # written on; only where it is asked for
    score: float | None = None  # only where low ones are looked for

    @property
    def reasons(self) -> tuple[str, ...]:
        return tuple(self.because)

    @property
    def fields(self) -> frozenset[str]:
        return frozenset(path for fields in self.because.values() for path in fields)

    @property
    def is_free(self) -> bool:
        return self.free == self.because.keys()

    def alone(self, reason: str) -> "Stale":
        """The page as it would be worked on for one reason only."""
        return replace(self, because={reason: self.because[reason]}, free=self.free & {reason})


@dataclass(slots=True)
class StalePages:
    """What a look at all pages tells. edited: pages that are stale and were edited by a person, who is not overruled;
    unreadable: pages that do not parse; gone: urls of the provenance that no page has; beyond: how many more are stale
    than are listed."""

    pages: int = 0
    stale: list[Stale] = field(default_factory=list)
    edited: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    beyond: int = 0


def survey(
    runs: Sequence[PageBatch],
    check: ValidationOptions,
    wish: StalenessFilter,
    now: Criteria,
    origins: ProvenanceIndex,
    recipe: GenerationConfig,
    *,
    with_days: bool = False,
) -> StalePages:
    """Every stale page, sorted by path. with_days: whether the day of each is wanted."""
    paths = [path for run in runs for path in run.paths()]
    found = StalePages(len(paths))
    rules = [rule for code, rule in sorted(REGISTRY.items()) if code in wish.codes or code in _NOT_TO_BE_READ]
    with ValidationResult(runs, replace(check, rules=rules)) as validation:
        findings = {checked.path: checked.diagnostics for checked in validation}
        site = validation.site
    found.unreadable = [path for path, some in findings.items() if any(one.code in _NOT_TO_BE_READ for one in some)]
    of_pages = _made_of(paths, site, origins, found)
    unreadable = {*found.unreadable}
    look = _Look(wish, now, recipe, found, with_days)
    needs_all = any(reason.asked_for or reason.option for reason in wish.reasons)
    for number, path in enumerate(paths):
        url, made = of_pages.get(number) or (_url_by_place(path), {})
        if path in unreadable or not (made or needs_all or path in findings):
            continue
        question = f"{site.titles[site.starts[number]]:016x}"
        standing = PageState(url, question, made, lambda path=path: read_page(path))  # type: ignore[misc]
        look.at(path, standing, findings.get(path, ()))
    return found


def _url_by_place(path: str) -> str:
    """Where the site shows the page that lies there, if nothing is wrong with its url."""
    whole = path if path.count("/") > 1 and ".." not in path else os.path.abspath(path)  # noqa: PTH100 - a Path costs
    folder, _, name = whole.removesuffix(".md").rpartition("/")
    return f"/learn/{folder.rpartition('/')[2]}/questions/{name}"


def _made_of(
    paths: Sequence[str], site: SiteIndex, origins: ProvenanceIndex, found: StalePages
) -> dict[int, tuple[str, Mapping[str, ProvenanceRecord]]]:
    """By a page's number its url and how its groups came about, where that is known."""
    numbers: dict[str, int] = {}
    for url in origins.made:
        row = site.row_of_url(url)
        if row is None:
            found.gone.append(url)
        else:
            numbers[url] = site.page_number(row)
    origins.settle(lambda url: read_page(paths[numbers[url]]) if url in numbers else None)
    return {number: (url, origins.made[url]) for url, number in numbers.items()}


@dataclass(frozen=True, slots=True)
class _Look:
    """A look at one page after the other; what is stale is put into `found`."""

    wish: StalenessFilter
    now: Criteria
    recipe: GenerationConfig
    found: StalePages
    with_days: bool

    def at(self, path: str, standing: PageState, findings: Sequence[Diagnostic]) -> None:
        because = self._because(standing, findings)
        if not because:
            return
        edited = set() if self.wish.include_edited else self._edited(path, standing, because)
        left = {reason: kept for reason, fields in because.items() if (kept := fields - edited)}
        if not left:
            self.found.edited.append(path)
            return
        mine = [one for one in findings if one.code in left]
        dear = {one.code for one in mine if not _is_free(one)}
        answer = standing.made.get("answer")
        self.found.stale.append(
            Stale(
                path,
                standing.url,
                left,
                frozenset({one.code for one in mine} - dear),
                sum(one.severity is Severity.ERROR for one in mine),
                sum(one.severity is Severity.WARNING for one in mine),
                answer.context_digest if answer else None,
                min(filter(None, map(standing.written, WRITTEN)), default=None) if self.with_days else None,
                standing.score if self.now.score_below is not None else None,
            )
        )

    def _because(self, standing: PageState, findings: Sequence[Diagnostic]) -> dict[str, frozenset[str]]:
        because: dict[str, frozenset[str]] = {}
        for reason in self.wish.reasons:
            groups = self.wish.groups.intersection(reason.of(standing, self.now))
            if groups:
                because[reason.name] = frozenset(path for group in groups for path in FIELD_GROUPS[group])
        fields: dict[str, set[str]] = defaultdict(set)
        for one in findings:
            if one.code in self.wish.codes and group_of(one.field) in self.wish.groups:
                fields[one.code].add(one.field or "")
        return because | {code: frozenset(some) for code, some in fields.items()}

    def _edited(self, path: str, standing: PageState, because: Mapping[str, frozenset[str]]) -> set[str]:
        """The fields of groups that are not as they were written, though for safe fixes."""
        wanted = {group_of(one) for fields in because.values() for one in fields}
        groups = [group for group in WRITTEN if group in wanted and _was_noted(standing, group)]
        edited = [group for group in groups if not _is_as_written(standing.page, standing, group)]
        if edited:
            page = mended(page_file(path, standing.page), self.recipe.fixer, TEXT_FIELDS)
            edited = [group for group in edited if not _is_as_written(page, standing, group)]
        return {one for group in edited for one in FIELD_GROUPS[group]}


def _is_free(finding: Diagnostic) -> bool:
    """Whether it goes away without a request: by a safe fix, or by choosing links."""
    return group_of(finding.field) == "related" or (finding.fixable and REGISTRY[finding.code].fix == "safe")


def _was_noted(standing: PageState, group: str) -> bool:
    return group in standing.made and group in standing.made[group].text_digests


def _is_as_written(page: Page, standing: PageState, group: str) -> bool:
    """Or as it was before: a run that was taken back (`git checkout`) is no edit by a person."""
    made, now = standing.made[group], digests_of(page, [group])[group]
    return now in (made.text_digests[group], made.replaced_digests.get(group))


def in_order(stale: Iterable[Stale], order: str, was_tried: Callable[[str], bool]) -> list[Stale]:
    """`oldest` first, those without a day last; or `worst`: most errors, most warnings, lowest score.

    was_tried: whether an attempt for a page was not taken before. Such pages come behind all others, so that a limited
    run does not come to them again and again.
    """
    key = _age if order == "oldest" else _badness
    return sorted(stale, key=lambda one: (was_tried(one.path), key(one), one.path))


def _age(stale: Stale) -> tuple[float, ...]:
    return ((stale.day or dt.date.max).toordinal(),)


def _badness(stale: Stale) -> tuple[float, ...]:
    return -stale.errors, -stale.warnings, 2.0 if stale.score is None else stale.score


@dataclass(frozen=True, slots=True)
class Material:
    """What pages are written again from. contexts: the source text of each url that has one; links: by path the changes
    of the pages whose related articles are to be mended."""

    contexts: Mapping[str, str | None] = field(default_factory=dict)
    links: Mapping[str, Changes] = field(default_factory=dict)


def revisions(
    stale: Iterable[Stale], wish: StalenessFilter, recipe: GenerationConfig, material: Material
) -> Iterator[RewriteJob | RewriteResult]:
    """What is to be done with each page, in their order, read as it is asked for: to write fields of it again, or,
    where that is settled already, what became of it."""
    return (_revision(one, wish, recipe, material) for one in stale)


def _revision(
    stale: Stale, wish: StalenessFilter, recipe: GenerationConfig, material: Material
) -> RewriteJob | RewriteResult:
    try:
        before = read_page_bytes(stale.path)
    except OSError as error:
        return settled(stale, Failure("page", f"{stale.path}: {error.strerror or error}"))
    page = read(before)
    if page.problems or page.text.encode() != before:
        return settled(stale, Failure("page", f"{stale.path}: does not parse; it is left alone"))
    file = page_file(stale.path, page)
    better = mended(file, recipe.fixer, TEXT_FIELDS & stale.fields)
    if links := material.links.get(stale.path):
        try:
            better = read_text(splice(better, links))
        except (SpliceError, UnwritableText) as error:
            return settled(stale, Failure(error.kind, f"{stale.path}: {error}"))
    because = dict(_still(stale, wish, file._replace(page=better), recipe))
    wanted = frozenset(path for fields in because.values() for path in fields)
    fixes = sum(name in wish.codes for name in stale.because) - sum(name in wish.codes for name in because)
    url, title = page.text_of("url") or "", page.text_of("question") or page.text_of("title") or ""
    question = Question(title, page.text_of("subject") or "", context=material.contexts.get(url), source=stale.path)
    revision = RewriteJob(
        stale.path, url, before, better, question, wanted, tuple(because) or stale.reasons, fixes, wish.touch_date
    )
    if not wanted:
        return _fixed(revision)
    if page.text_of("title") != page.text_of("question"):
        return _failed(revision, "page", f"{stale.path}: title and question differ; say first which is right (QT301)")
    if why := why_not(revision, recipe):
        return _failed(revision, "splice", f"{stale.path}: {why}")
    if "answer" in wanted and stale.context_digest and url not in material.contexts:
        why = "the source text that its answer rests on is not at hand; name its question file with --questions"
        return _failed(revision, "source", f"{stale.path}: {why}")
    return revision


def _still(
    stale: Stale, wish: StalenessFilter, file: PageFile, recipe: GenerationConfig
) -> Iterator[tuple[str, frozenset[str]]]:
    """The reasons that are left once the safe fixes are made."""
    left: dict[str, set[str]] = defaultdict(set)
    for one in recipe.checker(file):
        left[one.code].add(one.field or "")
    for name, fields in stale.because.items():
        still = fields & left[name] if name in wish.codes else fields
        if still:
            yield name, frozenset(still)


def _fixed(revision: RewriteJob) -> RewriteResult:
    draft = revision.fixed()
    if draft is None:
        why = Failure("page", f"{revision.path}: is not stale any more")
        return RewriteResult(revision, replace(revision.blank, status=Status.SKIPPED, error=why))
    return RewriteResult(revision, replace(revision.blank, status=Status.FIXED, draft=draft))


def _failed(revision: RewriteJob, kind: str, message: str) -> RewriteResult:
    return RewriteResult(revision, replace(revision.blank, error=Failure(kind, message)))


def settled(stale: Stale, why: Failure, status: Status = Status.FAILED) -> RewriteResult:
    """What becomes of a page that is not worked on."""
    blank = Question("", "", source=stale.path)
    revision = RewriteJob(stale.path, stale.url, b"", read(b""), blank, stale.fields, stale.reasons)
    return RewriteResult(revision, Outcome(blank, status, stale.path, stale.url or None, error=why))
