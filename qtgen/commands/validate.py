"""`qtgen validate`: paths in, diagnostics out."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

import click

from qtgen._util.project import project_folder
from qtgen.commands._echo import echo
from qtgen.commands._engines import engine_option, open_engine
from qtgen.commands._errors import describe, exit_code
from qtgen.commands._logging import is_verbose
from qtgen.commands._output import note
from qtgen.commands._packs import PageSources, split_location
from qtgen.commands._paths import PagesPath, UnusablePaths
from qtgen.commands._site import load_site, site_option
from qtgen.commands._steps import Step, progress_after
from qtgen.commands._validate_settings import ValidateSettings, load_settings
from qtgen.commands._validation_report import Report, print_diff, print_fix_summary
from qtgen.commands._watch import watch_pages
from qtgen.errors import QtgenError, UsageError
from qtgen.site.discovery import PageBatch, batches_for_paths
from qtgen.site.locations import Location
from qtgen.validation.autofix import FixReport, try_fixes, write_fixes
from qtgen.validation.cache import Cache
from qtgen.validation.detection import PageFilter
from qtgen.validation.plugins import load_plugins
from qtgen.validation.project_cache import project_cache
from qtgen.validation.reports import format_names, get_format
from qtgen.validation.run import ValidationOptions, ValidationResult
from qtgen.validation.selection import PathRules, choose_rules, resolve_codes

_NEED_A_PATH = ("QT302", "QT304")  # rules about the name and the folder of the file
_EPILOG = (
    "Exit codes: 0 if there is no error (warnings do not count); 1 if there is an error, or if --diff would change a "
    "page; 2 if a path, an option or a setting is wrong (the other paths are still checked)."
)


class _FormatName(click.types.StringParamType):
    """The name of a report format. It is looked up later, because plugins may add formats."""

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:  # noqa: ARG002 - click's signature
        load_plugins(load_settings())
        return f"[{'|'.join(format_names())}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidateOptions:
    """The arguments of one call of the command."""

    paths: tuple[Location, ...]
    fix: bool
    unsafe: bool
    diff: bool
    format: str
    statistics: bool
    select: str | None
    ignore: str | None
    corpus: Location | None
    site: Path | None
    stdin_filename: str | None
    skip_non_pages: bool
    jobs: int | None
    engine: str
    no_cache: bool
    watch: bool

    def check(self) -> None:
        """Raise UsageError for arguments that exclude each other."""
        if self.unsafe and not (self.fix or self.diff):
            raise UsageError("--unsafe needs --fix or --diff")
        if self.statistics and self.format != "text":
            raise UsageError("--statistics needs --format text")
        if self.stdin_filename and not self.reads_stdin:
            raise UsageError("--stdin-filename needs `-`, which reads one page from standard input")
        if self.reads_stdin and len(self.paths) > 1:
            raise UsageError("`-` reads one page from standard input and excludes other paths")
        if self.watch and (self.reads_stdin or self.fix or self.diff):
            raise UsageError("--watch needs files or folders, and excludes --fix and --diff")

    @property
    def reads_stdin(self) -> bool:
        """Whether the page comes from standard input."""
        return Path("-") in self.paths


@click.command(epilog=_EPILOG)
@click.argument("paths", nargs=-1, required=True, type=PagesPath(allow_dash=True, readable=False))
@click.option("--fix", is_flag=True, help="Apply safe fixes.")
@click.option("--unsafe", is_flag=True, help="With --fix or --diff: also apply fixes that you should review.")
@click.option("--diff", is_flag=True, help="Show what --fix would change, and write nothing.")
@click.option("--format", type=_FormatName(), default="text", show_default=True, help="Use this report format.")
@click.option("--json", "as_json", is_flag=True, help="Same as --format json.")
@click.option("--statistics", is_flag=True, help="Count the findings by rule and by folder instead of listing them.")
@click.option(
    "--select", metavar="CODES", help="Run only these rules: QT2,QT301.  [default: all except QT410 and QT611]"
)
@click.option("--ignore", metavar="CODES", help="Skip these rules.")
@click.option(
    "--corpus",
    type=PagesPath(),
    help="Check links and urls against this folder or pack of the whole site.  [default: `corpus` in qtgen.toml]",
)
@site_option()
@click.option("--stdin-filename", metavar="PATH", help="Report the page on standard input (`-`) under this path.")
@click.option(
    "--skip-non-pages", is_flag=True, help="Skip files whose front matter is not a page's, such as README.md."
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 256),
    help="Number of worker processes.  [default: by the number of pages]",
)
@engine_option()
@click.option("--no-cache", is_flag=True, help="Do not use .qtgen/cache, and read every file.")
@click.option("--watch", is_flag=True, help="Check again when a page changes, until Ctrl-C.")
def command(*, as_json: bool, **arguments: object) -> int:
    """Check pages, or all pages in folders, against the document schema.

    `-` reads one page from standard input. `qtgen explain` lists the rules, and `qtgen explain QT201` explains one.
    Rules that compare pages (QT4) run if you check several pages or set --corpus.
    The text format lists errors and warnings, and counts informational findings. -v lists those too.
    """
    if as_json:
        if arguments["format"] not in ("text", "json"):
            raise UsageError(f"--json is --format json, and excludes --format {arguments['format']}")
        arguments["format"] = "json"
    options = ValidateOptions(**arguments)  # type: ignore[arg-type]  # click has checked the types
    options.check()
    session = _Session(options)
    return session.watch() if options.watch else session.run()


class _Session:
    """The state of one call of the command."""

    def __init__(self, options: ValidateOptions) -> None:
        self._options = options
        folder, url = split_location(options.corpus)
        settings = load_settings(options.select, options.ignore, folder, options.site)
        self._profile = load_site(settings.site)
        load_plugins(settings)
        self._format = get_format(options.format)
        self._selected = resolve_codes(settings.select)
        if not url and settings.corpus and not settings.corpus.is_dir():
            raise UsageError("no such folder", setting="corpus", remedy=f"correct the path {settings.corpus}")
        self._stdin = _read_stdin(options)
        self._unusable = UnusablePaths()
        self._sources = PageSources(
            options.paths, url or settings.corpus, lambda error: self._unusable(error), profile=self._profile
        )
        self._sources.refuse_packs({"--fix": options.fix, "--diff": options.diff, "--watch": options.watch})
        self._overlay = self._sources.overlay(self._stdin)
        self._filter = PageFilter(self._profile, self._overlay) if options.skip_non_pages else None
        self._checks = self._validation_options(settings)
        self._rejected: list[tuple[str, int, str]] = []

    def _validation_options(self, settings: ValidateSettings) -> ValidationOptions:
        rules = choose_rules(settings.select, settings.ignore, settings.rules.requested, profile=self._profile)
        if self._options.reads_stdin and not self._options.stdin_filename:
            rules = [rule for rule in rules if rule.code not in _NEED_A_PATH]
        by_path = [
            PathRules(pattern, resolve_codes(select), resolve_codes(ignore))
            for pattern, select, ignore in settings.per_path
        ]
        return ValidationOptions(
            rules,
            by_path,
            project_folder(),
            self._sources.corpus,
            jobs=self._options.jobs,
            overlay=self._overlay,
            spawn=self._sources.pack is not None,  # importing pyarrow starts threads
            fixes=self._format.needs_fixes,
            settings=settings.rules,
            profile=self._profile,
        )

    def run(self) -> int:
        """Check the pages once, and return the exit code."""
        self._unusable = UnusablePaths()
        cache = self._open_cache()
        try:
            with open_engine(self._options.engine, self._options.jobs) as engine:
                code = self._run(replace(self._checks, cache=cache, engine=engine))
        finally:
            if cache:
                cache.close()
        return self._unusable.exit_code(code)

    def _run(self, checks: ValidationOptions) -> int:
        if self._options.fix or self._options.diff:
            with self._progress() as step:
                batches = list(self._batches())
                fixes = self._try_fixes(batches, replace(checks, on_progress=step.update))
            if not batches and self._unusable:
                return 0
            if self._options.diff:
                self._sources.note_left_out()
                return print_diff(fixes)
            checks = replace(checks, overlay=self._write(fixes))
            self._rejected = [(fix.path, fix.line, fix.code) for fix in fixes.rejected]
        with self._progress() as step:
            result = ValidationResult(self._batches(), replace(checks, on_progress=step.update))
        with result:
            if not result.pages and self._unusable:
                return 0
            return self._report(result, checks.overlay)

    def _progress(self) -> AbstractContextManager[Step]:
        return progress_after("Checking pages", enabled=self._options.format != "json")

    def _open_cache(self) -> Cache | None:
        """Return the cache, or None for single files, which are read faster than the cache."""
        is_without = self._options.no_cache or self._stdin or self._sources.pack
        if is_without or not any(path.is_dir() for path in self._sources.read_paths):
            return None
        return project_cache(self._checks.settings, profile=self._profile)

    def _batches(self) -> Iterable[PageBatch]:
        batches = batches_for_paths(self._stdin) if self._stdin else self._sources.batches()
        if self._filter:
            self._filter.skipped = 0
            return self._filter(batches)
        return batches

    def _try_fixes(self, batches: Sequence[PageBatch], checks: ValidationOptions) -> FixReport:
        return try_fixes(batches, checks, unsafe=self._options.unsafe)

    def _write(self, fixes: FixReport) -> dict[str, bytes]:
        """Write the fixed pages. Return the contents of the page from standard input, if there is one."""
        if self._stdin:
            contents = {**self._stdin, **{file.path: file.after for file in fixes.files}}
            sys.stdout.buffer.write(*contents.values())
            return contents
        written = list(write_fixes(fixes.files))
        for file in written:
            if file.error:
                note(f"not fixed: {file.error}")
        print_fix_summary(fixes, [file for file in written if not file.error], "fixed")
        return {}

    def _report(self, result: ValidationResult, overlay: Mapping[str, bytes]) -> int:
        """Print the report and its summary, and return the exit code."""
        options = self._options
        report = Report(
            self._format,
            self._profile,
            self._selected,
            statistics=options.statistics,
            verbose=is_verbose(),
            rejected=self._rejected,
        )
        # With --fix, standard output holds the fixed page from standard input.
        report.print(result, overlay, to_stderr=options.fix and bool(self._stdin))
        report.print_summary(result.pages, self._filter.skipped if self._filter else 0)
        self._sources.note_left_out()
        return report.exit_code

    def watch(self) -> int:
        """Check the pages, and again after each change. Return the exit code of the last check after Ctrl-C."""
        code = self.run()
        if not any(path.exists() for path in self._sources.files):
            return code
        note("watching for changes; press Ctrl-C to stop")
        for change in watch_pages(self._sources.read_paths):
            note(f"\n{change}")
            try:
                code = self.run()
            except QtgenError as error:  # what is missing now may be back with the next change
                echo(f"qtgen: {describe(error)}", err=True)
                code = exit_code(error)
        return code


def _read_stdin(options: ValidateOptions) -> dict[str, bytes]:
    """Return the page on standard input by its path, or nothing if it is not read."""
    if not options.reads_stdin:
        return {}
    return {Path(options.stdin_filename or "stdin.md").as_posix(): sys.stdin.buffer.read()}
