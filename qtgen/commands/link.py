"""`qtgen link`: related articles chosen, mended and looked at."""

import difflib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qtgen._util.files import as_output_error, staged_file
from qtgen._util.text import pluralize
from qtgen.commands._linking import check_extra, vectors
from qtgen.commands._options import Grouped, folder, options_of, settings_from
from qtgen.commands._output import note
from qtgen.errors import Interrupted, UsageError
from qtgen.settings import Settings
from qtgen.site.discovery import iter_batches

if TYPE_CHECKING:
    from qtgen.linking.apply import Linked, LinkEdit, Written
    from qtgen.linking.graph import Graph
    from qtgen.linking.plan import LinkPlan

_LISTED = 20  # pages that are named on stderr; the rest is counted
_KINDS = ("added", "replaced", "corrected", "removed")
_EPILOG = """\b
Exit codes:
  0  done; with --check: no broken link and no orphan
  1  a page was left as it was (cannot be read or written), or --diff would
     change one; with --check: a broken link, an orphan or such a page
  2  the call or the settings are wrong, or PATHS are only a part of the site
     and --corpus does not name the whole
  130  interrupted; the same call goes on

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
@_look("--check", is_flag=True, help="Report the graph of links of PATHS and --corpus together, and change nothing.")
@_look(
    "--html",
    "html_to",
    type=click.Path(path_type=Path, dir_okay=False),
    help="With --check: file for the report as one HTML page.",
)
@_look("--diff", "wants_diff", is_flag=True, help="Show what would change, and change nothing.")
@_look("--dry-run", "is_dry", is_flag=True, help="List the pages that would change, and change none.")
@_look("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@_site(
    "--corpus", type=folder, help="The whole site: links lead anywhere in it, only PATHS change; also in qtgen.toml."
)
@_site("--embeddings", "model", help="Model of an embeddings endpoint (OPENAI_API_KEY, "
       "OPENAI_BASE_URL), instead of the vectors that come along.")  # fmt: skip
@_site("--no-cache", is_flag=True, help="Make every vector anew; keep nothing in .qtgen/cache.")
def command(paths: tuple[Path, ...], corpus: Path | None, **options: Any) -> int:
    """Choose up to five related articles for every page of PATHS, files or folders.

    A link leads to a page near in meaning, never to the page itself, a near-duplicate or a no-index page, and every
    page gets a link from another where one can be found for it. A link is broken if its target is not there, is the
    page itself, was named before on the page, says no_index, or has another id, title or subject; the last is corrected
    in its place.
    Needs the `links` extra.
    """
    _check_options(options)
    check_extra("`qtgen link`")
    settings = settings_from({"corpus": corpus})
    if settings.corpus and not settings.corpus.is_dir():
        raise UsageError(f"--corpus {settings.corpus}: no such folder")
    if options["update_neighbours"] and not settings.corpus:
        raise UsageError("--update-neighbours changes pages of the site that --corpus names; it is missing")
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
    if options["html_to"] and options["html_to"].suffix == ".md":
        raise UsageError(f"--html {options['html_to']}: ends in .md, as pages do; a report is an .html file")
    if options["model"] == "":
        raise UsageError("--embeddings: the name of a model is missing")
    for name, given in (("--relink", not options["repair"]), ("--update-neighbours", options["update_neighbours"])):
        if given and options["check"]:
            raise UsageError(f"--check changes nothing and {name} says what to change; they do not go together")
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
        from qtgen.linking.catalog import census
        from qtgen.linking.graph import graph_of, links_of
        from qtgen.linking.reports import html, text

        known = census(iter_batches(self.paths), self.settings.corpus, None)
        graph = graph_of(known.places(), links_of(known.site))
        unreadable = [(known.paths[number], why) for number, why in known.problems.items()]
        document = {**graph.as_dict(), "unreadable": _reasons(unreadable)}
        if self.options["html_to"]:
            _write(self.options["html_to"], html.document(document))
        if self.options["as_json"]:
            click.echo(json.dumps(document, ensure_ascii=False))
        else:
            click.echo("\n".join(text.document(document)))
        _list([f"{path}: {why}" for path, why in unreadable], "pages that cannot be read")
        return int(bool(unreadable) or _is_faulty(graph))

    # --- choosing ----------------------------------------------------------------------------------------------------

    def link(self) -> int:
        plan = self._plan()
        _check_whole(plan, has_corpus=self.settings.corpus is not None)
        _list([f"left alone: {path}: {why}" for path, why in plan.unreadable], "pages that cannot be worked on")
        if plan.held:
            note(f"{pluralize(plan.held, 'link')} to pages that do not parse stay")
        done = list(self._done(plan.rewrites()))
        updates = self.options["update_neighbours"]
        neighbours = plan.neighbours if self.settings.corpus else []
        moved = list(self._done(neighbours)) if updates else []
        said = _Said(plan, done, moved, [] if updates else neighbours, self._is_look)
        self._report(said)
        failed = bool(plan.unreadable or said.unwritten)
        return int(failed or bool(self.options["wants_diff"] and (done or moved)))

    @property
    def _is_look(self) -> bool:
        return bool(self.options["is_dry"] or self.options["wants_diff"])

    def _plan(self) -> "LinkPlan":
        from qtgen.linking.plan import LinkOptions, plan

        with vectors(self.settings, self.options["model"], cached=not self.options["no_cache"]) as embed:
            how = LinkOptions(embed, self.settings.corpus, afresh=not self.options["repair"])
            return plan(iter_batches(self.paths), how)

    def _done(self, edits: "Iterable[LinkEdit]") -> "Iterator[Written]":
        from qtgen.linking.apply import tried, written

        if not self._is_look:
            yield from _until_interrupted(written(edits))
            return
        for outcome, page in tried(edits):
            if page and self.options["wants_diff"]:
                _show(page)
            yield outcome

    # --- saying it ---------------------------------------------------------------------------------------------------

    def _report(self, said: "_Said") -> None:
        _list([f"not written: {one.error}" for one in said.all if one.error], "pages not written")
        if self.options["as_json"]:
            click.echo(json.dumps(said.document(), ensure_ascii=False))
        elif self.options["is_dry"]:
            for one in said.good:
                click.echo(f"{one.path}: {_what(one)}")
        _list([f"{edit.path} would name {', '.join(edit.targets)}" for edit in said.advised], "pages of the corpus")
        if said.advised:
            note("--update-neighbours changes them")
        for line in said.summary():
            note(line)
        _list([f"no page could name {path}" for path in said.orphans], "pages")


@dataclass
class _Said:
    """What is to be said of a run. moved: pages of the corpus that name pages asked about now; advised: those that
    would; is_look: nothing was written."""

    plan: "LinkPlan"
    done: "list[Written]"
    moved: "list[Written]"
    advised: "list[LinkEdit]"
    is_look: bool

    @property
    def all(self) -> "list[Written]":
        return self.done + self.moved

    @property
    def good(self) -> "list[Written]":
        return [one for one in self.all if not one.error]

    @cached_property
    def unwritten(self) -> frozenset[str]:
        return frozenset(one.path for one in self.all if one.error)

    @cached_property
    def orphans(self) -> list[str]:
        return self.plan.orphans(self.unwritten, with_neighbours=bool(self.moved))

    def summary(self) -> Iterator[str]:
        verb = "would change" if self.is_look else "changed"
        good = [one for one in self.done if not one.error]
        sums = {kind: sum(getattr(one, kind) for one in good) for kind in _KINDS}
        links = ", ".join(f"{count:,} {kind}" for kind, count in sums.items() if count)
        yield f"{pluralize(len(good), 'page')} of {self.plan.known.given:,} {verb}{': links ' + links if links else ''}"
        if self.moved:
            named = sum(not one.error for one in self.moved)
            yield f"{pluralize(named, 'page')} of the corpus {verb}, to name pages of PATHS that none of it names"
        if self.plan.gave_way:
            yield f"{pluralize(self.plan.gave_way, 'page')} gave up a good link for a page that nobody named"
        before, after = self.plan.orphans_before, len(self.orphans)
        if before or after:
            yield f"pages that no page names: {before:,} before, {after:,} {'then' if self.is_look else 'after'}"

    def document(self) -> dict[str, Any]:
        status = "planned" if self.is_look else "written"
        advised = [_row(edit.outcome(), "advised") for edit in self.advised]
        return {
            "pages": self.plan.known.given,
            "changed": [_row(one, status) for one in self.done],
            "unreadable": _reasons(self.plan.unreadable),
            "orphans": self.orphans,
            "gave_way": self.plan.gave_way,
            "neighbours": [_row(one, status) for one in self.moved] or advised,
        }


def _is_faulty(graph: "Graph") -> bool:
    """A page that is alone cannot be named."""
    return graph.broken > 0 or (graph.orphans > 0 and graph.pages > 1)


def _check_whole(plan: "LinkPlan", *, has_corpus: bool) -> None:
    """Raise UsageError where links lead out of the pages that were read: all these would be broken."""
    dangling, links = plan.dangling
    if file := plan.left_out():
        where = "--corpus is a part of a site too" if has_corpus else "PATHS are a part of a site"
        raise UsageError(
            f"pages link to {file}, which is not among those that were read: {where}; name the whole of it with "
            "--corpus DIR, or in qtgen.toml"
        )
    if 3 * dangling > links and not has_corpus:
        raise UsageError(
            f"{dangling:,} of {links:,} links lead to no page of PATHS, and would be lost: name the whole site with "
            "--corpus DIR; where PATHS are all there is of it, give their folder as --corpus"
        )


def _until_interrupted(outcomes: "Iterator[Written]") -> "Iterator[Written]":
    done = 0
    try:
        for done, one in enumerate(outcomes, 1):  # noqa: B007 - said where it ends early
            yield one
    except KeyboardInterrupt:
        raise Interrupted(
            f"interrupted after {pluralize(done, 'page')} and perhaps some hundred more, each of them whole; "
            "the same call goes on"
        ) from None


def _show(page: "Linked") -> None:
    before, after = page.before.decode().splitlines(True), page.after.decode().splitlines(True)
    for line in difflib.unified_diff(before, after, page.path, page.path):
        click.echo(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n", nl=False)


def _list(lines: list[str], nouns: str) -> None:
    """The first of them on stderr, and how many more there are."""
    for line in lines[:_LISTED]:
        note(line)
    if len(lines) > _LISTED:
        note(f"… and {len(lines) - _LISTED:,} more {nouns}")


def _what(page: "Written") -> str:
    return ", ".join(f"{getattr(page, kind)} {kind}" for kind in _KINDS if getattr(page, kind))


def _reasons(pages: list[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"path": path, "reason": why} for path, why in pages]


def _row(page: "Written", status: str) -> dict[str, Any]:
    counts = {kind: getattr(page, kind) for kind in _KINDS}
    return {"path": page.path, "status": "failed" if page.error else status, **counts, "error": page.error or None}


def _write(file: Path, text: str) -> None:
    with staged_file(file, text) as temporary, as_output_error(file):
        temporary.replace(file)
