"""`qtgen link`: related articles chosen, mended and looked at."""

import difflib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qtgen.commands.options import Grouped, counted, folder, note, options_of, settings_from
from qtgen.commands.relinker import check_extra, vectors
from qtgen.corpus import page_runs
from qtgen.errors import QtgenError, UsageError
from qtgen.files import prepared
from qtgen.settings import Settings

if TYPE_CHECKING:
    from qtgen.link_edits import LinkEdit, Written
    from qtgen.link_graph import Graph
    from qtgen.relinking import Plan

_LISTED = 20  # pages that are named on stderr; the rest is counted
_KINDS = ("added", "replaced", "corrected", "removed")
_EPILOG = """\b
Exit codes:
  0  done; with --check: no broken link and no orphan
  1  a page was left as it was (cannot be read or written), or --diff would
     change one; with --check: a broken link or an orphan
  2  the call or the settings are wrong

\b
Examples:
  qtgen link content                    mend what is broken, fill free places
  qtgen link content --diff | less      look first
  qtgen link content/new --corpus content --update-neighbours
  qtgen link content --check --html links.html
"""
_choice, _look, _site = options_of("What changes"), options_of("Looking"), options_of("Site and vectors")


@click.command(cls=Grouped, epilog=_EPILOG)
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@_choice(
    "--repair/--relink",
    "repair",
    default=True,
    help="Keep good links and change only what is broken or missing, or choose all links afresh.  [default: repair]",
)
@_choice("--update-neighbours", is_flag=True, help="With --corpus: let pages of the corpus name those of PATHS too.")
@_look("--check", is_flag=True, help="Report the graph of links, and change nothing.")
@_look("--html", "html_to", type=click.Path(path_type=Path), help="With --check: file for the report as one HTML page.")
@_look("--diff", "wants_diff", is_flag=True, help="Show what would change, and change nothing.")
@_look("--dry-run", "is_dry", is_flag=True, help="List the pages that would change, and change nothing.")
@_look("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@_site(
    "--corpus", type=folder, help="The whole site: links lead anywhere in it, only PATHS change; also in qtgen.toml."
)
@_site("--embeddings", "model", help="Model of an embeddings endpoint, instead of the vectors that come along.")
@_site("--no-cache", is_flag=True, help="Make every vector anew; keep nothing in .qtgen/cache.")
def command(paths: tuple[Path, ...], corpus: Path | None, **options: Any) -> int:
    """Choose up to five related articles for every page of PATHS, files or folders.

    A link leads to a page near in meaning, never to the page itself, a near-duplicate or a no-index page, and every
    page gets a link from another. A link is broken if its target is not there, is the page itself, was named before on
    the page, says no_index, or has another id, title or subject; the last is corrected in its place.
    Needs the `links` extra.
    """
    _check_options(options)
    check_extra("`qtgen link`")
    settings = settings_from({"corpus": corpus})
    if settings.corpus and not settings.corpus.is_dir():
        raise UsageError(f"--corpus {settings.corpus}: no such folder")
    session = _Session(paths, settings, options)
    return session.check() if options["check"] else session.link()


def _check_options(options: dict[str, Any]) -> None:
    looks = [
        name
        for name, given in (("--check", "check"), ("--diff", "wants_diff"), ("--dry-run", "is_dry"))
        if options[given]
    ]
    if len(looks) > 1:
        raise UsageError(f"{looks[0]} and {looks[1]} do not go together")
    if options["html_to"] and not options["check"]:
        raise UsageError("--html goes with --check")
    if options["wants_diff"] and options["as_json"]:
        raise UsageError("--diff and --json both want stdout; --dry-run --json lists what would change")


