"""Asking a judge: one retry that names the fault, what it costs, and what the ledger keeps."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from qtgen.errors import BudgetReached, Deferred, Interrupted, ProviderUnusable, Refused, Retryable, Truncated
from qtgen.evaluation.judging.judges import JudgeScore, judge_by_rubric, judge_claims
from qtgen.evaluation.judging.summary import JudgeUse
from qtgen.llm.types import Completion, Prompt, Usage
from support import Scripted

GOOD = json.dumps({"reasons": "It says the same.", "correctness": 5, "completeness": 3, "clarity": 4})
PAID = Usage(100, 50, 0, 0.25)


class Reusing(Scripted):
    """A judge whose responses come from the ledger, except those after the first `reused` ones."""

    def __init__(self, reused: int, *script: str | Exception) -> None:
        super().__init__(*script)
        self.reused = reused

    async def complete(self, prompt: Prompt) -> Completion:
        completion = await super().complete(prompt)
        return replace(completion, reused=len(self.asked) <= self.reused)


def ask(judge: Scripted) -> JudgeScore:
    return asyncio.run(judge_by_rubric(judge, "Why?", "Because.", "So."))


def test_a_retry_names_the_fault() -> None:
    judge = Scripted(GOOD.replace("5", "9"), GOOD)
    score = ask(judge)
    assert score.value == 0.75
    assert score.use == JudgeUse(1, 0, 1, 0, 200, 100, 0.5)
    assert (judge.rejected, judge.forgotten) == (1, [])
    first, second = judge.asked
    assert second.messages[0] == first.messages[0]
    added = second.messages[1].content.removeprefix(first.messages[1].content)
    assert added == (
        "\n\nAn earlier answer could not be used:\n<faults>\n"
        "- `correctness` must be a whole or half mark from 1 to 5\n"
        "- write one JSON object of the form that is asked for\n</faults>\nAvoid these faults."
    )
    assert second.parameters["temperature"] > first.parameters["temperature"]


def test_verdicts_are_asked_again_if_some_are_missing() -> None:
    judge = Scripted('{"verdicts": ["made"]}', '{"verdicts": ["made", "missing"]}')
    score = asyncio.run(judge_claims(judge, ["a", "b"], "So."))
    assert (score.value, score.labels) == (0.5, ("made", "missing"))
    assert "1 verdict for 2 claims; give exactly one verdict for each claim" in judge.asked[1].messages[-1].content


def test_after_one_retry_there_is_no_opinion_and_the_next_run_asks_again() -> None:
    judge = Scripted("5/5", GOOD.replace("5", "9"), GOOD)
    score = ask(judge)
    assert score.value is None
    assert score.note == "scripted-1: no opinion: `correctness` must be a whole or half mark from 1 to 5"
    assert score.use == JudgeUse(1, 0, 1, 1, 200, 100, 0.5)
    assert judge.forgotten == ["5/5", GOOD.replace("5", "9")]
    assert judge.script == [GOOD]


@pytest.mark.parametrize(("reused", "use"), [(2, JudgeUse(1, 1, 1)), (1, JudgeUse(1, 0, 1, 0, 100, 50, 0.25))])
def test_what_the_ledger_answers_costs_nothing(reused: int, use: JudgeUse) -> None:
    score = ask(Reusing(reused, "5/5", GOOD))
    assert score.use == use
    assert score.note.startswith("scripted-1 (reused): 5/3/4" if reused == 2 else "scripted-1: 5/3/4")


@pytest.mark.parametrize(
    ("error", "use"),
    [
        (Retryable("busy", usage=Usage(7, 0, 0, None)), JudgeUse(1, 0, 0, 1, 7, 0, None)),
        (BudgetReached("the budget of $1 is used up"), JudgeUse(1, 0, 0, 1)),
        (Refused("no", completion=Completion("no", "m", PAID), usage=PAID), JudgeUse(1, 0, 0, 1, 100, 50, 0.25)),
        (
            Refused("no", completion=Completion("no", "m", PAID, reused=True), usage=PAID),
            JudgeUse(1, 1, 0, 1),
        ),
    ],
)
def test_a_request_that_fails_is_counted_once(error: Exception, use: JudgeUse) -> None:
    score = ask(Scripted(error))
    assert (score.value, score.use) == (None, use)
    assert score.note == f"scripted-1: no opinion: {error}"


def test_a_budget_can_end_before_the_retry() -> None:
    score = ask(Scripted("5/5", BudgetReached("the budget of $1 is used up")))
    assert score.use == JudgeUse(1, 0, 1, 1, 100, 50, 0.25)
    assert score.note == "scripted-1: no opinion: the budget of $1 is used up"


def test_a_truncated_response_is_asked_for_again() -> None:
    cut = Truncated("cut off", completion=Completion(GOOD[:30], "m", PAID, kind="truncated"), usage=PAID)
    whole = Truncated("cut off", completion=Completion(f"{GOOD}\nAnd", "m", PAID, kind="truncated"), usage=PAID)
    assert ask(Scripted(cut, GOOD)).value == 0.75
    assert ask(Scripted(whole)).value == 0.75
    assert ask(Scripted(Truncated("cut off"))).note == "scripted-1: no opinion: cut off"


@pytest.mark.parametrize("error", [ProviderUnusable("wrong key"), Interrupted("stop"), Deferred("batch", queues=True)])
def test_what_ends_the_run_is_raised(error: Any) -> None:
    with pytest.raises(type(error)):
        ask(Scripted(error))


def test_only_the_first_line_of_a_long_reason_is_noted() -> None:
    assert ask(Scripted(Retryable("no recording\n+ a\n- b"))).note == "scripted-1: no opinion: no recording"
