"""New pages of a site with another layout: lists, a body, a shape of its own, and no ids."""

import asyncio
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from qtgen._util.resources import shipped_folder
from qtgen.errors import PromptError, SettingsError
from qtgen.generation.answer_check import AnswerCheck
from qtgen.generation.api import default_config, generate
from qtgen.generation.config import GenerationConfig, load_library
from qtgen.generation.generator import NewPage
from qtgen.generation.places import Places
from qtgen.generation.plan import Job, PlanOptions, plan, without_ids
from qtgen.generation.types import Outcome, Question, Status
from qtgen.llm.types import STANDARD_STYLE, AnswerFormat, PromptStyle
from qtgen.page import default_profile, read_text
from qtgen.settings import Settings
from support import TODAY, Scripted
from support.article_site import GOAL, SITE, STEPS, SUMMARY, changed, site, steps_json

QUESTION = Question("What are the steps of a short splice?", "Rigging", source="q.csv:2")
PAGE = f"""\
---
title: What are the steps of a short splice?
permalink: /rigging/what-are-the-steps-of-a-short-splice/
summary: {SUMMARY}
topic: Rigging
published: 2026-01-31
status: draft
tags: [rope-work, splice, rigging]
---

{GOAL}

1. {STEPS[0]}
2. {STEPS[1]}
3. {STEPS[2]}
"""
MARKDOWN = PromptStyle(AnswerFormat.MARKDOWN, is_short=False)


def configured(text: str = SITE) -> GenerationConfig:
    return default_config(TODAY, site(text))


def job_of(config: GenerationConfig, question: Question) -> Job | Outcome:
    options = PlanOptions(Path("out"), TODAY, config.layout, lambda _: False)
    return next(plan([question], options, without_ids))


def check(
    config: GenerationConfig, question: Question, answer: str, style: PromptStyle = STANDARD_STYLE
) -> AnswerCheck:
    job = job_of(config, question)
    assert isinstance(job, Job)
    task = NewPage(job, config)
    return task.check(task.prompt(style), answer)


def as_markdown(items: str) -> str:
    return f"{GOAL}\n\n{items}\n\nDescription: {SUMMARY}\n\nKeywords: Rope work, Splice, rigging"


@pytest.mark.parametrize(
    ("style", "answer"),
    [
        (STANDARD_STYLE, steps_json()),
        (PromptStyle(AnswerFormat.JSON_OBJECT, is_short=False), f"```json\n{steps_json()}\n```"),
        (MARKDOWN, as_markdown("\n".join(f"{number}. {step}" for number, step in enumerate(STEPS, 1)))),
        (MARKDOWN, as_markdown("\n\n".join(f"- {step}" for step in STEPS))),
    ],
)
def test_a_page_is_written_byte_for_byte(style: PromptStyle, answer: str) -> None:
    checked = check(configured(), QUESTION, answer, style)
    assert (checked.faults, checked.concerns, checked.diagnostics) == ((), (), ())
    assert checked.text == PAGE


def test_pages_are_written_below_the_output_folder_and_once_for_one_slug() -> None:
    questions = [QUESTION, replace(QUESTION, text="what are the steps: of a short splice", source="q.csv:3")]
    provider = Scripted(steps_json())

    async def outcomes() -> list[Outcome]:
        config = configured()
        return [outcome async for outcome in generate(questions, provider=provider, out="out", config=config)]

    written, skipped = sorted(asyncio.run(outcomes()), key=lambda outcome: outcome.question.source)
    assert (written.status, skipped.status) == (Status.WRITTEN, Status.SKIPPED)
    path = Path("out/articles/rigging/what-are-the-steps-of-a-short-splice.md")
    assert path.read_text() == PAGE
    (line,) = Path("out/.qtgen/provenance.jsonl").read_text().splitlines()
    made = json.loads(line)
    assert (made["url"], made["id"]) == ("/rigging/what-are-the-steps-of-a-short-splice/", None)
    assert (made["groups"], made["prompt"]) == (["answer", "summary"], "steps")
    assert made["text_digests"].keys() == {"answer", "summary"}


@pytest.mark.parametrize(
    ("question", "words"),
    [
        (Question("???", "Rigging"), "question: no letter a-z and no digit to make a file name from"),
        (Question("x" * 300, "Rigging"), "question: has 300 characters; the maximum of `title` is 90"),
        (Question("What is it?", "Enginse"), "subject: `Enginse` is not allowed as `topic`; did you mean `Engines`?"),
        (
            Question("What is it?", "Music"),
            "subject: `Music` is not allowed as `topic`; the choices are Engines, Rigging",
        ),
        (Question("con", "Rigging"), "question: `con` is a device on Windows and cannot be a file name there"),
    ],
)
def test_a_question_that_can_have_no_page_fails_with_its_reason(question: Question, words: str) -> None:
    outcome = job_of(configured(), replace(question, source="q.csv:9"))
    assert isinstance(outcome, Outcome)
    assert outcome.status is Status.FAILED
    assert outcome.error
    assert outcome.error.message.startswith(f"q.csv:9: {words}")


