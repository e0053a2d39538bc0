"""When is a new text worse than the old one?"""

import asyncio
import json
import math
from collections.abc import Callable
from typing import Any

import pytest

from qtgen.errors import BudgetReached, JudgeError, ProviderUnusable, Retryable
from qtgen.evaluation.metrics import AnalyzedText
from qtgen.generation.types import Question
from qtgen.llm.types import Prompt
from qtgen.page import decode_answer
from qtgen.regeneration.compare import (
    MAX_LOSS,
    MIN_INFORMATION,
    Comparison,
    answer_objections,
    compare_by_metrics,
    description_objections,
    keyword_objections,
)
from qtgen.regeneration.judged import compare_by_judges
from qtgen.regeneration.measures import MEASURES
from support.default_site import DESCRIPTION_TEXT, KEYWORDS_TEXT
from support.pages import LONG_DESCRIPTION, SHORT_DESCRIPTION, make_page
from support.rewriting import DESCRIPTION, KEYWORDS, OFF_TOPIC, Responder, first_shown, prefers, verdict

QUESTION = "What is osmosis?"
OLD = (
    "Osmosis moves water through a membrane that holds the solute back.\n\n1. **Gradient**: Water moves to the side "
    "with more solute.\n\n2. **Membrane**: The pores let water pass and hold back sugar.\n\nIt ends when both are even."
)
ROMANS = "The Roman empire had many emperors, and some of them were mad, but most of them were not."
ABOUT = AnalyzedText(f"{QUESTION}\n{decode_answer(make_page().text_of('answer') or '')}")


# --- answers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("new", "objection"),
    [
        (OLD, ""),
        (OLD + "\n\n3. **Pressure**: A pressure on the concentrated side can stop the flow of water.", ""),
        ("Osmosis moves water through a membrane that holds the solute back.", "omits more"),
        (ROMANS, "too little"),
        (OLD + "\n\n" + "\n\n".join(["Water moves to the side with more solute in it, as was said."] * 6), "repeats"),
        ("", "empty"),
        ("**", "empty"),
    ],
)
def test_a_new_answer_must_say_what_the_old_one_said(new: str, objection: str) -> None:
    objections = "; ".join(answer_objections(QUESTION, OLD, new))
    assert objection in objections
    assert bool(objection) == bool(objections), objections


def test_a_contradiction_is_worse() -> None:
    negated = OLD.replace("moves", "never moves").replace(
        "let water pass and hold", "do not let water pass and do not hold"
    )
    assert any("contradict" in objection for objection in answer_objections(QUESTION, OLD, negated))


def test_without_a_reference_the_answer_must_be_about_the_question() -> None:
    assert not [*answer_objections(QUESTION, "I'm sorry.", OLD, has_reference=False)]
    (objection,) = answer_objections(QUESTION, "I'm sorry.", ROMANS, has_reference=False)
    assert "further from its topic" in objection


def test_an_empty_old_answer_is_no_reference() -> None:
    assert not [*answer_objections(QUESTION, "", OLD)]


# --- search fields ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("new", "objection"),
    [
        (SHORT_DESCRIPTION, ""),
        (OFF_TOPIC, "further from its topic"),
        (
            "Water and a membrane: what it is, how it works, and why students should know about it in class.",
            "tells less",
        ),
        ("What is osmosis, what does osmosis mean, and how is osmosis explained in a simple way?", "than the question"),
        (
            "Osmosis: passage of water across a membrane towards more solute, in Rome, Paris, Tokyo, Lima, Oslo and Cairo.",
            "of the words of the new description are in the page",
        ),
    ],
)
def test_a_new_description_must_tell_as_much_of_the_page(new: str, objection: str) -> None:
    objections = "; ".join(description_objections(QUESTION, ABOUT, LONG_DESCRIPTION, new, limits=DESCRIPTION_TEXT))
    assert objection in objections
    assert bool(objection) == bool(objections), objections


