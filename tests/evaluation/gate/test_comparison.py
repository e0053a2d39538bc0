"""The gate: verdicts, falls, what cannot be compared, and what is left out."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import pytest

from qtgen.errors import Failure, UsageError
from qtgen.evaluation.gate.comparison import compare_reports, summarize
from qtgen.evaluation.gate.preferences import PreferenceTest, compare_by_preference
from qtgen.evaluation.judging.judges import Preference
from qtgen.evaluation.judging.summary import JudgeUse, Judging
from qtgen.evaluation.metrics import Direction
from qtgen.evaluation.report import EvalReport, GateResult, Verdict
from qtgen.evaluation.suites.suite import GateSettings
from support.eval_reports import make_item, scored_report, with_metric

SCORES: dict[str, float | None] = {f"r{n}": 0.4 + n / 50 for n in range(20)}


def changed(change: float) -> dict[str, float | None]:
    return {name: (score or 0.0) + change for name, score in SCORES.items()}


def gate(before: EvalReport, after: EvalReport, *metrics: str, **settings: Any) -> GateResult:
    return compare_reports(before, after, GateSettings(metrics=metrics or ("score",), **settings), "baseline.json")


def test_lower_scores_are_worse() -> None:
    result = gate(scored_report(SCORES), scored_report(changed(-0.05)))
    assert result.verdict is Verdict.WORSE
    assert (result.alpha, result.matters) == (0.05, 0.05)
    assert result.reasons[0].startswith("score: 0.590 before, 0.540 now (p = ")
    assert result.reasons[0].endswith(", Holm-corrected): worse")


def test_equal_scores_are_no_change() -> None:
    assert gate(scored_report(SCORES), scored_report(SCORES)).verdict is Verdict.NO_CHANGE


def test_noisy_differences_show_what_could_be_seen() -> None:
    noisy = {name: (score or 0) + (0.2 if n % 2 else -0.2) for n, (name, score) in enumerate(SCORES.items())}
    result = gate(scored_report(SCORES), scored_report(noisy), max_fall=None)
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
    assert result.reasons[0] == (
        "1 reference lost more than 30% of the score; the worst is r3: 0.460 before, 0.100 now"
    )
    assert gate(scored_report(SCORES), after, max_fall=None).falls == ()
    assert gate(scored_report(SCORES), after, max_fall=0).tail_limit is None


def test_a_change_that_cannot_matter_is_no_change() -> None:
    result = gate(scored_report(SCORES), scored_report(changed(-0.004)), matters=0.1)
    assert result.verdict is Verdict.NO_CHANGE
    assert result.comparisons[0].p_corrected < 0.05
    assert result.reasons[0].endswith(": no change that matters, because it is smaller than 0.1")


def test_a_reference_with_a_low_score_can_fall() -> None:
    low = dict.fromkeys(SCORES, 0.05)
    assert [fall.id for fall in gate(scored_report(low), scored_report({**low, "r1": 0.0})).falls] == ["r1"]


# --- lost metrics -----------------------------------------------------------------------------------------------------


def test_an_item_that_lost_its_score_is_left_out_and_named_first() -> None:
    after = scored_report({**SCORES, "r1": None})
    item = replace(after.items[1], error=Failure("unreachable", "no answer"))
    result = gate(scored_report(SCORES), replace(after, items=(after.items[0], item, *after.items[2:])))
    assert result.comparisons[0].items == 19
    assert result.verdict is Verdict.TOO_FEW
    assert result.reasons[0] == "score was lost on 1 of 20 items: r1, no answer"
    assert "1 of 20 references have no score in one of the reports and were left out" in result.reasons
    assert gate(after, scored_report(SCORES)).lost == ()


def judged(values: Sequence[float | None], note: str = "", **changes: Any) -> EvalReport:
    """Return a report whose items have these values of the metric `judge`."""
    report = scored_report(SCORES, judges=("j",), **changes)
    pairs = zip(report.items, values, strict=True)
    items = [
        replace(item, metrics={**item.metrics, "judge": value}, notes={"judge": "" if value is not None else note})
        for item, value in pairs
    ]
    return replace(report, items=tuple(items))


@pytest.mark.parametrize("lost", [20, 1])
def test_a_judge_that_gives_no_marks_any_more_is_named_first(lost: int) -> None:
    after = judged([None] * lost + [0.8] * (20 - lost), "judge-off-schema: j: not JSON")
    result = gate(judged([0.8] * 20), after, "score", "judge")
    assert result.verdict is Verdict.TOO_FEW
    assert result.reasons[0] == f"judge had no opinion on {lost} of 20 items: r0, judge-off-schema: j: not JSON"
    assert (result.lost[0].metric, result.lost[0].items, len(result.lost[0].ids)) == ("judge", lost, lost)


def test_a_metric_that_this_run_did_not_measure_at_all_is_lost() -> None:
    result = gate(judged([0.8] * 20), scored_report(SCORES), "score", "judge")
    assert result.reasons[0] == "judge had no opinion on 20 of 20 items: r0, no judge was asked"
    before = with_metric(scored_report(SCORES), "bleu", [0.5] * 20)
    result = gate(before, scored_report(SCORES), "score", "bleu")
    assert result.verdict is Verdict.TOO_FEW
    assert result.reasons[0] == "bleu was lost on 20 of 20 items: r0, it was not measured"


@pytest.mark.parametrize(("scope", "lost"), [("uncertain", 3), ("all", 20)])
def test_an_item_that_was_not_meant_to_be_judged_has_not_lost_its_marks(
    scope: Literal["uncertain", "all"], lost: int
) -> None:
    asked = judged([None] * 3 + [0.8] * 17, "j: not JSON")
    items = [replace(item, metrics={}, notes={}) for item in asked.items[3:]]
    judging = Judging({"j": JudgeUse(asked=3, failed=3)}, items=3, scope=scope)
    after = replace(asked, items=(*asked.items[:3], *items), judging=judging)
    everything = judged([0.8] * 20)
    before = replace(everything, judging=replace(judging, items=20))
    found = gate(before, after, "score", "judge").lost[0]
    assert (found.items, len(found.ids)) == (lost, lost)
    nobody = replace(after, items=tuple(replace(item, metrics={}, notes={}) for item in after.items))
    assert bool(gate(before, nobody, "score", "judge").lost) == (scope == "all")
    unscored = replace(nobody, items=(replace(nobody.items[0], score=None), *nobody.items[1:]))
    assert gate(before, unscored, "judge").lost[0].ids[0] == "r0", "an item without a score could not be judged"
    assert gate(everything, after, "score", "judge").lost[0].items == 20, "the baseline has marks of every item"


def test_worse_stays_worse_if_a_metric_is_lost() -> None:
    after = scored_report(changed(-0.2))
    assert gate(judged([0.8] * 20), after, "score", "judge").verdict is Verdict.WORSE


def test_a_metric_that_the_baseline_lacks_too_is_not_lost() -> None:
    silent = judged([None] * 3 + [0.8] * 17, "no")
    assert gate(silent, silent, "score", "judge").lost == ()
    assert gate(scored_report(SCORES), silent, "score", "judge").lost == ()


@pytest.mark.parametrize(
    ("before", "after", "items"),
    [
        ([0.5, 0.5, 0.5], [0.5, 0.5, None], 1),
        ([0.5, 0.5, None], [0.5, None, 0.5], 0),
        ([0.5, 0.5, None], [0.5, None, None], 1),
        ([0.5, None, None], [None, None, None], 3),
        ([0.5, 0.5, 0.5], [0.5], 0),
        ([0.5, 0.5, None], [None], 1),
        ([0.5], [0.5, None], 1),
        ([None], [None, None], 0),
    ],
)
def test_each_repeat_counts(before: list[float | None], after: list[float | None], items: int) -> None:
    def repeated(values: list[float | None]) -> EvalReport:
        report = scored_report(SCORES)
        first = [
            replace(report.items[0], repeat=number, metrics={"must_recall": value})
            for number, value in enumerate(values, 1)
        ]
        return replace(report, items=(*first, *report.items[1:]), repeats=len(values))

    lost = gate(repeated(before), repeated(after), "score", "must_recall").lost
    assert sum(metric.items for metric in lost) == items


# --- what can be compared ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["suite", "scorer"])
def test_reports_whose_scores_mean_different_things_are_rejected(field: str) -> None:
    with pytest.raises(UsageError, match=r"baseline\.json: its .* is other, this run's is .*; create a new baseline"):
        gate(scored_report(SCORES, **{field: "other"}), scored_report(SCORES))


def with_digests(report: EvalReport, **digests: str) -> EvalReport:
    items = (replace(item, digest=digests.get(item.id, f"digest of {item.id}")) for item in report.items)
    return replace(report, items=tuple(items))


def test_references_that_differ_are_listed_and_the_others_compared() -> None:
    before = with_digests(scored_report({**SCORES, "old": 0.9}))
    after = scored_report({**changed(-0.1), "r0": 0.9, "r1": None, "new": 0.9}, suite_digest="other")
    result = gate(before, with_digests(after, r0="another", r1="another"))
    assert (result.changed, result.added, result.removed) == (("r0", "r1"), ("new",), ("old",))
    assert result.comparisons[0].clusters == 18
    assert result.lost == ()
    assert result.verdict is Verdict.WORSE
    assert (
        result.reasons[-1]
        == "18 references compared; since the baseline, 2 changed (r0, r1), 1 added (new), 1 removed (old)"
    )


def test_a_reference_that_fails_now_is_lost_although_others_were_added() -> None:
    after = with_digests(scored_report({**SCORES, "r1": None, "new": 0.5}))
    assert [lost.ids for lost in gate(with_digests(scored_report(SCORES)), after).lost] == [("r1",)]


def test_nothing_left_to_compare_is_an_error() -> None:
    before = with_digests(scored_report(SCORES))
    with pytest.raises(UsageError, match="no reference is the same in the baseline and in this run"):
        gate(before, with_digests(scored_report(SCORES), **dict.fromkeys(SCORES, "x")))


def test_reports_without_digests_compare_by_the_texts_of_their_references() -> None:
    after = scored_report(SCORES, suite_digest="other")
    windows = replace(after.items[0], reference=after.items[0].reference + "\r\nMore.")
    unix = replace(after.items[0], reference=after.items[0].reference + "\nMore.")
    edited = replace(after.items[1], reference="Something else.")
    before = scored_report(SCORES)
    before = replace(before, items=(unix, *before.items[1:]))
    result = gate(before, replace(after, items=(windows, edited, *after.items[2:])))
    assert result.changed == ("r1",)
    same_suite = replace(after, items=(windows, edited, *after.items[2:]), suite_digest=before.suite_digest)
    assert gate(before, same_suite).changed == ()


# --- judges -----------------------------------------------------------------------------------------------------------


def test_metrics_of_other_judges_are_rejected_only_if_they_are_compared() -> None:
    before, after = scored_report(SCORES, judges=("a",)), scored_report(SCORES, judges=("b",))
    assert gate(before, after).verdict is Verdict.NO_CHANGE
    with pytest.raises(UsageError, match="`judge` comes from other judges"):
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


def preferences(*values: float | None) -> PreferenceTest:
    """Return the test of one preference per reference."""
    error = Failure("unreachable", "j: no answer")
    found = [(f"r{n}", Preference(value, error=None if value is not None else error)) for n, value in enumerate(values)]
    return compare_by_preference(found)


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ([-1.0] * 10, Verdict.WORSE),
        ([1.0] * 10, Verdict.BETTER),
        ([1.0, -1.0] * 10, Verdict.NO_CHANGE),
        ([-1.0] * 5, Verdict.TOO_FEW),
        ([None] * 10, Verdict.TOO_FEW),
    ],
)
def test_judges_decide_by_a_sign_test(values: list[float | None], verdict: Verdict) -> None:
    test = preferences(*values)
    reports = scored_report(SCORES), scored_report(SCORES)
    result = compare_reports(*reports, GateSettings(metrics=("score",)), "baseline.json", test)
    assert result.verdict is verdict
    assert result.preferences == test.counts
    assert any(reason.startswith("judges preferred the new page") for reason in result.reasons)


def test_a_summary_counts_missing_values() -> None:
    items = [make_item(1, score=0.5), make_item(2, score=None)]
    summary = summarize(items, {"score": Direction.HIGHER, "bleu": Direction.HIGHER})
    assert list(summary) == ["score"]
    assert (summary["score"].mean, summary["score"].items, summary["score"].missing) == (0.5, 1, 1)
    assert summarize([], {"score": Direction.HIGHER})["score"].mean is None
