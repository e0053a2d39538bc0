"""Grammars of answers: everything that one describes is a valid answer of its shape."""

import pytest

from qtgen.generation import answers
from qtgen.generation.grammar import grammar
from qtgen.generation.parsing import parse
from qtgen.generation.search_grammar import SENTENCE_MAX
from qtgen.llm.types import AnswerFormat, Prompt, PromptStyle
from qtgen.page.compile import default_layout
from qtgen.page.profile import default_profile
from support.gbnf import Grammar

CASES = [(shape, is_short) for shape in answers.shapes_of(default_profile()) for is_short in (False, True)]


def prompt_of(shape: str, text: str, *, is_short: bool) -> Prompt:
    style = PromptStyle(AnswerFormat.MARKDOWN, is_short)
    return Prompt("t", 1, shape, (), {}, {}, "d", "w", "s", style=style, grammar=text)


@pytest.mark.parametrize(("shape", "is_short"), CASES)
def test_every_text_of_a_grammar_is_a_valid_answer_of_its_shape(shape: str, is_short: bool) -> None:
    text = grammar(shape, answers.schema(shape, default_profile()), is_short=is_short, layout=default_layout())
    sampler = Grammar(text)
    assert sampler.unused == set()
    prompt = prompt_of(shape, text, is_short=is_short)
    for seed in range(40):
        sample = sampler.text(seed)
        fields = parse(prompt, sample, "What is osmosis?", layout=default_layout()).fields
        assert type(fields) is answers.shapes_of(default_profile())[shape], sample


@pytest.mark.parametrize("is_short", [False, True])
def test_the_limits_of_the_schema_are_those_of_the_grammar(is_short: bool) -> None:
    schema = answers.schema("points", default_profile())
    schema["properties"]["points"] |= {"minItems": 2, "maxItems": 3}
    schema["properties"]["page_keywords"]["minItems"] = 3
    sampler = Grammar(grammar("points", schema, is_short=is_short, layout=default_layout()))
    for seed in range(20):
        sample = sampler.text(seed)
        assert sample.count("\n\n1. **") == sample.count("\n\n2. **") == 1
        assert "\n\n4. **" not in sample
        assert 3 <= sample.rpartition("Keywords: ")[2].count(", ") + 1 <= 5


def test_a_small_model_writes_no_formulas_and_no_description() -> None:
    text = grammar("points", answers.schema("points", default_profile()), is_short=True, layout=default_layout())
    sampler = Grammar(text)
    samples = "".join(sampler.text(seed) for seed in range(20))
    assert not set("$`\\<>{}[]|#_") & set(samples)
    assert "Description" not in samples
    assert "Worked example" not in samples
    rich = Grammar(
        grammar("points", answers.schema("points", default_profile()), is_short=False, layout=default_layout())
    )
    samples = "".join(rich.text(seed) for seed in range(20))
    assert {"$", "`"} <= set(samples)
    assert "**Worked example**: " in samples


def test_a_sentence_has_a_greatest_length() -> None:
    sampler = Grammar(
        grammar("points", answers.schema("points", default_profile()), is_short=True, layout=default_layout())
    )
    for seed in range(10):
        for paragraph in sampler.text(seed).split("\n\n")[:-1]:
            text = paragraph.rpartition("**: ")[2].removeprefix("In summary, ")
            assert all(len(sentence) < SENTENCE_MAX for sentence in text.split("."))
