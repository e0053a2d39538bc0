"""Evaluation reports for tests: typed reports with any items, and texts that are hostile to every format."""

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from qtgen.errors import Failure
from qtgen.evaluation.gate.comparison import summarize
from qtgen.evaluation.metrics import METRICS, Direction, metric_directions
from qtgen.evaluation.report import (
    EvalItem,
    EvalReport,
    GateResult,
    ItemFall,
    MetricComparison,
    MetricSummary,
    RecordingUse,
    Verdict,
)
from qtgen.evaluation.reports import FORMATS
from qtgen.llm.types import Usage

HOSTILE = (
    "</script></style><script>document.title='broken'</script><img src=x onerror=\"document.title='broken'\">"
    "<!-- ]]> --> {{ 7*7 }} {% raw %} &amp; ::error::x | `@all` \x1b[31m\x07\x00 \u202e مرحبا 日本語 𝔘 🧪 \ud800"
)
DIRECTIONS = {
    "score": Direction.HIGHER, "rouge_l": Direction.HIGHER, "strays": Direction.LOWER, "words": Direction.NONE,
}  # fmt: skip
_WORDS = ["osmosis", "moves", "water", "through", "a", "membrane", "from", "where", "there", "is", "more", "to", "less"]
_SUBJECTS = ("Physics", "Biology", "Früh & Spät")


def make_item(number: int, words: int = 120, **changes: Any) -> EvalItem:
    """Return an item with a score and three metrics that depend on its number."""
    source = random.Random(number)
    candidate, reference = (" ".join(source.choices(_WORDS, k=count)) for count in (words + number % 13, words))
    metrics = {"rouge_l": source.random() if number % 7 else None, "strays": source.random(), "words": float(words)}
    item = EvalItem(
        id=f"question-{number}",
        cluster=f"question-{number}",
        question=f"What is osmosis number {number}?",
        subject=_SUBJECTS[number % 3],
        repeat=1,
        score=0.1 + number % 60 / 80,
        metrics=metrics,
        notes={"rouge_l": f"{number} words in a row"},
        error=None,
        candidate=f"{candidate}\n\n1. **bold** marker{number}.",
        reference=reference,
        usage=Usage(100, words, 0, 0.001),
    )
    return replace(item, **changes)


def failed_item(number: int, kind: str = "unreachable") -> EvalItem:
    """Return an item that could not be scored."""
    error = Failure(kind, "no answer:\n100% of 3 tries")
    return make_item(number, score=None, metrics={}, notes={}, candidate="", error=error)


def make_gate(metrics: Mapping[str, MetricSummary], items: Sequence[EvalItem], verdict: Verdict) -> GateResult:
    """Return a gate that compares every metric, and in which the first two items fell."""
    comparisons = tuple(
        MetricComparison(
            name, summary.mean + 0.02, summary.mean, -0.02, -0.04, -0.01, 0.01, 0.03, 0.015, summary.items,
            summary.items, verdict, summary.direction,
        )
        for name, summary in metrics.items() if summary.mean is not None
    )  # fmt: skip
    falls = tuple(
        ItemFall(item.id, 0.9, item.score, 0.9 - item.score, item.question)
        for item in items[:2]
        if item.score is not None
    )
    reasons = ("score fell by 0.020", "2 items fell by more than 0.25")
    return GateResult(verdict, "evals/core/baseline.json", comparisons, falls, 0.25, reasons)


def make_report(
    items: Sequence[EvalItem], verdict: Verdict | None = Verdict.WORSE, *, repeats: int = 1, **changes: Any
) -> EvalReport:
    """Return a report of these items, compared with a baseline unless the verdict is None."""
    metrics = summarize(items, DIRECTIONS)
    report = EvalReport(
        suite="core",
        suite_digest="0123456789abcdef",
        qtgen="0.1.0",
        created="2026-11-25T03:00:00+00:00",
        provider="local",
        model="SmolLM2",
        prompts={"explain": "0123abcd"},
        recordings=RecordingUse(unused=("old.json",)),
        scorer="2",
        repeats=repeats,
        items=tuple(items),
        metrics=metrics,
        usage=Usage(6000, 7200, 0, None),
        gate=make_gate(metrics, items, verdict) if verdict else None,
    )
    return replace(report, **changes)


