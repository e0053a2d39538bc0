"""Baselines of another scorer: their stored answers are scored again by this one."""

from dataclasses import replace
from pathlib import Path

import pytest

from qtgen.errors import Failure, ProviderError, UsageError
from qtgen.evaluation import evaluate
from qtgen.evaluation.gate.baselines import baseline_of, compare_scored_again, compare_with_baseline
from qtgen.evaluation.gate.rescoring import rescore
from qtgen.evaluation.metrics import SCORER
from qtgen.evaluation.report import EvalReport, Verdict
from qtgen.evaluation.suites.suite import GateSettings, Suite, load_suite
from qtgen.page.profile import default_profile

GATE = GateSettings(metrics=("score", "must_recall", "page_health", "judge"), max_fall=None)


@pytest.fixture
def suite(smoke: Path) -> Suite:
    (smoke / "baseline.json").unlink()
    return load_suite(smoke, default_profile())


@pytest.fixture
def run(suite: Suite) -> EvalReport:
    return evaluate(suite.folder)


def aged(report: EvalReport) -> EvalReport:
    """Return a report as an older scorer would have made it: all values are others."""
    items = (
        replace(item, score=0.01, metrics={**dict.fromkeys(item.metrics, 0.01), "judge": 0.75, "gone": 0.5})
        for item in report.items
    )
    return replace(report, scorer="1", items=tuple(items))


def test_stored_answers_get_the_scores_of_this_run(suite: Suite, run: EvalReport) -> None:
    before, gate = compare_scored_again(aged(run), run, GATE, suite.references, "old.json")
    assert [item.score for item in before.items] == [item.score for item in run.items]
    assert [item.metrics["must_recall"] for item in before.items] == [item.metrics["must_recall"] for item in run.items]
    assert [item.metrics["judge"] for item in before.items] == [0.75] * 8, "marks of judges do not depend on the scorer"
    assert (before.scorer, gate.rescored_from) == (SCORER, "1")
    assert gate.comparisons[0].verdict is Verdict.NO_CHANGE
    assert "the baseline was scored by version 1; its stored answers were scored again" in gate.reasons
    assert "not compared, because the baseline holds no whole pages: page_health" in gate.reasons
    assert "page_health" not in {comparison.metric for comparison in gate.comparisons}
    assert [lost.metric for lost in gate.lost] == ["judge"]


def test_an_answer_that_was_cut_cannot_be_scored_again(suite: Suite, run: EvalReport) -> None:
    old = aged(run)
    cut = replace(old.items[0], score=None, metrics={}, error=Failure("too-large", "too long"), candidate="cut")
    before, gate = compare_scored_again(
        replace(old, items=(cut, *old.items[1:])), run, GATE, suite.references, "old.json"
    )
    assert before.items[0].score is None
    assert gate.not_rescored == (cut.id,)
    assert f"1 answer of the baseline cannot be scored again; the first is {cut.id}" in gate.reasons
    assert gate.comparisons[0].items == 7


def test_an_empty_answer_stays_one(suite: Suite, run: EvalReport) -> None:
    old = aged(run)
    empty = replace(old.items[0], candidate="", error=Failure("empty-candidate", "no word"))
    before, _ = compare_scored_again(replace(old, items=(empty, *old.items[1:])), run, GATE, suite.references, "b")
    assert before.items[0].score == 0


def test_an_embedder_that_fails_is_not_a_smaller_baseline(suite: Suite, run: EvalReport) -> None:
    def embed(texts: object) -> object:
        raise ProviderError("overloaded")

    references = {reference.id: reference for reference in suite.references}
    with pytest.raises(UsageError, match=r"old\.json: its answers cannot be scored again by version .*, overloaded"):
        rescore(aged(run), run, references, "old.json", embed=embed)  # type: ignore[arg-type]


def test_only_references_that_are_the_same_are_scored_again(suite: Suite, run: EvalReport) -> None:
    old = aged(run)
    changed = replace(old.items[0], digest="another")
    before, gate = compare_scored_again(replace(old, items=(changed, *old.items[1:])), run, GATE, suite.references, "b")
    assert [item.score for item in before.items if item.id == changed.id] == [0.01]
    assert (gate.changed, gate.comparisons[0].items) == ((changed.id,), 7)


def test_answers_of_references_that_the_suite_no_longer_has_are_named(suite: Suite, run: EvalReport) -> None:
    first, *others = suite.references
    _, gate = compare_scored_again(aged(run), run, GATE, others, "old.json")
    assert gate.not_rescored == (first.id,)
    assert gate.comparisons[0].items == 7


@pytest.mark.parametrize("digest", [None, "another"])
def test_without_the_suite_nothing_is_scored_again(run: EvalReport, digest: str | None) -> None:
    with pytest.raises(UsageError, match="its scorer version is 1, this run's is"):
        compare_scored_again(aged(run), run, GATE, (), "old.json")


def test_a_baseline_without_digests_is_scored_again_if_its_texts_are_the_same(suite: Suite, run: EvalReport) -> None:
    def without_digests(report: EvalReport) -> EvalReport:
        return replace(report, items=tuple(replace(item, digest=None) for item in report.items), suite_digest="older")

    _, gate = compare_scored_again(without_digests(aged(run)), run, GATE, suite.references, "old.json")
    assert (gate.rescored_from, gate.changed) == ("1", ())
    _, gate = compare_scored_again(aged(run), without_digests(run), GATE, suite.references, "old.json")
    assert (gate.rescored_from, gate.changed) == ("1", ())


def test_a_baseline_is_a_run_without_its_comparison(suite: Suite, run: EvalReport) -> None:
    suite.baseline.write_text(run.to_json())
    compared = compare_with_baseline(suite, run, suite.baseline, "baseline.json")
    assert compared.error is None
    assert compared.report.gate
    assert compared.report.gate_metrics == suite.settings.gate.metrics
    assert baseline_of(replace(compared.report, accepted=True)).gate is None
    assert baseline_of(replace(compared.report, accepted=True)).accepted is False


def test_an_unusable_baseline_is_a_refusal(suite: Suite, run: EvalReport) -> None:
    suite.baseline.write_text("{")
    compared = compare_with_baseline(suite, run, suite.baseline, "baseline.json")
    assert compared.error
    assert compared.report.refusal
    assert compared.report.exit_code == 2
    assert compare_with_baseline(suite, run, suite.folder / "none.json", "none.json").error is None
    required = compare_with_baseline(suite, run, suite.folder / "none.json", "none.json", is_required=True)
    assert "no such file" in str(required.error)
