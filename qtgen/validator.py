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
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache, lru_cache
from itertools import chain, repeat
from pathlib import Path
from typing import Protocol

from msgspec import msgpack

from qtgen.cache import Known
from qtgen.corpus import Run, page_runs, read_page
from qtgen.errors import UsageError
from qtgen.page import Page, read
from qtgen.records import Diagnostic, Severity
from qtgen.rules import REGISTRY, PageChecker, PageFile, Rule, SiteRule
from qtgen.rules.base import SiteFinding, by_place, fix_of, printable
from qtgen.similar import question_words
from qtgen.site import Site, facts

_CHUNK = 200  # pages, at least, that a process is handed at a time
_WORTH_A_PROCESS = 4_000  # pages not in the cache; below, starting processes takes longer than they save
_MAY_PASS = b"QT108"  # a file that cannot be read may be readable next time, and look the same
_KIND_BITS = 32  # of a packed finding; the rest is its row
_KIND = (1 << _KIND_BITS) - 1
_LOOK_AHEAD = 50_000  # pages, at most, that are looked up before the first is checked


@dataclass(frozen=True, slots=True)
class Checked:
    """One file and what was found in it."""

    path: str
    diagnostics: list[Diagnostic]


@dataclass(frozen=True, slots=True)
class PathRules:
    """Which rules hold for files whose path, from `Check.root`, matches a pattern; `*` stands for any characters, `/`
    too."""

    pattern: str
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()


class Memory(Protocol):
    """What is known of files from before: the cache on disk, or a run's own."""

    def get(self, run: Run) -> list[Known | None]: ...

    def put(self, run: Run, known: list[Known | None]) -> None: ...


@dataclass(frozen=True)
class Check:
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
    overlay: Mapping[str, bytes] = field(default_factory=dict)
    fixes: bool = False
    unsafe: bool = True


class Validation:
    """The outcome of a check: `pages`, how many were read, `site`, the facts of all, and by iteration each page with
    findings, sorted by path.

    It can be gone through more than once; `close` it, or use it as a context manager.
    """

    def __init__(self, runs: Iterable[Run], check: Check) -> None:
        """Raises UsageError where there is nothing to check."""
        self._check = check
        self.site = Site()
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

    def _gather(self, runs: Iterable[Run]) -> None:
        for run, known in _examined(runs, self._check):
            self._take_in(run, known)
            names = os.fsencode("\0".join([run.folder, *run.names]))  # also those that are no text
            block = _encode((names, [findings for _, findings in known]))
            self._spool.write(_SIZE.pack(len(block)) + block)
            self.pages += len(known)

    def _take_in(self, run: Run, known: list[Known]) -> None:
        self.site.add(facts_of_page for facts_of_page, _ in known)
        if self._paths is not None:
            self._paths += run.paths()
        if self._wants_words:
            pages = (_page(path, -1, self._check.overlay) for path in run.paths())
            self.site.words += (question_words(page.text_of("title") or "") for page in pages)

    def _site_findings(self) -> "_SiteFindings | None":
        rules = [rule for rule in self._check.rules if isinstance(rule, SiteRule)]
        if not rules or (self.pages < 2 and self._check.corpus is None):
            return None
        if self._check.corpus is not None:
            self._add_corpus(self._check.corpus)
        return _SiteFindings(self.site, rules, self.pages)

    def _add_corpus(self, corpus: Path) -> None:
        """The facts of the site's other pages."""
        self.site.given = self.pages
        given = {os.path.realpath(path) for path, _ in self._rows()}
        others = (_without(run, given) for run in page_runs([corpus]))
        for run, known in _examined(others, self._check):
            self._take_in(run, known)

    def __enter__(self) -> "Validation":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._spool.close()

    def _rows(self) -> Iterator[tuple[str, bytes]]:
        self._spool.seek(0)
        while size := self._spool.read(_SIZE.size):
            all_names, findings = _decode_block(self._spool.read(*_SIZE.unpack(size)))
            folder, *names = os.fsdecode(all_names).split("\0")
            yield from zip(map(folder.__add__, names), findings, strict=True)

    def __iter__(self) -> Iterator[Checked]:
        codes_for = _codes_for(self._check.rules, self._check.by_path, self._check.root)
        of_site = self._found.by_page() if self._found else repeat(())
        for (path, findings), found in zip(self._rows(), of_site):  # noqa: B905 - the site may have more pages
            if not findings and not found:
                continue
            codes = codes_for(path)
            diagnostics = self._of_page(path, findings, codes) if findings else []
            if found:
                diagnostics += [self._of_site(path, *one) for one in found if one[0].code in codes]
                diagnostics.sort(key=by_place)
            if diagnostics:
                yield Checked(path, diagnostics)

    def _of_page(self, path: str, findings: bytes, codes: frozenset[str]) -> list[Diagnostic]:
        """A page's own findings; where fixes are wanted and it has some, it is checked again to make them."""
        found = [Diagnostic(path, *row) for row in _decode_rows(findings) if row[4] in codes]
        if not self._check.fixes or not any(diagnostic.fixable for diagnostic in found):
            return found
        again = _checker(fixes=True)(page_file(path, _page(path, -1, self._check.overlay)))
        return [diagnostic for diagnostic in again if diagnostic.code in codes]

    def _of_site(self, path: str, rule: SiteRule, finding: SiteFinding, row: int) -> Diagnostic:
        link, message = self.site.link_of(row), finding.message
        section = f"related_article{link}" if link else ""
        name = f"{section}.{finding.key}" if section else finding.key
        fix, fixable = None, bool(rule.repair and section)
        place = self.site.place_of(row, finding.key)
        wanted = fixable and self._check.fixes and (rule.fix == "safe" or self._check.unsafe)
        if place is None or wanted:
            page = _page(path, -1, self._check.overlay)
            span = page.span(name)
            place = (*page.position(span.start), *page.position(span.end))
            if wanted and rule.repair:
                fix = fix_of(page, rule.repair(page, section, self._target(page, section)))
        if finding.other is not None and self._paths is not None:
            message = printable(message.format(other=self._paths[finding.other]))
        return Diagnostic(path, *place, rule.code, rule.name, rule.severity, message, name, fix, fixable)

    def _target(self, page: Page, section: str) -> Page | None:
        """The page that a link leads to."""
        row = self.site.row_of(page.text_of(f"{section}.url") or "")
        if row is None or self._paths is None:
            return None
        return _page(self._paths[self.site.page_of(row)], -1, self._check.overlay)


