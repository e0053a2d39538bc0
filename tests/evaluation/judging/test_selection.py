"""Judges that choose between candidates: pairs, votes, and judges that fail."""

import asyncio
import json
from typing import Any

import pytest

from qtgen.errors import ProviderUnusable, Refused
from qtgen.evaluation.judging.selection import judge_selector
from qtgen.generation.answer_candidates import AcceptedAnswer, Candidate
from qtgen.generation.answer_check import AnswerCheck
from qtgen.generation.types import Outcome, Question, Status
from qtgen.llm.types import Completion, Prompt, Usage
from qtgen.page.compile import default_layout
from support import Scripted
from support.pages import make_page

PROMPT = Prompt("explain", 1, "points", (), {}, {}, "d", "w", "s")
OUTCOME = Outcome(Question("What is osmosis?", "Biology"), Status.FAILED, "biology/osmosis.md")


def candidate(answer: str) -> Candidate:
    accepted = AcceptedAnswer(1, PROMPT, Completion(answer, "m", Usage()), Usage(), "scripted", "m")
    return Candidate(AnswerCheck(make_page(answer=answer).text), accepted)


CANDIDATES = [candidate(f"Answer number {number}.") for number in range(3)]


def judge(*choices: str | Exception) -> Scripted:
    """Return a judge that makes the choices, each as seen with the pair in its first order."""
    script: list[Any] = []
    for choice in choices:
        swapped = {"first": "second", "second": "first"}.get(str(choice), choice)
        script += [_response(choice), _response(swapped)]
    return Scripted(*script)


def _response(better: str | Exception) -> str | Exception:
    return better if isinstance(better, Exception) else json.dumps({"reasons": "So.", "better": better})


@pytest.mark.parametrize(
    ("choices", "best"),
    [
        (("first", "first"), 0),
        (("second", "first"), 1),
        (("second", "second"), 2),
        (("neither", "second"), 2),
        (("neither", "neither"), 0),
    ],
)
def test_the_winner_of_a_pair_meets_the_next_candidate(choices: tuple[str, ...], best: int) -> None:
    model = judge(*choices)
    assert asyncio.run(judge_selector([model], default_layout())(OUTCOME, CANDIDATES)) == best
    assert "Answer number 1." in model.asked[0].messages[-1].content


def test_judges_vote() -> None:
    judges = [judge("second", "first"), judge("second", "first"), judge("first", "first")]
    assert asyncio.run(judge_selector(judges, default_layout())(OUTCOME, CANDIDATES)) == 1


def test_a_judge_that_gives_no_answer_has_no_vote() -> None:
    assert (
        asyncio.run(judge_selector([judge(Refused("no"), Refused("no"))], default_layout())(OUTCOME, CANDIDATES)) == 0
    )
    with pytest.raises(ProviderUnusable):
        asyncio.run(judge_selector([judge(ProviderUnusable("no key"))], default_layout())(OUTCOME, CANDIDATES))
