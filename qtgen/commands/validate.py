"""`qtgen validate`: paths in, diagnostics out."""

from pathlib import Path

import click

from qtgen.commands.options import note, settings_from
from qtgen.records import Severity
from qtgen.reports import json as json_report
from qtgen.reports import text as text_report
from qtgen.validator import choose_rules, validate

_EPILOG = "Exit 0: no error found; 1: an error was found; 2: a path or an option is wrong."


@click.command(epilog=_EPILOG)
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--select", metavar="CODES", help="Only rules whose code begins so: QT2,QT301.")
@click.option("--ignore", metavar="CODES", help="No rules whose code begins so.")
def command(paths: tuple[Path, ...], form: str, select: str | None, ignore: str | None) -> int:
    """Check pages, or all pages in folders, against the document schema.

    `qtgen explain` lists the rules, `qtgen explain QT201` says why one is there.
    """
    settings = settings_from({"select": select, "ignore": ignore})
    rules = choose_rules(settings.select, settings.ignore)
    diagnostics, pages = [], 0
    for checked in validate(paths, rules):
        pages += 1
        diagnostics += checked.diagnostics
        if form == "text":
            for diagnostic in checked.diagnostics:
                click.echo(text_report.line(diagnostic))
    if form == "json":
        click.echo(json_report.document(diagnostics))
    note(text_report.summary(diagnostics, pages))
    return int(any(diagnostic.severity is Severity.ERROR for diagnostic in diagnostics))
