"""`qtgen eval compare`: two reports -> a verdict."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError

from qtgen._util.pydantic_errors import expectation
from qtgen.commands._options import Grouped, budget_option, options_of, settings_from
from qtgen.commands._paths import NonEmptyPath
from qtgen.commands.eval._judging import report_end
from qtgen.commands.eval._outputs import OutputOptions, output_options, show_report
from qtgen.commands.eval._pairs import judge_pairs
from qtgen.errors import UsageError
from qtgen.evaluation.gate import add_reasons, compare_reports, lost_references
from qtgen.evaluation.judges import count_preferences
from qtgen.evaluation.metrics import check_metric_names, metric_directions
from qtgen.evaluation.plugins import load_plugins
from qtgen.evaluation.report import EvalReport, Verdict, load_report
from qtgen.evaluation.reports.sources import ReportSources, find_page_files, find_reference_files
from qtgen.evaluation.suites import GATE_METRICS, GateSettings, find_suite

_file = NonEmptyPath(dir_okay=False)
_gate = options_of("Comparison")
_EPILOG = """\b
Exit codes:
  0  better, or no change shown
  1  worse, a reference that lost its score, a judge without any opinion, a
     budget that is used up, or (with --require-power) too few items to tell
  2  the call is wrong, or the reports cannot be compared
"""


@click.command(cls=Grouped, epilog=_EPILOG)
@click.argument("before", type=_file)
@click.argument("after", type=_file)
@_gate("--metrics", help=f"Compare these metrics, separated by commas.  [default: {', '.join(GATE_METRICS)}]")
@_gate(
    "--matters",
    type=click.FloatRange(min=0, min_open=True),
    default=0.05,
    show_default=True,
    help="Set the smallest difference that matters.",
)
@_gate(
    "--max-fall",
    type=click.FloatRange(min=0, min_open=True),
    help="Limit how much the score of a single reference may fall.  [default: no limit]",
)
@_gate(
    "--judge",
    "judges",
    multiple=True,
    help="Also compare the pages with this model, in both orders. Repeat for several judges.",
)
@_gate("--fresh", is_flag=True, help="With --judge: ask again for everything.")
@_gate("--require-power", is_flag=True, help="Exit with 1 also if there are too few items to tell.")
@budget_option
@output_options
def command(
    before: Path, after: Path, metrics: str | None, matters: float, max_fall: float | None, **parameters: Any
) -> int:
    """Show whether the pages of AFTER are better or worse than those of BEFORE, two reports of `eval run --json`.

    Items are paired by reference, and one reference is one observation. Holm's method corrects for testing several
    metrics.
    """
    outputs = OutputOptions.from_parameters(parameters)
    load_plugins(settings_from({}).plugins)
    outputs.check()
    gate = _gate_settings(metrics, matters, max_fall)
    report, baseline = load_report(after), load_report(before)
    report = replace(report, gate=compare_reports(baseline, report, gate, str(before)))
    if parameters["judges"]:
        budget, fresh = parameters["budget"], parameters["fresh"]
        pairs = judge_pairs(baseline, report, parameters["judges"], budget, fresh=fresh)
        report = replace(report, judging=pairs.judging)
        if pairs.judging.ended:
            report_end(pairs.judging.ended, with_resume=False)
        report = add_reasons(report, [count_preferences(pairs.preferences).sentence()])
    elif parameters["fresh"]:
        raise UsageError("needs --judge, because nothing else is asked", setting="fresh")
    show_report(report, outputs, _sources(baseline, report) if "html" in outputs.targets else None)
    verdict = report.gate.verdict if report.gate else None
    is_weak = parameters["require_power"] and verdict is Verdict.TOO_FEW
    has_no_opinion = bool(parameters["judges"]) and report.judging is not None and report.judging.has_failed
    return int(verdict is Verdict.WORSE or is_weak or has_no_opinion or bool(lost_references(baseline, report)))


def _sources(before: EvalReport, after: EvalReport) -> ReportSources:
    return ReportSources(
        before=before,
        pages=find_page_files(after),
        pages_before=find_page_files(before),
        references=find_reference_files(find_suite(after.suite)),
    )


def _gate_settings(metrics: str | None, matters: float, max_fall: float | None) -> GateSettings:
    names = tuple(name.strip() for name in metrics.split(",")) if metrics else GATE_METRICS
    check_metric_names(names, metric_directions(), setting="metrics")
    try:
        return GateSettings(metrics=names, matters=matters, max_fall=max_fall)
    except ValidationError as error:
        details = error.errors()[0]
        raise UsageError(expectation(details, show_value=False), setting=str(details["loc"][0])) from None
