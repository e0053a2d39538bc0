"""paths -> diagnostics.

Every file is read and judged by itself first (or its verdict taken from the cache), and leaves two small things
behind: its findings, which wait in a file of their own, and its facts, which stay in memory. Then the site rules judge
all facts at once, and the two streams are put together page by page. So memory grows by a page's facts, not by its
findings.
"""

import os
import struct
import tempfile
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path

from msgspec import msgpack

from qtgen.page import Page
from qtgen.site.discovery import PageBatch, exclude_pages, iter_batches
from qtgen.site.index import SiteIndex
from qtgen.site.similarity import question_words
from qtgen.validation.cache import Known
from qtgen.validation.diagnostics import Diagnostic
from qtgen.validation.rules import Rule, SiteRule
from qtgen.validation.rules.base import SiteFinding, by_place, fix_of, printable
from qtgen.validation.selection import PathRules, codes_for
from qtgen.validation.workers import Memory, Overlay, checker, decoded, examined, page_at, page_file

_KIND_BITS = 32  # of a packed finding; the rest is its row
_KIND = (1 << _KIND_BITS) - 1
_encode = msgpack.Encoder().encode
_decode = msgpack.Decoder(tuple[bytes, list[bytes]]).decode
_SIZE = struct.Struct("<Q")  # of a block in the spool


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """One file and what was found in it."""

    path: str
    diagnostics: list[Diagnostic]


@dataclass(frozen=True)
class ValidationOptions:
    """What is to be checked, and how.

    root: the folder from which the patterns of `by_path` count; corpus: the whole site, against which the site rules
    judge the pages; overlay: contents to take instead of the files' own, by path; fixes: whether findings are to carry
    theirs, for which their pages are read again; unsafe: whether those too that are not safe.
    """

    rules: Sequence[Rule]
    by_path: Sequence[PathRules] = ()
    root: Path = Path()
    corpus: Path | None = None
    cache: Memory | None = None
    jobs: int | None = None
    overlay: Overlay = field(default_factory=dict)
    fixes: bool = False
    unsafe: bool = True


