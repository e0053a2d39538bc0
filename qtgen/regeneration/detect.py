"""Find the stale pages of a site, and why each one is stale.

Findings and facts come from the validation cache and the history of the texts from provenance. A page itself is read
only if a reason needs it, or to see whether a person edited it.
"""

import logging
import os
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial

from qtgen.generation.config import GenerationConfig
from qtgen.generation.decisions import DecisionLog, State
from qtgen.generation.page_texts import text_paths
from qtgen.generation.places import Places
from qtgen.generation.provenance import (
    ProvenanceIndex,
    ProvenanceRecord,
    answer_group,
    group_digests,
    written_groups,
)
from qtgen.page import Page, layouts_of, read
from qtgen.page.layout import LINKS_GROUP, Layout
from qtgen.page.template import Reference
from qtgen.regeneration.line_ends import LINE_ENDS, validate_normalized
from qtgen.regeneration.page_state import Criteria, PageState
from qtgen.regeneration.reasons import SENT_BACK, complaint_of, group_of
from qtgen.regeneration.staleness import StalenessFilter, StalenessReport, StalePage
from qtgen.site.discovery import PageBatch, read_page
from qtgen.site.index import SiteIndex
from qtgen.validation.diagnostics import Diagnostic, Severity
from qtgen.validation.fixes import apply_safe_fixes
from qtgen.validation.rules import REGISTRY
from qtgen.validation.run import ValidationOptions
from qtgen.validation.workers import page_file

_logger = logging.getLogger(__name__)

_UNREADABLE_CODES = frozenset({"QT101", "QT102", "QT103", "QT104", "QT105", "QT107", "QT108"})
"""Findings of pages that do not parse."""


def find_stale(
    batches: Sequence[PageBatch],
    validation: ValidationOptions,
    staleness: StalenessFilter,
    criteria: Criteria,
    provenance: ProvenanceIndex,
    config: GenerationConfig,
    *,
    decisions: DecisionLog | None = None,
    with_dates: bool = False,
) -> StalenessReport:
    """Return the stale pages of `batches`, sorted by path.

    Records in `provenance` whose text was never written, because a run was killed in between, are removed from it.
    Decisions whose page was never changed are removed as well.

    Args:
        batches: The pages to check.
        validation: How to validate them; its rules are replaced by those that are needed.
        staleness: The reasons to look for.
        criteria: What the pages are compared with.
        provenance: How the texts were written.
        config: The current configuration; its rules supply the safe fixes.
        decisions: What reviewers decided about the pages.
        with_dates: True to set `StalePage.date`, which reads pages that have no provenance.

    Raises:
        UsageError: There are no pages, or the corpus does not exist.
    """
    paths = [path for batch in batches for path in batch.paths()]
    sizes = [size for batch in batches for size, _ in batch.states]  # with its size known, a page is read faster
    report = StalenessReport(len(paths))
    codes = staleness.codes | _UNREADABLE_CODES
    rules = [rule for code, rule in sorted(REGISTRY.items()) if code in codes]
    validation = replace(validation, rules=rules)
    findings, site, normalized = validate_normalized(batches, validation)
    report.unreadable = [path for path, diagnostics in findings.items() if _is_unreadable(diagnostics)]
    unreadable = frozenset(report.unreadable)
    decisions = decisions or DecisionLog()
    layout = config.layout
    keys = _PageKeys(Places(layout, config.today), paths, site)
    numbers = keys.numbers({*provenance.records, *decisions.urls()})
    report.gone = [url for url in provenance.records if url not in numbers]
    path_of = {url: paths[number] for url, number in numbers.items() if number < len(paths)}  # others: the corpus's
    profile = config.profile
    provenance.discard_unfinished(lambda url: read_page(path_of[url], -1, profile) if url in path_of else None)
    decisions.discard_unfinished(
        lambda url: (
            group_digests(read_page(path_of[url], -1, profile), written_groups(layout)) if url in path_of else None
        )
    )
    urls = {number: url for url, number in numbers.items()}
    detector = _Detector(staleness, criteria, config, with_dates)
    checks_all_pages = not all(reason.needs_history for reason in staleness.reasons)
    for number, path in enumerate(paths):
        url = urls.get(number)
        records = provenance.records.get(url or "", {})
        decision = decisions.current(url) if url is not None else None
        has_reason = records or checks_all_pages or path in findings or path in normalized
        if path in unreadable or not (has_reason or (decision and decision.state is State.SENT_BACK)):
            continue
        size = sizes[number]
        fixed = normalized.get(path)
        reader = partial(read_page, path, size, profile) if fixed is None else partial(read, fixed, profile, path)
        state = PageState(url or keys.guess(path), keys.question_digest(number), records, reader, layout, decision)
        if keys.is_other_layout(state):
            continue
        detector.check(path, state, findings.get(path, ()), report, is_normalized=path in normalized)
    _logger.debug("%d of %d pages are stale, %d edited", len(report.stale), report.pages, len(report.edited))
    return report