def test_a_file_name_has_at_most_243_bytes() -> None:
    layout = configured(changed((", max=90", ""))).layout
    places = Places(layout, TODAY)
    assert places.fault(Question("x" * 240, "Rigging")) is None
    assert places.fault(Question("x" * 241, "Rigging")) == (
        "question: a name of its path has 244 bytes; the maximum is 243"
    )


@pytest.mark.parametrize(
    ("title", "line"),
    [
        ("on", 'title: "on"'),
        ("Ropes: the long and the short", 'title: "Ropes: the long and the short"'),
        ('Is a "bowline" a #1 knot?', 'title: "Is a \\"bowline\\" a #1 knot?"'),
        ("1984", 'title: "1984"'),
    ],
)
def test_titles_that_yaml_would_misread_are_quoted(title: str, line: str) -> None:
    config = configured()
    checked = check(config, replace(QUESTION, text=title), steps_json(), STANDARD_STYLE)
    points = config.library.choose(title).header.shape == "points"
    job = job_of(config, replace(QUESTION, text=title))
    assert points
    assert isinstance(job, Job)
    assert checked.faults  # the prompt asks for the shape `points`
    steps = replace(config, prompt="steps")
    task = NewPage(job, steps)
    text = task.check(task.prompt(STANDARD_STYLE), steps_json()).text
    assert text
    assert text.splitlines()[1] == line
    assert read_text(text, config.layout).values["title"] == title


def test_the_answer_can_be_a_literal_of_the_front_matter() -> None:
    text = changed(
        ('answer="body"', 'answer="text"'),
        ("files = ", 'body = ""\nfiles = '),
        ('  {key="see_also"', '  {key="text", style="literal", source="model", group="answer"},\n  {key="see_also"'),
    )
    checked = check(configured(text), QUESTION, steps_json())
    assert checked.faults == ()
    assert checked.text
    page = read_text(checked.text, configured(text).layout)
    assert page.problems == ()
    assert str(page.values["text"]).splitlines()[:3] == [GOAL, "", f"1. {STEPS[0]}"]
    assert "text: |-\n" in checked.text


def test_a_number_that_the_path_needs_is_assigned_first() -> None:
    text = changed(
        ('path = "articles/{topic|slug}/{title|slug}.md"', 'path = "articles/{number}.md"'),
        ('  {key="title"', '  {key="number", type="int", source="sequence"},\n  {key="title"'),
        ('key="permalink", question', 'id="number", key="permalink", question'),
    )
    config = configured(text)
    seen: list[str] = []
    options = PlanOptions(Path("out"), TODAY, config.layout, lambda path: path == "out/articles/7.md")

    def ids(keys: "dict[str, int | None]") -> dict[str, int | None]:
        seen.extend(keys)
        return dict(zip(keys, (7, 8), strict=True))

    first, second = plan([QUESTION, replace(QUESTION, text="What is a bowline?")], options, ids)  # type: ignore[arg-type]
    assert isinstance(first, Outcome)
    assert (first.status, first.path) == (Status.EXISTS, "out/articles/7.md")
    assert isinstance(second, Job)
    assert (second.path, second.id, second.url) == ("out/articles/8.md", 8, "/rigging/what-is-a-bowline/")
    assert seen == ["/rigging/what-are-the-steps-of-a-short-splice/", "/rigging/what-is-a-bowline/"]


def test_a_site_without_a_key_identifies_pages_by_their_path() -> None:
    text = changed(
        ('key="permalink", question', "question"),
        ('  {key="permalink", value="/{topic|slug}/{title|slug}/"},\n', ""),
        ('  {key="see_also", type="list", style="block", required=false, ref="permalink"},\n', ""),
        ('[links]\nfield = "see_also"\nmax = 4\n', ""),
    )
    job = job_of(configured(text), QUESTION)
    assert isinstance(job, Job)
    assert job.url == "articles/rigging/what-are-the-steps-of-a-short-splice.md"


def test_defaults_of_a_conditional_field_are_left_out_unless_the_condition_holds() -> None:
    text = changed(('only_when={status="withdrawn"}}', 'only_when={status="withdrawn"}, default="No reason"}'))
    checked = check(configured(text), QUESTION, steps_json())
    assert checked.text == PAGE


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('default="draft"', "max=9", "new pages have no value for `status`"),
        ('path = "articles/{topic|slug}/', 'path = "articles/{summary|slug}/', "depends on `summary`, which a model"),
        ('answer="body", ', "", "has no role `answer`, which new pages need"),
    ],
)
def test_a_layout_that_new_pages_cannot_fill_is_refused_with_its_line(old: str, new: str, words: str) -> None:
    text = changed((old, new))
    config = configured(text)
    with pytest.raises(SettingsError, match=words) as caught:
        job_of(config, QUESTION)
    assert ":" in str(caught.value.path)


