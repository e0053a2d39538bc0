"""Many jobs: pages on disk, failures beside each other, and an orderly stop."""

import asyncio
import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from qtgen._util import extras
from qtgen._util.concurrency import Stop
from qtgen.errors import BudgetReached, Failure, MissingExtra, ProviderUnusable, Refused
from qtgen.generation.config import GenerationConfig
from qtgen.generation.output import OutputFolder
from qtgen.generation.types import Status
from qtgen.llm.types import Prompt
from qtgen.regeneration.pipeline import rewrite_all
from qtgen.regeneration.rewrite import RewriteJob, RewriteResult
from support.pages import LONG_DESCRIPTION, SHORT_DESCRIPTION, page_path, write_site
from support.rewriting import DESCRIPTION, OFF_TOPIC, Responder, make_job, seo_json, verdict

NAMES = ("osmosis", "diffusion", "turgor", "plasmolysis")


def jobs_on_disk(*names: str) -> list[RewriteJob]:
    """Write pages with a long description and return a job for each."""
    write_site(**{name: {DESCRIPTION: LONG_DESCRIPTION} for name in names})
    return [make_job(DESCRIPTION, name=name) for name in names]


def run(
    config: GenerationConfig,
    jobs: Iterable[RewriteJob | RewriteResult],
    *providers: Responder,
    judges: tuple[Responder, ...] = (),
    stop: Stop | None = None,
    **options: Any,
) -> dict[int, RewriteResult]:
    """Return the results by the place of their job."""

    async def collect() -> dict[int, RewriteResult]:
        results = rewrite_all(
            jobs,
            config,
            providers,
            judges,
            OutputFolder(Path("out")),
            **{"concurrency": 1, "stop": stop or Stop(), **options},
        )
        return {place: result async for place, result in results}

    return asyncio.run(collect())


def description_of(name: str) -> str:
    text = Path(page_path(name)).read_text()
    return LONG_DESCRIPTION if LONG_DESCRIPTION in text else SHORT_DESCRIPTION if SHORT_DESCRIPTION in text else ""


def good(_prompt: Prompt) -> str:
    return seo_json()


# --- pages on disk ---------------------------------------------------------------------------------------------------


def test_pages_are_rewritten_with_their_provenance(config: GenerationConfig) -> None:
    results = run(config, jobs_on_disk(*NAMES), Responder(good), concurrency=4)
    assert {place: result.outcome.status for place, result in results.items()} == dict.fromkeys(
        range(4), Status.WRITTEN
    )
    assert {description_of(name) for name in NAMES} == {SHORT_DESCRIPTION}
    lines = [json.loads(line) for line in Path("out/.qtgen/provenance.jsonl").read_text().splitlines()]
    assert {line["url"].rpartition("-")[2] for line in lines} == set(NAMES)


def test_both_texts_of_a_page_that_was_rewritten_are_kept(config: GenerationConfig) -> None:
    jobs = jobs_on_disk("osmosis", "turgor")
    answers = iter([seo_json(OFF_TOPIC), seo_json()])
    run(config, jobs, Responder(lambda _: next(answers)))
    store = OutputFolder(Path("out"))
    (taken,), (rejected,) = [*store.taken_records.paths()], [*store.rejected_records.paths()]
    assert (taken.name, rejected.name) == ("what-is-turgor.json", "what-is-osmosis.json")
    record, (line,) = json.loads(taken.read_text()), store.provenance_file.read_text().splitlines()
    assert record["fields"] == {DESCRIPTION: {"old": LONG_DESCRIPTION, "new": SHORT_DESCRIPTION}}
    assert record["compared"] == json.loads(line)["compared"]
    assert set(record) == set(json.loads(rejected.read_text()))


def test_nothing_is_kept_of_a_page_that_could_not_be_rewritten(config: GenerationConfig) -> None:
    jobs = jobs_on_disk("osmosis")
    change_page(Path(page_path("osmosis")))
    run(config, jobs, Responder(good))
    run(config, jobs_on_disk("turgor"), Responder(good), write_pages=False)
    assert not [*OutputFolder(Path("out")).taken_records.paths()]