def _is_unreadable(diagnostics: Sequence[Diagnostic]) -> bool:
    return any(diagnostic.code in _UNREADABLE_CODES for diagnostic in diagnostics)


@dataclass(frozen=True, slots=True)
class _PageKeys:
    """What identifies the pages: the value of their key, or their path if the layout has no key.

    Args:
        places: The places of new pages.
        paths: The pages, in the order of the index.
        site: The facts of the pages.
    """

    places: Places
    paths: Sequence[str]
    site: SiteIndex

    def numbers(self, keys: Iterable[str]) -> dict[str, int]:
        """Return the number of the page of each key that has one."""
        if self.places.layout.roles.key is None:
            by_tail = {self.places.tail(path): number for number, path in reversed([*enumerate(self.paths)])}
            return {key: by_tail[key] for key in keys if key in by_tail}
        rows = ((key, self.site.row_of_url(key)) for key in keys)
        return {key: self.site.page_number(row) for key, row in rows if row is not None}

    def question_digest(self, number: int) -> str:
        """Return the digest of a page's question and subject; an empty text if the index does not have it."""
        digest = self.site.titles[self.site.starts[number]]
        return "" if digest == 0 and self.places.layout.roles.key is None else f"{digest:016x}"

    def is_other_layout(self, state: PageState) -> bool:
        """Return whether a page has another layout than new pages, so that no model rewrites it."""
        layout = self.places.layout
        return len(layouts_of(layout.profile)) > 1 and state.page.layout is not layout

    def guess(self, path: str) -> str:
        """Return the key that a page at this path has if its folder and file name are correct."""
        is_complete = path.count("/") > 1 and ".." not in path
        whole = path if is_complete else os.path.abspath(path)  # noqa: PTH100 - a Path object is slow for every page
        tail = self.places.tail(whole)
        layout = self.places.layout
        key = layout.templates.get(layout.roles.key or "")
        match = _path_pattern(layout).fullmatch(tail) if key else None
        if key is None or match is None:
            return tail
        found = dict(zip(layout.path_template.references, match.groups(), strict=True))
        parts = [found.get(part) if isinstance(part, Reference) else part for part in key.parts]
        return tail if None in parts else "".join(filter(None, parts))


@cache
def _path_pattern(layout: Layout) -> re.Pattern[str]:
    """Return the pattern of the paths of pages, with a group for each reference of their template."""
    parts = layout.path_template.parts
    return re.compile("".join("([^/]*)" if isinstance(part, Reference) else re.escape(part) for part in parts))


