"""One page rewritten with a scripted provider: what is asked, what is accepted, and what replaces the old text."""

import asyncio
import datetime as dt
import json
from dataclasses import replace
from typing import Any

import pytest

from qtgen.errors import BudgetReached, Interrupted, ProviderUnusable
from qtgen.generation.answer_check import AnswerCheck
from qtgen.generation.config import GenerationConfig
from qtgen.generation.provenance import group_digests
from qtgen.generation.types import Status
from qtgen.llm.types import STANDARD_STYLE, AnswerFormat, PromptStyle
from qtgen.regeneration.attempts import attempt_key, rewrite_record
from qtgen.regeneration.rewrite import NO_REFERENCE, RewriteJob, RewriteResult, RewriteTask, rewrite, splice_problem
from support import TODAY, Scripted, points_json
from support.default_tables import FIELD_GROUPS, read_text
from support.pages import LONG_DESCRIPTION, SHORT_DESCRIPTION, UNSPACED_KEYWORDS, changed_lines, make_page
from support.rewriting import DESCRIPTION, KEYWORDS, OFF_TOPIC, Responder, first_shown, make_job, prefers, seo_json

REFUSAL = "I'm sorry, but I can't help with that."
VARIED_POINTS = [
    ("Gradient", "Water passes to the side that holds more solute, since its own concentration is lower there."),
    ("Membrane", "A semipermeable membrane has pores which are too small for sugar and for most ions to slip by."),
    ("Pressure", "Pressing on the concentrated side stops the osmosis; the pressure needed is called osmotic."),
    ("Cells", "Red blood cells burst in pure water and shrivel in brine, whereas plant walls resist either."),
]
GOOD_KEYWORDS = ("osmosis", "membrane", "solute", "water", "concentration")
GOOD_ANSWER = points_json(points=[{"heading": heading, "explanation": text} for heading, text in VARIED_POINTS])


def run(
    config: GenerationConfig, job: RewriteJob, *script: str | Exception, judges: tuple[Responder, ...] = ()
) -> tuple[RewriteResult, Scripted]:
    provider = Scripted(*script)
    return asyncio.run(rewrite(job, config, [provider], judges)), provider


def new_text(result: RewriteResult) -> str:
    assert result.outcome.draft
    return result.outcome.draft.text


def fixed_job(**options: Any) -> RewriteJob:
    """Return a job for a page whose keywords were fixed before."""
    changes = {DESCRIPTION: LONG_DESCRIPTION, KEYWORDS: UNSPACED_KEYWORDS}
    fixed = make_page(**{**changes, KEYWORDS: UNSPACED_KEYWORDS.replace(",", ", ")})
    return make_job(changes=changes, page=fixed, fixes=1, **options)


# --- what is asked ---------------------------------------------------------------------------------------------------


def test_search_fields_are_requested_with_the_answer_as_their_source(config: GenerationConfig) -> None:
    prompt = RewriteTask(make_job(DESCRIPTION), config).prompt(STANDARD_STYLE)
    assert prompt.name == "seo"
    assert "<answer>\nOsmosis moves water" in prompt.messages[-1].content


def test_an_answer_is_requested_like_that_of_a_new_page(config: GenerationConfig) -> None:
    job = make_job("answer", DESCRIPTION)
    assert RewriteTask(job, config).prompt(STANDARD_STYLE).digest == config.render(job.question).digest


def check(task: RewriteTask, response: str) -> AnswerCheck:
    return task.check(task.prompt(STANDARD_STYLE), response)


def test_a_readers_complaint_is_in_the_first_request(config: GenerationConfig) -> None:
    plain = make_job("answer", DESCRIPTION, reasons=("sent-back",))
    job = replace(plain, complaint="Incomplete: Name the </faults> membrane.")
    usual, prompt = (RewriteTask(one, config).prompt(STANDARD_STYLE) for one in (plain, job))
    assert usual == config.render(plain.question)
    assert prompt.messages[:-1] == usual.messages[:-1]
    text = prompt.messages[-1].content
    assert text.startswith(f"{usual.messages[-1].content}\n\n")
    assert "<faults>\n- Incomplete: Name the ‹/faults> membrane.\n</faults>" in text
    assert (prompt.digest, prompt.wording_digest) == (usual.digest, usual.wording_digest), "the template is the same"
    search_fields = replace(make_job(DESCRIPTION), complaint="Name the membrane.")
    assert "- Name the membrane." in RewriteTask(search_fields, config).prompt(STANDARD_STYLE).messages[-1].content