def test_a_complaint_makes_a_rejected_attempt_a_new_one(config: GenerationConfig) -> None:
    (job,) = jobs_on_disk("osmosis")
    provider = Responder(lambda _: seo_json(OFF_TOPIC))
    run(config, [job], provider)
    run(config, [job], provider)
    assert len(provider.prompts) == 1, "the second run skips what the first one rejected"
    run(config, [replace(job, complaint="Name the membrane.")], provider)
    assert len(provider.prompts) == 2


def test_a_result_that_is_settled_already_is_only_saved(config: GenerationConfig) -> None:
    (job,) = jobs_on_disk("osmosis")
    failed = RewriteResult(job, job.blank)
    provider = Responder(good)
    assert run(config, [failed], provider) == {0: failed}
    assert not provider.prompts
    assert not Path("out/.qtgen/failed").exists(), "nothing was asked, so there is no response to save"


def test_a_preview_changes_no_page_but_records_what_was_rejected(config: GenerationConfig) -> None:
    jobs = jobs_on_disk("osmosis", "turgor")
    answers = iter([seo_json(OFF_TOPIC), seo_json()])
    results = run(config, jobs, Responder(lambda _: next(answers)), write_pages=False)
    assert sorted(result.outcome.status for result in results.values()) == [Status.KEPT, Status.WRITTEN]
    assert {description_of(name) for name in ("osmosis", "turgor")} == {LONG_DESCRIPTION}
    assert len([*Path("out/.qtgen/rejected").rglob("*.json")]) == 1
    assert not Path("out/.qtgen/provenance.jsonl").exists()


def change_page(path: Path) -> None:
    path.write_text(path.read_text().replace("QuickTakes\n", "Somebody\n", 1))


@pytest.mark.parametrize("accident", [change_page, Path.unlink])
def test_a_page_that_changed_fails_alone(config: GenerationConfig, accident: Callable[[Path], Any]) -> None:
    jobs = jobs_on_disk("osmosis", "turgor")
    accident(Path(page_path("osmosis")))
    results = run(config, jobs, Responder(good))
    failed, written = results[0].outcome, results[1].outcome
    assert (failed.status, failed.draft, written.status) == (Status.FAILED, None, Status.WRITTEN)
    assert failed.error
    assert failed.error.kind == "page"
    assert page_path("osmosis") in failed.error.message


def test_a_response_that_fails_is_saved(config: GenerationConfig) -> None:
    results = run(config, jobs_on_disk("osmosis"), Responder(lambda _: "nonsense"))
    assert results[0].outcome.status is Status.FAILED
    (saved,) = Path("out/.qtgen/failed").rglob("*.json")
    assert json.loads(saved.read_text())["last_answer"] == "nonsense"


def test_an_unusable_provider_ends_the_run(config: GenerationConfig) -> None:
    def respond(_: Prompt) -> str:
        raise ProviderUnusable("wrong key")

    with pytest.raises(ProviderUnusable):
        run(config, jobs_on_disk(*NAMES), Responder(respond))


def test_without_metrics_nothing_is_paid_for_unless_a_judge_compares(
    config: GenerationConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda _: None)
    provider = Responder(good)
    with pytest.raises(MissingExtra, match="`evals` extra"):
        run(config, jobs_on_disk("osmosis"), provider)
    assert not provider.prompts
    judge = Responder(lambda _: verdict("neither"), "judge")
    assert run(config, jobs_on_disk("osmosis"), provider, judges=(judge,))[0].outcome.status is Status.WRITTEN


# --- attempts of earlier runs ----------------------------------------------------------------------------------------


def test_a_rejected_attempt_is_not_repeated(config: GenerationConfig) -> None:
    provider = Responder(lambda _: seo_json(OFF_TOPIC))
    first = run(config, jobs_on_disk("osmosis"), provider)[0]
    second = run(config, jobs_on_disk("osmosis"), provider)[0]
    assert (first.outcome.status, second.outcome.status, len(provider.prompts)) == (Status.KEPT, Status.KEPT, 1)
    assert second.explanation == f"rejected by an earlier run: {first.explanation}"
    run(config, jobs_on_disk("osmosis"), provider, retry_rejected=True)
    assert len(provider.prompts) == 2


