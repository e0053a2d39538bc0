"""The configuration of generation."""

import pytest

from qtgen.errors import PromptError
from qtgen.generation.config import GenerationConfig, generation_config
from qtgen.generation.types import Question
from qtgen.page.profile import default_profile
from qtgen.settings import Settings
from support import TODAY


def test_the_settings_become_the_configuration() -> None:
    settings = Settings(prompt="derive", repairs=1, temperature=0.7, max_tokens=99)
    config = generation_config(settings, TODAY, default_profile())
    assert (config.today, config.repairs) == (TODAY, 1)
    prompt = config.render(Question("Why is the sky blue?", "Physics"))
    assert (prompt.name, prompt.parameters) == ("derive", {"temperature": 0.7, "max_tokens": 99})


def test_digests_do_not_depend_on_a_question(config: GenerationConfig) -> None:
    digests = config.template_digests()
    standard = {"explain", "compare", "derive", "code"}
    assert set(digests) == {*standard, "explain-short"}, "not those of other tasks"
    assert digests["explain"] == config.render(Question("Why is the sky blue?", "Physics")).template_digest
    assert set(config.part_digests()) == {*digests, "seo", "seo-short"}


def test_one_prompt_for_all_questions_has_one_digest() -> None:
    config = generation_config(Settings(prompt="derive"), TODAY, default_profile())
    assert set(config.template_digests()) == {"derive"}
    with pytest.raises(PromptError):
        generation_config(Settings(prompt="nosuch"), TODAY, default_profile()).template_digests()


def test_the_search_fields_have_a_prompt_of_their_own(config: GenerationConfig) -> None:
    prompt = config.render_seo(Question("Why?", "Physics"), "Because of it.")
    assert (prompt.name, prompt.shape) == ("seo", "seo")
    assert "Because of it." in prompt.messages[-1].content
