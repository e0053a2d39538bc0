"""The gate: verdicts, falls, what cannot be compared, and what is left out."""

from dataclasses import replace
from typing import Any

import pytest

from qtgen.errors import UsageError
from qtgen.evaluation.gate import add_reasons, compare_reports, lost_references, summarize
from qtgen.evaluation.metrics import Direction
from qtgen.evaluation.report import EvalReport, GateResult, Verdict
from qtgen.evaluation.suites import GateSettings
from support.eval_reports import SIXTY, make_item, scored_report, with_metric

SCORES: dict[str, float | None] = {f"r{n}": 0.4 + n / 50 for n in range(20)}


def changed(change: float) -> dict[str, float | None]:
    return {name: (score or 0.0) + change for name, score in SCORES.items()}


def gate(before: EvalReport, after: EvalReport, *metrics: str, **settings: Any) -> GateResult:
    return compare_reports(before, after, GateSettings(metrics=metrics or ("score",), **settings), "baseline.json")


def test_lower_scores_are_worse() -> None:
    result = gate(scored_report(SCORES), scored_report(changed(-0.05)))
    assert result.verdict is Verdict.WORSE
    assert result.reasons[0].startswith("score: 0.590 before, 0.540 now (p = ")
    assert result.reasons[0].endswith(", Holm-corrected): worse")


def test_equal_scores_are_no_change() -> None:
    assert gate(scored_report(SCORES), scored_report(SCORES)).verdict is Verdict.NO_CHANGE


def test_noisy_differences_show_what_could_be_seen() -> None:
    noisy = {name: (score or 0) + (0.2 if n % 2 else -0.2) for n, (name, score) in enumerate(SCORES.items())}
    result = gate(scored_report(SCORES), scored_report(noisy))
    assert result.verdict is Verdict.TOO_FEW
    assert "20 references can show a change of" in result.reasons[0]


def test_a_single_reference_is_too_few() -> None:
    result = gate(scored_report({"r": 0.5}), scored_report({"r": 0.4}))
    assert result.verdict is Verdict.TOO_FEW
    assert result.reasons[0].endswith("too few references (1) for any change to be significant")


def test_a_metric_with_too_few_items_decides_if_none_is_worse() -> None:
    before = scored_report(SCORES)
    values = [(item.score or 0) + (0.5 if n % 3 == 0 else -0.4) for n, item in enumerate(before.items)]
    result = gate(before, with_metric(before, "must_recall", values), "score", "must_recall", max_fall=None)
    assert [comparison.verdict for comparison in result.comparisons] == [Verdict.NO_CHANGE, Verdict.TOO_FEW]
    assert result.verdict is Verdict.TOO_FEW
    assert [reason.partition(":")[0] for reason in result.reasons] == ["must_recall"]


def test_one_reference_that_falls_is_worse_whatever_the_mean() -> None:
    after = scored_report({**SCORES, "r3": 0.1})
    result = gate(scored_report(SCORES), after, max_fall=0.3)
    assert result.verdict is Verdict.WORSE
    assert [(fall.id, fall.question) for fall in result.falls] == [("r3", "r3?")]
    assert result.reasons[0] == "1 reference fell by more than 0.3; the worst is r3, which fell by 0.360"
    assert gate(scored_report(SCORES), after, max_fall=None).falls == ()
    assert gate(scored_report(SCORES), after, max_fall=0).tail_limit is None


def test_items_without_a_score_are_left_out_and_counted() -> None:
    result = gate(scored_report(SCORES), scored_report({**SCORES, "r1": None}))
    assert result.comparisons[0].items == 19
    assert result.reasons[-2:] == (
        "1 of 20 references have no score in one of the reports and were left out",
        "1 of 20 references lost their score; the first is r1",
    )
    assert lost_references(scored_report(SCORES), scored_report({**SCORES, "r1": None})) == ["r1"]


@pytest.mark.parametrize("field", ["suite", "suite_digest", "scorer"])
def test_reports_whose_scores_mean_different_things_are_rejected(field: str) -> None:
    with pytest.raises(UsageError, match=r"baseline\.json: its .* is other, this run's is .*; make a new baseline"):
        gate(scored_report(SCORES, **{field: "other"}), scored_report(SCORES))


def test_metrics_of_other_judges_are_rejected_only_if_they_are_compared() -> None:
    before, after = scored_report(SCORES, judges=("a",)), scored_report(SCORES, judges=("b",))
    assert gate(before, after).verdict is Verdict.NO_CHANGE
    with pytest.raises(UsageError, match="`judge` was given by other judges"):
        gate(before, after, "judge")


def test_more_contradiction_is_worse() -> None:
    before = with_metric(scored_report(SCORES), "contradiction", [0.2] * 20)
    after = with_metric(scored_report(SCORES), "contradiction", [0.3] * 20)
    result = gate(before, after, "contradiction")
    assert result.verdict is Verdict.WORSE
    assert result.comparisons[0].direction is Direction.LOWER


def test_a_metric_that_neither_report_has_is_named() -> None:
    result = gate(scored_report(SCORES), scored_report(SCORES), "score", "bleu")
    assert "bleu: no reference has it in both reports" in result.reasons
    with pytest.raises(UsageError, match="the gate cannot compare `readability`"):
        gate(scored_report(SCORES), scored_report(SCORES), "readability")


def test_other_library_versions_are_a_warning() -> None:
    before = scored_report(SCORES, libraries={"sacrebleu": "2.5", "numpy": "2.0"})
    result = gate(before, scored_report(SCORES, libraries={"sacrebleu": "2.6", "numpy": "2.0"}))
    assert result.verdict is Verdict.NO_CHANGE
    assert result.reasons[-1].startswith("warning: library versions differ")
    assert result.reasons[-1].endswith(": sacrebleu 2.5 -> 2.6")
    assert len(gate(scored_report(SCORES), before).reasons) == 1  # old baselines do not know their libraries


def test_reasons_can_be_added() -> None:
    assert SIXTY.gate
    extended = add_reasons(SIXTY, ["judges agree"])
    assert extended.gate
    assert extended.gate.reasons == (*SIXTY.gate.reasons, "judges agree")
    without = replace(SIXTY, gate=None)
    assert add_reasons(without, ["judges agree"]) is without


def test_a_summary_counts_missing_values() -> None:
    items = [make_item(1, score=0.5), make_item(2, score=None)]
    summary = summarize(items, {"score": Direction.HIGHER, "bleu": Direction.HIGHER})
    assert list(summary) == ["score"]
    assert (summary["score"].mean, summary["score"].items, summary["score"].missing) == (0.5, 1, 1)
    assert summarize([], {"score": Direction.HIGHER})["score"].mean is None
