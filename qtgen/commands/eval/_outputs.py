"""Where reports go: stdout, files and folders, by the same options for `eval run` and `eval compare`."""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qtgen._util.files import staged_file
from qtgen.commands._echo import echo
from qtgen.commands._options import options_of
from qtgen.commands._output import note
from qtgen.errors import Failure, OutputError, UsageError
from qtgen.evaluation.report import EvalReport, refused_report
from qtgen.evaluation.reports import FORMATS, json, junit, render_report
from qtgen.evaluation.reports.github import render_step_summary
from qtgen.evaluation.reports.sources import ReportSources
from qtgen.evaluation.scoring import SampleResult
from qtgen.evaluation.suites.candidates import Candidate
from qtgen.generation.page_scores import write_scores
from qtgen.page.profile import Profile

_JOINED = {"json": json.render_all, "junit": junit.render_all}  # formats that hold several suites in one document
_SUFFIXES = {"json": "json", "html": "html", "junit": "xml", "text": "txt"}


@dataclass(frozen=True, slots=True)
class ReportTarget:
    """Where one format of a report goes: stdout if there is no path, a file, or a folder with a file per suite."""

    path: Path | None
    is_folder: bool = False

    def file_for(self, suite: str, form: str) -> Path | None:
        """Return the file for a suite's report, or None for stdout."""
        if self.path is None or not self.is_folder:
            return self.path
        return self.path / f"{suite}.{_SUFFIXES.get(form, form)}"


if TYPE_CHECKING:
    from qtgen.commands.eval._dry_run import SuiteEstimate

    _ParamType = click.ParamType[ReportTarget]
else:
    _ParamType = click.ParamType  # it is not generic in the oldest supported click


class _TargetType(_ParamType):
    """A file, or a folder if it ends in `/` or exists as one."""

    name = "path"

    def __init__(self, *, allow_stdout: bool = False) -> None:
        self._allow_stdout = allow_stdout

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> ReportTarget:
        if isinstance(value, ReportTarget):
            return value
        if value == "-" and self._allow_stdout:
            return ReportTarget(None)
        if value.endswith(("/", os.sep)):
            return ReportTarget(Path(value), is_folder=True)
        # The value is optional: `--json smoke` must not take the name of a suite for a file.
        if self._allow_stdout and Path(value).suffix != ".json":
            self.fail(f"`{value}` must end in .json or /, or be -", param, ctx)
        return ReportTarget(Path(value), is_folder=Path(value).is_dir())


_output = options_of("Output")
_OPTIONS = (
    _output(
        "--json",
        type=_TargetType(allow_stdout=True),
        is_flag=False,
        flag_value="-",
        metavar="[FILE]",
        help="Print the report as JSON on stdout, or write it to FILE. Several suites are one array.",
    ),
    _output("--html", type=_TargetType(), metavar="FILE", help="Write the report as one HTML page."),
    _output(
        "--junit",
        type=_TargetType(),
        metavar="FILE",
        help="Write the report as JUnit XML, with one test suite per suite.",
    ),
    _output(
        "--report",
        "reports",
        type=(str, _TargetType()),
        multiple=True,
        metavar="FORMAT FILE",
        help="Write the report in another format, such as a plugin's. Repeat for several formats.",
    ),
    _output("--github", is_flag=True, help="Print annotations for GitHub, and write a step summary."),
)


