"""`qtgen eval calibrate`: the agreement of a judge with people, and pass rates corrected for its errors."""

from collections.abc import Iterable
from pathlib import Path

import click

from qtgen._util.text import json_text, pluralize
from qtgen.commands._echo import echo
from qtgen.commands._options import Finite, settings_from
from qtgen.commands._paths import NonEmptyPath
from qtgen.evaluation.metrics import check_metric_names, metric_directions
from qtgen.evaluation.people.calibration import Calibration, Estimate, calibrate
from qtgen.evaluation.people.labels import label_items, read_labels
from qtgen.evaluation.plugins import load_plugins
from qtgen.evaluation.report import EvalReport, load_report

_file = NonEmptyPath(dir_okay=False)
_EPILOG = """\b
Exit codes:
  0  done
  2  the call, the report or the labels cannot be used

\b
Examples:
  qtgen eval calibrate run.json --labels labels.jsonl
  qtgen eval calibrate run.json --labels labels.jsonl --metric score \\
      --pass-mark 0.5
"""


@click.command(epilog=_EPILOG)
@click.argument("report", type=_file)
@click.option("--labels", type=_file, required=True, help="Read the labels of people from this file of JSON lines.")
@click.option("--metric", default="judge", show_default=True, help="Calibrate this metric.")
@click.option(
    "--pass-mark",
    type=Finite(0, 1),
    default=0.75,
    show_default=True,
    help="Lowest value that passes. 0.75 is a judge's mark of 4 out of 5.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(report: Path, labels: Path, metric: str, pass_mark: float, as_json: bool) -> int:
    """Compare the judge of REPORT with people, and correct its pass rate. Works offline.

    Each line of the labels is a JSON object, such as {"id": "what-is-osmosis", "pass": true}. `mark`, a number from 0
    to 1, can replace `pass`. `repeat` selects one of several answers. Label a random sample of the items.

    If a judge passes bad answers or fails good ones, its pass rate is wrong. qtgen corrects the rate for the judge's
    errors on the labelled items (Rogan and Gladen 1978), and by prediction-powered inference (Angelopoulos et al.
    2023). All intervals are 95% intervals, and each reference counts as one observation.
    """
    load_plugins(settings_from({}).plugins)
    check_metric_names([metric], metric_directions(), setting="metric")
    loaded = load_report(report)
    calibration = calibrate(label_items(loaded, metric, read_labels(labels)), pass_mark)
    if as_json:
        echo(json_text(_document(loaded, metric, pass_mark, calibration), indent=1))
        return 0
    for line in _lines(loaded, metric, pass_mark, calibration):
        echo(line)
    return 0


def _document(report: EvalReport, metric: str, pass_mark: float, calibration: Calibration) -> dict[str, object]:
    return {
        "metric": metric,
        "judges": list(report.judges),
        "pass_mark": pass_mark,
        **calibration._asdict(),
        "confusion": calibration.confusion._asdict(),
        "agreement": [estimate._asdict() for estimate in calibration.agreement],
        "pass_rates": [estimate._asdict() for estimate in calibration.pass_rates],
    }


def _lines(report: EvalReport, metric: str, pass_mark: float, calibration: Calibration) -> Iterable[str]:
    judges = f" by {', '.join(report.judges)}" if metric.startswith("judge") and report.judges else ""
    yield f"{metric}{judges}, with a pass mark of {pass_mark:g}."
    labelled, clusters = calibration.labelled, pluralize(calibration.clusters, "reference")
    yield f"{labelled} of {pluralize(calibration.items, 'item')} are labelled, of {clusters}."
    if missing := len(report.items) - calibration.items:
        yield f"{pluralize(missing, 'item')} without a value {'is' if missing == 1 else 'are'} left out."
    confusion = calibration.confusion
    yield "\n| | people: pass | people: fail |\n|---|---|---|"
    yield f"| {metric}: pass | {confusion.pass_pass} | {confusion.pass_fail} |"
    yield f"| {metric}: fail | {confusion.fail_pass} | {confusion.fail_fail} |"
    yield from _table("agreement with people", calibration.agreement)
    yield from _table("pass rate of all items", calibration.pass_rates)


def _table(title: str, estimates: Iterable[Estimate]) -> Iterable[str]:
    yield f"\n| {title} | value | 95% interval |\n|---|---|---|"
    for estimate in estimates:
        if estimate.value is None:
            yield f"| {estimate.name} | none | {estimate.reason} |"
        elif estimate.low is None or estimate.high is None:
            yield f"| {estimate.name} | {estimate.value:.3f} | none: too few references |"
        else:
            yield f"| {estimate.name} | {estimate.value:.3f} | {estimate.low:.2f} to {estimate.high:.2f} |"
