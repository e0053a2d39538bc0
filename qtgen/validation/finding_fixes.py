"""The fixes of findings. They are computed only if somebody asks for them, from the page."""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from msgspec import msgpack

from qtgen.page import Page
from qtgen.page.profile import Profile
from qtgen.validation.diagnostics import Diagnostic, Fix
from qtgen.validation.findings import CodesOf, Findings, findings_of
from qtgen.validation.places import place_of
from qtgen.validation.records import restore_numbers
from qtgen.validation.rules import REGISTRY, PageChecker, SiteRule, rules_of
from qtgen.validation.rules.checker import by_position, compute_fix
from qtgen.validation.rules.settings import RuleSettings
from qtgen.validation.site_findings import Site, SiteFindings, target_of
from qtgen.validation.workers import page_file

if TYPE_CHECKING:
    from qtgen.validation.run import ValidationOptions


class FixedFindings(NamedTuple):
    """The findings of consecutive pages with their fixes, as they are shown.

    Attributes:
        findings: The findings.
        fixes: The fix of each finding that is fixable; None if it was not asked for.
    """

    findings: Findings
    fixes: list[Fix | None]

    def diagnostics(self, paths: Iterable[str]) -> Iterator[list[Diagnostic]]:
        """Yield the diagnostics of each page, given the paths of the pages."""
        codes, fixes = frozenset(kind.code for kind in self.findings.table), iter(self.fixes)
        for page in self.findings.diagnostics(paths, lambda _: codes):
            yield [found._replace(fix=next(fixes)) if found.fixable else found for found in page]


decode_fixed = msgpack.Decoder(FixedFindings, dec_hook=restore_numbers).decode


def fixed_findings(pages: Sequence[Sequence[Diagnostic]]) -> FixedFindings:
    """Return the diagnostics of consecutive pages as numbers, with their fixes."""
    return FixedFindings(findings_of(pages), [found.fix for page in pages for found in page if found.fixable])


class FindingFixer:
    """Adds fixes to the diagnostics of a run. Only pages that need fixes are read.

    Args:
        run: The pages of the run.
        options: The options of the run.
    """

    def __init__(self, run: Site, options: "ValidationOptions") -> None:
        self._run, self._options = run, options
        self._site_rules = {rule.code: rule for rule in options.rules if isinstance(rule, SiteRule)}
        self._page: tuple[str, Page] | None = None  # the last one that was read, with its path

    def fixed(
        self, paths: Iterable[str], findings: Findings, between: SiteFindings, codes_of: CodesOf
    ) -> Iterator[tuple[list[Diagnostic], list[Diagnostic]]]:
        """Yield the diagnostics of each page with their fixes: those of the page itself, and those between pages."""
        every = [*paths]
        on_pages, between_pages = (each.diagnostics(every, codes_of) for each in (findings, between.findings))
        links = between.link_numbers(every, codes_of)
        for path, on_page, on_site, numbers in zip(every, on_pages, between_pages, links, strict=True):
            self._add_fixes(path, on_page)
            self._add_link_fixes(path, on_site, numbers)
            yield on_page, on_site

    def _add_fixes(self, path: str, diagnostics: list[Diagnostic]) -> None:
        """Add the fixes of findings of page rules. The rules that offer some are asked again."""
        codes = sorted({found.code for found in diagnostics if found.fixable})
        if not codes:
            return
        file = page_file(path, self._page_at(path))
        kept = [found for found in diagnostics if found.code not in codes]
        options = self._options
        asked = [_checker_of(code, options.settings, options.profile, len(REGISTRY)) for code in codes]
        diagnostics[:] = [*kept, *(found for checker in asked for found in checker(file))]
        diagnostics.sort(key=by_position)

    def _add_link_fixes(self, path: str, diagnostics: list[Diagnostic], links: Sequence[int]) -> None:
        """Add the fixes of findings between pages.

        Args:
            links: The number of the link that each finding is about; 0 if it is about the page itself.
        """
        for place, (found, link) in enumerate(zip(diagnostics, links, strict=True)):
            rule, is_unsafe = self._site_rules[found.code], self._site_rules[found.code].fix == "unsafe"
            if link and rule.fix_link and (self._options.unsafe or not is_unsafe):
                page = self._page_at(path)
                link_path = place_of(page.layout, link, "key").link
                target = target_of(self._run, page, link_path)
                fix = compute_fix(page, rule.fix_link(page, link_path, target))
                fixable = fix is not None
                diagnostics[place] = found._replace(fix=fix, fixable=fixable, fix_is_unsafe=fixable and is_unsafe)

    def _page_at(self, path: str) -> Page:
        if self._page is None or self._page[0] != path:
            self._page = path, self._run.load(path)
        return self._page[1]


@lru_cache(maxsize=128)
def _checker_of(code: str, settings: RuleSettings, profile: Profile, _rules: int) -> PageChecker:
    """Return the checker of one rule. Plugins may have added rules since the last call."""
    rules = [rule for rule in rules_of(profile) if rule.code == code]
    return PageChecker(rules, profile=profile, fixes=True, settings=settings)
