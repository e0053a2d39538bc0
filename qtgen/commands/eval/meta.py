"""`qtgen eval meta`: agreement of the scores with people."""

import json
from pathlib import Path
from typing import Any

import click

from qtgen.commands._options import folder
from qtgen.commands._output import note
from qtgen.errors import UsageError
from qtgen.evaluation.agreement import Agreement, agreement, claims_in, sources_in
from qtgen.evaluation.metrics import METRICS
from qtgen.evaluation.scoring import score_all


@click.command(epilog="Exit 0; 2: the call is wrong, or the folder holds no judged answers.")
@click.option("--data", type=folder, required=True, help="Folder with judged answers (*.jsonl); docs/metrics.md.")
@click.option("--metrics", "names", default="score,length,rouge_l,similarity", show_default=True, help="Or `all`.")
@click.option("--json", "as_json", is_flag=True, help="One JSON array on stdout.")
def command(data: Path, names: str, as_json: bool) -> int:
    """Show how often a metric and people prefer the same one of two answers, with 95% intervals.

    Pairs that people tied are left out; a tie of the metric counts half. Intervals are of a bootstrap over clusters.
    """
    wanted = _wanted(names)
    rows: list[Agreement] = []
    for source, judged in sources_in(data).items():
        note(f"{source}: {len(judged)} answers …")
        scored = list(score_all(one.item for one in judged))
        rows += agreement(source, judged, scored, wanted)
    claims = claims_in(data)
    if as_json:
        click.echo(json.dumps([row._asdict() for row in (*rows, *claims)], indent=1))
    else:
        for line in _table(rows):
            click.echo(line)
        for one in claims:
            click.echo(f"\n{one.source}: area under the curve {one.value:.3f} ({one.low:.2f}–{one.high:.2f})")
    return 0


def _wanted(names: str) -> list[str] | None:
    there = ["score", "length", *METRICS]
    wanted = [name.strip() for name in names.split(",")]
    if unknown := [name for name in wanted if name not in (*there, "all")]:
        raise UsageError(f"--metrics: there is no `{unknown[0]}`; there are all, {', '.join(there)}")
    return None if "all" in wanted else wanted


def _table(rows: list[Agreement]) -> list[str]:
    """Metrics down, sources across; the mean over the sources at the end."""
    sources = list(dict.fromkeys(row.source for row in rows))
    metrics = list(dict.fromkeys(row.metric for row in rows))
    cells: dict[tuple[str, str], Any] = {(row.metric, row.source): row for row in rows}
    lines = [f"| metric | {' | '.join(sources)} | mean |", "|---" * (len(sources) + 2) + "|"]
    for metric in metrics:
        found = [cells.get((metric, source)) for source in sources]
        shown = [f"{one.value:.3f} ({one.low:.2f}–{one.high:.2f})" if one else "" for one in found]
        means = [one.value for one in found if one]
        lines.append(f"| {metric} | {' | '.join(shown)} | {f'{sum(means) / len(means):.3f}' if means else ''} |")
    return lines