def passing_report(verdict: Verdict | None, items: Sequence[EvalItem] | None = None, **changes: Any) -> EvalReport:
    """Return a report in which nothing failed, except perhaps the verdict."""
    report = make_report(items or [make_item(1), make_item(2)], verdict, recordings=RecordingUse())
    gate = replace(report.gate, falls=()) if report.gate else None
    return replace(report, gate=gate, **changes)


def poisoned_report(text: str) -> EvalReport:
    """Return a report that contains the text everywhere a report has text."""
    items = []
    for number, item in enumerate([make_item(1, 5), make_item(2, 5), failed_item(3, text)]):
        changes: dict[str, Any] = dict.fromkeys(("cluster", "question", "subject", "candidate", "reference"), text)
        error = item.error and Failure(text, text)
        notes = dict.fromkeys(item.metrics, text)
        items.append(replace(item, id=f"{text}{number}", notes=notes, error=error, **changes))
    report = make_report(items)
    assert report.gate
    gate = replace(report.gate, reasons=(text,), baseline=text)
    names: dict[str, Any] = dict.fromkeys(
        ("suite", "suite_digest", "scorer", "qtgen", "created", "provider", "model"), text
    )
    return replace(report, gate=gate, prompts={text: text}, recordings=RecordingUse((text,), (text,)), **names)


def scored_report(scores: Mapping[str, float | None], **changes: Any) -> EvalReport:
    """Return a report whose items have these scores, by id, and the same value as `must_recall`."""
    items = tuple(
        make_item(number, 5, id=name, cluster=name, question=f"{name}?", score=score, metrics={"must_recall": score})
        for number, (name, score) in enumerate(scores.items())
    )
    report = make_report(items, None, recordings=RecordingUse(), metrics=summarize(items, metric_directions()))
    return replace(report, **changes)


def with_metric(report: EvalReport, metric: str, values: Sequence[float]) -> EvalReport:
    """Return the report with a metric's value for each item."""
    pairs = zip(report.items, values, strict=True)
    return replace(report, items=tuple(replace(item, metrics={**item.metrics, metric: v}) for item, v in pairs))


_EMPTY_ANSWER = make_item(1, score=0.0, metrics={}, candidate="", error=Failure("empty-candidate", "no word"))
SIXTY = make_report([*map(make_item, range(57)), failed_item(57), failed_item(58), failed_item(59, "truncated")])
VARIANTS = {
    "sixty": SIXTY,
    "no gate": make_report([make_item(1), make_item(2)], None),
    "one": make_report([make_item(1)], Verdict.TOO_FEW),
    "none": make_report([], None),
    "none with a gate": make_report([], Verdict.TOO_FEW),
    "all failed": make_report([failed_item(1), failed_item(2)], None),
    "no values": make_report([make_item(1, score=None, metrics={"rouge_l": None}), make_item(2)], Verdict.NO_CHANGE),
    "no texts": make_report([make_item(1, candidate="", reference="", question="", subject="")], Verdict.BETTER),
    "beyond one": make_report([make_item(1, score=250.0), make_item(2, score=-3.0)], Verdict.BETTER),
    "empty answer": make_report([_EMPTY_ANSWER, make_item(2), failed_item(3)], None),
    "repeats": make_report([make_item(1), make_item(1, repeat=2, score=0.2)], repeats=2),
}
"""Reports of every kind, by what is special about them."""


@contextmanager
def restored_registries() -> Iterator[None]:
    """Remove the metrics and report formats that the block registers."""
    metrics, formats = dict(METRICS), dict(FORMATS)
    try:
        yield
    finally:
        METRICS.clear()
        METRICS.update(metrics)
        FORMATS.clear()
        FORMATS.update(formats)