@pytest.mark.parametrize(
    ("changes", "line", "words"),
    [
        ([('"points", "steps"]', '"points", "stesp"]')], 36, "there is no shape `stesp`; did you mean `steps`"),
        ([('name = "steps"', 'name = "table"')], 39, "`table` is the name of a shape that ships with qtgen"),
        ([('key="goal"', 'key="steps"')], 42, "`steps` is defined twice"),
        ([('key="goal"', 'key="markdown"')], 41, "a part cannot have the name `markdown`"),
        ([("items=[3, 9]", "items=[9, 3]")], 42, "are not limits of a list"),
        ([("{n}. {text}", "{n}. {txt}")], 42, "`{txt}` is not a placeholder"),
        ([("{n}. {text}", "{n}.")], 42, "must contain {text} once"),
        ([("min=60", "min=600")], 41, "is more than `max`, 280"),
    ],
)
def test_a_shape_that_no_model_can_fill_in_is_refused_with_its_line(
    changes: list[tuple[str, str]], line: int, words: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        configured(changed(*changes))
    assert words in f"{caught.value}; {caught.value.remedy}"
    assert str(caught.value.path).endswith(f"site.toml:{line}")


def test_only_prompts_with_a_shape_of_the_site_are_used() -> None:
    library = configured().library
    assert sorted(library.templates) == ["explain", "explain-short", "seo", "steps"]
    assert library.choose("What are the steps of a splice?").header.name == "steps"
    assert library.choose("What are the steps of a splice?", is_short=True).header.name == "steps"
    assert library.choose("What is a splice?").header.name == "explain"


def test_a_site_with_own_shapes_only_uses_them_for_every_question() -> None:
    library = configured(changed(('shapes = ["points", "steps"]', 'shapes = ["steps"]'))).library
    assert library.choose("What is a splice?").header.name == "steps"
    assert library.choose("What is a splice?", is_short=True).header.name == "steps"


def test_a_prompt_folder_of_the_site_overrides_the_shipped_prompts(tmp_path: Path) -> None:
    folder = tmp_path / "prompts/workshop"
    folder.mkdir(parents=True)
    header = "name: explain\nversion: 1\ndescription: d\nshape: steps\nmax_tokens: 9"
    parts = "{% for part in parts %}{{ part.name }} {% endfor %}"
    (folder / "explain.md.j2").write_text(
        f"---\n{header}\n---\n{parts}{{{{ site }}}} {{{{ page_summary_max }}}} {{{{ tags_max }}}}\n--- user ---\n{{{{ question }}}}\n"
    )
    text = changed(("[generate]\n", '[generate]\nprompts = "prompts/workshop"\n'))
    config = default_config(TODAY, site(text, tmp_path))
    prompt = config.render(QUESTION)
    assert prompt.messages[0].content == "goal steps Harbour Workshop 160 6"
    assert "steps" not in config.library.templates, "a prompt asks for the shape"


def test_a_prompt_folder_that_does_not_exist_is_refused_with_its_line(tmp_path: Path) -> None:
    text = changed(("[generate]\n", '[generate]\nprompts = "prompts/workshop"\n'))
    with pytest.raises(SettingsError, match="there is no folder `prompts/workshop`") as caught:
        default_config(TODAY, site(text, tmp_path))
    assert str(caught.value.path).endswith("site.toml:36")


def test_pages_without_an_answer_have_no_prompt() -> None:
    config = configured(changed(('answer="body", ', "")))
    with pytest.raises(PromptError, match="the pages of the site have no answer"):
        config.render(QUESTION)


def test_unchanged_copies_of_the_prompts_for_any_site_are_ignored(tmp_path: Path) -> None:
    copies = tmp_path / "prompts"
    shutil.copytree(shipped_folder("prompts") / "site", copies)
    settings = Settings(prompts=copies)
    for profile, folder in (
        (site(), shipped_folder("prompts") / "site"),
        (default_profile(), shipped_folder("prompts")),
    ):
        assert {one.path.parent for one in load_library(settings, profile).templates.values()} == {folder}


def test_unchanged_copies_of_the_prompts_of_the_default_site_are_ignored(tmp_path: Path) -> None:
    copies = tmp_path / "prompts"
    shutil.copytree(shipped_folder("prompts"), copies, ignore=shutil.ignore_patterns("site"))
    settings = Settings(prompts=copies)
    library = load_library(settings, site())
    assert {template.path.parent for template in library.templates.values()} == {shipped_folder("prompts") / "site"}
    assert load_library(settings, default_profile()).templates["explain"].path.parent == shipped_folder("prompts")
    (copies / "explain.md.j2").write_text((copies / "explain.md.j2").read_text().replace("version: 1", "version: 2"))
    assert load_library(settings, site()).templates["explain"].path.parent == copies


def test_the_reason_names_the_characters_that_the_slug_keeps() -> None:
    layout = configured(changed(('keep="a-z0-9 -"', 'keep="a-z0-9é -"'))).layout
    assert Places(layout, TODAY).fault(Question("???", "Rigging")) == (
        "question: no character to make a file name from"
    )


def test_a_slug_has_at_most_the_characters_that_the_profile_allows() -> None:
    layout = configured(changed(("ascii=true}", "ascii=true, max=20}"))).layout
    places = Places(layout, TODAY)
    assert places.fault(Question("x" * 20, "Rigging")) is None
    assert places.fault(Question("x" * 21, "Rigging")) == (
        "question: its file name has 21 characters; the maximum is 20"
    )
