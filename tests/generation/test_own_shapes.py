"""Shapes of answers that a site adds: Markdown in both directions, and grammars."""

import json
from typing import Any

import pytest

from qtgen.errors import AnswerError
from qtgen.generation import answers, formats
from qtgen.generation.answer_parts import Answer
from qtgen.generation.api import default_config
from qtgen.generation.grammar import grammar
from qtgen.generation.own_markdown import read_own
from qtgen.generation.parsing import parse
from qtgen.llm.types import AnswerFormat, Prompt, PromptStyle
from qtgen.page import main_layout
from qtgen.page.profile import Profile
from support import TODAY
from support.article_site import GOAL, STEPS, SUMMARY, changed, site, steps_json
from support.gbnf import Grammar

RECIPE = """\
[[shape]]
name = "recipe"
parts = [
  {key="goal", min=60, max=280, markdown="## Goal\\n\\n{text}"},
  {key="tools", items=[1, 3], min=3, max=40, markdown="- {text}", required=false},
  {key="step_list", items=[2, 4], min=30, max=300, markdown="### Step {n}\\n\\n{text}"},
  {key="warning", min=30, max=200, markdown="**Warning**: {text}", required=false},
]

[rules]
"""
RECIPES = changed(("[rules]\n", RECIPE), ('"points", "steps"]', '"points", "steps", "recipe"]'))
FULL = f"""\
## Goal

{GOAL}

- A knife
- Tape

### Step 1

{STEPS[0]}

### Step 2

{STEPS[1]}

**Warning**: Wear gloves, because the strands can cut the skin."""
PARTS: dict[str, Any] = {
    "goal": GOAL,
    "tools": ["A knife", "Tape"],
    "step_list": STEPS[:2],
    "warning": "Wear gloves, because the strands can cut the skin.",
}


def prompt_of(shape: str, style: AnswerFormat, *, is_short: bool = False, text: str | None = None) -> Prompt:
    return Prompt("t", 1, shape, (), {}, {}, "d", "w", "s", style=PromptStyle(style, is_short), grammar=text)


def parsed(profile: Profile, shape: str, text: str, style: AnswerFormat = AnswerFormat.JSON_SCHEMA) -> Answer:
    fields = parse(prompt_of(shape, style), text, "What is a splice?", main_layout(profile)).fields
    assert isinstance(fields, Answer)
    return fields


def test_an_answer_becomes_the_markdown_of_its_parts() -> None:
    profile = site(RECIPES)
    data = {**PARTS, "page_summary": SUMMARY, "tags": ["a-b", "c-d"]}
    assert parsed(profile, "recipe", json.dumps(data)).markdown() == FULL


def test_parts_that_are_not_required_can_be_null() -> None:
    data = {**PARTS, "tools": None, "warning": None, "page_summary": SUMMARY, "tags": ["a-b", "c-d"]}
    text = parsed(site(RECIPES), "recipe", json.dumps(data)).markdown()
    assert text == FULL.replace("- A knife\n- Tape\n\n", "").partition("\n\n**Warning")[0]


@pytest.mark.parametrize(
    ("body", "missing"),
    [
        (FULL, ()),
        (FULL.replace("- A knife\n- Tape\n\n", ""), ("tools",)),
        (FULL.partition("\n\n**Warning")[0], ("warning",)),
        (FULL.replace("## Goal\n\n", ""), ()),
        (FULL.replace("## Goal", "**Goal**").replace("### Step 1", "Step 1").replace("### Step 2", "#### Step 2"), ()),
    ],
)
def test_markdown_is_read_with_and_without_its_headings(body: str, missing: tuple[str, ...]) -> None:
    (shape,) = (shape for shape in site(RECIPES).file.shape if shape.name == "recipe")
    assert read_own(shape, body) == {key: value for key, value in PARTS.items() if key not in missing}


def test_text_that_belongs_to_no_part_is_a_fault() -> None:
    (shape,) = (shape for shape in site(RECIPES).file.shape if shape.name == "recipe")
    with pytest.raises(AnswerError, match="`I hope this helps` belongs to none of the parts goal, tools"):
        read_own(shape, f"{FULL}\n\nI hope this helps")


@pytest.mark.parametrize("shape", ["steps", "recipe", "points", "seo"])
@pytest.mark.parametrize("is_short", [False, True])
def test_every_text_of_a_grammar_is_a_valid_answer(shape: str, is_short: bool) -> None:
    profile = site(RECIPES)
    layout = main_layout(profile)
    text = grammar(shape, answers.schema(shape, profile), layout, is_short=is_short)
    sampler = Grammar(text)
    assert sampler.unused == set()
    assert '"$"' not in text, "the site renders no formulas"
    for seed in range(25):
        sample = sampler.text(seed)
        prompt = prompt_of(shape, AnswerFormat.MARKDOWN, is_short=is_short, text=text)
        fields = parse(prompt, sample, "What is osmosis?", layout).fields
        assert type(fields) is answers.shapes_of(profile)[shape], sample