def test_only_the_displayed_part_of_a_description_counts() -> None:
    """What the old description says after the length that search results show is lost to readers anyway."""
    hidden = " Gradient, membrane, pores, particles, sugar, ions, concentration, solute, water."
    visible = (
        "Osmosis is the passage of water through a membrane towards the side with more solute, which ends when even."
    )
    assert len(visible) > 100
    assert not [
        *description_objections(
            QUESTION, ABOUT, visible + " " * 30 + hidden, SHORT_DESCRIPTION, limits=DESCRIPTION_TEXT
        )
    ]


@pytest.mark.parametrize(
    ("new", "objection"),
    [
        ("osmosis, membrane, water, gradient, ions", ""),
        ("osmosis, membrane, Rome, Paris, Tokyo", "60% of the new keywords are not in the page (of the old ones: 0%)"),
        ("osmosis, water", "there are 2 keywords instead of 5"),
        (", ,", "100% of the new keywords are not in the page"),
    ],
)
def test_new_keywords_must_be_in_the_page_and_not_fewer(new: str, objection: str) -> None:
    objections = "; ".join(
        keyword_objections(ABOUT, "osmosis, membrane, solute, water, pores", new, limits=KEYWORDS_TEXT)
    )
    assert objection in objections
    assert bool(objection) == bool(objections), objections


def test_the_number_of_keywords_is_compared_with_what_the_prompt_asks_for() -> None:
    many = ", ".join(["water"] * 40)
    assert not [*keyword_objections(ABOUT, many, ", ".join(["water"] * 10), limits=KEYWORDS_TEXT)]


def test_a_page_is_compared_in_the_fields_that_changed() -> None:
    old = make_page()
    first_sentence = "Osmosis moves water through a membrane that holds the solute back."
    new = make_page(**{"answer": first_sentence, DESCRIPTION: OFF_TOPIC, KEYWORDS: "Rome, emperors"})
    explanations = {
        field: compare_by_metrics(old, new, {field}, has_reference=True).explanation
        for field in ("answer", DESCRIPTION, KEYWORDS)
    }
    assert "answer" in explanations["answer"]
    assert "new description" in explanations[DESCRIPTION]
    assert "keywords" in explanations[KEYWORDS]
    together = compare_by_metrics(old, new, explanations.keys(), has_reference=True)
    assert together[:3] == (True, "; ".join(explanations.values()), "old")
    assert compare_by_metrics(old, old, explanations.keys(), has_reference=True)[:3] == (False, "", "new")


def test_the_numbers_that_are_compared_are_recorded() -> None:
    old = make_page()
    shorter = "Osmosis moves water through a membrane that holds the solute back."
    new = make_page(**{"answer": shorter, DESCRIPTION: OFF_TOPIC, KEYWORDS: "Rome, emperors"})
    compared = compare_by_metrics(old, new, ("answer", DESCRIPTION, KEYWORDS), has_reference=True).as_dict()
    assert (compared["by"], compared["judges"], compared["verdict"]) == ("metrics", [], "old")
    measures = compared["measures"]
    assert set(measures) == {name for name in MEASURES if not name.endswith(".preference")}
    assert measures["answer.loss"] > MAX_LOSS
    assert measures["description.information"] < MIN_INFORMATION
    assert measures["keywords.unrelated_increase"] > 0
    assert json.loads(json.dumps(compared)) == compared
    same = compare_by_metrics(old, old, ("answer", DESCRIPTION, KEYWORDS), has_reference=True).measures
    assert (same["answer.loss"], same["description.information"], same["keywords.unrelated_increase"]) == (0, 1, 0)
    no_reference = compare_by_metrics(old, new, ("answer",), has_reference=False).measures
    assert set(no_reference) == {"answer.repetition_increase", "answer.similarity"}