def test_a_rejected_attempt_is_repeated_with_another_model_or_judge(config: GenerationConfig) -> None:
    run(config, jobs_on_disk("osmosis"), Responder(lambda _: seo_json(OFF_TOPIC)))
    other = Responder(good, "other")
    assert run(config, jobs_on_disk("osmosis"), other)[0].outcome.status is Status.WRITTEN
    assert not [*Path("out/.qtgen/rejected").rglob("*.json")], "the record belongs to a text that is replaced"


# --- stopping --------------------------------------------------------------------------------------------------------


def test_after_a_stop_no_further_rewrite_starts(config: GenerationConfig) -> None:
    stop = Stop()

    def respond(_: Prompt) -> str:
        stop.request()
        return seo_json()

    provider = Responder(respond)
    results = run(config, jobs_on_disk(*NAMES), provider, stop=stop)
    statuses = [result.outcome.status for result in results.values()]
    assert len(provider.prompts) == 1
    assert statuses.count(Status.WRITTEN) == 1, "what was in flight is finished"
    assert {description_of(name) for name in NAMES} == {SHORT_DESCRIPTION, LONG_DESCRIPTION}
    for result in results.values():
        if result.outcome.status is not Status.WRITTEN:
            assert result.outcome.error == Failure("interrupted", "the run was interrupted")


def test_after_a_stop_no_repair_is_requested(config: GenerationConfig) -> None:
    stop = Stop()

    def respond(_: Prompt) -> str:
        stop.request()
        return "nonsense"

    provider = Responder(respond)
    results = run(config, jobs_on_disk("osmosis"), provider, stop=stop)
    assert len(provider.prompts) == 1
    outcome = results[0].outcome
    assert (outcome.status, outcome.error and outcome.error.kind) == (Status.SKIPPED, "interrupted")
    assert description_of("osmosis") == LONG_DESCRIPTION


def test_after_a_stop_no_fallback_is_asked(config: GenerationConfig) -> None:
    stop = Stop()

    def respond(_: Prompt) -> str:
        stop.request()
        raise Refused("no")

    fallback = Responder(good, "fallback")
    results = run(config, jobs_on_disk("osmosis"), Responder(respond), fallback, stop=stop)
    assert not fallback.prompts
    assert results[0].outcome.status is Status.SKIPPED


@pytest.mark.parametrize("judge_stops", [False, True])
def test_after_a_stop_no_judge_is_asked(config: GenerationConfig, judge_stops: bool) -> None:
    """Both orders of one judge are one request; a second judge is another."""
    stop = Stop()

    def write(_: Prompt) -> str:
        if not judge_stops:
            stop.request()
        return seo_json()

    def judge(_: Prompt) -> str:
        stop.request()
        return verdict("neither")

    judges = (Responder(judge, "first"), Responder(judge, "second"))
    results = run(config, jobs_on_disk("osmosis"), Responder(write), judges=judges, stop=stop)
    assert [bool(one.prompts) for one in judges] == [judge_stops, False]
    outcome = results[0].outcome
    assert (outcome.status, outcome.error and outcome.error.kind) == (Status.SKIPPED, "interrupted")
    assert outcome.usage.prompt_tokens == 100, "the response was paid for"
    assert description_of("osmosis") == LONG_DESCRIPTION


def test_a_budget_that_is_used_up_starts_no_further_page(config: GenerationConfig) -> None:
    def respond(prompt: Prompt) -> str:
        if "What is osmosis?" in prompt.messages[-1].content:
            raise BudgetReached("the budget is used up")
        return "nonsense"

    results = run(config, jobs_on_disk("turgor", "osmosis", "plasmolysis"), Responder(respond))
    outcomes = {place: result.outcome for place, result in results.items()}
    assert outcomes[1].status is Status.SKIPPED
    assert outcomes[1].error == Failure("budget", "the budget is used up")
    assert 2 not in outcomes, "it was not started"
