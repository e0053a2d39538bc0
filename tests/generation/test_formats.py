"""What each answer format adds to a prompt."""

import json

import pytest

from qtgen.generation import answers, formats
from qtgen.generation.markdown_answers import read_markdown
from qtgen.generation.prompts import PromptLibrary
from qtgen.generation.types import Question
from qtgen.llm.types import STANDARD_STYLE, AnswerFormat, PromptStyle
from qtgen.page.compile import default_layout
from qtgen.page.profile import default_profile

OBJECT, MARKDOWN = PromptStyle(AnswerFormat.JSON_OBJECT), PromptStyle(AnswerFormat.MARKDOWN)
SHORT = PromptStyle(AnswerFormat.MARKDOWN, is_short=True)


def instructions(shape: str, style: PromptStyle) -> str:
    return formats.instructions(shape, answers.schema(shape, default_profile()), style, layout=default_layout())


@pytest.mark.parametrize("shape", answers.shapes_of(default_profile()))
def test_a_request_with_a_schema_and_a_short_prompt_need_no_instructions(shape: str) -> None:
    assert instructions(shape, STANDARD_STYLE) == instructions(shape, SHORT) == ""


@pytest.mark.parametrize("shape", answers.shapes_of(default_profile()))
def test_json_object_puts_the_schema_and_the_word_json_into_the_prompt(shape: str) -> None:
    text = instructions(shape, OBJECT)
    assert "JSON object" in text, "endpoints require the word"
    assert json.loads(text.partition("JSON Schema:\n")[2]) == answers.schema(shape, default_profile())


@pytest.mark.parametrize("shape", answers.shapes_of(default_profile()))
def test_markdown_shows_a_layout_with_the_names_of_the_fields(shape: str) -> None:
    text = instructions(shape, MARKDOWN)
    assert "Markdown and no JSON" in text
    names = {name for name in answers.schema(shape, default_profile())["properties"] if name not in ("points", "table")}
    assert {name for name in names if f"<{name}" not in text} == set()


LAYOUT_FIELDS = {
    "points": ("introduction", "points", "worked_example", "summary"),
    "table": ("introduction", "table", "summary"),
    "freeform": ("answer",),
    "seo": (),
}


@pytest.mark.parametrize("shape", answers.shapes_of(default_profile()))
def test_an_answer_in_the_layout_is_read_with_every_field(shape: str) -> None:
    """The layout is read as it stands, its names being the texts."""
    layout = instructions(shape, MARKDOWN).partition("before or after it:\n\n")[2]
    layout = layout.replace("<", "").replace(">", "")
    found, fields = read_markdown(shape, layout, "What is osmosis?", layout=default_layout())
    assert found == shape
    assert all(fields[name] for name in (*LAYOUT_FIELDS[shape], "page_description", "page_keywords"))


def test_only_markdown_has_a_grammar() -> None:
    schema = answers.schema("points", default_profile())
    assert formats.answer_grammar("points", schema, STANDARD_STYLE, layout=default_layout()) is None
    assert formats.answer_grammar("points", schema, OBJECT, layout=default_layout()) is None
    standard, short = (
        formats.answer_grammar("points", schema, style, layout=default_layout()) for style in (MARKDOWN, SHORT)
    )
    assert standard
    assert short
    assert standard != short


@pytest.mark.parametrize("style", [STANDARD_STYLE, OBJECT, MARKDOWN])
def test_the_instructions_end_the_system_message(library: PromptLibrary, style: PromptStyle) -> None:
    prompt = library.render(Question("Why is the sky blue?", "Physics"), style=style)
    system = prompt.messages[0]
    assert system.role == "system"
    assert system.content.endswith(instructions(prompt.shape, style))
    assert (prompt.style, len(prompt.messages)) == (style, 2)


def test_the_digests_that_make_pages_stale_do_not_depend_on_the_format(library: PromptLibrary) -> None:
    question = Question("Why is the sky blue?", "Physics")
    prompts = [library.render(question, style=style) for style in (STANDARD_STYLE, OBJECT, MARKDOWN)]
    assert len({(prompt.wording_digest, prompt.schema_digest, prompt.template_digest) for prompt in prompts}) == 1
    assert len({prompt.digest for prompt in prompts}) == 3
    digests = library.digests()
    assert digests["explain"] == (prompts[2].wording_digest, prompts[2].schema_digest)
