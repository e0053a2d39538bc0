"""`qtgen validate`: paths in, diagnostics out."""

import difflib
import logging
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import click

from qtgen import __version__
from qtgen._util.files import replace_file
from qtgen.commands._options import settings_from
from qtgen.commands._output import note
from qtgen.errors import OutputError, UsageError
from qtgen.page.reader import MAX_BYTES
from qtgen.settings import Settings, project_folder
from qtgen.site.discovery import PageBatch, batches_for_paths, iter_batches, read_page_bytes
from qtgen.validation.autofix import FixedFile, fix
from qtgen.validation.cache import Cache
from qtgen.validation.diagnostics import Diagnostic, Severity
from qtgen.validation.reports import github, gitlab, junit, sarif
from qtgen.validation.reports import json as json_report
from qtgen.validation.reports import text as text_report
from qtgen.validation.rules import REGISTRY
from qtgen.validation.run import ValidationOptions, ValidationResult
from qtgen.validation.selection import PathRules, choose_rules, known_codes
from qtgen.validation.workers import rules_key

_FORMATS = ("text", "json", "github", "gitlab", "sarif", "junit")
_OF_THE_PATH = ("QT302", "QT304")
_WITH_FIXES = ("json", "sarif")
_EPILOG = (
    "Exit 0: no error found (warnings alone are none); 1: an error was found, or --diff would change a page; "
    "2: a path, an option or a setting is wrong."
)


@click.command(epilog=_EPILOG)
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path, allow_dash=True, readable=False))
@click.option("--fix", "wants_fix", is_flag=True, help="Mend what can be mended without a reader losing anything.")
@click.option("--unsafe", is_flag=True, help="With --fix or --diff: also what a person should look at afterwards.")
@click.option("--diff", "wants_diff", is_flag=True, help="Show what --fix would change, and change nothing.")
@click.option("--format", "form", type=click.Choice(_FORMATS), default="text", show_default=True)
@click.option("--statistics", is_flag=True, help="Count the findings by rule and by folder instead of listing them.")
@click.option("--select", metavar="CODES", help="Only rules whose code begins so: QT2,QT301.")
@click.option("--ignore", metavar="CODES", help="No rules whose code begins so.")
@click.option(
    "--corpus", type=click.Path(path_type=Path), help="The whole site, to judge links and urls by; also in qtgen.toml."
)
@click.option("--stdin-filename", metavar="PATH", help="The path that the page on standard input (`-`) is to have.")
@click.option("--jobs", type=click.IntRange(1, 256), help="Processes; else as many as pay for the pages to be read.")
@click.option("--no-cache", is_flag=True, help="Read every file; keep nothing in .qtgen/cache.")
@click.option("--watch", is_flag=True, help="Check again whenever a page changes, until Ctrl-C.")
def command(paths: tuple[Path, ...], **options: object) -> int:
    """Check pages, or all pages in folders, against the document schema.

    `-` reads one page from standard input. `qtgen explain` lists the rules, `qtgen explain QT201` says why one is
    there.
    Rules between pages (QT4) run when more than one page is checked, or against --corpus.
    """
    session = _Session(paths, options)
    return session.watch() if options["watch"] else session.once()


