"""`qtgen eval compare`: two reports -> a verdict."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError

from qtgen._util.pydantic_errors import expectation
from qtgen.commands._errors import describe
from qtgen.commands._options import Grouped, open_ledger, options_of, settings_from
from qtgen.commands._paths import NonEmptyPath
from qtgen.commands._run import require_prices
from qtgen.commands._steps import progress_after
from qtgen.commands.eval._outputs import OutputOptions, ReportWriter, output_options
from qtgen.errors import Failure, QtgenError, UsageError
from qtgen.evaluation.baselines import compare_scored_again
from qtgen.evaluation.gate import check_comparable
from qtgen.evaluation.judges import Preference, preference
from qtgen.evaluation.metrics import check_metric_names, metric_directions
from qtgen.evaluation.pairing import pair_reports
from qtgen.evaluation.plugins import load_plugins, scorer_name
from qtgen.evaluation.preferences import compare_by_preference
from qtgen.evaluation.report import EvalItem, EvalReport, load_report
from qtgen.evaluation.reports.sources import ReportSources, find_page_files, find_reference_files
from qtgen.evaluation.suites import GATE_METRICS, GateSettings, Reference, find_suite, load_suite
from qtgen.llm.budget import Budget
from qtgen.llm.factory import open_clients
from qtgen.llm.ledger import open_writer

_file = NonEmptyPath(dir_okay=False)
_gate = options_of("Comparison")
_EPILOG = """\b
Exit codes:
  0  better, no change shown, or too few items to tell
  1  worse, an item without a score or with an empty answer, a compared metric
     that AFTER lost, judges without any opinion, or (with --require-power)
     too few items to tell
  2  the call is wrong, or the reports cannot be compared
"""


@click.command(cls=Grouped, epilog=_EPILOG)
@click.argument("before", type=_file)
@click.argument("after", type=_file)
@_gate(
    "--metrics",
    help="Compare these metrics, separated by commas.  "
    f"[default: {', '.join(GATE_METRICS)}, and those of the suite's gate]",
)
@_gate(
    "--matters",
    type=click.FloatRange(min=0, min_open=True),
    default=0.05,
    show_default=True,
    help="Set the smallest difference that matters. A smaller change is never worse.",
)
@_gate(
    "--max-fall",
    type=click.FloatRange(0, 1, min_open=True),
    help="Limit the share of its score that a single reference may lose.  [default: no limit]",
)
@_gate(
    "--judge",
    "judges",
    multiple=True,
    help="Also compare the pages with this model, in both orders, by a sign test. Repeat for several judges.",
)
@_gate("--require-power", is_flag=True, help="Exit with 1 also if there are too few items to tell.")
@output_options
def command(
    before: Path, after: Path, metrics: str | None, matters: float, max_fall: float | None, **parameters: Any
) -> int:
    """Show whether the pages of AFTER are better or worse than those of BEFORE, two reports of `eval run --json`.

    Items are paired by reference, and one reference is one observation. References that differ between the reports are
    listed and not compared. Holm's method corrects for testing several metrics.

    If BEFORE has another scorer version, its stored answers are scored again with the suite's references.
    """
    outputs = OutputOptions.from_parameters(parameters)
    load_plugins(settings_from({}).plugins)
    outputs.check()
    gate = _gate_settings(metrics, matters, max_fall)
    writer = ReportWriter(outputs)
    try:
        baseline, report = load_report(before), load_report(after)
        if metrics is None:
            names = dict.fromkeys([*GATE_METRICS, *baseline.gate_metrics, *report.gate_metrics])
            gate = gate.model_copy(update={"metrics": tuple(names)})
        report = replace(report, requires_power=parameters["require_power"], refusal=None, accepted=False)
        baseline, report = _compare(baseline, report, gate, str(before), parameters["judges"])
    except QtgenError as error:
        writer.refuse(after.stem, Failure(error.kind, describe(error)))
        raise
    writer.show(report, _sources(baseline, report) if "html" in outputs.targets else None)
    return report.exit_code


def _compare(
    baseline: EvalReport, report: EvalReport, gate: GateSettings, name: str, judges: Sequence[str]
) -> tuple[EvalReport, EvalReport]:
    """Return the baseline as it was compared, and the report with the comparison."""
    check_comparable(baseline, replace(report, scorer=baseline.scorer), name)  # before judges are asked
    tested = compare_by_preference(_ask_judges(baseline, report, judges), gate.alpha) if judges else None
    baseline, result = compare_scored_again(baseline, report, gate, _references(report), name, preferences=tested)
    return baseline, replace(report, gate=result)


def _references(report: EvalReport) -> tuple[Reference, ...]:
    """Return the references with which a report of another scorer can be scored again; none if that is impossible."""
    if report.scorer != scorer_name():
        return ()
    try:
        return load_suite(find_suite(report.suite)).references
    except UsageError:
        return ()


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


def _ask_judges(before: EvalReport, after: EvalReport, models: Sequence[str]) -> list[tuple[str, Preference]]:
    """Return the preference of every judge on every pair of pages, with the reference's id."""
    pairing = pair_reports(before, after)
    return asyncio.run(_ask_about_pairs(_page_pairs(pairing.before, pairing.after), models))


async def _ask_about_pairs(
    pairs: Sequence[tuple[EvalItem, EvalItem]], models: Sequence[str]
) -> list[tuple[str, Preference]]:
    """Ask every judge about every pair; the ledger records the requests."""
    settings = settings_from({"model": models})
    require_prices(settings)
    preferences = []
    with open_ledger(settings) as ledger, progress_after("Asking judges", len(pairs) * len(models)) as step:
        budget = Budget(settings.budget)
        async with open_writer(ledger, fresh=False) as writer, open_clients(settings, writer, budget) as judges:
            for old, new in pairs:
                for judge in judges:
                    texts = (new.question, new.reference, old.candidate, new.candidate)
                    preferences.append((new.id, await preference(judge, *texts)))
                    step.advance()
    return preferences


def _page_pairs(before: EvalReport, after: EvalReport) -> list[tuple[EvalItem, EvalItem]]:
    """Return the items with an answer in both reports."""
    old_items = {(item.id, item.repeat): item for item in before.items if item.candidate}
    pairs = ((old_items.get((new.id, new.repeat)), new) for new in after.items if new.candidate)
    return [(old, new) for old, new in pairs if old]