def _without(run: Run, real_paths: set[str]) -> Run:
    """The pages of a run but for some."""
    kept = [number for number, path in enumerate(run.paths()) if os.path.realpath(path) not in real_paths]
    if len(kept) == len(run.names):
        return run
    return Run(run.folder, [run.names[number] for number in kept], [run.states[number] for number in kept])


class _SiteFindings:
    """What the site rules object to, as one number each: there can be more findings than pages."""

    def __init__(self, site: Site, rules: Sequence[SiteRule], pages: int) -> None:
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


@cache
def rules_key() -> str:
    """Changes when a rule's verdict could: with the code that reads and judges a page, as it was when it was loaded."""
    folder = Path(__file__).parent
    alone = (folder / name for name in ("corpus.py", "records.py", "site.py", "validator.py"))
    files = [*sorted(folder.glob("page/*.py")), *sorted(folder.glob("rules/*.py")), *alone]
    return " ".join(f"{file.stat().st_size}.{file.stat().st_mtime_ns}" for file in files)


# --- one page by itself ----------------------------------------------------------------------------------------------


_LookedUp = tuple[Run, list[Known | None]]
_Examined = tuple[Run, list[Known], bool]


def _examined(runs: Iterable[Run], check: Check) -> Iterator[tuple[Run, list[Known]]]:
    """Every run with the facts and findings of its pages: from the cache, from this process, or from several."""
    looked_up = ((run, _looked_up(run, check)) for run in runs)
    ahead: list[_LookedUp] = []
    pages = missing = 0
    for run, known in looked_up:  # until it is clear whether processes pay
        ahead.append((run, known))
        pages += len(known)
        missing += known.count(None)
        if missing >= _WORTH_A_PROCESS or pages >= _LOOK_AHEAD:
            break
    jobs = check.jobs or min(os.cpu_count() or 1, 1 + missing // _WORTH_A_PROCESS)
    everything = chain(ahead, looked_up)
    for run, all_known, is_new in _by_processes(everything, jobs, check) if jobs > 1 else _here(everything, check):
        if is_new and check.cache and check.overlay.keys().isdisjoint(run.paths()):
            check.cache.put(
                run, [None if _MAY_PASS in findings else (of_page, findings) for of_page, findings in all_known]
            )
        yield run, all_known


def _looked_up(run: Run, check: Check) -> list[Known | None]:
    if not check.cache:
        return [None] * len(run.names)
    known = check.cache.get(run)
    if check.overlay:
        return [None if path in check.overlay else one for path, one in zip(run.paths(), known, strict=True)]
    return known


def _here(looked_up: Iterable[_LookedUp], check: Check) -> Iterator[_Examined]:
    for run, known in looked_up:
        fresh = (examine(path, size, check.overlay) for path, size in _missing(run, known))
        yield run, [one or next(fresh) for one in known], None in known


def _missing(run: Run, known: list[Known | None]) -> Iterator[tuple[str, int]]:
    """Path and size of the pages of which nothing is known."""
    for path, (size, _), one in zip(run.paths(), run.states, known, strict=True):
        if one is None:
            yield path, size


def _by_processes(looked_up: Iterable[_LookedUp], jobs: int, check: Check) -> Iterator[_Examined]:
    """The same in parcels of runs, a few of them in flight, in order."""
    waiting: deque[tuple[list[_LookedUp], Future[list[Known]]]] = deque()
    with ProcessPoolExecutor(jobs) as pool:
        for parcel in _parcels(looked_up):
            missing = [page for run, known in parcel for page in _missing(run, known)]
            waiting.append((parcel, pool.submit(_examine_all, missing, _part(check, missing))))
            if len(waiting) > 3 * jobs:
                yield from _collected(*waiting.popleft())
        while waiting:
            yield from _collected(*waiting.popleft())


def _parcels(looked_up: Iterable[_LookedUp]) -> Iterator[list[_LookedUp]]:
    """Runs in a row that together have enough to do for a process."""
    parcel: list[_LookedUp] = []
    missing = 0
    for run, known in looked_up:
        parcel.append((run, known))
        missing += known.count(None)
        if missing >= _CHUNK:
            yield parcel
            parcel, missing = [], 0
    if parcel:
        yield parcel


def _collected(parcel: list[_LookedUp], future: Future[list[Known]]) -> Iterator[_Examined]:
    fresh = iter(future.result())
    for run, known in parcel:
        yield run, [one or next(fresh) for one in known], None in known


def _part(check: Check, chunk: list[tuple[str, int]]) -> dict[str, bytes]:
    return {path: check.overlay[path] for path, _ in chunk if path in check.overlay}


def _examine_all(pages: list[tuple[str, int]], overlay: Mapping[str, bytes]) -> list[Known]:
    return [examine(path, size, overlay) for path, size in pages]


def examine(path: str, size: int, overlay: Mapping[str, bytes]) -> Known:
    """Facts of one page, and the findings of all page rules: which were asked for is decided when they are shown.

    size: as its folder lists it; -1: not known.
    """
    page = _page(path, size, overlay)
    diagnostics = _checker()(page_file(path, page))
    return facts(page), _encode([diagnostic[1:] for diagnostic in diagnostics]) if diagnostics else b""


def page_file(path: str, page: Page) -> PageFile:
    """The page with the path it has, also from the root of the disk where the name given does not say its folder."""
    unclear = path.count("/") < 2 or ".." in path
    location = os.path.abspath(path).replace(os.sep, "/") if unclear else None  # noqa: PTH100 - a Path costs more
    return PageFile(path, page, location)


def _page(path: str, size: int, overlay: Mapping[str, bytes]) -> Page:
    return read(overlay[path]) if path in overlay else read_page(path, size)


@lru_cache
def _checker(fixes: bool = False) -> PageChecker:
    return PageChecker(REGISTRY.values(), fixes=fixes)


# A finding as it is kept: a diagnostic without its path and its fix.
_Row = tuple[int, int, int, int, str, str, Severity, str, str | None, None, bool]
_encode = msgpack.Encoder().encode
_decode_rows = msgpack.Decoder(list[_Row]).decode
_decode_block = msgpack.Decoder(tuple[bytes, list[bytes]]).decode
_SIZE = struct.Struct("<Q")


# --- which rules -----------------------------------------------------------------------------------------------------


def choose_rules(select: Sequence[str] = (), ignore: Sequence[str] = ()) -> list[Rule]:
    """The rules whose code begins with one of `select` (none named: all) and with none of `ignore`.

    A rule that runs on request only must be selected by its whole code. Raises UsageError for a code that no rule has.
    """
    select, ignore = known_codes(select), known_codes(ignore)
    wanted = select or ("QT",)
    return [
        rule
        for code, rule in sorted(REGISTRY.items())
        if code.startswith(wanted) and not code.startswith(ignore) and (not rule.on_request or code in select)
    ]


def known_codes(words: Sequence[str]) -> tuple[str, ...]:
    """Codes or their beginnings, in any case, and names, as codes. Raises UsageError for one that no rule has."""
    by_name = {rule.name: code for code, rule in REGISTRY.items()}
    codes = tuple(by_name.get(word.lower(), word.upper()) for word in words)
    for word, prefix in zip(words, codes, strict=True):
        if not any(code.startswith(prefix) for code in REGISTRY):
            raise UsageError(f"{word}: no rule has this code; `qtgen explain` lists them")
    return codes


def _codes_for(rules: Sequence[Rule], by_path: Sequence[PathRules], root: Path) -> Callable[[str], frozenset[str]]:
    """path -> codes of the rules that hold there. root: where the patterns' paths begin."""
    everywhere = frozenset(rule.code for rule in rules)
    if not by_path:
        return lambda _: everywhere

    @lru_cache(maxsize=64)  # pages come folder by folder
    def from_root(folder: str) -> str:
        return os.path.relpath(folder or ".", root).replace(os.sep, "/")

    def codes(path: str) -> frozenset[str]:
        folder, _, name = path.rpartition("/")
        place = f"{from_root(folder)}/{name}".removeprefix("./")
        held = everywhere
        for rules_of in by_path:
            if fnmatchcase(place, rules_of.pattern):
                if rules_of.select:
                    held = frozenset(code for code in held if code.startswith(rules_of.select))
                held = frozenset(code for code in held if not (rules_of.ignore and code.startswith(rules_of.ignore)))
        return held

    return codes