class _Session:
    """One call of the command: what was asked for, and doing it."""

    def __init__(self, paths: tuple[Path, ...], options: dict[str, object]) -> None:
        given = {name: options[name] for name in ("select", "ignore", "corpus")}
        self.settings: Settings = settings_from(given)
        self.rules = choose_rules(self.settings.select, self.settings.ignore)
        if Path("-") in paths and not options["stdin_filename"]:  # a page without a name
            self.rules = [rule for rule in self.rules if rule.code not in _OF_THE_PATH]
        self.by_path = [
            PathRules(pattern, known_codes(of_path.select), known_codes(of_path.ignore))
            for pattern, of_path in self.settings.per_path.items()
        ]
        self.form = str(options["form"])
        self.statistics, self.unsafe = bool(options["statistics"]), bool(options["unsafe"])
        self.wants_diff, self.wants_fix = bool(options["wants_diff"]), bool(options["wants_fix"])
        self.paths = paths
        self.corpus = self.settings.corpus
        if self.corpus and not self.corpus.is_dir():
            raise UsageError(f"--corpus {self.corpus}: no such folder")
        self.jobs = options["jobs"] if isinstance(options["jobs"], int) else None
        self.in_hand = _standard_input(paths, options)
        self.cached = not options["no_cache"] and not self.in_hand and any(path.is_dir() for path in self._folders())
        if self.unsafe and not (self.wants_fix or self.wants_diff):
            raise UsageError("--unsafe goes with --fix or --diff")
        if self.statistics and self.form != "text":
            raise UsageError("--statistics goes with --format text")

    def _folders(self) -> list[Path]:
        return [*self.paths, *([self.corpus] if self.corpus else [])]

    def once(self) -> int:
        cache = self._cache() if self.cached else None
        try:
            return self._run(cache)
        finally:
            if cache:
                cache.close()

    def _cache(self) -> Cache:
        root = project_folder()
        return Cache(root / ".qtgen" / "cache", f"{__version__} {rules_key()}", root, time.time_ns())

    def _run(self, cache: Cache | None) -> int:
        check = ValidationOptions(
            self.rules,
            self.by_path,
            project_folder(),
            self.corpus,
            cache,
            self.jobs,
            overlay=dict(self.in_hand),
            fixes=self.form in _WITH_FIXES,
        )
        if self.wants_fix or self.wants_diff:
            mended = list(fix(list(self._runs()), check, unsafe=self.unsafe))
            if self.wants_diff:
                return self._show(mended)
            self._write(mended)
            if self.in_hand:
                check = replace(check, overlay={**self.in_hand, **{fixed.path: fixed.after for fixed in mended}})
        with ValidationResult(self._runs(), check) as validation:
            return self._report(validation, check.overlay)

    def _runs(self) -> Iterable[PageBatch]:
        return batches_for_paths(self.in_hand) if self.in_hand else iter_batches(self.paths)

    # --- fixes -------------------------------------------------------------------------------------------------------

    def _show(self, mended: list[FixedFile]) -> int:
        for fixed in mended:
            before, after = fixed.before.decode().splitlines(True), fixed.after.decode().splitlines(True)
            for line in difflib.unified_diff(before, after, fixed.path, fixed.path):
                click.echo(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n", nl=False)
        note(_fix_summary(mended, "would mend"))
        return int(bool(mended))

    def _write(self, mended: list[FixedFile]) -> None:
        if self.in_hand:
            after = mended[0].after if mended else next(iter(self.in_hand.values()))
            sys.stdout.buffer.write(after)
            return
        written = []
        for fixed in mended:
            try:
                replace_file(Path(fixed.path), fixed.before, fixed.after)
                written.append(fixed)
            except OutputError as error:  # one page does not hold up the others
                note(f"not mended: {error}")
        note(_fix_summary(written, "mended"))

    # --- reports -----------------------------------------------------------------------------------------------------

    def _report(self, validation: ValidationResult, overlay: Mapping[str, bytes]) -> int:
        tally = text_report.FindingCounts()
        out_of_the_way = self.wants_fix and bool(self.in_hand)  # standard output holds the mended page
        for line in self._lines(validation, tally, overlay):
            click.echo(line, err=out_of_the_way)
        note(_summary(tally, validation.pages))
        return int(tally.severities[Severity.ERROR] > 0)

    def _lines(
        self, validation: ValidationResult, tally: text_report.FindingCounts, overlay: Mapping[str, bytes]
    ) -> Iterator[str]:
        def passing() -> Iterator[Diagnostic]:
            for checked in validation:
                for diagnostic in checked.diagnostics:
                    tally.add(diagnostic, _fix_of(diagnostic))
                    yield diagnostic

        match self.form:
            case "json":
                return json_report.document(passing())
            case "github":
                return github.document(passing())
            case "gitlab":
                return gitlab.document(passing())
            case "junit":
                return junit.document(passing(), validation.pages)
            case "sarif":
                rules = [(rule.code, rule.name, rule.severity.value, rule.doc) for _, rule in sorted(REGISTRY.items())]
                return sarif.document(passing(), rules, __version__, lambda path: _source(overlay, path))
            case _:
                return self._text(validation, tally, overlay)

    def _text(
        self, validation: ValidationResult, tally: text_report.FindingCounts, overlay: Mapping[str, bytes]
    ) -> Iterator[str]:
        for checked in validation:
            lines: list[str] | None = None
            for diagnostic in checked.diagnostics:
                tally.add(diagnostic, _fix_of(diagnostic))
                if self.statistics:
                    continue
                yield text_report.line(diagnostic)
                lines = _source(overlay, checked.path) if lines is None else lines
                if shown := text_report.snippet(diagnostic, lines):
                    yield shown
        if self.statistics and tally.codes:
            yield tally.statistics()

    # --- watching ----------------------------------------------------------------------------------------------------

    def watch(self) -> int:
        """Check, and again after every change of a page. Ends with Ctrl-C, as the last check ended."""
        from watchfiles import watch

        if self.in_hand or self.wants_fix or self.wants_diff:
            raise UsageError("--watch goes with files and without --fix and --diff")
        logging.getLogger("watchfiles").setLevel(logging.ERROR)  # it remarks on Ctrl-C
        code = self.once()
        note("watching; Ctrl-C ends")
        changed = watch(*self._folders(), watch_filter=lambda _, path: path.endswith(".md"), raise_interrupt=False)
        try:
            for changes in changed:
                first = Path(min(path for _, path in changes)).name
                note(f"\n{len(changes)} changed: {first}{' …' * (len(changes) > 1)}")
                code = self.once()
        except RuntimeError as error:  # of the watcher: a name that is no text, no watches left …
            raise UsageError(f"--watch: {error}") from None
        return code


def _standard_input(paths: tuple[Path, ...], options: dict[str, object]) -> dict[str, bytes]:
    """The page on standard input under its name to be; empty if none is asked for."""
    name = options["stdin_filename"]
    if Path("-") not in paths:
        if name:
            raise UsageError("--stdin-filename goes with `-`, the page on standard input")
        return {}
    if len(paths) > 1:
        raise UsageError("`-` stands alone: one page is read from standard input")
    return {Path(str(name or "stdin.md")).as_posix(): sys.stdin.buffer.read()}


def _fix_of(diagnostic: Diagnostic) -> str | None:
    """ "safe" or "unsafe" if the finding can be mended."""
    return REGISTRY[diagnostic.code].fix if diagnostic.fixable else None


def _source(overlay: Mapping[str, bytes], path: str) -> list[str]:
    """The lines of a page as its diagnostics count them; none where it cannot be shown."""
    try:
        raw = overlay[path] if path in overlay else read_page_bytes(path)
    except OSError:
        return []
    return raw.decode("utf-8", "replace").split("\n") if len(raw) <= MAX_BYTES else []


def _fix_summary(mended: list[FixedFile], done: str) -> str:
    count = sum(fixed.fixes for fixed in mended)
    pages = f"{len(mended):,} page{'s' * (len(mended) != 1)}"
    return f"{done} {count:,} finding{'s' * (count != 1)} in {pages}" if mended else "nothing to mend"


def _summary(tally: text_report.FindingCounts, pages: int) -> str:
    said = tally.summary(pages)
    safe, unsafe = tally.fixable[True], tally.fixable[False]
    if safe:
        said += f"; --fix can mend up to {safe:,}"
    if unsafe:
        said += f", --fix --unsafe {unsafe:,} more" if safe else f"; --fix --unsafe can mend up to {unsafe:,}"
    return said
