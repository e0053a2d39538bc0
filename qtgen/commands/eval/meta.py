"""`qtgen eval meta`: agreement of the scores with people."""

from pathlib import Path

import click

from qtgen._util.text import json_text
from qtgen.commands._echo import echo
from qtgen.commands._options import folder, settings_from
from qtgen.commands._output import note
from qtgen.commands._site import profile_of, site_option
from qtgen.commands._steps import progress_after
from qtgen.evaluation.metrics import METRICS, check_metric_names
from qtgen.evaluation.people.agreement import Agreement, agreement, claim_agreement, read_sources
from qtgen.evaluation.plugins import load_plugins
from qtgen.evaluation.scoring import score_samples

_EPILOG = """\b
Exit codes:
  0  done
  2  the call is wrong, or the folder contains no judged answers
"""


@click.command(epilog=_EPILOG)
@click.option(
    "--data",
    type=folder,
    required=True,
    help="Read judged answers (*.jsonl) from this folder, or decisions from this output folder.",
)
@click.option(
    "--metrics",
    default="score,length,rouge_l,similarity",
    show_default=True,
    help="Measure these metrics, separated by commas, or `all`.",
)
@site_option()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
def command(data: Path, metrics: str, site: Path | None, as_json: bool) -> int:
    """Show how often a metric and people prefer the same answer of two, with 95% intervals.

    Pairs that people tied are excluded. A tie of the metric counts as half. The intervals come from a bootstrap over
    clusters.
    """
    settings = settings_from({"site": site})
    load_plugins(settings.plugins)
    names = _metric_names(metrics)
    rows: list[Agreement] = []
    for source, answers in read_sources(data, profile_of(settings)).items():
        note(f"{source}: {len(answers):,} answers")
        results = []
        with progress_after(f"Scoring {source}", len(answers)) as step:
            for result in score_samples(answer.sample for answer in answers):
                results.append(result)
                step.advance()
        rows += agreement(source, answers, results, names)
    claims = claim_agreement(data)
    if as_json:
        echo(json_text([row._asdict() for row in (*rows, *claims)], indent=1))
        return 0
    for line in _table(rows):
        echo(line)
    if claims:
        echo("")
    for row in claims:
        echo(f"{row.source}, {row.metric}: area under the ROC curve {_cell(row)}")
    return 0


def _metric_names(metrics: str) -> list[str] | None:
    """Return the names that were given; None for all."""
    names = [name.strip() for name in metrics.split(",")]
    check_metric_names(names, ["all", "score", "length", *METRICS], setting="metrics")
    return None if "all" in names else names


def _table(rows: list[Agreement]) -> list[str]:
    """Return a Markdown table with a row per metric, a column per source, and the mean over the sources."""
    sources = list(dict.fromkeys(row.source for row in rows))
    by_metric: dict[str, dict[str, Agreement]] = {}
    for row in rows:
        by_metric.setdefault(row.metric, {})[row.source] = row
    lines = [f"| metric | {' | '.join(sources)} | mean |", "|---" * (len(sources) + 2) + "|"]
    for metric, found in by_metric.items():
        cells = [_cell(found[source]) if source in found else "" for source in sources]
        mean = sum(row.value for row in found.values()) / len(found)
        lines.append(f"| {metric} | {' | '.join(cells)} | {mean:.3f} |")
    return lines


def _cell(row: Agreement) -> str:
    return f"{row.value:.3f} ({row.low:.2f}–{row.high:.2f})"