def output_options(command: Any) -> Any:
    """Add the options that say where reports go."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@dataclass(frozen=True, slots=True)
class OutputOptions:
    """The options of `output_options`. `targets` is by the name of the format."""

    targets: Mapping[str, ReportTarget]
    github: bool = False

    @staticmethod
    def from_parameters(parameters: Mapping[str, Any]) -> "OutputOptions":
        """Return the options that click has parsed."""
        targets = {form: parameters[form] for form in ("json", "html", "junit") if parameters[form]}
        return OutputOptions(targets | dict(parameters["reports"]), parameters["github"])

    @property
    def json_to_stdout(self) -> bool:
        target = self.targets.get("json")
        return target is not None and target.path is None

    def check(self, suites: Sequence[str] = ("",)) -> None:
        """Raise UsageError for outputs that would overwrite each other, and for unknown formats.

        Args:
            suites: The names of the suites that are evaluated.
        """
        if self.github and self.json_to_stdout:
            raise UsageError("stdout is used by --github already; give a file", setting="json")
        for form, target in self.targets.items():
            if form not in FORMATS:
                raise UsageError(f"unknown format `{form}`; choose from {', '.join(FORMATS)}", setting="report")
            if len(suites) > 1 and not target.is_folder and form not in _JOINED:
                folder = target.path.with_suffix("") if target.path else "FOLDER"
                remedy = f"name a folder to get one file per suite: --{form} {folder}/"
                raise UsageError(f"several suites need more than one {form} file", setting=form, remedy=remedy)
            if target.is_folder and len(suites) > len(set(suites)):
                raise UsageError("two suites have the same name", setting=form, remedy="evaluate them one by one")


class ReportWriter:
    """Shows the reports of one call: each one as soon as it is finished, and documents of all reports at the end.

    Args:
        outputs: Where reports go.
        suites: Number of suites. With several, JSON and JUnit are one document, unless the output is a folder.
    """

    def __init__(self, outputs: OutputOptions, suites: int = 1, *, is_dry_run: bool = False) -> None:
        self._outputs, self._is_joined, self._is_dry_run = outputs, suites > 1, is_dry_run
        self._entries: list[EvalReport | Mapping[str, Any]] = []

    def show(self, report: EvalReport, sources: ReportSources | None = None) -> None:
        """Print a report and write its files. Raises UsageError after all files if one of them cannot be written.

        stdout gets text for people, unless the options send JSON or annotations there.
        """
        self._entries.append(report)
        self._print(report)
        self._write_files(report, sources)
        self._write_step_summary(report)

    def _write_files(self, report: EvalReport, sources: ReportSources | None = None) -> None:
        errors: list[UsageError] = []
        for form, target in self._outputs.targets.items():
            path = target.file_for(report.suite, form)
            if path and not self._is_shared(form, target):
                try:
                    write_report(path, report, form, sources)
                except OutputError as error:
                    errors.append(UsageError(str(error), setting=form))
                else:
                    note(f"{form}: {path}")
        if errors:
            raise errors[0]

    def show_estimate(self, estimate: "SuiteEstimate") -> None:
        """Print the estimate of a suite, or add it to the document of all suites."""
        if self._is_joined and self._outputs.json_to_stdout:
            self.add(estimate.as_dict())
        else:
            estimate.print(as_json=self._outputs.json_to_stdout)

    def add(self, document: Mapping[str, Any]) -> None:
        """Add a JSON object that is not a report to the document of all suites."""
        self._entries.append(document)

    def refuse(self, suite: str, error: Failure) -> None:
        """Show in every format that a suite could not be evaluated, except as text on stdout.

        If its report was shown already, this replaces it in the files and the documents.
        """
        last = self._entries[-1] if self._entries else None
        was_shown = isinstance(last, EvalReport) and last.suite == suite and not last.is_refused
        if was_shown:
            self._entries.pop()
        report = refused_report(suite, error)
        self._entries.append(report)
        if not (was_shown and self._outputs.json_to_stdout):
            self._print(report)
        if not self._is_dry_run:
            with suppress(UsageError):  # the error that is shown may be about one of the files
                self._write_files(report)
        with suppress(UsageError):
            self._write_step_summary(report)

    def finish(self) -> None:
        """Write the documents that hold all suites. Raises UsageError if a file cannot be written."""
        targets = {form: target for form, target in self._outputs.targets.items() if self._is_shared(form, target)}
        paths = {} if self._is_dry_run else {form: target.path for form, target in targets.items() if target.path}
        errors = self._write_documents(paths)
        if errors:  # the other documents must not say that all is well
            self._write_documents({form: path for form, path in paths.items() if form not in errors})
        for form, path in paths.items():
            if form not in errors:
                note(f"{form}: {path}")
        for form in targets.keys() - {*paths}:
            if targets[form].path is None:
                echo(_JOINED[form](self._entries), nl=False)
        for form, error in errors.items():
            raise UsageError(str(error), setting=form)

    def _write_documents(self, paths: Mapping[str, Path]) -> dict[str, OutputError]:
        """Write the documents, and return the errors by format. Each becomes an entry of the other documents."""
        errors = {}
        for form, path in paths.items():
            try:
                _write(path, _JOINED[form](self._entries))
            except OutputError as error:
                errors[form] = error
        for form, failure in errors.items():
            report = refused_report(form, Failure(failure.kind, str(failure)))
            self._entries.append(report)
            if self._outputs.github:
                self._print(report)
                with suppress(UsageError):
                    self._write_step_summary(report)
        return errors

    def _write_step_summary(self, report: EvalReport) -> None:
        name = os.environ.get("GITHUB_STEP_SUMMARY")
        if not self._outputs.github or not name:
            return
        try:
            with Path(name).open("a", encoding="utf-8") as file:
                file.write(render_step_summary(report))
        except OSError as error:
            raise UsageError(f"GITHUB_STEP_SUMMARY: {name}: {error.strerror or error}") from None

    def _is_shared(self, form: str, target: ReportTarget) -> bool:
        return self._is_joined and form in _JOINED and not target.is_folder

    def _print(self, report: EvalReport) -> None:
        if self._outputs.github:
            echo(FORMATS["github"](report), nl=False)
        elif self._outputs.json_to_stdout:
            if not self._is_joined:
                echo(FORMATS["json"](report), nl=False)
        elif not report.is_refused:  # its error is a line on stderr
            echo(FORMATS["text"](report), nl=False)


def write_report(path: Path, report: EvalReport, form: str = "json", sources: ReportSources | None = None) -> None:
    """Write the report in a format. Raises OutputError."""
    _write(path, render_report(form, report, replace(sources or ReportSources(), folder=path.parent)))


def _write(path: Path, text: str) -> None:
    with staged_file(path, text) as temporary:
        temporary.replace(path)


def write_page_scores(candidates: Sequence[Candidate], results: Sequence[SampleResult], profile: Profile) -> None:
    """Write each page's score into its file."""
    pairs = zip(candidates, results, strict=True)
    scores = {page.path: result.score for page, result in pairs if page.path and result.score is not None}
    note(f"scores written into {write_scores(scores, profile):,} pages")


def relative_path(path: Path) -> str:
    """Return a path from the current folder if it is below it: other machines read the report too."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
