"""`qtgen link`: choose links between related pages, repair them, and report the graph of links."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qtgen._util.files import as_output_error, staged_file
from qtgen._util.text import json_text, pluralize
from qtgen.commands._echo import echo
from qtgen.commands._engines import engine_option, open_engine
from qtgen.commands._link_html import html_report
from qtgen.commands._link_rows import counts, document, skipped_rows, summary_lines
from qtgen.commands._linking import open_embedder, require_links_extra
from qtgen.commands._options import Grouped, options_of, settings_from
from qtgen.commands._output import diff_lines, listed, note
from qtgen.commands._packs import PageSources, split_location
from qtgen.commands._paths import NonEmptyPath, PagesPath, UnusablePaths
from qtgen.commands._site import profile_of, site_option
from qtgen.commands._steps import progress_after
from qtgen.errors import Interrupted, NoPages, UsageError
from qtgen.page.profile import Profile
from qtgen.settings import Settings
from qtgen.site.locations import Location

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from qtgen._util.engines import Engine
    from qtgen.linking import LinkEdit, LinkPlan, LinkReport, LinkResult

_SHOWN = 20  # pages that are listed on stderr; the others are counted
_EPILOG = """\b
Exit codes:
  0    done; with --check: no broken link and no orphan
  1    a page could not be read or written, or --diff would change a page;
       with --check: also if there is a broken link or an orphan
  2    the call or the settings are wrong, or PATHS are only part of a site
       and --corpus does not name the whole site
  130  interrupted; run the same command again to resume

\b
Examples:
  qtgen link content                    repair broken links, fill free slots
  qtgen link content --diff | less      preview the changes
  qtgen link content/new --corpus content --update-neighbours
  qtgen link content --check --html links.html
