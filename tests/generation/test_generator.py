"""Question -> page with a scripted provider: repair, bounds, and every failure as a value."""

import asyncio
import json
from dataclasses import replace

import pytest

from qtgen.errors import BudgetReached, Filtered, ProviderUnusable, Refused, Retryable, Truncated
from qtgen.generation.config import GenerationConfig
from qtgen.generation.generator import generate_page
from qtgen.generation.plan import Job
from qtgen.generation.repair_loop import _rounded
from qtgen.generation.types import Outcome, Question, Status
from qtgen.llm.types import Completion, Usage
from qtgen.page import read_text
from qtgen.validation.rules import REGISTRY, PageFile, run
from support import TODAY, Scripted, points_json

JOB = Job(
    Question("What is osmosis?", "Biology", source="q.csv:2"),
    7,
    TODAY,
    "outputs/biology/what-is-osmosis.md",
    "/learn/biology/questions/what-is-osmosis",
)


def make(config: GenerationConfig, *script: str | Exception) -> tuple[Outcome, Scripted]:
    provider = Scripted(*script)
    return asyncio.run(generate_page(JOB, config, [provider])), provider


def test_a_page_with_its_provenance(config: GenerationConfig) -> None:
    outcome, provider = make(config, points_json())
    assert (outcome.status, outcome.attempts, outcome.error) == (Status.WRITTEN, 1, None)
    assert outcome.draft is not None
    page = read_text(outcome.draft.text)
    assert page.canonical
    assert run(PageFile(JOB.path, page), REGISTRY.values()) == []
    assert page.values["id"] == 7
    assert page.values["score"] == -1.0
    assert page.values["seo.page_keywords"] == "osmosis, membrane, solute, water, diffusion"
    made = outcome.draft.provenance
    assert json.loads(json.dumps(made)) == made
    assert made["prompt_digest"] == provider.asked[0].digest
    assert made["request_id"] == "request-1"
    assert made["usage"] == {"prompt_tokens": 100, "completion_tokens": 50, "cached_tokens": 0, "cost_usd": 0.25}


def test_faults_are_named_to_the_model_and_mended(config: GenerationConfig) -> None:
    outcome, provider = make(config, "nonsense", points_json(summary="short"), points_json())
    assert (outcome.status, outcome.attempts) == (Status.WRITTEN, 3)
    assert outcome.usage == Usage(300, 150, 0, 0.75), "every attempt is paid for"
    assert "- the answer is not valid JSON" in provider.asked[1].messages[-1].content
    assert "- summary: " in provider.asked[2].messages[-1].content
    assert "not valid JSON" not in provider.asked[2].messages[-1].content


def test_a_latex_collision_is_refused_in_words(config: GenerationConfig) -> None:
    bad = points_json(
        introduction="The gradient $\\nosuch f$ points to the steepest ascent of a function, always and everywhere."
    )
    outcome, provider = make(config, bad, points_json())
    assert outcome.status is Status.WRITTEN
    assert "the site would tear" in provider.asked[1].messages[-1].content


def test_a_model_that_answers_nonsense_fails_after_bounded_attempts(config: GenerationConfig) -> None:
    outcome, provider = make(config, *["nonsense"] * 3)
    assert (outcome.status, outcome.attempts, len(provider.asked)) == (Status.FAILED, 3, 3)
    assert outcome.error is not None
    assert outcome.error.kind == "answer"
    assert outcome.error.message == "no usable answer in 3 attempts: the answer is not valid JSON"
    assert outcome.last_answer == "nonsense"
    assert outcome.draft is None


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (Retryable("HTTP 503"), "unavailable"),
        (Refused("no"), "refused"),
    ],
)
def test_a_provider_error_is_this_questions_failure(config: GenerationConfig, error: Exception, kind: str) -> None:
    outcome, _ = make(config, "nonsense", error)
    assert outcome.status is Status.FAILED
    assert outcome.error is not None
    assert outcome.error.kind == kind
    assert outcome.usage.cost_usd == 0.25, "what was counted is not lost"


