"""Baselines: compare a run with its suite's baseline, and save a run as the next one."""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from qtgen.errors import Failure, UsageError
from qtgen.evaluation.gate.comparison import compare_reports
from qtgen.evaluation.gate.preferences import PreferenceTest
from qtgen.evaluation.gate.rescoring import Rescored, rescore
from qtgen.evaluation.report import EvalItem, EvalReport, GateResult, load_report
from qtgen.evaluation.suites.suite import GateSettings, Reference, Suite

if TYPE_CHECKING:
    from qtgen.embeddings.static import TextEmbedder


class Compared(NamedTuple):
    """A report with its comparison.

    `before` is the baseline, scored again if necessary, or None. `error` is the reason if a baseline cannot be used.
    The report then has a refusal instead of a comparison.
    """

    report: EvalReport
    before: EvalReport | None
    error: UsageError | None


def compare_with_baseline(
    suite: Suite,
    report: EvalReport,
    path: Path,
    name: str,
    *,
    is_required: bool = False,
    metrics: Collection[str] | None = None,
    embed: "TextEmbedder | None" = None,
) -> Compared:
    """Compare a run of a suite with the baseline at `path`.

    Args:
        suite: The suite.
        report: The run, not yet compared.
        path: The baseline's file.
        name: The baseline's path as the report shows it.
        is_required: Whether a missing file is an error.
        metrics: The metrics of the run, if the baseline must be scored again.
        embed: The embedder of the run, if the baseline must be scored again.
    """
    report = replace(report, gate_metrics=suite.settings.gate.metrics)
    if not path.exists() and not is_required:
        return Compared(report, None, None)
    try:
        before, gate = compare_scored_again(
            _load(path), report, suite.settings.gate, suite.references, name, metrics=metrics, embed=embed
        )
    except UsageError as error:
        return Compared(replace(report, refusal=Failure(error.kind, str(error))), None, error)
    return Compared(replace(report, gate=gate), before, None)


def compare_scored_again(
    before: EvalReport,
    after: EvalReport,
    gate: GateSettings,
    references: Collection[Reference],
    name: str,
    *,
    preferences: PreferenceTest | None = None,
    metrics: Collection[str] | None = None,
    embed: "TextEmbedder | None" = None,
) -> tuple[EvalReport, GateResult]:
    """Compare two reports as `compare_reports` does. If the scorers differ, score the answers of `before` again.

    Return the compared version of `before`, and the result. Raises UsageError if the reports cannot be compared.
    """
    rescored = _score_again(before, after, references, name, metrics, embed)
    if rescored is None:
        return before, compare_reports(before, after, gate, name, preferences)
    result = compare_reports(rescored.report, after, gate, name, preferences)
    return rescored.report, rescored.explain(result, gate.metrics)


def _load(path: Path) -> EvalReport:
    if not path.exists():
        raise UsageError(f"{path}: no such file", setting="baseline")
    try:
        return load_report(path)
    except UsageError as error:
        error.remedy = "restore the file, or create a new baseline"
        raise


def _score_again(
    before: EvalReport,
    after: EvalReport,
    references: Collection[Reference],
    name: str,
    metrics: Collection[str] | None,
    embed: "TextEmbedder | None",
) -> Rescored | None:
    """Return `before` scored by the scorer of `after`, or None if the scorers are equal or the suites differ."""
    if before.scorer == after.scorer or before.suite != after.suite:
        return None
    items = {item.id: item for item in after.items}
    unchanged = {
        reference.id: reference
        for reference in references
        if reference.id in items and _is_reference_of(items[reference.id], reference)
    }
    return rescore(before, after, unchanged, name, metrics, embed) if unchanged else None


def _is_reference_of(item: EvalItem, reference: Reference) -> bool:
    """Return whether an item was scored against the current version of a reference."""
    if item.digest is not None:
        return item.digest == reference.digest
    return (item.question, item.reference) == (reference.question.text, reference.answer)


def baseline_of(report: EvalReport) -> EvalReport:
    """Return a run as a baseline: without its own comparison."""
    return replace(report, gate=None, refusal=None, requires_power=False, accepted=False)