@dataclass
class _Session:
    """One call of the command."""

    paths: tuple[Path, ...]
    settings: Settings
    options: dict[str, Any]

    # --- looking -----------------------------------------------------------------------------------------------------

    def check(self) -> int:
        from qtgen.census import census
        from qtgen.link_graph import graph_of, links_of
        from qtgen.reports.links import html, text

        known = census(page_runs(self.paths), self.settings.corpus, None)
        graph = graph_of(known.places(), links_of(known.site))
        document = graph.as_dict()
        if self.options["html_to"]:
            _write(self.options["html_to"], html.document(document))
        if self.options["as_json"]:
            click.echo(json.dumps(document, ensure_ascii=False))
        else:
            click.echo("\n".join(text.document(document)))
        _list([f"{known.paths[number]}: {why}" for number, why in known.problems.items()], "page that cannot be read")
        return _verdict(graph)

    # --- choosing ----------------------------------------------------------------------------------------------------

    def link(self) -> int:
        plan = self._plan()
        _warn_of_dangling(plan)
        _list([f"left alone: {path}: {why}" for path, why in plan.unreadable], "page that cannot be worked on")
        neighbours = plan.neighbours if self.settings.corpus else []
        if self.options["wants_diff"]:
            return self._show(plan)
        done = self._done(chain(plan.rewrites(), neighbours if self.options["update_neighbours"] else ()))
        self._report(plan, done, [] if self.options["update_neighbours"] else neighbours)
        return int(bool(plan.unreadable) or any(one.error for one in done))

    def _plan(self) -> "Plan":
        from qtgen.relinking import Relinking, plan

        with vectors(self.settings, self.options["model"], cached=not self.options["no_cache"]) as embed:
            how = Relinking(embed, self.settings.corpus, afresh=not self.options["repair"])
            return plan(page_runs(self.paths), how)

    def _done(self, edits: "Iterator[LinkEdit]") -> "list[Written]":
        from qtgen.link_edits import written

        return [edit.outcome() for edit in edits] if self.options["is_dry"] else list(written(edits))

    def _show(self, plan: "Plan") -> int:
        from qtgen.link_edits import linked

        done = []
        for edit in plan.rewrites():
            try:
                page = linked(edit)
            except QtgenError as error:
                done.append(edit.outcome(str(error)))
                continue
            done.append(edit.outcome())
            before, after = page.before.decode().splitlines(True), page.after.decode().splitlines(True)
            for line in difflib.unified_diff(before, after, page.path, page.path):
                click.echo(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n", nl=False)
        _summary(plan, done, "would change")
        return int(bool(done) or bool(plan.unreadable))

    # --- saying it ---------------------------------------------------------------------------------------------------

    def _report(self, plan: "Plan", done: "list[Written]", neighbours: "list[LinkEdit]") -> None:
        _list([f"not written: {one.error}" for one in done if one.error], "page not written")
        if self.options["as_json"]:
            click.echo(json.dumps(_document(plan, done, neighbours, self.options["is_dry"]), ensure_ascii=False))
        elif self.options["is_dry"]:
            for one in done:
                click.echo(f"{one.path}: {_what(one)}")
        _list([f"would name a page of yours: {one.path}" for one in neighbours], "page of the corpus")
        if neighbours:
            note("--update-neighbours changes them")
        _summary(plan, done, "would change" if self.options["is_dry"] else "changed")


def _verdict(graph: "Graph") -> int:
    """A page that is alone cannot be named."""
    return int(graph.broken > 0 or (graph.orphans > 0 and graph.pages > 1))


def _warn_of_dangling(plan: "Plan") -> None:
    dangling, links = plan.dangling
    if links and 3 * dangling > links:
        note(
            f"warning: {dangling:,} of {links:,} links dangle: is that the whole site? --corpus DIR names it, "
            "and a link is broken only if it leads nowhere there"
        )


def _list(lines: list[str], noun: str) -> None:
    """The first of them on stderr, and how many more there are."""
    for line in lines[:_LISTED]:
        note(line)
    if more := len(lines) - _LISTED:
        note(f"… and {counted(more, noun)} more") if more > 0 else None


def _what(page: "Written") -> str:
    return ", ".join(f"{getattr(page, kind)} {kind}" for kind in _KINDS if getattr(page, kind))


def _summary(plan: "Plan", done: "list[Written]", verb: str) -> None:
    good = [one for one in done if not one.error]
    sums = Counter({kind: sum(getattr(one, kind) for one in good) for kind in _KINDS})
    links = ", ".join(f"{sums[kind]:,} {kind}" for kind in _KINDS if sums[kind])
    note(f"{counted(len(good), 'page')} of {plan.known.given:,} {verb}{': links ' + links if links else ''}")
    if plan.gave_way:
        note(f"{counted(plan.gave_way, 'page')} gave up a good link for a page that nobody named")
    if before := plan.orphans_before:
        note(f"pages that no page names: {before:,} before, {len(plan.orphans):,} after")
    elif plan.orphans:
        note(f"pages that no page names: {len(plan.orphans):,}")
    _list([f"no page could name {path}" for path in plan.orphans], "page")


def _document(plan: "Plan", done: "list[Written]", neighbours: "list[LinkEdit]", is_dry: bool) -> dict[str, Any]:
    return {
        "pages": plan.known.given,
        "changed": [_row(one, "planned" if is_dry else "written") for one in done],
        "unreadable": [{"path": path, "reason": why} for path, why in plan.unreadable],
        "orphans": plan.orphans,
        "gave_way": plan.gave_way,
        "neighbours": [_row(edit.outcome(), "advised") for edit in neighbours],
    }


def _row(page: "Written", status: str) -> dict[str, Any]:
    counts = {kind: getattr(page, kind) for kind in _KINDS}
    return {"path": page.path, "status": "failed" if page.error else status, **counts, "error": page.error or None}


def _write(file: Path, text: str) -> None:
    with prepared(file, text) as temporary:
        temporary.replace(file)
