"""`qtgen eval power`: how many references a difference needs."""

from pathlib import Path

import click

from qtgen.commands.evals.files import read_report
from qtgen.errors import UsageError
from qtgen.gate import deviation_between
from qtgen.stats import clusters_needed

_DEVIATION = 0.12  # of the score's differences between two runs of suite `core` with another temperature
_file = click.Path(path_type=Path, dir_okay=False)


@click.command(epilog="Exit 0; 2: the call is wrong.")
@click.argument("reports", nargs=-1, type=_file)
@click.option("--difference", type=click.FloatRange(min=0, min_open=True), multiple=True, help="Instead of a few.")
@click.option("--metric", default="score", show_default=True)
@click.option("--deviation", type=click.FloatRange(min=0, min_open=True), help="Of the differences of one reference.")
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

    How much a reference's difference varies is taken from two REPORTS of the same suite, or from --deviation.
    """
    if len(reports) not in (0, 2):
        raise UsageError("REPORTS: give two reports of one suite, or none")
    if reports:
        deviation, references = deviation_between(read_report(reports[0]), read_report(reports[1]), metric)
        click.echo(f"{metric}: the differences of {references} references deviate by {deviation:.3f}")
    deviation = deviation or _DEVIATION
    click.echo(f"| difference of {metric} | references for a power of {power:.0%} |\n|---|---|")
    for one in difference or (0.01, 0.02, 0.03, 0.05, 0.1, 0.2):
        click.echo(f"| {one:g} | {clusters_needed(deviation, one, alpha=alpha, power=power):,} |")
    return 0
