"""`qtgen eval power`: how many references a difference needs."""

from pathlib import Path

import click

from qtgen.commands.eval.files import read_report
from qtgen.errors import UsageError
from qtgen.evaluation.gate import deviation_at_most, deviation_between
from qtgen.evaluation.runner import directions
from qtgen.evaluation.stats import clusters_needed

_file = click.Path(path_type=Path, dir_okay=False)


@click.command(epilog="Exit 0; 2: the call is wrong.")
@click.argument("reports", nargs=-1, type=_file)
@click.option(
    "--difference",
    type=click.FloatRange(min=0, min_open=True),
    multiple=True,
    help="Difference to be seen; again for several.  [default: 0.01 to 0.2]",
)
@click.option("--metric", default="score", show_default=True, help="Metric whose difference it is.")
@click.option(
    "--deviation",
    type=click.FloatRange(min=0, min_open=True),
    help="Standard deviation of the differences of single references.",
)
@click.option("--power", type=click.FloatRange(0.5, 0.999), default=0.8, show_default=True, help="Chance of seeing it.")
@click.option(
    "--alpha", type=click.FloatRange(0.0001, 0.5), default=0.05, show_default=True, help="Chance of a false alarm."
)
def command(
    reports: tuple[Path, ...],
    difference: tuple[float, ...],
    metric: str,
    deviation: float | None,
    power: float,
    alpha: float,
) -> int:
    """Tell how many references a given difference needs.

    How much the difference of one reference varies is taken from two REPORTS of the same suite; from one it is the most
    that it can be, as if a new page had nothing to do with the old one. Or it is given by --deviation.
    """
    if len(reports) > 2 or bool(reports) == (deviation is not None):
        raise UsageError("REPORTS: give one or two reports of a suite, or --deviation")
    if metric not in directions():
        raise UsageError(f"--metric: there is no `{metric}`; there are {', '.join(directions())}")
    found = [read_report(path) for path in reports]
    if len(found) == 2:
        deviation, references = deviation_between(found[0], found[1], metric)
        click.echo(f"{metric}: the differences of {references} references deviate by {deviation:.3f}")
    elif found:
        deviation, references = deviation_at_most(found[0], metric)
        click.echo(f"{metric}: differences of {references} references would deviate by {deviation:.3f} at most")
    assert deviation is not None  # noqa: S101
    click.echo(f"| difference of {metric} | references for a power of {power:.0%} |\n|---|---|")
    for one in difference or (0.01, 0.02, 0.03, 0.05, 0.1, 0.2):
        click.echo(f"| {one:g} | {clusters_needed(deviation, one, alpha=alpha, power=power):,} |")
    return 0
