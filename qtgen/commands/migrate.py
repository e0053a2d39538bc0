"""`qtgen migrate`: update pages after a change of `site.toml`."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qtgen._util.text import json_text, pluralize
from qtgen.commands._echo import echo
from qtgen.commands._options import Grouped, options_of, settings_from
from qtgen.commands._output import diff_lines, note
from qtgen.commands._packs import PageSources
from qtgen.commands._paths import NonEmptyPath, PagesPath, UnusablePaths
from qtgen.commands._site import profile_of, site_option
from qtgen.commands._steps import progress_after
from qtgen.errors import Interrupted, SettingsError, UsageError
from qtgen.page.profile import FILE_NAME, Profile, load_profile, parse_profile
from qtgen.site.locations import Location

if TYPE_CHECKING:
    from qtgen.site.migration import Change, MigratedFile, Migration

_EPILOG = """\b
Exit codes:
  0    done, or nothing to migrate
  1    a page could not be updated, read or written; the other pages were
  2    an option, a site.toml or the difference of the two is invalid; no page
       was changed
  130  interrupted; run the same command again to resume

\b
Examples:
  git show HEAD:site.toml > former.toml
  qtgen migrate content --from former.toml --dry-run    count the changes
  qtgen migrate content --from former.toml --diff | less
  qtgen migrate content --from former.toml
