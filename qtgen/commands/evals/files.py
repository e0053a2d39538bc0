"""Reports from and to files."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from qtgen.commands.options import note
from qtgen.errors import OutputError, UsageError
from qtgen.files import prepared
from qtgen.harness import VERSION
from qtgen.reports.evals import FORMATS
from qtgen.reports.evals.github import step_summary

_KEYS = ("suite", "suite_digest", "scorer", "items", "metrics")


def read_report(path: Path) -> dict[str, Any]:
    """Raises UsageError for a file that is no report of this version."""
    try:
        report = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refused)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: not JSON: {error}") from None
    if not isinstance(report, dict) or any(key not in report for key in _KEYS):
        raise UsageError(f"{path}: not a report of `qtgen eval run --json`")
    if report.get("version") != VERSION:
        raise UsageError(f"{path}: a report of version {report.get('version')}; this is version {VERSION}")
    return report


def _refused(constant: str) -> None:
    raise ValueError(f"{constant} is no number")


def write_report(path: Path, report: Mapping[str, Any], form: str = "json") -> None:
    """Raises OutputError."""
    with prepared(path, FORMATS[form](report)) as temporary:
        temporary.replace(path)


def show(report: Mapping[str, Any], options: Mapping[str, Any], suite: str) -> None:
    """Text for people on stdout, unless JSON or annotations are wanted there; files where they are asked for.

    suite: put before the ending of every file's name, where several suites write to one.
    """
    if options["github"]:
        click.echo(FORMATS["github"](report), nl=False)
        if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
            with Path(summary).open("a", encoding="utf-8") as file:
                file.write(step_summary(report))
    elif str(options["json_to"]) == "-":
        click.echo(FORMATS["json"](report), nl=False)
    else:
        click.echo(FORMATS["text"](report), nl=False)
    for form in ("json", "html", "junit"):
        path = options[f"{form}_to"]
        if path and str(path) != "-":
            _write(path.with_stem(f"{path.stem}-{suite}") if suite else path, report, form)


def _write(path: Path, report: Mapping[str, Any], form: str) -> None:
    try:
        write_report(path, report, form)
    except OutputError as error:
        raise UsageError(f"--{form} {error}") from None
    note(f"{form}: {path}")
