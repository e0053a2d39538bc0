"""`qtgen eval compare`: two reports -> a verdict."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import click
from pydantic import ValidationError

from qtgen._util.pydantic_errors import expectation
from qtgen.commands._errors import describe
from qtgen.commands._options import Grouped, budget_option, options_of, settings_from
from qtgen.commands._paths import NonEmptyPath
from qtgen.commands._site import profile_of, site_option
from qtgen.commands.eval._judging import report_end
from qtgen.commands.eval._outputs import OutputOptions, ReportWriter, output_options
from qtgen.commands.eval._pairs import PairJudging, judge_pairs
from qtgen.errors import Failure, QtgenError, UsageError
from qtgen.evaluation.gate.baselines import compare_scored_again
from qtgen.evaluation.gate.comparison import check_comparable
from qtgen.evaluation.gate.pairing import pair_reports
from qtgen.evaluation.gate.preferences import compare_by_preference
from qtgen.evaluation.metrics import check_metric_names, metric_directions
from qtgen.evaluation.plugins import load_plugins, scorer_name
from qtgen.evaluation.report import EvalReport, load_report
from qtgen.evaluation.reports.sources import ReportSources, find_page_files, find_reference_files
from qtgen.evaluation.suites.suite import GATE_METRICS, GateSettings, Reference, find_suite, load_suite
from qtgen.page.compile import main_layout
from qtgen.page.profile import Profile

_file = NonEmptyPath(dir_okay=False)
_gate = options_of("Comparison")
_EPILOG = """\b
Exit codes:
  0  better, no change shown, or too few items to tell
  1  worse, an item without a score or with an empty answer, a compared metric
     that AFTER lost, a judge without an opinion on any page, an exhausted
     budget, or (with --require-power) too few items to tell
  2  the call is wrong, or the reports cannot be compared
"""


class _Judges(NamedTuple):
    """The judges that compare the pages, if there are any."""

    models: tuple[str, ...]
    budget: float | None
    fresh: bool


@click.command(cls=Grouped, epilog=_EPILOG)
@click.argument("before", type=_file)
@click.argument("after", type=_file)
@_gate(
    "--metrics",
    help=f"Compare these metrics, separated by commas.  [default: the suite's, or {', '.join(GATE_METRICS)}]",
)
@_gate(
    "--matters",
    type=click.FloatRange(min=0, min_open=True),
    help="Set the smallest difference that matters. A smaller change is never worse.  [default: the suite's, or 0.05]",
)
@_gate(
    "--max-fall",
    type=click.FloatRange(0, 1, min_open=True),
    help="Limit the share of its score that a single reference may lose.  [default: the suite's, or 0.4]",
)
@_gate(
    "--judge",
    "judges",
    multiple=True,
    help="Also let this model compare the pages, in both orders. A sign test decides. Repeat for several judges.",
)
@_gate("--fresh", is_flag=True, help="With --judge: request all judgements again.")
@_gate("--require-power", is_flag=True, help="Exit with 1 also if there are too few items to tell.")
@site_option(_gate)
@budget_option
@output_options
def command(
    before: Path,
    after: Path,
    metrics: str | None,
    matters: float | None,
    max_fall: float | None,
    site: Path | None,
    **parameters: Any,
) -> int:
    """Show whether the pages of AFTER are better or worse than those of BEFORE, two reports of `eval run --json`.

    Items are paired by reference, and one reference is one observation. References that differ between the reports are
    listed and not compared. Holm's method corrects for testing several metrics.

    If BEFORE has another scorer version, qtgen scores its stored answers again with the suite's references.
    """
    outputs = OutputOptions.from_parameters(parameters)
    settings = settings_from({"site": site})
    load_plugins(settings.plugins)
    profile = profile_of(settings)
    outputs.check()
    names = _metric_names(metrics)
    if parameters["fresh"] and not parameters["judges"]:
        raise UsageError("needs --judge, because only judges receive requests", setting="fresh")
    writer = ReportWriter(outputs)
    suite = after.stem  # until the report is read
    try:
        baseline, report = load_report(before), load_report(after)
        known = tuple(dict.fromkeys([*baseline.gate_metrics, *report.gate_metrics]))
        given = {"metrics": names, "matters": matters, "max_fall": max_fall}
        gate = _gate_settings(report.suite, profile, known, given)
        report = replace(report, requires_power=parameters["require_power"], refusal=None, accepted=False)
        judges, budget, fresh = (parameters[name] for name in ("judges", "budget", "fresh"))
        baseline, report = _compare(baseline, report, gate, str(before), _Judges(judges, budget, fresh), profile)
        suite = report.suite
        writer.show(report, _sources(baseline, report, profile) if "html" in outputs.targets else None)
    except QtgenError as error:
        writer.refuse(suite, Failure(error.kind, describe(error)))
        raise
    return report.exit_code


def _compare(
    baseline: EvalReport, report: EvalReport, gate: GateSettings, name: str, judges: _Judges, profile: Profile
) -> tuple[EvalReport, EvalReport]:
    """Return the baseline, scored again if necessary, and the report with the comparison."""
    check_comparable(baseline, replace(report, scorer=baseline.scorer), name)  # before judges are asked
    asked = _ask_judges(baseline, report, judges) if judges.models else None
    tested = compare_by_preference(asked.by_reference, gate.alpha) if asked else None
    references = _references(report, profile)
    baseline, result = compare_scored_again(baseline, report, gate, references, name, preferences=tested)
    return baseline, replace(report, gate=result, judging=asked.judging if asked else report.judging)


def _ask_judges(baseline: EvalReport, report: EvalReport, judges: _Judges) -> PairJudging:
    """Return the preferences of the judges, and print a message if judging ended early."""
    pairing = pair_reports(baseline, report)
    asked = judge_pairs(pairing.before, pairing.after, judges.models, judges.budget, fresh=judges.fresh)
    if asked.judging.ended:
        report_end(asked.judging.ended, with_resume=False)
    return asked


def _references(report: EvalReport, profile: Profile) -> tuple[Reference, ...]:
    """Return the suite's references for scoring a report again, or none if the suite cannot be used."""
    if report.scorer != scorer_name():
        return ()
    try:
        return load_suite(find_suite(report.suite), profile).references
    except UsageError:
        return ()


def _sources(before: EvalReport, after: EvalReport, profile: Profile) -> ReportSources:
    return ReportSources(
        before=before,
        pages=find_page_files(after, profile),
        pages_before=find_page_files(before, profile),
        references=find_reference_files(find_suite(after.suite)),
        has_math=main_layout(profile).codec.math,
    )


def _metric_names(metrics: str | None) -> tuple[str, ...] | None:
    if metrics is None:
        return None
    names = tuple(name.strip() for name in metrics.split(","))
    check_metric_names(names, metric_directions(), setting="metrics")
    return names


def _gate_settings(suite: str, profile: Profile, known: tuple[str, ...], given: Mapping[str, Any]) -> GateSettings:
    """Return the suite's settings of the gate with the given ones on top.

    Without the suite, the gate has the metrics that the reports say, or the default ones.
    """
    try:
        settings = load_suite(find_suite(suite), profile).settings.gate
    except UsageError:
        settings = GateSettings(metrics=known or GATE_METRICS)
    try:
        return GateSettings(**{**settings.model_dump(), **{key: value for key, value in given.items() if value}})
    except ValidationError as error:
        details = error.errors()[0]
        raise UsageError(expectation(details, show_value=False), setting=str(details["loc"][0])) from None
