"""paths -> diagnostics.

Every file is read and judged by itself first (or its verdict taken from the cache), and leaves two small things
behind: its findings, which wait in a file of their own, and its facts, which stay in memory. Then the site rules judge
all facts at once, and the two streams are put together page by page. So memory grows by a page's facts, not by its
findings.
"""

import os
import tempfile
from array import array
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import lru_cache
from itertools import chain, islice
from pathlib import Path
from typing import Protocol

from pydantic_core import from_json, to_json

from qtgen.cache import Known
from qtgen.corpus import FileEntry, page_entries, read_page
from qtgen.errors import UsageError
from qtgen.page import Page, read
from qtgen.records import Diagnostic, Severity
from qtgen.rules import REGISTRY, PageChecker, PageFile, Rule, SiteRule
from qtgen.rules.base import SiteFinding, fix_of, printable
from qtgen.site import Site, facts, question_words

_CHUNK = 200  # pages a process is handed at a time
_WORTH_A_PROCESS = 4_000  # pages not in the cache; below, starting processes takes longer than they save
_KIND_BITS = 32  # of a packed finding; the rest is its row
_LOOK_AHEAD = 50_000  # pages, at most, that are looked up before the first is checked


@dataclass(frozen=True, slots=True)
class Checked:
    """One file and what was found in it."""

    path: str
    diagnostics: list[Diagnostic]


@dataclass(frozen=True, slots=True)
class PathRules:
    """Which rules hold for files whose path matches a pattern; `*` stands for any characters, `/` too."""

    pattern: str
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()


class Memory(Protocol):
    """What is known of files from before: the cache on disk, or a run's own."""

    def get(self, entry: FileEntry) -> Known | None: ...

    def put(self, entry: FileEntry, known: Known) -> None: ...


@dataclass(frozen=True)
class Check:
    """What is to be checked, and how.

    corpus: the whole site, against which the site rules judge the pages; overlay: contents to take instead of the
    files' own, by path; fixes: whether findings are to carry theirs, for which their pages are read again;
    unsafe: whether those too that are not safe.
    """

    rules: Sequence[Rule]
    by_path: Sequence[PathRules] = ()
    corpus: Path | None = None
    cache: Memory | None = None
    jobs: int | None = None
    overlay: Mapping[str, bytes] = field(default_factory=dict)
    fixes: bool = False
    unsafe: bool = True


class Validation:
    """The outcome of a check: `pages`, how many were read, and by iteration each page with findings, sorted by path.

    It can be gone through more than once; `close` it, or use it as a context manager.
    """

    def __init__(self, entries: Iterable[FileEntry], check: Check) -> None:
        """Raises UsageError where there is nothing to check."""
        self._check = check
        self._site = Site()
        self._spool = tempfile.SpooledTemporaryFile(max_size=1 << 23)  # noqa: SIM115 - closed by close()
        self._wants_words = any(rule.on_request for rule in check.rules)
        self._paths: list[str] | None = [] if check.fixes or self._wants_words else None
        self.pages = 0
        try:
            self._gather(entries)
            self._found = self._site_findings()
        except BaseException:  # also Ctrl-C: the spool goes, and the error goes on
            self.close()
            raise

    def _gather(self, entries: Iterable[FileEntry]) -> None:
        for entry, known in _examined(entries, self._check):
            self._site.add(known.facts)
            self._remember(entry)
            self._spool.write(os.fsencode(entry.path) + b"\0" + known.findings + b"\n")
            self.pages += 1

    def _remember(self, entry: FileEntry) -> None:
        if self._paths is not None:
            self._paths.append(entry.path)
        if self._wants_words:
            self._site.words.append(question_words(_page(entry, self._check.overlay)))

    def _site_findings(self) -> "_SiteFindings | None":
        rules = [rule for rule in self._check.rules if isinstance(rule, SiteRule)]
        if not rules or (self.pages < 2 and self._check.corpus is None):
            return None
        if self._check.corpus is not None:
            self._add_corpus(self._check.corpus)
        return _SiteFindings(self._site, rules, self.pages)

    def _add_corpus(self, corpus: Path) -> None:
        """The facts of the site's other pages."""
        given = {os.path.realpath(path) for path, _ in self._rows()}
        others = (entry for entry in page_entries([corpus]) if os.path.realpath(entry.path) not in given)
        for entry, known in _examined(others, self._check):
            self._site.add(known.facts)
            self._remember(entry)

    def __enter__(self) -> "Validation":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._spool.close()

    def _rows(self) -> Iterator[tuple[str, bytes]]:
        self._spool.seek(0)
        for line in self._spool:
            path, _, findings = line.rstrip(b"\n").partition(b"\0")
            yield os.fsdecode(path), findings

    def __iter__(self) -> Iterator[Checked]:
        codes_for = _codes_for(self._check.rules, tuple(self._check.by_path))
        for number, (path, findings) in enumerate(self._rows()):
            of_site = self._found.of_page(number) if self._found else ()
            if not findings and not of_site:
                continue
            codes = codes_for(path)
            diagnostics = [d for d in self._of_page(path, findings) if d.code in codes] if findings else []
            if of_site:
                diagnostics += self._site_diagnostics(path, [pair for pair in of_site if pair[0].code in codes])
                diagnostics.sort(key=lambda diagnostic: diagnostic.sort_key)
            if diagnostics:
                yield Checked(path, diagnostics)

    def _of_page(self, path: str, findings: bytes) -> Iterable[Diagnostic]:
        """A page's own findings; where fixes are wanted and it has some, it is checked again to make them."""
        found = list(_decoded(path, findings))
        if not self._check.fixes or not any(diagnostic.fixable for diagnostic in found):
            return found
        return _checker(fixes=True)(page_file(path, _page(FileEntry(path), self._check.overlay)))

    def _site_diagnostics(self, path: str, found: list[tuple[SiteRule, SiteFinding]]) -> Iterator[Diagnostic]:
        page: Page | None = None
        for rule, finding in found:
            entry = self._site.entry(finding.row)
            section = f"related_article{entry.link}" if entry.link else ""
            name = f"{section}.{finding.key}" if section else finding.key
            place = (entry.line, entry.column, entry.line, entry.end_column)
            fix, fixable = None, bool(rule.repair and section)
            wanted = self._check.fixes and (rule.fix == "safe" or self._check.unsafe)
            if finding.key != "url" or wanted:
                page = page or _page(FileEntry(path), self._check.overlay)
                span = page.span(name)
                place = (*page.position(span.start), *page.position(span.end))
                if wanted and rule.repair and section:
                    fix = fix_of(page, rule.repair(page, section, self._target(page, section)))
            message = finding.message
            if finding.other is not None and self._paths is not None:
                message = message.format(other=self._paths[finding.other])
            yield Diagnostic(path, *place, rule.code, rule.name, rule.severity, printable(message), name, fix, fixable)

    def _target(self, page: Page, section: str) -> Page | None:
        """The page that a link leads to."""
        row = self._site.row_of(page.text_of(f"{section}.url") or "")
        if row is None or self._paths is None:
            return None
        return _page(FileEntry(self._paths[self._site.page_of(row)]), self._check.overlay)


