"""`qtgen eval power`: how many references a difference needs."""

from pathlib import Path

import click

from qtgen.commands._echo import echo
from qtgen.commands._options import settings_from
from qtgen.commands._paths import NonEmptyPath
from qtgen.errors import UsageError
from qtgen.evaluation.metrics import check_metric_names, metric_directions
from qtgen.evaluation.plugins import load_plugins
from qtgen.evaluation.power import clusters_needed, deviation_at_most, deviation_between
from qtgen.evaluation.report import load_report

_file = NonEmptyPath(dir_okay=False)
_DIFFERENCES = (0.01, 0.02, 0.03, 0.05, 0.1, 0.2)
_EPILOG = """\b
Exit codes:
  0  done
  2  the call is wrong
"""


@click.command(epilog=_EPILOG)
@click.argument("reports", nargs=-1, type=_file)
@click.option(
    "--difference",
    "differences",
    type=click.FloatRange(min=0, min_open=True),
    multiple=True,
    help="Detect this difference. Repeat for several.  [default: 0.01 to 0.2]",
)
@click.option("--metric", default="score", show_default=True, help="Compare this metric.")
@click.option(
    "--deviation",
    type=click.FloatRange(min=0, min_open=True),
    help="Use this standard deviation of the differences instead of REPORTS.",
)
@click.option(
    "--power",
    type=click.FloatRange(0.5, 0.999),
    default=0.8,
    show_default=True,
    help="Set the probability of detection.",
)
@click.option(
    "--alpha",
    type=click.FloatRange(0.0001, 0.5),
    default=0.05,
    show_default=True,
    help="Set the probability of a false alarm.",
)
def command(
    reports: tuple[Path, ...],
    differences: tuple[float, ...],
    metric: str,
    deviation: float | None,
    power: float,
    alpha: float,
) -> int:
    """Show how many references are needed to detect a difference.

    From two REPORTS of the same suite, qtgen computes how much the differences of single references vary. From one
    report, it computes the maximum, as if the new pages were unrelated to the old ones. --deviation sets the value.
    """
    if len(reports) > 2 or bool(reports) == (deviation is not None):
        raise UsageError("REPORTS: give one or two reports of a suite, or --deviation")
    load_plugins(settings_from({}).plugins)
    check_metric_names([metric], metric_directions(), setting="metric")
    if deviation is None:
        deviation = _measured_deviation(reports, metric)
    echo(f"| difference of {metric} | references for a power of {power:.0%} |\n|---|---|")
    for difference in differences or _DIFFERENCES:
        echo(f"| {difference:g} | {clusters_needed(deviation, difference, alpha=alpha, power=power):,} |")
    return 0


def _measured_deviation(paths: tuple[Path, ...], metric: str) -> float:
    """Return the standard deviation from one or two reports, and print it."""
    reports = [load_report(path) for path in paths]
    if len(reports) == 2:
        deviation, references = deviation_between(reports[0], reports[1], metric)
        echo(f"{metric}: the differences of {references} references have a standard deviation of {deviation:.3f}")
    else:
        deviation, references = deviation_at_most(reports[0], metric)
        echo(
            f"{metric}: differences of {references} references would have a standard deviation of at most "
            f"{deviation:.3f}"
        )
    return deviation
