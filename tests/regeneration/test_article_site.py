"""Rewriting stale texts of a site with another layout: a list, a body, no ids, and no score."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from qtgen.generation.api import default_config, generate
from qtgen.generation.config import GenerationConfig
from qtgen.generation.provenance import group_digests
from qtgen.generation.types import Question, Status
from qtgen.page import Page, Profile, read_text
from qtgen.regeneration.api import default_filter, regenerate
from qtgen.regeneration.page_state import Criteria
from qtgen.regeneration.reasons import REASONS
from qtgen.regeneration.rewrite import RewriteResult
from qtgen.regeneration.staleness import StalenessFilter
from support import TODAY, Scripted
from support.article_site import SITE, STEPS, SUMMARY, TAGS, changed, site, steps_json
from support.rewriting import Responder

QUESTION = Question("What are the steps of a short splice?", "Rigging", source="q.csv:2")
PATH = Path("out/articles/rigging/what-are-the-steps-of-a-short-splice.md")
LONG = f"{SUMMARY.removesuffix('.')}, which anybody can learn who has two ropes of one size and half an hour to spare in the afternoon of a rainy day."
NEW = "How to join two ropes of the same size for good with a short splice, in three steps."
KEYLESS = changed(
    ('key="permalink", question', "question"),
    ('  {key="permalink", value="/{topic|slug}/{title|slug}/"},\n', ""),
    ('  {key="see_also", type="list", style="block", required=false, ref="permalink"},\n', ""),
    ('[links]\nfield = "see_also"\nmax = 4\n', ""),
)


def write_page(profile: Profile) -> GenerationConfig:
    """Generate the page, and return how."""
    config = default_config(TODAY, profile)

    async def run() -> list[Status]:
        provider = Scripted(steps_json())
        return [outcome.status async for outcome in generate([QUESTION], provider=provider, out="out", config=config)]

    assert asyncio.run(run()) == [Status.WRITTEN]
    return config


def rewrite(config: GenerationConfig, provider: Responder, **options: Any) -> list[RewriteResult]:
    async def collect() -> list[RewriteResult]:
        results = regenerate(["out"], provider=provider, config=config, out="out", **options)
        return [result async for result in results]

    return asyncio.run(collect())


def texts_json(summary: str = NEW, tags: list[str] = TAGS) -> str:
    return json.dumps({"page_summary": summary, "tags": tags})


def page(config: GenerationConfig) -> Page:
    return read_text(PATH.read_text(), config.layout)


def test_a_summary_that_is_too_long_is_rewritten_and_nothing_else() -> None:
    config = write_page(site())
    before = PATH.read_text().replace(SUMMARY, LONG)
    PATH.write_text(before)
    Path("out/.qtgen/provenance.jsonl").unlink()  # otherwise it is an edit by a person
    provider = Responder(lambda _: texts_json())
    staleness = replace(default_filter(config.layout), reasons=[])
    (result,) = rewrite(config, provider, staleness=staleness)
    assert (result.outcome.status, result.outcome.error, result.explanation) == (Status.WRITTEN, None, "")
    assert result.job.fields == {"summary"}
    assert PATH.read_text() == before.replace(LONG, NEW)
    (prompt,) = provider.prompts
    assert prompt.shape == "seo"
    assert f"1. {STEPS[0]}\n2. {STEPS[1]}" in prompt.messages[-1].content, "the answer has real line breaks"
    made = json.loads(Path("out/.qtgen/provenance.jsonl").read_text().splitlines()[-1])
    assert (made["groups"], made["because"], made["id"]) == (["summary"], ["QT601"], None)
    assert made["text_digests"] == group_digests(page(config), ["summary"])


@pytest.mark.parametrize("text", [SITE, KEYLESS])
def test_an_answer_of_another_model_is_rewritten_in_the_body(text: str) -> None:
    config = write_page(site(text))
    groups = frozenset({"answer"})
    staleness = StalenessFilter([REASONS["model-changed"]], frozenset(), groups)
    before = page(config)
    steps = [f"{step} Take your time." for step in STEPS]
    provider = Responder(lambda _: steps_json(steps=steps, page_summary=NEW))
    (result,) = rewrite(config, provider, staleness=staleness)
    assert (result.outcome.status, result.outcome.error, result.explanation) == (Status.WRITTEN, None, "")
    after = page(config)
    assert str(after.values["body"]).endswith("3. " + steps[2])
    assert {**after.values, "body": ""} == {**before.values, "body": ""}
    assert rewrite(config, Responder(lambda _: "", "writer"), staleness=staleness) == []


@pytest.mark.parametrize("text", [SITE, KEYLESS])
def test_a_fresh_page_is_not_stale_and_an_edited_one_is_left_alone(text: str) -> None:
    config = write_page(site(text))
    criteria = Criteria(TODAY, config.part_digests(), frozenset({"scripted-1"}))
    assert rewrite(config, Responder(lambda _: ""), criteria=criteria) == []
    PATH.write_text(PATH.read_text().replace(SUMMARY, LONG))
    assert rewrite(config, Responder(lambda _: ""), criteria=criteria) == []


@pytest.mark.parametrize("text", [SITE, KEYLESS])
def test_an_edited_question_makes_the_texts_stale(text: str) -> None:
    config = write_page(site(text))
    PATH.write_text(PATH.read_text().replace("of a short splice?", "of a short Splice?"))
    staleness = StalenessFilter([REASONS["question-edited"]], frozenset(), frozenset({"summary"}))
    (result,) = rewrite(config, Responder(lambda _: texts_json()), staleness=staleness)
    assert result.job.reasons == ("question-edited",)


def test_reasons_that_need_a_role_of_another_layout_do_not_apply() -> None:
    config = write_page(site())
    assert not REASONS["low-score"].applies_to(config.layout)
    staleness = StalenessFilter([REASONS["low-score"]], frozenset(), frozenset({"answer"}))
    criteria = Criteria(TODAY, {}, frozenset(), score_below=1.0)
    assert rewrite(config, Responder(lambda _: ""), staleness=staleness, criteria=criteria) == []


def test_a_score_is_removed_with_its_answer_if_new_pages_have_none() -> None:
    text = changed(
        ('date="published"}', 'date="published", score="rating"}'),
        ('  {key="see_also"', '  {key="rating", type="float", required=false, min=0, max=1},\n  {key="see_also"'),
    )
    config = write_page(site(text))
    PATH.write_text(PATH.read_text().replace("splice, rigging]\n", "splice, rigging]\nrating: 0.25\n"))
    staleness = StalenessFilter([REASONS["low-score"]], frozenset(), frozenset({"answer"}))
    criteria = Criteria(TODAY, {}, frozenset(), score_below=0.5)
    steps = [f"{step} Take your time." for step in STEPS]
    (result,) = rewrite(config, Responder(lambda _: steps_json(steps=steps)), staleness=staleness, criteria=criteria)
    assert result.outcome.status is Status.WRITTEN, result.explanation
    assert "rating" not in page(config).values


def test_a_page_of_another_layout_is_not_rewritten() -> None:
    note = '[[layout]]\nfiles = "notes/*.md"\npath = "notes/{title|slug}.md"\nroles = {question="title"}\nbody = ""\n'
    fields = 'fields = [{key="title", source="question"}]\n\n[links]\n'
    config = write_page(site(changed(("[links]\n", note + fields)), Path("out").absolute()))
    Path("out/notes").mkdir()
    Path("out/notes/a.md").write_text("---\ntitle: What is a note?\n---\n")
    staleness = StalenessFilter([REASONS["unknown-provenance"]], frozenset(), frozenset({"answer", "summary"}))
    assert rewrite(config, Responder(lambda _: ""), staleness=staleness) == []
