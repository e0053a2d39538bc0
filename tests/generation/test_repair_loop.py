"""The repair loop: repairs, fallbacks, limits, and every failure as an outcome."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from qtgen.errors import (
    BudgetReached,
    Failure,
    Filtered,
    Interrupted,
    ProviderUnusable,
    Refused,
    Retryable,
    StyleRejected,
    Truncated,
)
from qtgen.generation.answer_candidates import AcceptedAnswer, Candidate, Selector, request_provenance
from qtgen.generation.answer_check import AnswerCheck, Concern
from qtgen.generation.config import GenerationConfig
from qtgen.generation.generator import NewPage
from qtgen.generation.plan import Job
from qtgen.generation.repair_loop import run_task
from qtgen.generation.types import Draft, Outcome, Question, Status
from qtgen.generation.unwrap import Wrapping
from qtgen.llm.types import AnswerFormat, Completion, Prompt, PromptStyle, Usage
from qtgen.validation.diagnostics import Diagnostic, Severity
from support import TODAY, Scripted, points_json

JOB = Job(
    Question("What is osmosis?", "Biology"),
    7,
    TODAY,
    "out/biology/what-is-osmosis.md",
    "/learn/biology/questions/what-is-osmosis",
)
TRUNCATED = Truncated("cut off", usage=Usage(9, 9, 0, 0.5))


def ask(config: GenerationConfig, *providers: Scripted) -> Outcome:
    return asyncio.run(run_task(NewPage(JOB, config), config.repairs, providers))


class Weighed:
    """A task whose answers are numbers: the weight of a concern. 0 is without concerns, and a word is unusable."""

    def __init__(self, config: GenerationConfig) -> None:
        self.config = config
        self.blank = Outcome(JOB.question, Status.FAILED, JOB.path, JOB.url)

    def prompt(self, style: PromptStyle) -> Prompt:
        return self.config.render(JOB.question, style)

    def check(self, prompt: Prompt, completion: str, *, truncated: bool = False) -> AnswerCheck:
        if not completion.isdigit():
            return AnswerCheck(faults=("not a number",))
        weight = float(completion)
        warning = Diagnostic(JOB.path, 1, 1, 1, 2, "x", "x", Severity.WARNING, completion)
        return AnswerCheck(completion, (), (warning,), (Concern(f"worse by {completion}", weight),) if weight else ())

    def draft(self, check: AnswerCheck, answer: AcceptedAnswer) -> Draft:
        return Draft(JOB.path, JOB.url, check.text or "", request_provenance(answer))


def weigh(config: GenerationConfig, *providers: Scripted, repairs: int = 2) -> Outcome:
    return asyncio.run(run_task(Weighed(config), repairs, providers))


def failure(outcome: Outcome) -> Failure:
    assert outcome.error
    return outcome.error


def test_faults_are_sent_back_to_the_model(config: GenerationConfig) -> None:
    provider = Scripted("nonsense", points_json(summary="short"), points_json())
    outcome = ask(config, provider)
    assert (outcome.status, outcome.attempts, provider.rejected) == (Status.WRITTEN, 3, 2)
    assert outcome.usage == Usage(300, 150, 0, 0.75), "every attempt is paid for"
    assert "- the answer is no object" in provider.asked[1].messages[-1].content
    assert "- summary: " in provider.asked[2].messages[-1].content
    assert "no object" not in provider.asked[2].messages[-1].content, "only the faults of the last answer"
    temperatures = [prompt.parameters["temperature"] for prompt in provider.asked]
    assert temperatures == pytest.approx([0.2, 0.3, 0.4])


def test_a_task_fails_after_the_last_repair(config: GenerationConfig) -> None:
    provider = Scripted("nonsense", "nonsense", "nonsense")
    outcome = ask(config, provider)
    assert (outcome.status, outcome.attempts, provider.script) == (Status.FAILED, 3, [])
    assert failure(outcome) == Failure(
        "answer", "no usable answer in 3 attempts: the answer is no object; write one JSON object"
    )
    assert (outcome.last_answer, outcome.draft) == ("nonsense", None)


@pytest.mark.parametrize(
    ("error", "kind"),
    [(Retryable("HTTP 503"), "unavailable"), (Refused("no"), "refused"), (Filtered("no"), "filtered")],
)
def test_a_provider_error_fails_this_task_only(config: GenerationConfig, error: Exception, kind: str) -> None:
    outcome = ask(config, Scripted("nonsense", error))
    assert (outcome.status, failure(outcome).kind) == (Status.FAILED, kind)
    assert outcome.usage.cost_usd == 0.25, "the first answer was paid for"


def test_an_unusable_provider_raises(config: GenerationConfig) -> None:
    with pytest.raises(ProviderUnusable):
        ask(config, Scripted(ProviderUnusable("wrong key")), Scripted(points_json()))


def test_a_truncated_answer_gets_twice_the_tokens_once(config: GenerationConfig) -> None:
    provider = Scripted(TRUNCATED, "nonsense", points_json())
    outcome = ask(config, provider)
    assert (outcome.status, outcome.usage.cost_usd) == (Status.WRITTEN, 1.0)
    assert [prompt.parameters["max_tokens"] for prompt in provider.asked] == [1200, 2400, 2400]
    outcome = ask(config, Scripted(TRUNCATED, TRUNCATED))
    assert (failure(outcome).kind, outcome.usage.cost_usd) == ("truncated", 1.0)


def cut_off(text: str) -> Truncated:
    completion = Completion(text, "m", Usage(9, 9, 0, 0.5), kind="truncated")
    return Truncated("cut off", usage=completion.usage, completion=completion)


def test_a_complete_answer_is_accepted_although_the_endpoint_cut_off_what_followed(config: GenerationConfig) -> None:
    provider = Scripted(cut_off(points_json() + "\n\nAnother one: {"))
    outcome = ask(config, provider)
    assert (outcome.status, outcome.attempts, outcome.usage.cost_usd) == (Status.WRITTEN, 1, 0.5)
    assert outcome.draft


def test_a_complete_answer_with_faults_gets_a_repair_and_not_more_tokens(config: GenerationConfig) -> None:
    provider = Scripted(cut_off(points_json(summary="short") + "!" * 99), points_json())
    outcome = ask(config, provider)
    assert (outcome.status, provider.rejected) == (Status.WRITTEN, 1)
    assert [prompt.parameters["max_tokens"] for prompt in provider.asked] == [1200, 1200]
    assert "- summary: " in provider.asked[1].messages[-1].content


@pytest.mark.parametrize("end", [1, 40, 300, 500])
def test_an_incomplete_answer_gets_more_tokens_and_is_kept(config: GenerationConfig, end: int) -> None:
    text = points_json()[:-end]
    outcome = ask(config, Scripted(cut_off(text), cut_off(text)))
    assert (failure(outcome), outcome.last_answer) == (Failure("truncated", "cut off"), text)


def test_what_was_around_an_answer_is_noted(config: GenerationConfig, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "qtgen")
    fenced = f"Sure, here is the answer:\n```json\n{points_json()}\n```"
    outcome = ask(config, Scripted("nonsense", fenced))
    assert outcome.unwrapped == ((Wrapping.PROSE, Wrapping.CODE_FENCE),)
    assert "what-is-osmosis.md: unwrapped: words around the answer, code fence" in caplog.text
    assert ask(config, Scripted(points_json())).unwrapped == ()


def test_more_tokens_are_no_repair(config: GenerationConfig) -> None:
    without_repairs = replace(config, repairs=0)
    assert ask(without_repairs, Scripted(TRUNCATED, points_json())).status is Status.WRITTEN
    assert failure(ask(without_repairs, Scripted(TRUNCATED, TRUNCATED))).kind == "truncated"


def test_a_fallback_is_asked_when_the_first_model_fails(config: GenerationConfig) -> None:
    outcome = ask(config, Scripted(Refused("no")), Scripted(points_json()))
    assert (outcome.status, outcome.attempts) == (Status.WRITTEN, 2)
    first = Scripted("nonsense", "nonsense", "nonsense")
    outcome = ask(config, first, Scripted(Filtered("no")))
    assert (failure(outcome).kind, outcome.attempts, first.rejected) == ("filtered", 4, 3)


def test_only_the_answers_of_an_exhausted_task_are_forgotten(config: GenerationConfig) -> None:
    def forgotten(*script: str | Exception) -> list[str]:
        provider = Scripted(*script)
        ask(config, provider)
        return provider.forgotten

    refused = Refused("no")
    refused.completion = Completion("no", "m", Usage(), kind="refused")
    assert forgotten("nonsense", points_json()) == []
    assert forgotten("nonsense", "rubbish", "bad") == ["nonsense", "rubbish", "bad"]
    assert forgotten("nonsense", refused) == ["nonsense", "no"]
    assert forgotten("nonsense", Retryable("HTTP 503")) == [], "the next run resumes there"
    assert forgotten("nonsense", BudgetReached("used up")) == []
    assert forgotten("nonsense", Interrupted("stopped")) == []
    first = Scripted("nonsense", refused)
    assert ask(config, first, Scripted(points_json())).status is Status.WRITTEN
    assert first.forgotten == []


def test_a_used_up_budget_skips_the_task(config: GenerationConfig) -> None:
    outcome = ask(config, Scripted("nonsense", BudgetReached("used up")), Scripted(points_json()))
    assert (outcome.status, failure(outcome)) == (Status.SKIPPED, Failure("budget", "used up"))


def test_an_interruption_skips_the_task_without_repair_or_fallback(config: GenerationConfig) -> None:
    fallback = Scripted(points_json())
    outcome = ask(config, Scripted("nonsense", Interrupted("stopped")), fallback)
    assert (outcome.status, failure(outcome).kind) == (Status.SKIPPED, "interrupted")
    assert (outcome.attempts, fallback.asked) == (1, []), "a request that was not sent is no attempt"


def test_cached_answers_cost_nothing_this_time(config: GenerationConfig) -> None:
    class Cached(Scripted):
        async def complete(self, prompt: Any) -> Completion:
            return replace(await self.send(prompt), reused=True)

    outcome = ask(config, Cached(points_json()))
    assert outcome.usage == Usage()
    assert outcome.draft
    assert outcome.draft.provenance["usage"]["cost_usd"] == 0.25, "provenance has what the page took in all"


def test_provenance_rounds_costs_and_keeps_unknown_ones(config: GenerationConfig) -> None:
    prompt = config.render(JOB.question)
    for cost, rounded in ((0.00051614999, 0.00051615), (None, None)):
        answer = AcceptedAnswer(1, prompt, Completion("x", "m", Usage()), Usage(1, 1, 0, cost), "p", "asked")
        assert request_provenance(answer)["usage"]["cost_usd"] == rounded


def test_the_sum_of_a_known_and_an_unknown_cost_is_unknown() -> None:
    assert (Usage(1, 1, 0, 0.5) + Usage(1, 1, 0, None)).cost_usd is None


def test_a_concern_goes_back_to_the_model_and_the_repaired_answer_is_accepted(config: GenerationConfig) -> None:
    provider = Scripted("2", "0", "0")
    outcome = weigh(config, provider)
    assert outcome.draft
    assert (outcome.status, outcome.attempts, outcome.draft.text, provider.rejected) == (Status.WRITTEN, 2, "0", 1)
    assert "- worse by 2" in provider.asked[1].messages[-1].content


@pytest.mark.parametrize(
    ("script", "best", "number"),
    [("3 1 2", "1", 2), ("1 3 3", "1", 1), ("3 2 1", "1", 3), ("2 2 2", "2", 1), ("2 bad bad", "2", 1)],
)
def test_the_best_usable_answer_is_accepted_after_the_last_repair(
    config: GenerationConfig, script: str, best: str, number: int
) -> None:
    provider, fallback = Scripted(*script.split()), Scripted("0")
    outcome = weigh(config, provider, fallback)
    assert outcome.draft
    assert (outcome.status, outcome.attempts, outcome.error) == (Status.WRITTEN, 3, None)
    assert (outcome.draft.text, outcome.last_answer, outcome.diagnostics[0].message) == (best, best, best)
    assert outcome.draft.provenance["attempts"] == number
    assert outcome.draft.provenance["usage"]["cost_usd"] == 0.75, "the answers after the best one were paid for too"
    assert (fallback.asked, provider.forgotten) == ([], [])


def test_a_usable_answer_survives_a_repair_that_fails(config: GenerationConfig) -> None:
    for error in (Refused("no"), Filtered("no"), Retryable("HTTP 503")):
        outcome = weigh(config, Scripted("1", error))
        assert (outcome.status, outcome.error, outcome.last_answer) == (Status.WRITTEN, None, "1")
    for stop in (BudgetReached("used up"), Interrupted("stopped")):
        outcome = weigh(config, Scripted("1", stop))
        assert (outcome.status, outcome.draft) == (Status.SKIPPED, None), "another run resumes with the repair"


def test_faults_count_before_concerns(config: GenerationConfig) -> None:
    class Both(Weighed):
        def check(self, prompt: Prompt, completion: str, *, truncated: bool = False) -> AnswerCheck:
            return replace(super().check(prompt, completion, truncated=truncated), text=None, faults=("unusable",))

    provider = Scripted("1", "1")
    outcome = asyncio.run(run_task(Both(config), 1, [provider]))
    assert failure(outcome).message == "no usable answer in 2 attempts: unusable"
    assert "- unusable\n- worse by 1" in provider.asked[1].messages[-1].content


def test_an_answer_with_concerns_is_accepted_at_once_without_repairs(config: GenerationConfig) -> None:
    provider = Scripted("1")
    outcome = weigh(config, provider, repairs=0)
    assert (outcome.status, outcome.attempts, provider.rejected) == (Status.WRITTEN, 1, 0)


# --- several candidates ----------------------------------------------------------------------------------------------


class Rough(Weighed):
    """A task whose answers are `WEIGHT` or `WEIGHT/ROUGHNESS`."""

    def check(self, prompt: Prompt, completion: str, *, truncated: bool = False) -> AnswerCheck:
        weight, _, roughness = completion.partition("/")
        return replace(super().check(prompt, weight), text=completion, roughness=lambda: float(roughness or 0))


def choose(
    config: GenerationConfig, script: str, selector: Selector | None = None, *, candidates: int = 3
) -> tuple[Outcome, Scripted]:
    provider = Scripted(*script.split())
    run = run_task(Rough(config), 2, [provider], candidates=candidates, selector=selector)
    return asyncio.run(run), provider


@pytest.mark.parametrize(
    ("script", "best", "others"),
    [
        ("0/3 0/1 0/2", "0/1", ("0/3", "0/2")),
        ("1/0 0/9 2/0", "0/9", ("1/0", "2/0")),
        ("0/1 0/1 0/1", "0/1", ("0/1", "0/1")),
    ],
)
def test_the_best_of_several_candidates_is_accepted(
    config: GenerationConfig, script: str, best: str, others: tuple[str, ...]
) -> None:
    outcome, provider = choose(config, script)
    assert outcome.draft
    assert (outcome.status, outcome.draft.text, outcome.other_answers) == (Status.WRITTEN, best, others)
    assert [prompt.sample for prompt in provider.asked] == [0, 1, 2]
    assert len({prompt.messages for prompt in provider.asked}) == 1, "nothing is repaired before all are there"


def test_repairs_begin_if_no_candidate_is_without_concerns(config: GenerationConfig) -> None:
    outcome, provider = choose(config, "3 2 0", candidates=2)
    assert outcome.draft
    assert (outcome.draft.text, outcome.attempts) == ("0", 3)
    assert "- worse by 2" in provider.asked[2].messages[-1].content
    assert provider.rejected == 2


def test_a_selector_chooses_between_candidates_with_equal_concerns(config: GenerationConfig) -> None:
    seen: list[list[str]] = []

    async def last(outcome: Outcome, candidates: Sequence[Candidate]) -> int:
        seen.append([candidate.text for candidate in candidates])
        return len(candidates) - 1

    outcome, _ = choose(config, "0/2 1/0 0/1", last)
    assert outcome.draft
    assert (outcome.draft.text, seen) == ("0/2", [["0/1", "0/2"]])
    choose(config, "0/2 1/0 1/1", last)
    assert len(seen) == 1, "one candidate needs no choice"


def test_an_error_leaves_the_candidates_that_came_before(config: GenerationConfig) -> None:
    provider = Scripted("0/1", Refused("no"))
    outcome = asyncio.run(run_task(Rough(config), 2, [provider], candidates=3))
    assert (outcome.status, outcome.last_answer, outcome.other_answers) == (Status.WRITTEN, "0/1", ())


def test_a_candidate_that_is_truncated_twice_does_not_end_the_others(config: GenerationConfig) -> None:
    provider = Scripted(Truncated("cut"), Truncated("cut"), points_json(), points_json())
    outcome = asyncio.run(run_task(NewPage(JOB, config), 0, [provider], candidates=3))
    assert (outcome.status, outcome.attempts) == (Status.WRITTEN, 4)
    alone = Scripted(Truncated("cut"), Truncated("cut"))
    assert failure(asyncio.run(run_task(NewPage(JOB, config), 3, [alone]))).kind == "truncated"


# --- a format that the endpoint rejects -------------------------------------------------------------------------------


class Falling(Scripted):
    """A provider whose style is the next one of `styles` after each rejected format."""

    styles = (PromptStyle(AnswerFormat.JSON_OBJECT), PromptStyle(AnswerFormat.MARKDOWN))

    async def complete(self, prompt: Prompt) -> Completion:
        try:
            return await super().complete(prompt)
        except StyleRejected:
            rejections = len([asked for asked in self.asked if asked.style != self.style]) + 1
            self.style = self.styles[min(rejections, len(self.styles)) - 1]
            raise


def test_a_prompt_is_rendered_again_in_the_format_that_the_endpoint_accepts(config: GenerationConfig) -> None:
    provider = Falling(StyleRejected("no", usage=Usage(0, 0, 0, 0.5)), points_json())
    outcome = ask(config, provider)
    assert (outcome.status, outcome.attempts, outcome.usage.cost_usd) == (Status.WRITTEN, 1, 0.75)
    assert [prompt.style.format for prompt in provider.asked] == ["json_schema", "json_object"]
    assert "Its JSON Schema" in provider.asked[1].messages[0].content


def test_repairs_continue_in_the_new_format(config: GenerationConfig) -> None:
    provider = Falling(StyleRejected("no"), "nonsense", points_json())
    outcome = ask(config, provider)
    assert (outcome.status, outcome.attempts) == (Status.WRITTEN, 2)
    assert "<faults>" in provider.asked[2].messages[-1].content
    assert provider.asked[2].style.format is AnswerFormat.JSON_OBJECT


def test_an_endpoint_that_rejects_every_format_fails_the_page(config: GenerationConfig) -> None:
    provider = Falling(*[StyleRejected("the endpoint rejects it")] * 9)
    outcome = ask(config, provider)
    assert (outcome.status, outcome.attempts) == (Status.FAILED, 0)
    assert outcome.error == Failure("style", "the endpoint rejects it")
    assert len(provider.asked) <= 3


def test_the_accepted_answer_does_not_count_as_invalid(config: GenerationConfig) -> None:
    provider = Scripted("3", "x", "4")
    outcome = weigh(config, provider)
    assert (outcome.draft and outcome.draft.text, outcome.attempts, provider.rejected) == ("3", 3, 2)
