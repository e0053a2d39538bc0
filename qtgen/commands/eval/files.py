"""Reports from and to files."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import click
from pydantic import BaseModel, ConfigDict, ValidationError

from qtgen._util.files import staged_file
from qtgen.commands._output import note
from qtgen.errors import OutputError, UsageError
from qtgen.evaluation.reports import FORMATS
from qtgen.evaluation.reports.github import step_summary
from qtgen.evaluation.runner import VERSION
from qtgen.evaluation.suites import first_error


class _Part(BaseModel):
    """What docs/evals.md promises of a report; what it has besides is nobody's business here."""

    model_config = ConfigDict(extra="allow", strict=True, allow_inf_nan=False)


class _Error(_Part):
    kind: str
    message: str


class _Usage(_Part):
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None


class _Item(_Part):
    id: str
    cluster: str
    question: str
    subject: str
    repeat: int
    score: float | None
    metrics: dict[str, float | None]
    notes: dict[str, str]
    error: _Error | None
    candidate: str
    reference: str
    usage: _Usage


class _Summary(_Part):
    mean: float | None
    low: float | None
    high: float | None
    items: int
    missing: int
    direction: Literal["higher", "lower", "none"]


class _Recordings(_Part):
    unused: list[str]
    missed: list[str]


class _Report(_Part):
    suite: str
    suite_digest: str
    scorer: str
    qtgen: str
    created: str
    provider: str
    model: str
    prompts: dict[str, str]
    repeats: int
    recordings: _Recordings
    items: list[_Item]
    metrics: dict[str, _Summary]
    usage: _Usage


def read_report(path: Path) -> dict[str, Any]:
    """Raises UsageError, naming file and field, for what is no whole report of this version."""
    try:
        report = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refused)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: not JSON: {error}") from None
    if not isinstance(report, dict) or "suite_digest" not in report:
        raise UsageError(f"{path}: not a report of `qtgen eval run --json`")
    if report.get("version") != VERSION:
        raise UsageError(f"{path}: a report of version {report.get('version')}; this is version {VERSION}")
    try:
        _Report.model_validate(report)
    except ValidationError as error:
        raise UsageError(f"{path}: {first_error(error)}") from None
    return report


def _refused(constant: str) -> None:
    raise ValueError(f"{constant} is no number")


def write_report(path: Path, report: Mapping[str, Any], form: str = "json") -> None:
    """Raises OutputError."""
    with staged_file(path, FORMATS[form](report)) as temporary:
        temporary.replace(path)


def check_outputs(options: Mapping[str, Any]) -> None:
    """Raises UsageError where two forms would go to stdout."""
    if options["github"] and str(options["json_to"]) == "-":
        raise UsageError("--json -: the annotations of --github go to stdout; give a file")


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