class ValidationResult:
    """The outcome of a check: `pages`, how many were read, `site`, the facts of all, and by iteration each page with
    findings, sorted by path.

    It can be gone through more than once; `close` it, or use it as a context manager.
    """

    def __init__(self, runs: Iterable[PageBatch], check: ValidationOptions) -> None:
        """Raises UsageError where there is nothing to check."""
        self._check = check
        self.site = SiteIndex()
        self._spool = tempfile.SpooledTemporaryFile(max_size=1 << 23)  # noqa: SIM115 - closed by close()
        self._wants_words = any(rule.on_request for rule in check.rules)
        self._paths: list[str] | None = [] if check.fixes or self._wants_words else None
        self.pages = 0
        try:
            self._gather(runs)
            self._found = self._site_findings()
        except BaseException:  # also Ctrl-C: the spool goes, and the error goes on
            self.close()
            raise

    def _gather(self, runs: Iterable[PageBatch]) -> None:
        for run, known in examined(runs, self._check.cache, self._check.jobs, self._check.overlay):
            self._take_in(run, known)
            names = os.fsencode("\0".join([run.folder, *run.names]))  # also those that are no text
            block = _encode((names, [findings for _, findings in known]))
            self._spool.write(_SIZE.pack(len(block)) + block)
            self.pages += len(known)

    def _take_in(self, run: PageBatch, known: list[Known]) -> None:
        self.site.add(facts_of_page for facts_of_page, _ in known)
        if self._paths is not None:
            self._paths += run.paths()
        if self._wants_words:
            pages = (page_at(path, -1, self._check.overlay) for path in run.paths())
            self.site.question_words += (question_words(page.text_of("title") or "") for page in pages)

    def _site_findings(self) -> "_SiteFindings | None":
        rules = [rule for rule in self._check.rules if isinstance(rule, SiteRule)]
        if not rules or (self.pages < 2 and self._check.corpus is None):
            return None
        if self._check.corpus is not None:
            self._add_corpus(self._check.corpus)
        return _SiteFindings(self.site, rules, self.pages)

    def _add_corpus(self, corpus: Path) -> None:
        """The facts of the site's other pages."""
        self.site.selected = self.pages
        given = {os.path.realpath(path) for path, _ in self._rows()}
        others = exclude_pages(iter_batches([corpus]), given)
        for run, known in examined(others, self._check.cache, self._check.jobs, self._check.overlay):
            self._take_in(run, known)

    def __enter__(self) -> "ValidationResult":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._spool.close()

    def _rows(self) -> Iterator[tuple[str, bytes]]:
        self._spool.seek(0)
        while size := self._spool.read(_SIZE.size):
            all_names, findings = _decode(self._spool.read(*_SIZE.unpack(size)))
            folder, *names = os.fsdecode(all_names).split("\0")
            yield from zip(map(folder.__add__, names), findings, strict=True)

    def __iter__(self) -> Iterator[CheckedFile]:
        codes_of = codes_for(self._check.rules, self._check.by_path, self._check.root)
        of_site = self._found.by_page() if self._found else repeat(())
        for (path, findings), found in zip(self._rows(), of_site):  # noqa: B905 - the site may have more pages
            if not findings and not found:
                continue
            codes = codes_of(path)
            diagnostics = self._of_page(path, findings, codes) if findings else []
            if found:
                diagnostics += [self._of_site(path, *one) for one in found if one[0].code in codes]
                diagnostics.sort(key=by_place)
            if diagnostics:
                yield CheckedFile(path, diagnostics)

    def _of_page(self, path: str, findings: bytes, codes: frozenset[str]) -> list[Diagnostic]:
        """A page's own findings; where fixes are wanted and it has some, it is checked again to make them."""
        found = decoded(path, findings, codes)
        if not self._check.fixes or not any(diagnostic.fixable for diagnostic in found):
            return found
        again = checker(fixes=True)(page_file(path, page_at(path, -1, self._check.overlay)))
        return [diagnostic for diagnostic in again if diagnostic.code in codes]

    def _of_site(self, path: str, rule: SiteRule, finding: SiteFinding, row: int) -> Diagnostic:
        link, message = self.site.link_number(row), finding.message
        section = f"related_article{link}" if link else ""
        name = f"{section}.{finding.key}" if section else finding.key
        fix, fixable = None, bool(rule.repair and section)
        place = self.site.location_of(row, finding.key)
        wanted = fixable and self._check.fixes and (rule.fix == "safe" or self._check.unsafe)
        if place is None or wanted:
            page = page_at(path, -1, self._check.overlay)
            span = page.span(name)
            place = (*page.position(span.start), *page.position(span.end))
            if wanted and rule.repair:
                fix = fix_of(page, rule.repair(page, section, self._target(page, section)))
        if finding.other is not None and self._paths is not None:
            message = printable(message.format(other=self._paths[finding.other]))
        return Diagnostic(path, *place, rule.code, rule.name, rule.severity, message, name, fix, fixable)

    def _target(self, page: Page, section: str) -> Page | None:
        """The page that a link leads to."""
        row = self.site.row_of_url(page.text_of(f"{section}.url") or "")
        if row is None or self._paths is None:
            return None
        return page_at(self._paths[self.site.page_number(row)], -1, self._check.overlay)


class _SiteFindings:
    """What the site rules object to, as one number each: there can be more findings than pages."""

    def __init__(self, site: SiteIndex, rules: Sequence[SiteRule], pages: int) -> None:
        """pages: how many of the site's are asked about; they come first."""
        self._kinds = [(rule, finding) for rule in rules for finding in rule.check(site)]
        self._ends = array("Q", (*site.starts, len(site.urls)))[1 : pages + 1]
        end = self._ends[-1] if pages else 0
        found = array("Q")
        for kind, (_, finding) in enumerate(self._kinds):
            found.extend([row << _KIND_BITS | kind for row in finding.rows if row < end])
        self._kinds = [(rule, finding._replace(rows=())) for rule, finding in self._kinds]
        self._found = array("Q", sorted(found))

    def by_page(self) -> Iterator[list[tuple[SiteRule, SiteFinding, int]]]:
        """Of each page in turn: rule, finding, and the row it is about."""
        found, at, count = self._found, 0, len(self._found)
        for end in self._ends:
            begin, limit = at, end << _KIND_BITS
            while at < count and found[at] < limit:
                at += 1
            yield [(*self._kinds[one & _KIND], one >> _KIND_BITS) for one in found[begin:at]]
