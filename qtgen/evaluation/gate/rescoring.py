"""A report of another scorer version -> the same answers, scored by the current version."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from qtgen._util.text import pluralize
from qtgen.errors import UsageError
from qtgen.evaluation.gate.comparison import summarize
from qtgen.evaluation.gate.pairing import SHORTENED, pair_reports
from qtgen.evaluation.metrics import JUDGE_METRICS, metric_directions
from qtgen.evaluation.plugins import library_versions
from qtgen.evaluation.report import EvalItem, EvalReport, GateResult
from qtgen.evaluation.scoring import Sample, SampleResult, score_samples
from qtgen.evaluation.suites.suite import Reference

if TYPE_CHECKING:
    from qtgen.embeddings.static import TextEmbedder


@dataclass(frozen=True, slots=True)
class Rescored:
    """A report whose answers were scored again.

    Args:
        report: The report with the new scores.
        scorer: The scorer that it had before.
        unusable: References whose answers cannot be scored again: they are too large to be stored in full, or the suite
            has another reference now.
        left_out: Metrics that the report had and that need more than the stored answers, such as the page.
    """

    report: EvalReport
    scorer: str
    unusable: tuple[str, ...]
    left_out: tuple[str, ...]

    def explain(self, gate: GateResult, metrics: Collection[str]) -> GateResult:
        """Return the result of a comparison of `metrics` with this report, with the reasons that rescoring adds."""
        reasons = [f"the baseline was scored by version {self.scorer}; its stored answers were scored again"]
        if self.unusable:
            count = pluralize(len(self.unusable), "answer")
            reasons.append(f"{count} of the baseline cannot be scored again; the first is {self.unusable[0]}")
        if left_out := [metric for metric in self.left_out if metric in metrics]:
            reasons.append(f"not compared, because the baseline holds no whole pages: {', '.join(left_out)}")
        return replace(gate, reasons=(*gate.reasons, *reasons), rescored_from=self.scorer, not_rescored=self.unusable)


def rescore(
    before: EvalReport,
    after: EvalReport,
    references: Mapping[str, Reference],
    path: str,
    metrics: Collection[str] | None = None,
    embed: "TextEmbedder | None" = None,
) -> Rescored:
    """Score the stored answers of `before` as those of `after` were.

    Only references that are the same in both reports are scored again; the others are not compared. Marks of judges do
    not depend on the scorer, so they stay.

    Args:
        before: The report to score again.
        after: The report that it will be compared with.
        references: The suite's references by id.
        path: The name of `before` in errors.
        metrics: As for `score_sample`.
        embed: As for `score_sample`.

    Raises UsageError if an answer that had a score cannot be scored.
    """
    same = {item.id for item in pair_reports(before, after).before.items}
    items = [item for item in before.items if item.id in same]
    others = [item for item in before.items if item.id not in same]
    samples = [_sample(item, references.get(item.id)) for item in items]
    results = list(score_samples(samples, metrics, embed=embed))
    for item, result in zip(items, results, strict=True):
        if item.score is not None and result.score is None and item.id in references:
            reason = result.error.message if result.error else "it has no score"
            message = f"its answers cannot be scored again by version {after.scorer}: {item.id}, {reason}"
            raise UsageError(message, path=path, remedy="create a new baseline")
    rescored = tuple(_rescored(item, result) for item, result in zip(items, results, strict=True))
    report = replace(
        before,
        scorer=after.scorer,
        libraries=library_versions(),
        items=(*rescored, *others),
        metrics=summarize(rescored, metric_directions()),
    )
    unusable = tuple(dict.fromkeys(item.id for item in items if _is_cut(item) or item.id not in references))
    return Rescored(report, before.scorer, unusable, _left_out(items, rescored))


def _is_cut(item: EvalItem) -> bool:
    return item.error is not None and item.error.kind == SHORTENED


def _sample(item: EvalItem, reference: Reference | None) -> Sample | SampleResult:
    if item.score is None or reference is None:
        return SampleResult(item.id, None, error=item.error)
    nuggets = reference.nuggets
    return Sample(
        item.id,
        reference.question.text,
        (reference.answer,),
        item.candidate,
        nuggets.must,
        nuggets.nice,
        source=reference.question.context or "",
    )


def _rescored(item: EvalItem, result: SampleResult) -> EvalItem:
    metrics = dict(result.metrics) | {name: item.metrics[name] for name in JUDGE_METRICS if name in item.metrics}
    notes = dict(result.notes) | {name: item.notes[name] for name in JUDGE_METRICS if name in item.notes}
    return replace(item, score=result.score, metrics=metrics, notes=notes, error=result.error)


def _left_out(before: Collection[EvalItem], after: Collection[EvalItem]) -> tuple[str, ...]:
    """Return the metrics that some items had before, and that none has now although it is still known."""
    had = {name for item in before for name, value in item.metrics.items() if value is not None}
    has = {name for item in after for name, value in item.metrics.items() if value is not None}
    return tuple(name for name in metric_directions() if name in had - has)