def test_the_instructions_show_the_layout() -> None:
    profile = site(RECIPES)
    style = PromptStyle(AnswerFormat.MARKDOWN, is_short=False)
    text = formats.instructions("recipe", answers.schema("recipe", profile), style, main_layout(profile))
    assert text.endswith(
        """
## Goal

<goal>

- <tools 1>
- <tools 2>
<and so on: 1 to 3 in all>

### Step 1

<step_list 1>

### Step 2

<step_list 2>

<and so on: 2 to 4 in all>

**Warning**: <warning; leave it out if there is none>

Description: <page_summary>

Keywords: <tags, separated by commas>"""
    )


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"steps": STEPS[:2]}, "steps: must have at least 3 items, not 2"),
        ({"goal": "Short."}, "goal: must have at least 60 characters, not 6"),
        ({"tags": ["Rope work", "??"]}, "tags.1: `??` does not match the regular expression `[a-z][a-z-]+`"),
        ({"tags": ["rope", "Rope"]}, "tags: fewer than 2 different keywords"),
        ({"page_summary": "x" * 170}, "page_summary: must have at most 160 characters, not 170"),
    ],
)
def test_faults_contain_the_part(changes: dict[str, Any], fault: str) -> None:
    with pytest.raises(AnswerError) as caught:
        parsed(site(), "steps", steps_json(**changes))
    assert caught.value.problems == [fault]


def test_the_schema_has_the_limits_of_the_profile() -> None:
    schema = answers.schema("steps", site())
    assert schema["required"] == ["goal", "steps", "page_summary", "tags"]
    assert schema["properties"]["tags"] == {
        "items": {"pattern": "^(?:[a-z][a-z-]+)$", "type": "string"},
        "maxItems": 6,
        "minItems": 2,
        "type": "array",
    }


def test_other_texts_have_their_own_line() -> None:
    fields = '  {key="level", source="model", group="summary", enum=["easy", "hard"]},\n  {key="see_also"'
    text = changed(('  {key="see_also"', fields))
    profile = site(text)
    body = f"{GOAL}\n\n" + "\n".join(f"1. {step}" for step in STEPS)
    answer = parsed(
        profile,
        "steps",
        f"{body}\n\nLevel: hard\n\nDescription: {SUMMARY}\n\nKeywords: rope-work, splice",
        AnswerFormat.MARKDOWN,
    )
    values = answers.values_of(answer, main_layout(profile))
    assert (values["level"], values["tags"]) == ("hard", ["rope-work", "splice"])


def test_a_site_can_have_no_texts_besides_the_answer() -> None:
    text = changed(
        ('  {key="summary", source="model", group="summary", min=40, max=160},\n', ""),
        (
            '  {key="tags", type="list", style="flow", source="model", group="summary", min=2, max=6, '
            'pattern="[a-z][a-z-]+"},\n',
            "",
        ),
    )
    profile = site(text)
    layout = main_layout(profile)
    assert [*answers.shapes_of(profile)] == ["points", "steps"], "there is nothing to write alone"
    assert sorted(default_config(TODAY, profile).library.templates) == ["explain", "explain-short", "steps"]
    for shape in answers.shapes_of(profile):
        rules = grammar(shape, answers.schema(shape, profile), layout, is_short=True)
        sampler = Grammar(rules)
        assert sampler.unused == set()
        for seed in range(10):
            prompt = prompt_of(shape, AnswerFormat.MARKDOWN, is_short=True, text=rules)
            assert isinstance(parse(prompt, sampler.text(seed), "What is osmosis?", layout).fields, Answer)


def test_a_text_in_the_group_of_the_answer_is_only_written_with_it() -> None:
    text = changed(
        ('{key="summary", source="model", group="summary"', '{key="summary", source="model", group="answer"')
    )
    profile = site(text)
    assert answers.schema("seo", profile)["required"] == ["tags"]
    assert answers.schema("steps", profile)["required"] == ["goal", "steps", "page_summary", "tags"]


def test_numbers_and_choices_are_requested_in_their_type() -> None:
    fields = (
        '  {key="minutes", type="int", source="model", group="summary", min=1, max=90},\n'
        '  {key="is_hard", type="bool", source="model", group="summary"},\n'
        '  {key="tools", source="model", group="summary", enum=["knife", "fid"], separator="; ", min=1},\n'
        '  {key="see_also"'
    )
    profile = site(changed(('  {key="see_also"', fields)))
    data = steps_json(minutes=30, is_hard=False, tools=["fid", "knife", "fid"])
    answer = parsed(profile, "steps", data)
    values = answers.values_of(answer, main_layout(profile))
    assert (values["minutes"], values["is_hard"], values["tools"]) == (30, False, "fid; knife")
    with pytest.raises(AnswerError, match="minutes: "):
        parsed(profile, "steps", steps_json(minutes=91, is_hard=False, tools=["fid"]))
