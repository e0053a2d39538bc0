"""A panel of judges: who is judged, the mean over judgements, what is reported, and early ends."""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from qtgen.errors import BudgetReached, ProviderUnusable
from qtgen.evaluation.judging.panel import JudgePlan, Panel, PanelLog, judge_candidates
from qtgen.evaluation.judging.summary import JudgeUse
from qtgen.evaluation.scoring import SampleResult
from qtgen.evaluation.suites.candidates import Candidate
from qtgen.evaluation.suites.suite import Nuggets, Reference, load_suite
from qtgen.llm.types import STANDARD_STYLE, Completion, Prompt, Usage
from qtgen.page.profile import default_profile
from support import Scripted

MARKS = json.dumps({"reasons": "It is right.", "correctness": 5, "completeness": 5, "clarity": 5})


class Judge:
    """A judge that replies by the name of the prompt and the number of the judgement."""

    name = "judge"
    style = STANDARD_STYLE

    def __init__(self, model: str, reply: Callable[[Prompt], str]) -> None:
        self.model, self.reply = model, reply
        self.asked: list[Prompt] = []

    async def complete(self, prompt: Prompt) -> Completion:
        self.asked.append(prompt)
        return Completion(self.reply(prompt), self.model, Usage(10, 5, 0, 0.25))

    def reject(self, completion: Completion) -> None: ...

    def forget(self, completion: Completion) -> None: ...


def rubric(*marks: int) -> Callable[[Prompt], str]:
    """Return a reply with the same marks for everything, by the number of the judgement."""

    def reply(prompt: Prompt) -> str:
        if prompt.name == "judge_claims":
            claims = prompt.messages[-1].content.partition(">>>")[0].count("\n") - 2
            return json.dumps({"verdicts": ["made"] * claims})
        mark = marks[prompt.sample % len(marks)]
        return json.dumps({"reasons": "r", "correctness": mark, "completeness": mark, "clarity": mark})

    return reply


@pytest.fixture
def reference(smoke: Path) -> Reference:
    return load_suite(smoke, default_profile()).references[0]


def run_panel(
    candidates: Sequence[Candidate],
    results: Sequence[SampleResult],
    judges: Sequence[Judge | Scripted],
    plan: JudgePlan,
) -> Panel:
    log = PanelLog(candidates, results, plan)

    async def judge_all() -> None:
        try:
            async for index, judged in judge_candidates(candidates, results, judges, plan):
                log.add(index, judged)
        except ProviderUnusable as error:
            log.end(error)

    asyncio.run(judge_all())
    return log.panel()


def test_judges_add_their_mean_and_what_failed_is_noted(reference: Reference) -> None:
    good = Judge("good", rubric(5))
    bad = Judge("bad", lambda prompt: rubric(5)(prompt) if prompt.name == "judge_claims" else "not json")
    candidates = [Candidate(reference, 1, reference.path.read_text()), Candidate(reference, 1)]
    results = [SampleResult(reference.id, 0.5, {"rouge_l": 0.5}), SampleResult(reference.id, None)]
    panel = run_panel(candidates, results, [good, bad], JudgePlan(("good", "bad")))
    judged = panel.results
    assert judged[1] == results[1]
    assert judged[0].metrics == {"rouge_l": 0.5, "judge": 1.0, "judge_must_recall": 1.0, "judge_nice_recall": 1.0}
    assert judged[0].notes["judge"] == ("good: 5/5/5; r / bad: no opinion: the answer is prose; write one JSON object")
    assert panel.judging.items == 1
    assert panel.judging.judges["good"] == JudgeUse(3, 0, 0, 0, 30, 15, 0.75)
    assert panel.judging.judges["bad"] == JudgeUse(3, 0, 1, 1, 40, 20, 1.0)
    assert panel.judging.total.asked == 6
    assert panel.judging.ended is None


