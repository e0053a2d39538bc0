"""`qtgen eval score`: JSON lines of answers in, JSON lines of scores out."""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from math import isfinite
from pathlib import Path
from typing import Any

import click

from qtgen._util.text import json_text
from qtgen.commands._echo import echo
from qtgen.commands._engines import engine_option, open_engine
from qtgen.commands._options import file_or_dash, settings_from
from qtgen.commands._output import note
from qtgen.commands._steps import progress_after
from qtgen.errors import Failure, UsageError
from qtgen.evaluation.metrics import METRICS, check_metric_names
from qtgen.evaluation.plugins import load_plugins
from qtgen.evaluation.scoring import Sample, SampleResult, parse_sample, score_samples

_EPILOG = """\b
Exit codes:
  0  every line has a score
  1  some lines have no score; see their `error`
  2  the call is wrong
"""


@click.command(epilog=_EPILOG)
@click.argument("file", type=file_or_dash)
@click.option("--metrics", help="Report these metrics, separated by commas, and the overall score.  [default: all]")
@click.option("--embeddings", help="Use this model of an embeddings endpoint.  [default: built-in word vectors]")
@click.option("--jobs", type=click.IntRange(min=1), help="Number of worker processes.  [default: number of CPUs]")
@engine_option()
def command(file: Path, metrics: str | None, embeddings: str | None, jobs: int | None, engine: str) -> int:
    """Score every line of FILE (or - for stdin) against its reference.

    An input line is {"id", "question", "reference": text or list of texts, "candidate"}, and optionally "context": the
    source text that the candidate must be based on.

    An output line, in the same order, is {"id", "score": 0 to 1 or null, "metrics": {…}, "error": null or {"kind", …}}.
    """
    settings = settings_from({})
    load_plugins(settings.plugins)
    names = _metric_names(metrics)
    embed = None
    if embeddings:
        from qtgen.llm.factory import embeddings as endpoint_embeddings  # loads the LLM client

        embed = endpoint_embeddings(settings, embeddings)
    outcomes: Counter[str] = Counter()
    unscored = 0
    with ExitStack() as stack:
        # On a terminal, the lines themselves show the progress.
        step = None if sys.stdout.isatty() else stack.enter_context(progress_after("Scoring"))
        workers = stack.enter_context(open_engine(engine, jobs))
        for result in score_samples(_samples(file), names, jobs, embed, workers):
            echo(json_text(result.as_dict(), allow_nan=False))
            outcomes[result.error.kind if result.error else "scored"] += 1
            unscored += result.score is None
            if step:
                step.advance()
    if not outcomes:
        raise UsageError("contains no line", path=file)
    note(", ".join(f"{count:,} {outcome}" for outcome, count in outcomes.most_common()))
    return 1 if unscored else 0


def _metric_names(metrics: str | None) -> list[str] | None:
    names = None if metrics is None else [name.strip() for name in metrics.split(",")]
    check_metric_names(names or (), ["score", *METRICS], setting="metrics")
    return names and [name for name in names if name != "score"]  # it is always there


def _samples(file: Path) -> Iterator[Sample | SampleResult]:
    try:
        with click.open_file(str(file), "rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield _parse_line(number, line)
    except OSError as error:
        raise UsageError(error.strerror or str(error), path=file) from None


def _parse_line(number: int, line: bytes) -> Sample | SampleResult:
    try:
        record: Any = json.loads(line, parse_constant=_finite_number, parse_float=_finite_number)
    except (ValueError, RecursionError) as error:
        return SampleResult(None, None, error=Failure("malformed", f"line {number}: not JSON: {error}"))
    if not isinstance(record, dict):
        return SampleResult(None, None, error=Failure("malformed", f"line {number}: not a JSON object"))
    return parse_sample(record)


def _finite_number(text: str) -> float:
    """Return a number that an output line can hold. Raises ValueError for others, which JSON cannot express."""
    if not isfinite(number := float(text)):
        raise ValueError(f"{text} is not a finite number")
    return number