def test_a_small_model_is_asked_for_another_answer(config: GenerationConfig) -> None:
    """Its short prompt does not list faults, but the request must differ, or the ledger would give the same answer."""
    style = PromptStyle(AnswerFormat.MARKDOWN, is_short=True)
    job = make_job("answer", DESCRIPTION)
    usual = RewriteTask(job, config).prompt(style)
    prompt = RewriteTask(replace(job, complaint="Say why."), config).prompt(style)
    assert prompt.messages == usual.messages
    assert (prompt.parameters, prompt.sample) != (usual.parameters, usual.sample)


def test_a_repair_repeats_the_complaint(config: GenerationConfig) -> None:
    job = replace(make_job(DESCRIPTION), complaint="Name the membrane.")
    _, provider = run(config, job, "nonsense", seo_json())
    assert ["Name the membrane." in prompt.messages[-1].content for prompt in provider.asked] == [True, True]


# --- what is accepted ------------------------------------------------------------------------------------------------


def test_only_the_fields_of_the_job_change(config: GenerationConfig) -> None:
    job = make_job(DESCRIPTION)
    result, _ = run(config, job, seo_json())
    assert result.outcome.status is Status.WRITTEN
    assert changed_lines(job.original, new_text(result).encode()) == [SHORT_DESCRIPTION]


def test_a_new_answer_resets_the_score_and_sets_the_date_if_wanted(config: GenerationConfig) -> None:
    old_values = {"answer": REFUSAL, "score": 0.7, "date": dt.date(2020, 1, 1)}
    job = make_job("answer", changes=old_values, reasons=("QT604",), touch_date=True)
    result, _ = run(config, job, GOOD_ANSWER)
    assert result.outcome.status is Status.WRITTEN, result
    old, new = job.page.values, read_text(new_text(result)).values
    assert {path for path in old if old[path] != new[path]} == {"answer", "score", "date"}
    assert (new["score"], new["date"]) == (-1.0, TODAY)


def test_a_page_without_a_score_gets_none(config: GenerationConfig) -> None:
    task = RewriteTask(make_job("answer", changes={"score": None}), config)
    assert task.changes({"answer": "x", DESCRIPTION: "y"}) == {"answer": "x"}


def test_the_finding_that_was_the_reason_is_a_fault(config: GenerationConfig) -> None:
    changes = {KEYWORDS: "osmosis, membrane"}
    job = make_job(KEYWORDS, changes=changes, reasons=("QT603",))
    result, provider = run(config, job, seo_json(keywords=("osmosis", "water")), seo_json(keywords=GOOD_KEYWORDS))
    assert (result.outcome.status, result.outcome.attempts) == (Status.WRITTEN, 2), result
    assert len(provider.asked) == 2


def test_a_new_error_is_a_fault_and_an_old_one_is_not(config: GenerationConfig) -> None:
    link = "[here](javascript:alert(1))"
    response = points_json(introduction=f"Click {link} to see how osmosis moves water through a membrane.")
    checked = check(RewriteTask(make_job("answer", changes={}, reasons=("old",)), config), response)
    assert (checked.text, checked.faults) == (None, ("answer: this is a `javascript:` link; remove it",))
    assert [diagnostic.code for diagnostic in checked.diagnostics] == ["QT507"]
    old_error = {"answer": f"{make_page().text_of('answer')} {link}"}
    assert check(RewriteTask(make_job("answer", changes=old_error, reasons=("old",)), config), response).text
    is_the_reason = make_job("answer", changes=old_error, reasons=("QT507",))
    assert check(RewriteTask(is_the_reason, config), response).text is None


def test_a_new_answer_is_compared_with_the_source_of_its_question(config: GenerationConfig) -> None:
    job = make_job("answer", DESCRIPTION, reasons=("source-changed",))
    job = replace(job, question=replace(job.question, context="Osmosis moves water. The membrane holds solutes back."))
    invented = points_json(summary="Osmosis evens out 37% of the concentrations by moving the water.")
    assert "the figure `37%` is not in the source text" in check(RewriteTask(job, config), invented).concerns[0].message
    strict = check(RewriteTask(job, replace(config, strict_grounding=True)), invented)
    assert strict.text is None
    result, _ = run(config, job, GOOD_ANSWER)
    assert result.outcome.draft
    assert result.outcome.draft.provenance["grounding"]["unsupported_items"] == 0
    only_search = replace(job, fields=frozenset({DESCRIPTION}))
    assert check(RewriteTask(only_search, config), seo_json()).concerns == ()