@dataclass(frozen=True, slots=True)
class _Detector:
    """Checks one page after the other and adds the stale ones to a report."""

    staleness: StalenessFilter
    criteria: Criteria
    config: GenerationConfig
    with_dates: bool

    @property
    def layout(self) -> Layout:
        """The layout of the pages."""
        return self.config.layout

    def check(
        self,
        path: str,
        state: PageState,
        findings: Sequence[Diagnostic],
        report: StalenessReport,
        *,
        is_normalized: bool,
    ) -> None:
        """Add the page to the report if it is stale.

        Args:
            is_normalized: Whether the line ends or the byte-order mark of the file are fixed, which is a reason itself.
        """
        normalized = {LINE_ENDS: frozenset[str]()} if is_normalized and LINE_ENDS in self.staleness.codes else {}
        stale_fields = self._stale_fields(state, findings)
        if not stale_fields and not normalized:
            return
        is_approved = state.decided is State.APPROVED and not self.staleness.include_edited
        kept = text_paths(self.layout) if is_approved else self._edited_fields(path, state, stale_fields)
        because = normalized | {reason: rest for reason, fields in stale_fields.items() if (rest := fields - kept)}
        if because:
            report.stale.append(self._stale_page(path, state, because, findings))
        else:
            (report.approved if is_approved else report.edited).append(path)

    def _stale_fields(self, state: PageState, findings: Sequence[Diagnostic]) -> dict[str, frozenset[str]]:
        """Return the stale fields by reason; an empty mapping if the page is fresh."""
        because: dict[str, frozenset[str]] = {}
        for reason in self.staleness.reasons:
            if not reason.applies_to(self.layout):
                continue
            groups = self.staleness.groups.intersection(reason.check(state, self.criteria))
            if groups:
                because[reason.name] = frozenset(_fields_in(groups, self.layout))
        found: dict[str, set[str]] = defaultdict(set)
        for diagnostic in findings:
            if (
                diagnostic.code in self.staleness.codes
                and group_of(diagnostic.field, self.layout) in self.staleness.groups
            ):
                found[diagnostic.code].add(diagnostic.field or "")
        return because | {code: frozenset(fields) for code, fields in found.items()}

    def _edited_fields(self, path: str, state: PageState, stale_fields: Mapping[str, frozenset[str]]) -> frozenset[str]:
        """Return the fields of the stale groups that a person edited, and that no reviewer sent back.

        A safe fix is not an edit.
        """
        if self.staleness.include_edited or SENT_BACK in stale_fields:
            return frozenset()
        stale_groups = {group_of(name, self.layout) for fields in stale_fields.values() for name in fields}
        recorded = [group for group in state.written_groups if group in stale_groups and _has_digest(state, group)]
        edited = [group for group in recorded if not _is_as_written(state.page, state, group)]
        if edited:
            fixed = apply_safe_fixes(page_file(path, state.page), self.config.fixer, text_paths(self.layout))
            edited = [group for group in edited if not _is_as_written(fixed, state, group)]
        return frozenset(_fields_in(edited, self.layout))

    def _stale_page(
        self,
        path: str,
        state: PageState,
        because: Mapping[str, frozenset[str]],
        findings: Sequence[Diagnostic],
    ) -> StalePage:
        relevant = [diagnostic for diagnostic in findings if diagnostic.code in because]
        need_request = {diagnostic.code for diagnostic in relevant if not _is_free(diagnostic, self.layout)}
        answer = state.records.get(answer_group(self.layout) or "")
        dates = [date for group in state.written_groups if (date := state.written_on(group))] if self.with_dates else []
        return StalePage(
            path,
            state.url,
            because,
            free=frozenset(
                ({diagnostic.code for diagnostic in relevant} - need_request) | (because.keys() & {LINE_ENDS})
            ),
            errors=sum(diagnostic.severity is Severity.ERROR for diagnostic in relevant) + (LINE_ENDS in because),
            warnings=sum(diagnostic.severity is Severity.WARNING for diagnostic in relevant),
            context_digest=answer.context_digest if answer else None,
            date=min(dates, default=None),
            score=state.score if self.criteria.score_below is not None else None,
            complaint=complaint_of(state.decision) if state.decision and SENT_BACK in because else "",
        )


def _fields_in(groups: Collection[str], layout: Layout) -> Iterator[str]:
    return (path for group in groups for path in layout.groups[group])


def _is_free(diagnostic: Diagnostic, layout: Layout) -> bool:
    """Return True if a safe fix or a new choice of links removes the finding, without a request."""
    if group_of(diagnostic.field, layout) == LINKS_GROUP:
        return True
    return diagnostic.fixable and not diagnostic.fix_is_unsafe


def _has_digest(state: PageState, group: str) -> bool:
    return group in state.records and group in state.records[group].text_digests


def _is_as_written(page: Page, state: PageState, group: str) -> bool:
    """Return True if a group has the text that provenance records, or the text that this one replaced.

    The replaced text returns when a run is reverted, for example with `git checkout`. That is not an edit.
    """
    record: ProvenanceRecord = state.records[group]
    digest = group_digests(page, [group])[group]
    return digest in (record.text_digests[group], record.replaced_digests.get(group))
