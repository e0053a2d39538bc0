"""`qtgen eval power`: how many references a difference needs."""

from pathlib import Path

import click

from qtgen._util.text import pluralize
from qtgen.commands._echo import echo
from qtgen.commands._options import Finite, settings_from
from qtgen.commands._paths import NonEmptyPath
from qtgen.commands._site import profile_of
from qtgen.errors import UsageError
from qtgen.evaluation.metrics import check_metric_names, metric_directions
from qtgen.evaluation.plugins import load_plugins
from qtgen.evaluation.report import EvalReport, load_report
from qtgen.evaluation.statistics.power import (
    MOST_REFERENCES,
    GateTest,
    deviation_at_most,
    deviation_between,
    fewest_references,
    references_needed,
)
from qtgen.evaluation.suites.suite import GateSettings, load_suite

_file = NonEmptyPath(dir_okay=False)
_positive = Finite(min=0, min_open=True, max=1e6)
_MULTIPLES = (1, 1.5, 2, 3, 4)  # of what matters
_EPILOG = """\b
Exit codes:
  0  done
  2  the call or a report cannot be used, or no number of references is
     enough for --alpha

\b
Examples:
  qtgen eval power evals/core/baseline.json
  qtgen eval power before.json after.json --difference 0.1
  qtgen eval power --deviation 0.1 --metrics-tested 5
"""


@click.command(epilog=_EPILOG)
@click.argument("reports", nargs=-1, type=_file)
@click.option(
    "--difference",
    "differences",
    type=_positive,
    multiple=True,
    help="Detect this difference. Repeat for several.  [default: 1 to 4 times --matters]",
)
@click.option("--metric", default="score", show_default=True, help="Compare this metric.")
@click.option(
    "--deviation",
    type=_positive,
    help="Use this standard deviation of the differences instead of REPORTS.",
)
@click.option(
    "--power",
    type=Finite(0.5, 0.999),
    default=0.8,
    show_default=True,
    help="Set the probability of detection.",
)
@click.option(
    "--alpha",
    type=Finite(0.0001, 0.5),
    help="Set the probability of a false alarm.  [default: the suite's, or 0.05]",
)
@click.option(
    "--matters",
    type=_positive,
    help="Set the smallest difference that matters.  [default: the suite's, or 0.05]",
)
@click.option(
    "--metrics-tested",
    type=click.IntRange(1, 1000),
    help="Number of metrics that the gate tests together.  [default: those of REPORTS, or 1]",
)
def command(
    reports: tuple[Path, ...],
    differences: tuple[float, ...],
    metric: str,
    deviation: float | None,
    power: float,
    alpha: float | None,
    matters: float | None,
    metrics_tested: int | None,
) -> int:
    """Show how many references the gate needs to detect a difference.

    From two REPORTS of the same suite, qtgen computes the standard deviation of the differences. From one report, it
    computes the maximum, as if the new pages were unrelated to the old ones. --deviation sets the value.

    qtgen reads the gate from the suite.toml next to the first report. The gate never reports a difference smaller than
    --matters as worse. Holm's correction makes it stricter with each metric that it tests.
    """
    if len(reports) > 2 or bool(reports) == (deviation is not None):
        raise UsageError("REPORTS: give one or two reports of a suite, or --deviation")
    load_plugins(settings_from({}).plugins)
    check_metric_names([metric], metric_directions(), setting="metric")
    loaded = [load_report(path) for path in reports]
    gate = _gate_of(reports, loaded)
    gate = GateTest(alpha or gate.alpha, matters or gate.matters, metrics_tested or gate.metrics)
    fewest = fewest_references(gate)
    if fewest is None:
        message = f"no number of references is significant at {gate.alpha:g} for {pluralize(gate.metrics, 'metric')}"
        raise UsageError(message, setting="alpha", remedy="test fewer metrics, or raise alpha")
    if deviation is None:
        deviation = _measured_deviation(loaded, metric)
    echo(
        f"The gate tests {pluralize(gate.metrics, 'metric')} with alpha = {gate.alpha:g}. "
        f"The smallest difference that matters is {gate.matters:g}.\n"
        f"The gate needs at least {fewest} references.\n"
    )
    echo(f"| difference of {metric} | references for a power of {power:.0%} |\n|---|---|")
    for difference in differences or [gate.matters * multiple for multiple in _MULTIPLES]:
        echo(f"| {difference:g} | {_cell(deviation, difference, gate, power)} |")
    return 0


def _gate_of(paths: tuple[Path, ...], reports: list[EvalReport]) -> GateTest:
    """Return the gate of the suite.toml next to the first report, or the default gate, with the report's metrics."""
    if not reports:
        return GateTest()
    folder, report = paths[0].parent, reports[0]
    settings = (
        load_suite(folder, profile_of(settings_from({}))).settings.gate
        if (folder / "suite.toml").exists()
        else GateSettings()
    )
    tested = next((len(report.gate.comparisons) for report in reversed(reports) if report.gate), 0)
    tested = tested or sum(1 for name in settings.metrics if report.values(name))
    return GateTest(settings.alpha, settings.matters, max(1, tested))


def _cell(deviation: float, difference: float, gate: GateTest, power: float) -> str:
    if difference < gate.matters:
        return f"none: smaller than {gate.matters:g}"
    needed = references_needed(deviation, difference, gate, power)
    return f"none up to {MOST_REFERENCES:,}" if needed is None else f"{needed:,}"


def _measured_deviation(reports: list[EvalReport], metric: str) -> float:
    """Return the standard deviation from one or two reports, and print it."""
    if len(reports) == 2:
        deviation, references = deviation_between(reports[0], reports[1], metric)
        text = f"the differences of {references} references have a standard deviation of {deviation:.3g}"
    else:
        deviation, references = deviation_at_most(reports[0], metric)
        text = f"differences of {references} references would have a standard deviation of at most {deviation:.3g}"
    echo(f"{metric}: {text}.")
    if deviation == 0:
        echo("All differences are equal, so the numbers below are the fewest possible. --deviation sets another value.")
    return deviation