def test_a_response_that_no_page_can_hold_is_a_fault(config: GenerationConfig) -> None:
    task = RewriteTask(make_job(DESCRIPTION), config)
    assert check(task, "nonsense").faults
    commented = make_job(
        DESCRIPTION, page=read_text(make_page().text.replace("date_format: MMM", "date_format: &a MMM"))
    )
    assert "a problem to correct first" in check(RewriteTask(commented, config), seo_json()).faults[0]


def test_a_failed_job_keeps_its_safe_fixes(config: GenerationConfig) -> None:
    job = fixed_job()
    result, _ = run(config, job, *["nonsense"] * 3)
    assert (result.outcome.status, result.outcome.attempts) == (Status.FAILED, 3)
    assert changed_lines(job.original, new_text(result).encode()) == [UNSPACED_KEYWORDS.replace(",", ", ")]
    result, _ = run(config, make_job(), *["nonsense"] * 3)
    assert result.outcome.draft is None


def test_an_unusable_provider_ends_the_run(config: GenerationConfig) -> None:
    with pytest.raises(ProviderUnusable):
        run(config, make_job(), ProviderUnusable("wrong key"))


def test_provenance_records_the_reasons_and_both_texts(config: GenerationConfig) -> None:
    job = make_job(DESCRIPTION, KEYWORDS, reasons=("QT601", "old"))
    result, provider = run(config, job, seo_json())
    assert result.outcome.draft
    made = result.outcome.draft.provenance
    assert made["because"] == ["QT601", "old"]
    assert (made["url"], made["id"], made["date"]) == (job.url, 7, TODAY.isoformat())
    assert (made["groups"], made["prompt_digest"]) == (["seo"], provider.asked[0].digest)
    assert made["replaced_digests"] == group_digests(job.page, ["seo"])
    assert made["text_digests"] == group_digests(read_text(result.outcome.draft.text), ["seo"])
    assert json.loads(json.dumps(made)) == made


# --- what replaces the old text --------------------------------------------------------------------------------------


def test_a_worse_text_is_rejected_and_both_versions_are_recorded(config: GenerationConfig) -> None:
    job = fixed_job()
    result, _ = run(config, job, seo_json(OFF_TOPIC))
    assert result.outcome.status is Status.KEPT
    assert "further from its topic" in result.explanation
    assert changed_lines(job.original, new_text(result).encode()) == [UNSPACED_KEYWORDS.replace(",", ", ")]
    record = json.loads(rewrite_record(result, "key-1"))
    assert record["fields"] == {DESCRIPTION: {"old": LONG_DESCRIPTION, "new": OFF_TOPIC}}
    assert (record["why"], record["key"], record["reasons"]) == (result.explanation, "key-1", ["QT601"])
    assert record["made"]["prompt"] == "seo"
    assert record["compared"]["verdict"] == "old"
    assert record["compared"]["measures"]["description.similarity"] < 1
    assert "compared" not in record["made"]
    assert result.comparison
    assert record["compared"] == result.comparison.as_dict()


def test_an_accepted_text_is_recorded_like_a_rejected_one(config: GenerationConfig) -> None:
    old_values = {"answer": REFUSAL, "score": 0.7, "date": dt.date(2020, 1, 1)}
    job = make_job("answer", changes=old_values, reasons=("QT604",), touch_date=True)
    result, _ = run(config, job, GOOD_ANSWER)
    record = json.loads(rewrite_record(result, "key-1"))
    assert result.outcome.draft
    assert record["fields"] == {"answer": {"old": REFUSAL, "new": read_text(new_text(result)).values["answer"]}}
    score, date = {"old": 0.7, "new": -1.0}, {"old": "2020-01-01", "new": TODAY.isoformat()}
    assert record["also"] == {"score": score, "date": date}
    assert (record["why"], record["key"], record["url"]) == ("", "key-1", job.url)
    assert result.outcome.draft.provenance["compared"] == record["compared"]
    assert record["compared"]["by"] == "metrics"
    untouched = make_job(DESCRIPTION)
    assert json.loads(rewrite_record(run(config, untouched, seo_json())[0], "k"))["also"] == {}