"""
_html_file = NonEmptyPath(dir_okay=False)
_change, _preview, _site = (
    options_of("What changes"),
    options_of("Reports and previews"),
    options_of("Site and vectors"),
)


@dataclass(frozen=True, slots=True)
class LinkArguments:
    """The arguments of `qtgen link`, as click passes them."""

    paths: tuple[Location, ...]
    relink: bool
    update_neighbours: bool
    check: bool
    html: Path | None
    diff: bool
    dry_run: bool
    as_json: bool
    corpus: Location | None
    site: Path | None
    embeddings: str | None
    jobs: int | None
    engine: str
    no_cache: bool

    @property
    def is_preview(self) -> bool:
        """Whether nothing is written."""
        return self.diff or self.dry_run

    def validate(self) -> None:
        """Raise UsageError for options that do not fit together."""
        given = {"--check": self.check, "--diff": self.diff, "--dry-run": self.dry_run}
        modes = [name for name, is_given in given.items() if is_given]
        if len(modes) > 1:
            raise UsageError(f"{modes[0]} and {modes[1]} cannot be used together")
        if self.check and (self.relink or self.update_neighbours):
            option = "--relink" if self.relink else "--update-neighbours"
            raise UsageError(f"{option} cannot be used with --check, which changes nothing")
        if self.diff and self.as_json:
            raise UsageError("--diff and --json cannot be used together; --dry-run --json lists the changes")
        if self.embeddings == "":
            raise UsageError("--embeddings needs the name of a model")
        if self.html is not None:
            self._validate_html(self.html)

    def _validate_html(self, html: Path) -> None:
        if not self.check:
            raise UsageError("--html can only be used with --check")
        if html.suffix == ".md":
            raise UsageError(f"--html {html}: a report must not look like a page; use a name that ends in .html")
        if not html.parent.is_dir():
            raise UsageError(f"--html {html}: folder {html.parent} does not exist; create it first")


@click.command(cls=Grouped, epilog=_EPILOG)
@click.argument("paths", nargs=-1, required=True, type=PagesPath())
@_change(
    "--relink/--repair",
    "relink",
    default=False,
    help="Choose all links again, or change only broken and missing ones.  [default: repair]",
)
@_change("--update-neighbours", is_flag=True, help="Also add links to PATHS to the pages of --corpus.")
@_preview("--check", is_flag=True, help="Report the graph of links of PATHS and --corpus, and change nothing.")
@_preview("--html", type=_html_file, help="With --check: also write the report to this file as an HTML page.")
@_preview("--diff", is_flag=True, help="Show what would change, and change nothing.")
@_preview("--dry-run", is_flag=True, help="List the pages that would change, and change nothing.")
@_preview("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
@_site(
    "--corpus",
    type=PagesPath(file_okay=False),
    help="Link to any page of this site, but change only PATHS.  [default: `corpus` in qtgen.toml]",
)
@site_option(_site)
@_site(
    "--embeddings",
    metavar="MODEL",
    help="Get vectors from this model of an embeddings endpoint (OPENAI_API_KEY, OPENAI_BASE_URL).  "
    "[default: built-in word vectors]",
)
@_site("--jobs", type=click.IntRange(1, 256), help="Number of worker processes.  [default: 1; ray: number of CPUs]")
@engine_option(_site)
@_site("--no-cache", is_flag=True, help="Do not use .qtgen/cache, and compute every vector again.")
def command(**parameters: Any) -> int:
    """Choose links to related pages for every page of PATHS, files or folders.

    A link leads to a page with a similar meaning, never to the page itself, a near-duplicate or a hidden page. Every
    page also gets an inbound link if a suitable page exists.

    A link is broken if its target does not exist, is the page itself, is hidden or is linked twice, or if its id,
    title or subject differs from the target's. In the last case, qtgen corrects the link. Otherwise, it replaces the
    link.

    Needs the `links` extra.
    """
    arguments = LinkArguments(**parameters)
    arguments.validate()
    require_links_extra("`qtgen link`")
    folder, url = split_location(arguments.corpus)
    settings = settings_from({"corpus": folder, "site": arguments.site})
    if not url and settings.corpus and not settings.corpus.is_dir():
        raise UsageError(f"{settings.corpus}: no such folder", setting="corpus")
    if arguments.update_neighbours and not settings.corpus:
        raise UsageError("--update-neighbours changes pages of the corpus, so it needs --corpus")
    unusable = UnusablePaths()
    sources = PageSources(arguments.paths, url or settings.corpus, unusable, with_links=False)
    sources.refuse_packs({"changing links": not arguments.check})
    try:
        code = (
            _check(arguments, sources, profile_of(settings))
            if arguments.check
            else _link(arguments, sources, settings, unusable)
        )
    except NoPages:
        if not unusable:
            raise
        code = 0
    return unusable.exit_code(code)


# --- the graph -------------------------------------------------------------------------------------------------------


def _check(arguments: LinkArguments, sources: PageSources, profile: Profile) -> int:
    from qtgen.linking import read_catalog
    from qtgen.linking.reports.text import report_lines

    with progress_after("Reading pages") as step:
        with _engine(arguments) as engine:
            catalog = read_catalog(
                sources.batches(),
                profile,
                corpus=sources.corpus,
                overlay=sources.overlay(),
                on_read=step.advance,
                engine=engine,
            )
        graph = catalog.graph()
    skipped = catalog.skipped(with_corpus=True)
    if arguments.html:
        report = html_report(arguments.html, arguments.paths, sources, catalog, graph)
        with staged_file(arguments.html, report) as temporary, as_output_error(arguments.html):
            temporary.replace(arguments.html)
    if arguments.as_json:
        echo(json_text({**graph.as_dict(), "unreadable": skipped_rows(skipped)}))
    else:
        echo("\n".join(report_lines(graph)))
    _note_listed([f"cannot be read: {page.path}: {page.reason}" for page in skipped], "page")
    return int(bool(skipped) or not graph.is_sound)


# --- choosing links --------------------------------------------------------------------------------------------------


def _link(arguments: LinkArguments, sources: PageSources, settings: Settings, unusable: UnusablePaths) -> int:
    from qtgen.linking import report_of

    plan = _plan(arguments, sources, settings, unusable)
    _note_listed([f"skipped: {page.path}: {page.reason}" for page in plan.catalog.skipped()], "page")
    if unparsed := plan.existing.unparsed:
        note(f"kept {pluralize(unparsed, 'link')} to pages that do not parse")
    apply = _apply_preview if arguments.is_preview else _apply_write
    neighbor_edits = plan.neighbor_edits if settings.corpus else []
    updates, suggestions = (neighbor_edits, []) if arguments.update_neighbours else ([], neighbor_edits)
    results = list(apply(arguments, plan.edits()))
    neighbors = list(apply(arguments, updates))
    report = report_of(plan, results, neighbors, suggestions, written=not arguments.is_preview)
    _print_report(report, arguments)
    return int(bool(report.skipped or report.errors) or (arguments.diff and bool(results or neighbors)))


def _engine(arguments: LinkArguments) -> "AbstractContextManager[Engine | None]":
    # The libraries for linear algebra have threads, which a forked process would inherit in a broken state.
    return open_engine(arguments.engine, arguments.jobs, spawn=True)


def _plan(arguments: LinkArguments, sources: PageSources, settings: Settings, unusable: UnusablePaths) -> "LinkPlan":
    from qtgen.linking import LinkPlan, existing_links, read_catalog

    with (
        _engine(arguments) as engine,
        open_embedder(settings, arguments.embeddings, cached=not arguments.no_cache) as embed,
    ):
        with progress_after("Reading pages") as step:
            profile = profile_of(settings)
            catalog = read_catalog(
                sources.batches(), profile, corpus=sources.corpus, embed=embed, on_read=step.advance, engine=engine
            )
        existing = existing_links(catalog)
        existing.check_whole_site(has_corpus=settings.corpus is not None, unread=unusable.paths)
        with progress_after("Choosing links"):
            return LinkPlan(existing, relink=arguments.relink, engine=engine)


def _apply_preview(arguments: LinkArguments, edits: "Iterable[LinkEdit]") -> "Iterator[LinkResult]":
    from qtgen.linking import preview_edits

    for result, page in preview_edits(edits):
        if page and arguments.diff:
            for line in diff_lines(page.path, page.before.decode(), page.after.decode()):
                echo(line)
        yield result


def _apply_write(_: LinkArguments, edits: "Iterable[LinkEdit]") -> "Iterator[LinkResult]":
    from qtgen.linking import write_edits

    written = 0
    try:
        with progress_after("Writing pages") as step:
            for result in write_edits(edits):
                written += 1
                step.advance()
                yield result
    except KeyboardInterrupt:
        raise Interrupted(
            f"interrupted after {pluralize(written, 'page')}; up to a few hundred more pages may be complete"
        ) from None


# --- output ----------------------------------------------------------------------------------------------------------


def _print_report(report: "LinkReport", arguments: LinkArguments) -> None:
    _note_listed([f"not written: {error}" for error in report.errors], "page")
    if arguments.as_json:
        echo(json_text(document(report)))
    elif arguments.dry_run:
        for result in report.results + report.neighbors:
            if not result.error:
                echo(f"{result.path}: {counts(result)}")
    _note_listed([f"{edit.path} should link to {', '.join(edit.targets)}" for edit in report.suggestions], "page")
    if report.suggestions:
        note("use --update-neighbours to change these pages")
    for line in summary_lines(report):
        note(line)
    _note_listed([f"orphan: {path}" for path in report.orphans], "orphan")


def _note_listed(lines: list[str], noun: str) -> None:
    for line in listed(lines, noun, shown=_SHOWN):
        note(line)
