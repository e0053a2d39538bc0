"""What is done about each stale page, and in which order."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from qtgen.errors import Failure
from qtgen.generation.config import GenerationConfig
from qtgen.generation.types import Status
from qtgen.page.compile import default_layout
from qtgen.regeneration.plan import RewriteSources, not_attempted, plan_jobs, prioritize
from qtgen.regeneration.rewrite import RewriteJob, RewriteResult
from qtgen.regeneration.staleness import StalePage
from support.default_tables import FIELD_GROUPS, read, read_text
from support.pages import (
    DANGLING_LINK,
    LONG_DESCRIPTION,
    UNSPACED_KEYWORDS,
    page_path,
    page_text,
    write_site,
)

URL = "/learn/biology/questions/what-is-osmosis"
DESCRIPTION, KEYWORDS = "seo.page_description", "seo.page_keywords"


def stale(**because: set[str]) -> StalePage:
    """Return the page about osmosis with reasons; `_` stands for a hyphen."""
    reasons = {name.replace("_", "-"): frozenset(fields) for name, fields in because.items()}
    return StalePage(page_path(), URL, reasons)


def plan_one(
    config: GenerationConfig, page: StalePage, sources: RewriteSources | None = None, **options: Any
) -> RewriteJob | RewriteResult:
    (planned,) = plan_jobs([page], config, sources or RewriteSources(), **options)
    return planned


def job_for(
    config: GenerationConfig, page: StalePage, sources: RewriteSources | None = None, **options: Any
) -> RewriteJob:
    planned = plan_one(config, page, sources, **options)
    assert isinstance(planned, RewriteJob), planned
    return planned


def result_for(config: GenerationConfig, page: StalePage, sources: RewriteSources | None = None) -> RewriteResult:
    planned = plan_one(config, page, sources)
    assert isinstance(planned, RewriteResult), planned
    return planned


def failure_for(config: GenerationConfig, page: StalePage, sources: RewriteSources | None = None) -> Failure:
    result = result_for(config, page, sources)
    assert (result.outcome.status, result.outcome.draft) == (Status.FAILED, None)
    assert result.outcome.error
    return result.outcome.error


# --- the order -------------------------------------------------------------------------------------------------------


def named_page(name: str, **values: Any) -> StalePage:
    return StalePage(name, "", {"old": frozenset({"answer"})}, **values)


def test_the_worst_pages_come_first() -> None:
    pages = [
        named_page("unscored"),
        named_page("warning", warnings=1),
        named_page("low score", score=0.1),
        named_page("high score", score=0.9),
        named_page("error", errors=1),
        named_page("error and warning", errors=1, warnings=1),
    ]
    ordered = [page.path for page in prioritize(pages, "worst", lambda _: False)]
    assert ordered == ["error and warning", "error", "warning", "low score", "high score", "unscored"]


def test_the_oldest_pages_come_first_and_those_without_a_date_last() -> None:
    pages = [named_page("none"), named_page("b", date=dt.date(2022, 1, 1)), named_page("a", date=dt.date(2021, 1, 1))]
    assert [page.path for page in prioritize(pages, "oldest", lambda _: False)] == ["a", "b", "none"]


def test_pages_that_were_tried_before_come_last_and_equal_ones_by_path() -> None:
    pages = [named_page("worst", errors=3), named_page("c"), named_page("b")]
    assert [page.path for page in prioritize(pages, "worst", lambda path: path == "worst")] == ["b", "c", "worst"]


# --- jobs ------------------------------------------------------------------------------------------------------------


def test_a_job_has_the_fields_that_are_still_stale_after_the_safe_fixes(config: GenerationConfig) -> None:
    before = write_site(osmosis={DESCRIPTION: LONG_DESCRIPTION, KEYWORDS: UNSPACED_KEYWORDS})
    job = job_for(config, stale(QT601={DESCRIPTION}, QT603={KEYWORDS}))
    assert job.fields == {DESCRIPTION}
    assert (job.reasons, job.fixes) == (("QT601",), 1)
    assert job.original == before[page_path()]
    assert job.page.text_of(KEYWORDS) == UNSPACED_KEYWORDS.replace(",", ", ")
    assert (job.url, job.question.text, job.question.subject) == (URL, "What is osmosis?", "Biology")
    assert (job.groups, job.touch_date) == (("seo",), False)


def test_a_reason_that_is_no_rule_is_not_removed_by_fixes(config: GenerationConfig) -> None:
    write_site(osmosis={KEYWORDS: UNSPACED_KEYWORDS})
    job = job_for(config, stale(QT603={KEYWORDS}, model_changed={"answer", KEYWORDS}), touch_date=True)
    assert job.fields == {"answer", KEYWORDS}
    assert (job.reasons, job.fixes) == (("model-changed",), 1)
    assert job.touch_date


def test_a_page_that_the_fixes_repair_needs_no_request(config: GenerationConfig) -> None:
    before = write_site(osmosis={KEYWORDS: UNSPACED_KEYWORDS})
    result = result_for(config, stale(QT603={KEYWORDS}))
    assert (result.outcome.status, result.job.reasons, result.job.fixes) == (Status.FIXED, ("QT603",), 1)
    draft = result.outcome.draft
    assert draft
    assert (draft.before, draft.provenance) == (before[page_path()], {})
    assert read_text(draft.text).text_of(KEYWORDS) == UNSPACED_KEYWORDS.replace(",", ", ")


def test_a_page_that_is_fresh_by_now_is_skipped(config: GenerationConfig) -> None:
    write_site(osmosis={})
    outcome = result_for(config, stale(QT601={DESCRIPTION})).outcome
    assert outcome.status is Status.SKIPPED
    assert outcome.error == Failure("page", f"{page_path()}: the page is no longer stale")


def test_fields_that_are_not_stale_are_not_fixed(config: GenerationConfig) -> None:
    write_site(osmosis={DESCRIPTION: LONG_DESCRIPTION, KEYWORDS: UNSPACED_KEYWORDS})
    job = job_for(config, stale(QT601={DESCRIPTION}))
    assert job.page.text_of(KEYWORDS) == UNSPACED_KEYWORDS


def test_new_links_are_applied_without_a_request(config: GenerationConfig) -> None:
    write_site(osmosis=DANGLING_LINK)
    new_link = {
        "related_article1.url": "/learn/biology/questions/what-is-diffusion",
        "related_article1.title": "What is diffusion?",
    }
    page = stale(QT403=set(FIELD_GROUPS["related"]))
    result = result_for(config, page, RewriteSources(links={page_path(): new_link}))
    assert result.outcome.status is Status.FIXED
    assert result.outcome.draft
    values = read_text(result.outcome.draft.text).values
    assert {path: values[path] for path in new_link} == new_link


def test_links_that_cannot_be_written_fail_one_page(config: GenerationConfig) -> None:
    write_site(osmosis=DANGLING_LINK)
    sources = RewriteSources(links={page_path(): {"related_article1.title": "What is\rthis?"}})
    failure = failure_for(config, stale(QT403={"related_article1.url"}), sources)
    assert failure.kind == "unwritable"
    assert failure.message.startswith(f"{page_path()}: ")


def test_pages_are_read_when_their_turn_comes(config: GenerationConfig) -> None:
    planned = plan_jobs([stale(QT601={DESCRIPTION})], config, RewriteSources())
    write_site(osmosis={DESCRIPTION: LONG_DESCRIPTION})
    assert isinstance(next(planned), RewriteJob)


# --- pages for which no request is sent ------------------------------------------------------------------------------


def test_a_page_that_disappeared(config: GenerationConfig) -> None:
    failure = failure_for(config, stale(QT601={DESCRIPTION}))
    assert failure == Failure("page", f"{page_path()}: No such file or directory")


@pytest.mark.parametrize("content", [b"---\ntitle: [\n---\n\n&nbsp;", b"\xff", page_text().encode() + b"\x00"])
def test_a_page_that_does_not_parse(config: GenerationConfig, content: bytes) -> None:
    write_site(osmosis={})
    Path(page_path()).write_bytes(content)
    failure = failure_for(config, stale(QT601={DESCRIPTION}))
    assert failure == Failure("page", f"{page_path()}: the page does not parse; it was left unchanged")


def test_a_page_whose_title_and_question_differ(config: GenerationConfig) -> None:
    write_site(osmosis={"title": "What is it?", DESCRIPTION: LONG_DESCRIPTION})
    failure = failure_for(config, stale(QT601={DESCRIPTION}))
    assert failure.kind == "page"
    assert "`title` and `question` differ" in failure.message


def test_a_page_with_a_comment_on_a_line_that_would_change(config: GenerationConfig) -> None:
    """The old score is removed with the answer, so its line must be editable too."""
    write_site(osmosis={"score": 0.5})
    path = Path(page_path())
    path.write_text(path.read_text().replace("score: 0.5", "score: 0.5 # by Anna"))
    assert failure_for(config, stale(old={"answer"})).kind == "splice"
    assert job_for(config, stale(old={DESCRIPTION})).fields == {DESCRIPTION}


def test_an_answer_is_not_rewritten_without_its_source_text(config: GenerationConfig) -> None:
    write_site(osmosis={})
    page = StalePage(page_path(), URL, {"old": frozenset({"answer"})}, context_digest="c0")
    failure = failure_for(config, page)
    assert failure.kind == "source"
    assert "source text that is missing" in failure.message
    job = job_for(config, page, RewriteSources(contexts={URL: "Water moves."}))
    assert job.question.context == "Water moves."
    assert job_for(config, page, RewriteSources(contexts={URL: None})).question.context is None
    search_fields = StalePage(page_path(), URL, {"old": frozenset({DESCRIPTION})}, context_digest="c0")
    assert job_for(config, search_fields).fields == {DESCRIPTION}


def test_a_result_without_an_attempt_names_the_page_and_its_reasons() -> None:
    page = stale(QT601={DESCRIPTION}, old={"answer"})
    result = not_attempted(page, Failure("budget", "used up"), default_layout(), Status.SKIPPED)
    assert (result.job.path, result.job.url, result.job.reasons) == (page.path, URL, ("QT601", "old"))
    assert result.job.fields == {DESCRIPTION, "answer"}
    outcome = result.outcome
    assert (outcome.status, outcome.url, outcome.attempts, outcome.draft) == (Status.SKIPPED, URL, 0, None)
    assert read(result.job.original).problems, "nothing was read"
    assert not_attempted(StalePage("p.md", "", {}), Failure("page", "x"), layout=default_layout()).outcome.url is None


def test_the_complaint_of_a_reader_goes_with_the_job(config: GenerationConfig) -> None:
    write_site(osmosis={})
    page = StalePage(page_path(), URL, {"sent-back": frozenset({"answer"})}, complaint="Say why.")
    assert job_for(config, page).complaint == "Say why."