"""
_change, _preview, _site = (
    options_of("What changes"),
    options_of("Reports and previews"),
    options_of("Site and workers"),
)
_SENTENCES = {
    "added": "add `{field}`",
    "removed": "remove `{field}`",
    "renamed": "rename `{field}` to `{to}`",
    "moved": "move `{field}`",
    "constant": "change the constant `{field}`",
    "template": "change `{field}`, which has a template",
}


@dataclass(frozen=True, slots=True)
class MigrateArguments:
    """The arguments of `qtgen migrate`, as click passes them."""

    paths: tuple[Location, ...]
    former: Path
    diff: bool
    dry_run: bool
    as_json: bool
    site: Path | None
    jobs: int | None

    @property
    def is_preview(self) -> bool:
        """Whether the command writes no page."""
        return self.diff or self.dry_run

    def validate(self) -> None:
        """Raise UsageError for options that do not fit together."""
        if self.diff and self.dry_run:
            raise UsageError("--diff and --dry-run cannot be used together")
        if self.diff and self.as_json:
            raise UsageError("--diff and --json cannot be used together; --dry-run --json lists the changes")


@click.command(cls=Grouped, epilog=_EPILOG)
@click.argument("paths", nargs=-1, required=True, type=PagesPath())
@_change(
    "--from",
    "former",
    required=True,
    type=NonEmptyPath(dir_okay=False),
    metavar="OLD.toml",
    help="The site.toml that the pages were written for.",
)
@_preview("--diff", is_flag=True, help="Show what would change, and change nothing.")
@_preview("--dry-run", is_flag=True, help="Count what would change, and change nothing.")
@_preview("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
@site_option(_site)
@_site("--jobs", type=click.IntRange(1, 256), help="Number of worker processes.  [default: by the number of pages]")
def command(**parameters: Any) -> int:
    """Update the pages of PATHS, files or folders, from the layout in OLD.toml to the site.toml in force.

    qtgen adds new fields (from `const`, `value` or `default`), removes fields, renames keys (`was` in the new
    site.toml), moves fields to their new place, and changes constants and the values of templates. No other line
    changes. Before qtgen writes a page, it reads the new text and checks that.

    Pages that cannot be updated stay as they are, and are listed. A second run changes nothing.
    """
    arguments = MigrateArguments(**parameters)
    arguments.validate()
    migration = _migration(arguments)
    unusable = UnusablePaths()
    sources = PageSources(arguments.paths, None, unusable)
    sources.refuse_packs({"migrating pages": True})
    report = _Report(arguments)
    if migration.is_empty:
        note("nothing to migrate: the change of site.toml affects no page")
    else:
        report.read(_migrate(arguments, migration, sources))
        if not report.pages and unusable:
            return unusable.exit_code(0)
    report.print()
    return unusable.exit_code(report.exit_code)


def _migration(arguments: MigrateArguments) -> "Migration":
    """Return the difference of the two profiles. Raises UsageError."""
    from qtgen.site.migration import plan_migration

    former = _former(arguments.former)
    profile = profile_of(settings_from({"site": arguments.site}))
    if profile.path is None:
        remedy = f"change to the folder of the site, or select its {FILE_NAME}"
        raise UsageError(
            f"no {FILE_NAME} is in force, so there is no layout to migrate to", setting="site", remedy=remedy
        )
    # The patterns of the former layout are relative to the root of the site, even if the file is elsewhere.
    return plan_migration(parse_profile(former.raw, profile.path), profile)


def _former(path: Path) -> Profile:
    if not path.is_file():
        problem = "is a folder" if path.is_dir() else "no such file"
        remedy = f"give the {FILE_NAME} that the pages were written for; see `git show HEAD:{FILE_NAME}`"
        raise SettingsError(f"--from {path}: {problem}", remedy=remedy)
    return load_profile(path)


def _migrate(arguments: MigrateArguments, migration: "Migration", sources: PageSources) -> "Iterator[MigratedFile]":
    from qtgen.site.migration import migrate_files

    paths = (path for batch in sources.batches() for path in batch.paths())
    done = 0
    try:
        with progress_after("Migrating pages", enabled=not arguments.diff) as step:
            files = migrate_files(
                paths, migration, write=not arguments.is_preview, texts=arguments.diff, jobs=arguments.jobs
            )
            for file in files:
                done += 1
                step.advance()
                yield file
    except KeyboardInterrupt:
        kept = "" if arguments.is_preview else "; up to a few hundred more pages may be complete"
        raise Interrupted(f"interrupted after {pluralize(done, 'page')}{kept}") from None


@dataclass(slots=True)
class _Report:
    """Counts the results of the pages, and prints them."""

    arguments: MigrateArguments
    pages: int = 0
    changed: list[str] = field(default_factory=list)
    changes: "Counter[Change]" = field(default_factory=Counter)
    refused: "list[MigratedFile]" = field(default_factory=list)
    faulty: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """1 if a page could not be updated, else 0."""
        return int(bool(self.refused))

    def read(self, files: "Iterable[MigratedFile]") -> None:
        """Count the pages. With --diff, print the diff of each one."""
        for file in files:
            self.pages += 1
            if file.refusal or file.error:
                self.refused.append(file)
                continue
            if file.changes:
                self.changed.append(file.path)
                self.changes.update(file.changes)
            if not file.conforms:
                self.faulty.append(file.path)
            if file.before is not None and file.after is not None:
                for line in diff_lines(file.path, file.before.decode(), file.after.decode()):
                    echo(line)

    def print(self) -> None:
        """Print the result: data on stdout, the summary on stderr."""
        if self.arguments.as_json:
            echo(json_text(self._document()))
        else:
            lines = [*(self._change_lines() if self.arguments.dry_run else ()), *map(_refusal_line, self.refused)]
            for line in lines:
                echo(line, err=self.arguments.diff)
        for line in self._summary():
            note(line)

    def _change_lines(self) -> Iterator[str]:
        for change, count in self.changes.items():
            yield f"{_SENTENCES[change.kind].format(field=change.field, to=change.to)}: {pluralize(count, 'page')}"

    def _summary(self) -> Iterator[str]:
        if self.pages:
            verb = "would change" if self.arguments.is_preview else "changed"
            refused = f"; {len(self.refused):,} cannot be migrated" if self.refused else ""
            yield f"{len(self.changed):,} of {pluralize(self.pages, 'page')} {verb}{refused}"
        if self.faulty:
            verb = "still has" if len(self.faulty) == 1 else "still have"
            fault = "keys, an order or types that the layout does not allow; `qtgen validate` lists them"
            yield f"{pluralize(len(self.faulty), 'page')} {verb} {fault}"

    def _document(self) -> dict[str, Any]:
        return {
            "pages": self.pages,
            "written": not self.arguments.is_preview,
            "changed": self.changed,
            "changes": [{**change._asdict(), "pages": count} for change, count in self.changes.items()],
            "refused": [_refusal_row(file) for file in self.refused],
            "nonconforming": self.faulty,
        }


def _refusal_line(file: "MigratedFile") -> str:
    """Return `path:line: reason`."""
    if file.refusal is None:
        error = file.error or ""
        return error if file.path in error else f"{file.path}: {error}"
    field_name = f"`{file.refusal.field}`: " if file.refusal.field else ""
    return f"{file.path}:{file.refusal.line}: {field_name}{file.refusal.reason}"


def _refusal_row(file: "MigratedFile") -> dict[str, Any]:
    refusal = file.refusal
    return {
        "path": file.path,
        "line": refusal.line if refusal else None,
        "field": refusal.field if refusal else None,
        "reason": refusal.reason if refusal else file.error,
    }
