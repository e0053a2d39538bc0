"""`qtgen eval compare`: two reports -> a verdict."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError

from qtgen.commands._options import open_ledger, settings_from
from qtgen.commands.eval.files import check_outputs, read_report, show
from qtgen.errors import UsageError
from qtgen.evaluation.gate import judged, lost
from qtgen.evaluation.judges import Preference, counted, preference
from qtgen.evaluation.runner import directions
from qtgen.evaluation.stats import Verdict
from qtgen.evaluation.suites import REPORT_METRICS, Gate, first_error
from qtgen.llm.factory import open_clients
from qtgen.llm.ledger import open_writer

_file = click.Path(path_type=Path, dir_okay=False)
_EPILOG = """\b
Exit 0: better, or no change shown; 1: worse, a reference that lost its score, or (with --require-power) too few items
to tell; 2: the call is wrong, or the reports are not to be compared.
"""


@click.command(epilog=_EPILOG)
@click.argument("before", type=_file)
@click.argument("after", type=_file)
@click.option(
    "--metrics",
    "names",
    help="Metrics to compare, comma-separated.  [default: score, must_recall, coverage, contradiction, structure]",
)
@click.option("--matters", type=click.FloatRange(min=0, min_open=True), default=0.05, show_default=True,
              help="The smallest difference that matters.")  # fmt: skip
@click.option("--max-fall", type=click.FloatRange(min=0, min_open=True), help="No reference may fall by more.")
@click.option("--judge", "judges", multiple=True, help="Model that is asked, in both orders, which page is better.")
@click.option("--require-power", is_flag=True, help="Exit 1 also where there are too few items to tell.")
@click.option("--json", "json_to", type=click.Path(path_type=Path), help="File for the report as JSON; - for stdout.")
@click.option("--html", "html_to", type=click.Path(path_type=Path), help="File for the report as one HTML page.")
@click.option("--junit", "junit_to", type=click.Path(path_type=Path), help="File for the report as JUnit XML.")
@click.option("--github", is_flag=True, help="Annotations on stdout, and a step summary where GitHub wants one.")
def command(
    before: Path, after: Path, names: str | None, matters: float, max_fall: float | None, **options: Any
) -> int:
    """Tell whether the pages of AFTER are better or worse than those of BEFORE, two reports of `eval run --json`.

    Paired by reference and tested on references, not on pages; several metrics are corrected for by Holm's method.
    """
    check_outputs(options)
    wanted = tuple(name.strip() for name in names.split(",")) if names else REPORT_METRICS
    unknown = [name for name in wanted if name not in directions()]
    if unknown:
        raise UsageError(f"--metrics: there is no `{unknown[0]}`; there are {', '.join(directions())}")
    gate = _gate(wanted, matters, max_fall)
    document = read_report(after)
    old = read_report(before)
    document["gate"] = judged(old, document, gate, str(before), directions())
    if options["judges"]:
        found = asyncio.run(_preferences(old, document, options["judges"]))
        document["gate"]["reasons"].append(counted(found).sentence())
    show(document, options, "")
    verdict = document["gate"]["verdict"]
    is_weak = options["require_power"] and verdict == Verdict.TOO_FEW.value
    return int(bool(verdict == Verdict.WORSE.value or is_weak or lost(old, document)))


def _gate(names: tuple[str, ...], matters: float, max_fall: float | None) -> Gate:
    try:
        return Gate(metrics=names, matters=matters, max_fall=max_fall)
    except ValidationError as error:
        raise UsageError(f"--{first_error(error).replace('_', '-', 1)}") from None


async def _preferences(before: Mapping[str, Any], after: Mapping[str, Any], models: Sequence[str]) -> list[Preference]:
    """Of every judge on every page that both reports have, one after the other; the ledger keeps what it costs."""
    old = {(item["id"], item["repeat"]): item for item in before["items"]}
    pairs = [(old[key], new) for new in after["items"] if (key := (new["id"], new["repeat"])) in old]
    settings = settings_from({"model": models})
    with open_ledger(settings) as book:
        async with open_writer(book, fresh=False) as writer, open_clients(settings, writer) as judges:
            return [
                await preference(judge, new["question"], new["reference"], was["candidate"], new["candidate"])
                for was, new in pairs
                if was["candidate"] and new["candidate"]
                for judge in judges
            ]