def test_measures_of_empty_texts_are_numbers() -> None:
    nothing: dict[str, Any] = {KEYWORDS: None, DESCRIPTION: None}
    old, new = make_page(**nothing), make_page()
    measures = compare_by_metrics(old, new, (DESCRIPTION, KEYWORDS), has_reference=True).measures
    assert all(math.isfinite(value) for value in measures.values())


# --- judges ----------------------------------------------------------------------------------------------------------


def judged(
    *responds: Callable[[Prompt], str], changed: frozenset[str] = frozenset({DESCRIPTION})
) -> tuple[Comparison, list[Responder]]:
    old = make_page(**{DESCRIPTION: LONG_DESCRIPTION})
    new = make_page(**{DESCRIPTION: SHORT_DESCRIPTION, "answer": OLD.replace("\n", "\\n")})
    judges = [Responder(respond, f"judge-{number}") for number, respond in enumerate(responds)]
    question = Question(QUESTION, "Biology", context="The source text.")
    return asyncio.run(compare_by_judges(judges, question, old, new, changed)), judges


def test_a_majority_of_judges_decides() -> None:
    for_old, for_new = prefers("until the two sides"), prefers(SHORT_DESCRIPTION)
    assert judged(for_new)[0] == (False, "", "new", ("judge-0",), {"search.preference": 1})
    worse = True, "judged worse in both orders: Because.", "old", ("judge-0",), {"search.preference": -1}
    assert judged(for_old)[0] == worse
    tied = judged(for_new, for_old)[0]
    assert (tied.verdict, tied.measures) == ("same", {"search.preference": 0})
    assert tied.as_dict()["by"] == "judges"
    assert judged(for_new, changed=frozenset({"answer", DESCRIPTION}))[0].measures.keys() <= MEASURES.keys()
    assert not judged(for_new, for_old)[0].is_worse
    assert judged(for_new, for_old, for_old)[0].is_worse
    assert not judged(first_shown)[0].is_worse, "a preference for a position is no preference"


def test_answers_are_judged_by_the_source_and_search_fields_by_the_answer() -> None:
    _, (judge,) = judged(lambda _: verdict("neither"), changed=frozenset({"answer", DESCRIPTION}))
    shown = [prompt.messages[-1].content for prompt in judge.prompts]
    assert len(shown) == 4
    assert ["The source text." in text for text in shown] == [True, True, False, False]
    assert ["Description: " in text for text in shown] == [False, False, True, True]
    assert "reference:\n<<<\nOsmosis moves water" in shown[2]
    _, (judge,) = judged(lambda _: verdict("neither"), changed=frozenset({"answer"}))
    assert len(judge.prompts) == 2


def test_worse_search_fields_outweigh_a_better_answer() -> None:
    def respond(prompt: Prompt) -> str:
        is_answer = "Description: " not in prompt.messages[-1].content
        return prefers("**Gradient**: Water moves to" if is_answer else "until the two sides")(prompt)

    assert judged(respond, changed=frozenset({"answer", DESCRIPTION}))[0].is_worse


def raising(error: Exception) -> Callable[[Prompt], str]:
    def respond(_: Prompt) -> str:
        raise error

    return respond


def test_a_judge_without_a_verdict_is_ignored_unless_it_is_the_only_one() -> None:
    assert judged(raising(Retryable("busy")), prefers("until the two sides"))[0].is_worse
    with pytest.raises(JudgeError, match="no judge gave a usable verdict: judge-0: busy"):
        judged(raising(Retryable("busy")), lambda _: "nonsense")


def test_a_budget_that_is_used_up_ends_the_comparison() -> None:
    with pytest.raises(BudgetReached, match="judge-1: used up"):
        judged(raising(Retryable("busy")), raising(BudgetReached("used up")))


def test_an_unusable_judge_ends_the_run() -> None:
    with pytest.raises(ProviderUnusable):
        judged(raising(ProviderUnusable("wrong key")))