class _SiteFindings:
    """What the site rules object to, as one number each: there can be more findings than pages."""

    def __init__(self, site: Site, rules: Sequence[SiteRule], pages: int) -> None:
        """pages: how many of the site's are asked about; they come first."""
        kinds: dict[tuple[SiteRule, str, str, int | None], int] = {}
        self._begins = array("Q", (*site.starts, len(site.urls)))
        end = self._begins[pages]
        self._found = array(
            "Q",
            sorted(
                found.row << _KIND_BITS | kinds.setdefault((rule, found.message, found.key, found.other), len(kinds))
                for rule in rules
                for found in rule.check(site)
                if found.row < end
            ),
        )
        self._kinds = list(kinds)

    def of_page(self, number: int) -> list[tuple[SiteRule, SiteFinding]]:
        first, last = (bisect_left(self._found, row << _KIND_BITS) for row in self._begins[number : number + 2])
        of_page = []
        for packed in self._found[first:last]:
            rule, message, key, other = self._kinds[packed & (1 << _KIND_BITS) - 1]
            of_page.append((rule, SiteFinding(message, packed >> _KIND_BITS, key, other)))
        return of_page


def rules_key() -> str:
    """Changes when a rule's verdict could: with the code that reads and judges a page."""
    folder = Path(__file__).parent
    files = [*sorted(folder.glob("page/*.py")), *sorted(folder.glob("rules/*.py")), folder / "site.py"]
    return " ".join(f"{file.stat().st_size}.{file.stat().st_mtime_ns}" for file in files)


# --- one page by itself ----------------------------------------------------------------------------------------------


_LookedUp = tuple[FileEntry, Known | None]