def test_an_answer_cut_off_may_be_twice_as_long_once(config: GenerationConfig) -> None:
    cut = Truncated("cut", usage=Usage(9, 9, 0, 0.5))
    outcome, provider = make(config, cut, points_json())
    assert (outcome.status, outcome.usage.cost_usd) == (Status.WRITTEN, 0.75)
    assert [asked.parameters["max_tokens"] for asked in provider.asked] == [1200, 2400]
    outcome, provider = make(config, cut, "nonsense", points_json())
    assert provider.asked[2].parameters["max_tokens"] == 2400, "and stays so"
    outcome, _ = make(replace(config, repairs=0), cut, points_json())
    assert outcome.status is Status.WRITTEN, "it is no repair"
    outcome, _ = make(replace(config, repairs=0), cut, cut)
    assert outcome.error is not None
    assert outcome.error.kind == "truncated"
    outcome, _ = make(config, cut, cut)
    assert outcome.error is not None
    assert (outcome.error.kind, outcome.usage.cost_usd) == ("truncated", 1.0)


def test_another_model_is_asked_where_the_first_fails(config: GenerationConfig) -> None:
    first, second = Scripted(Refused("no")), Scripted(points_json())
    outcome = asyncio.run(generate_page(JOB, config, [first, second]))
    assert (outcome.status, outcome.attempts) == (Status.WRITTEN, 2)
    first, second = Scripted("nonsense", "nonsense", "nonsense"), Scripted(Filtered("no"))
    outcome = asyncio.run(generate_page(JOB, config, [first, second]))
    assert outcome.error is not None
    assert (outcome.error.kind, outcome.attempts, first.rejected) == ("filtered", 4, 3)


def test_only_answers_that_led_to_no_page_are_forgotten(config: GenerationConfig) -> None:
    refused = Refused("no")
    refused.completion = Completion("no", "m", Usage(), kind="refused")
    assert make(config, "nonsense", points_json())[1].forgotten == []
    assert make(config, "nonsense", "rubbish", "bad")[1].forgotten == ["nonsense", "rubbish", "bad"]
    assert make(config, "nonsense", refused)[1].forgotten == ["nonsense", "no"]
    assert make(config, "nonsense", Retryable("HTTP 503"))[1].forgotten == [], "the next run goes on from there"
    assert make(config, "nonsense", BudgetReached("used up"))[1].forgotten == []
    first, second = Scripted("nonsense", refused), Scripted(points_json())
    assert asyncio.run(generate_page(JOB, config, [first, second])).status is Status.WRITTEN
    assert first.forgotten == []


def test_where_the_budget_ends_a_question_is_left_for_later(config: GenerationConfig) -> None:
    outcome, _ = make(config, "nonsense", BudgetReached("used up"))
    assert outcome.error is not None
    assert (outcome.status, outcome.error.kind, outcome.usage.cost_usd) == (Status.SKIPPED, "budget", 0.25)


def test_an_unusable_provider_ends_the_run(config: GenerationConfig) -> None:
    with pytest.raises(ProviderUnusable):
        make(config, ProviderUnusable("wrong key"))


def test_an_unknown_price_stays_unknown_in_sums() -> None:
    assert (Usage(1, 1, 0, 0.5) + Usage(1, 1, 0, None)).cost_usd is None


def test_half_a_character_in_an_answer_is_asked_for_again(config: GenerationConfig) -> None:
    torn = points_json(introduction="Osmosis \ud83d moves water through a membrane that holds the solute back, always.")
    outcome, provider = make(config, torn, points_json())
    assert (outcome.status, outcome.attempts) == (Status.WRITTEN, 2)
    assert "a character is torn" in provider.asked[1].messages[-1].content


def test_a_cost_has_no_more_digits_than_are_meant() -> None:
    assert (_rounded(0.00051614999), _rounded(None)) == (0.00051615, None)