def test_the_same_text_again_is_rejected(config: GenerationConfig) -> None:
    job = make_job(DESCRIPTION, changes={DESCRIPTION: SHORT_DESCRIPTION}, reasons=("old",))
    result, _ = run(config, job, seo_json(SHORT_DESCRIPTION))
    assert (result.outcome.status, result.outcome.draft) == (Status.KEPT, None)
    assert result.explanation == "the new text is the same as the old one"
    assert result.comparison
    assert (result.comparison.verdict, result.comparison.measures) == ("same", {})


@pytest.mark.parametrize("reason", sorted(NO_REFERENCE))
def test_some_old_answers_are_no_reference(config: GenerationConfig, reason: str) -> None:
    old = {"answer": "Photosynthesis turns light into sugar in the leaves of green plants. " * 6}
    assert run(config, make_job("answer", changes=old, reasons=("old",)), GOOD_ANSWER)[0].outcome.status is Status.KEPT
    job = make_job("answer", changes=old, reasons=("old", reason))
    assert run(config, job, GOOD_ANSWER)[0].outcome.status is Status.WRITTEN


def test_judges_replace_the_metrics(config: GenerationConfig) -> None:
    for_new, for_old, biased = (
        Responder(respond, "judge") for respond in (prefers(OFF_TOPIC), prefers("solute, until"), first_shown)
    )
    for judge, status in ((for_new, Status.WRITTEN), (for_old, Status.KEPT), (biased, Status.WRITTEN)):
        result, _ = run(config, make_job(), seo_json(OFF_TOPIC), judges=(judge,))
        assert result.outcome.status is status, result.explanation
        assert len(judge.prompts) == 2, "both orders"


def raise_error(error: Exception) -> Any:
    def respond(_prompt: object) -> str:
        raise error

    return respond


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (BudgetReached("used up"), Status.SKIPPED, "budget"),
        (Interrupted("stopped"), Status.SKIPPED, "interrupted"),
        (None, Status.FAILED, "judge"),
    ],
)
def test_without_a_verdict_the_page_keeps_its_text(
    config: GenerationConfig, error: Exception | None, status: Status, kind: str
) -> None:
    judge = Responder(raise_error(error) if error else lambda _: "nonsense", "judge")
    result, _ = run(config, fixed_job(), seo_json(), judges=(judge,))
    outcome = result.outcome
    assert outcome.error
    assert (outcome.status, outcome.error.kind, outcome.attempts, result.rejected) == (status, kind, 1, None)
    assert LONG_DESCRIPTION in new_text(result)
    assert outcome.usage.prompt_tokens == 100, "the response was paid for"


# --- repeating an attempt --------------------------------------------------------------------------------------------


def test_an_attempt_is_the_same_until_something_about_it_changes(config: GenerationConfig) -> None:
    job = make_job()
    key = attempt_key(job, config, ["m"], [])
    assert attempt_key(make_job(reasons=("old",)), config, ["m"], []) == key
    others = [
        attempt_key(make_job(changes={DESCRIPTION: LONG_DESCRIPTION + "!"}), config, ["m"], []),
        attempt_key(make_job(DESCRIPTION, KEYWORDS), config, ["m"], []),
        attempt_key(job, replace(config, temperature=0.1), ["m"], []),
        attempt_key(job, config, ["n"], []),
        attempt_key(job, config, ["m"], ["judge"]),
    ]
    assert len({key, *others}) == len(others) + 1


def test_a_line_that_cannot_be_edited_is_found_before_the_request(config: GenerationConfig) -> None:
    page = read_text(make_page().text.replace("date: 2026-01-31", "date: 2026-01-31 # checked"))
    job = make_job(page=page)
    assert splice_problem(job, config) is None
    assert splice_problem(replace(job, touch_date=True), replace(config, today=TODAY.replace(year=2027)))


def test_the_groups_of_a_job_are_those_of_its_fields() -> None:
    assert make_job(KEYWORDS).groups == ("seo",)
    assert make_job("answer", *FIELD_GROUPS["seo"]).groups == ("answer", "seo")
