"""`qtgen eval score`: JSON lines of candidates in, JSON lines of scores out."""

import json
from collections import Counter
from collections.abc import Iterator
from math import isfinite
from pathlib import Path
from typing import Any

import click

from qtgen.commands._options import file_or_dash, settings_from
from qtgen.commands._output import note
from qtgen.errors import Failure, UsageError
from qtgen.evaluation.metrics import METRICS
from qtgen.evaluation.scoring import Item, Scored, item_of, score_all
from qtgen.llm.factory import embeddings as endpoint_embeddings

_EPILOG = """\b
Exit 0: every line has a score; 1: some have none (their `error` says why); 2: the call is wrong.
"""


@click.command(epilog=_EPILOG)
@click.argument("file", type=file_or_dash)
@click.option("--metrics", "names", help="Only these metrics beside the overall score, comma-separated.")
@click.option("--embeddings", help="Model of an embeddings endpoint, instead of the embeddings that come along.")
@click.option("--jobs", type=click.IntRange(min=1), help="Processes.  [default: as many as processors]")
def command(file: Path, names: str | None, embeddings: str | None, jobs: int | None) -> int:
    """Score every line of FILE (or - for stdin) against its reference.

    A line in: {"id", "question", "reference": text or list of texts, "candidate"}.
    A line out, in the same order: {"id", "score": 0 to 1 or null, "metrics": {…}, "error": null or {"kind", …}}.
    """
    wanted = _metrics(names)
    states: Counter[str] = Counter()
    unscored = 0
    embed = endpoint_embeddings(settings_from({}), embeddings) if embeddings else None
    for scored in score_all(_items(file), wanted, jobs, embed):
        click.echo(json.dumps(scored.as_dict(), ensure_ascii=False, allow_nan=False))
        states[scored.error.kind if scored.error else "scored"] += 1
        unscored += scored.score is None
    if not states:
        raise UsageError(f"{file}: no line in it")
    note(", ".join(f"{count:,} {state}" for state, count in states.most_common()))
    return 1 if unscored else 0


def _metrics(names: str | None) -> list[str] | None:
    wanted = [name.strip() for name in names.split(",")] if names is not None else None
    for name in wanted or ():
        if name not in METRICS:
            raise UsageError(f"--metrics: there is no `{name}`; there are {', '.join(METRICS)}")
    return wanted


def _items(file: Path) -> Iterator[Item | Scored]:
    try:
        with click.open_file(str(file), "rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield _item(number, line)
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from None


def _item(number: int, line: bytes) -> Item | Scored:
    try:
        record: Any = json.loads(line, parse_constant=_finite, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        return Scored(None, None, error=Failure("malformed", f"line {number}: not JSON: {error}"))
    if not isinstance(record, dict):
        return Scored(None, None, error=Failure("malformed", f"line {number}: not a JSON object"))
    return item_of(record)


def _finite(text: str) -> float:
    """What a line out can hold: JSON has no word for other numbers."""
    if not isfinite(number := float(text)):
        raise ValueError(f"{text} is no finite number")
    return number