def _examined(entries: Iterable[FileEntry], check: Check) -> Iterator[tuple[FileEntry, Known]]:
    """Every entry with its facts and findings, in order: from the cache, from this process, or from several."""
    looked_up = ((entry, _from_cache(entry, check)) for entry in entries)
    ahead: list[_LookedUp] = []
    missing = 0
    for pair in looked_up:  # until it is clear whether processes pay
        ahead.append(pair)
        missing += pair[1] is None
        if missing >= _WORTH_A_PROCESS or len(ahead) >= _LOOK_AHEAD:
            break
    jobs = check.jobs or min(os.cpu_count() or 1, 1 + missing // _WORTH_A_PROCESS)
    everything = chain(ahead, looked_up)
    for entry, known, is_new in _by_processes(everything, jobs, check) if jobs > 1 else _here(everything, check):
        if is_new and check.cache and entry.path not in check.overlay:
            check.cache.put(entry, known)
        yield entry, known


def _from_cache(entry: FileEntry, check: Check) -> Known | None:
    return check.cache.get(entry) if check.cache and entry.path not in check.overlay else None


def _here(looked_up: Iterable[_LookedUp], check: Check) -> Iterator[tuple[FileEntry, Known, bool]]:
    for entry, known in looked_up:
        yield entry, known or examine(entry, check.overlay), known is None


def _by_processes(looked_up: Iterator[_LookedUp], jobs: int, check: Check) -> Iterator[tuple[FileEntry, Known, bool]]:
    """The same in chunks, a few of them in flight, in order."""
    waiting: deque[tuple[list[_LookedUp], Future[list[Known]]]] = deque()
    with ProcessPoolExecutor(jobs) as pool:
        chunk = list(islice(looked_up, _CHUNK))
        while chunk or waiting:
            if chunk:
                missing = [entry for entry, known in chunk if known is None]
                overlay = {entry.path: check.overlay[entry.path] for entry in missing if entry.path in check.overlay}
                waiting.append((chunk, pool.submit(_examine_all, missing, overlay)))
                chunk = list(islice(looked_up, _CHUNK))
            if len(waiting) < 3 * jobs and chunk:
                continue
            done, future = waiting.popleft()
            fresh = iter(future.result())
            for entry, known in done:
                yield entry, known or next(fresh), known is None


def _examine_all(entries: list[FileEntry], overlay: Mapping[str, bytes]) -> list[Known]:
    return [examine(entry, overlay) for entry in entries]


def examine(entry: FileEntry, overlay: Mapping[str, bytes]) -> Known:
    """Facts of one page, and the findings of all page rules: which were asked for is decided when they are shown."""
    page = _page(entry, overlay)
    diagnostics = _checker()(page_file(entry.path, page))
    return Known(facts(page), _encoded(diagnostics) if diagnostics else b"")


def page_file(path: str, page: Page) -> PageFile:
    """The page with the path it has, also from the root of the disk where the name given does not say its folder."""
    unclear = path.count("/") < 2 or ".." in path
    location = os.path.abspath(path).replace(os.sep, "/") if unclear else None  # noqa: PTH100 - a Path costs more
    return PageFile(path, page, location)


def _page(entry: FileEntry, overlay: Mapping[str, bytes]) -> Page:
    return read(overlay[entry.path]) if entry.path in overlay else read_page(entry.path, entry.size)


@lru_cache
def _checker(fixes: bool = False) -> PageChecker:
    return PageChecker(REGISTRY.values(), fixes=fixes)


def _encoded(diagnostics: list[Diagnostic]) -> bytes:
    return to_json(
        [
            (d.code, d.line, d.column, d.end_line, d.end_column, d.severity, d.message, d.field, d.fixable)
            for d in diagnostics
        ]
    )


_NAMES = {code: rule.name for code, rule in REGISTRY.items()}
_SEVERITIES = {severity.value: severity for severity in Severity}


def _decoded(path: str, findings: bytes) -> Iterator[Diagnostic]:
    for code, line, column, end_line, end_column, severity, message, name, fixable in from_json(findings):
        yield Diagnostic(
            path,
            line,
            column,
            end_line,
            end_column,
            code,
            _NAMES[code],
            _SEVERITIES[severity],
            message,
            name,
            None,
            fixable,
        )


# --- which rules -----------------------------------------------------------------------------------------------------


def choose_rules(select: Sequence[str] = (), ignore: Sequence[str] = ()) -> list[Rule]:
    """The rules whose code begins with one of `select` (none named: all) and with none of `ignore`.

    A rule that runs on request only must be selected by its whole code. Raises UsageError for a code that no rule has.
    """
    for prefix in (*select, *ignore):
        if not any(code.startswith(prefix) for code in REGISTRY):
            raise UsageError(f"{prefix}: no rule has this code; `qtgen explain` lists them")
    wanted = tuple(select) or ("QT",)
    return [
        rule
        for code, rule in sorted(REGISTRY.items())
        if code.startswith(wanted) and not code.startswith(tuple(ignore)) and (not rule.on_request or code in select)
    ]


def _codes_for(rules: Sequence[Rule], by_path: tuple[PathRules, ...]) -> Callable[[str], frozenset[str]]:
    """path -> codes of the rules that hold there."""
    everywhere = frozenset(rule.code for rule in rules)

    @lru_cache(maxsize=4096)
    def codes(path: str) -> frozenset[str]:
        held = everywhere
        for rules_of in by_path:
            if fnmatchcase(path, rules_of.pattern):
                if rules_of.select:
                    held = frozenset(code for code in held if code.startswith(rules_of.select))
                held = frozenset(code for code in held if not (rules_of.ignore and code.startswith(rules_of.ignore)))
        return held

    return codes