def test_the_value_is_the_mean_over_judgements_and_judges(reference: Reference) -> None:
    reference = replace(reference, nuggets=Nuggets())
    candidates = [Candidate(reference, 1, reference.path.read_text())] * 6
    results = [SampleResult(reference.id, 0.5)] * 6
    judges = [Judge("a", rubric(5, 3, 4)), Judge("b", rubric(1))]
    panel = run_panel(candidates, results, judges, JudgePlan(("a", "b"), judgements=3))
    assert panel.results[0].metrics["judge"] == pytest.approx((1 + 0.5 + 0.75 + 0 + 0 + 0) / 6)
    assert panel.results[0].metrics["judge_must_recall"] is None
    assert sorted(prompt.sample for prompt in judges[0].asked) == [0] * 6 + [1] * 6 + [2] * 6
    assert [(one.between, one.judgements, one.equal) for one in panel.judging.agreement] == [
        ("a", 3, 0.0),
        ("b", 3, 1.0),
        ("judges", 2, 0.0),
    ]
    assert (panel.judging.judgements, panel.judging.judges["a"].asked) == (3, 18)


def test_only_uncertain_items_are_judged(reference: Reference) -> None:
    candidates = [Candidate(reference, 1, reference.path.read_text())] * 4
    results = [
        SampleResult("low", 0.5, {"confidence": 0.49}),
        SampleResult("high", 0.5, {"confidence": 0.5}),
        SampleResult("unknown", 0.5, {"confidence": None}),
        SampleResult("failed", None, {"confidence": 0.1}),
    ]
    judge = Judge("j", rubric(5))
    panel = run_panel(candidates, results, [judge], JudgePlan(("j",), only_uncertain=True))
    assert [result.metrics.get("judge") for result in panel.results] == [1.0, None, None, None]
    assert panel.results[1:] == results[1:], "an item that is not judged has no judge metric, not even an empty one"
    assert (panel.judging.scope, panel.judging.items, len(judge.asked)) == ("uncertain", 1, 3)


def test_an_unusable_judge_ends_judging_and_loses_nothing(reference: Reference) -> None:
    reference = replace(reference, nuggets=Nuggets())
    candidates = [Candidate(reference, 1, reference.path.read_text())] * 3
    results = [SampleResult(reference.id, 0.5), SampleResult(reference.id, None), SampleResult(reference.id, 0.25)]
    judge = Scripted(MARKS, ProviderUnusable("wrong key"))
    panel = run_panel(candidates, results, [judge], JudgePlan(("scripted-1",), judgements=1))
    assert [result.score for result in panel.results] == [0.5, None, 0.25]
    assert [result.metrics.get("judge") for result in panel.results] == [1.0, None, None]
    assert panel.results[2].notes["judge"] == "scripted-1: no opinion: wrong key"
    assert "judge" not in panel.results[1].metrics
    assert panel.judging.ended is not None
    assert (panel.judging.ended.kind, panel.judging.ended.message) == ("unusable", "wrong key")
    assert panel.judging.judges["scripted-1"] == JudgeUse(2, 0, 0, 1, 100, 50, 0.25)


def test_a_budget_ends_judging(reference: Reference) -> None:
    reference = replace(reference, nuggets=Nuggets())
    candidates = [Candidate(reference, 1, reference.path.read_text())] * 2
    results = [SampleResult(reference.id, 0.5)] * 2
    judge = Scripted(MARKS, BudgetReached("the budget of $1 is used up: another request might cost more"))
    panel = run_panel(candidates, results, [judge], JudgePlan(("scripted-1",)))
    assert panel.judging.ended is not None
    assert panel.judging.ended.message == "the budget of $1 is used up with 1 of 2 judgements left"
    assert "no opinion: the budget of $1 is used up" in panel.results[1].notes["judge"]


def test_an_interrupted_panel_has_items_left(reference: Reference) -> None:
    log = PanelLog([Candidate(reference, 1)] * 2, [SampleResult("a", 0.5)] * 2, JudgePlan(("j",)))
    assert log.remaining == 2
    log.end(ProviderUnusable("wrong key"))
    assert log.remaining == 0
