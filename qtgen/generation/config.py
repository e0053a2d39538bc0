"""The configuration of generation: prompt templates, rules and request parameters."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from qtgen._util.resources import shipped_folder
from qtgen.generation import answers
from qtgen.generation.prompts import PromptLibrary
from qtgen.generation.types import Question
from qtgen.llm.types import STANDARD_STYLE, Prompt, PromptStyle
from qtgen.page.profile import default_profile
from qtgen.settings import Settings
from qtgen.validation.plugins import load_plugins
from qtgen.validation.rules import PageChecker, Rule
from qtgen.validation.rules.settings import DEFAULT_SETTINGS, RuleSettings, rule_settings
from qtgen.validation.selection import choose_rules

_ANY_QUESTION = Question("?", "?")


@dataclass(frozen=True)
class GenerationConfig:
    """How a run makes its pages.

    Args:
        library: The prompt templates.
        rules: The rules that a new page must satisfy.
        today: The date of the run.
        repairs: How often a model is asked to repair an invalid answer.
        candidates: How many answers are requested for a page, of which the best one is kept.
        prompt: Name of the prompt for every question; None to choose by the question's words.
        temperature: Sampling temperature; None for the prompt's own.
        max_tokens: Maximum length of an answer in tokens; None for the prompt's own.
        strict_grounding: Reject an answer that its question's source text does not support.
        rule_settings: What the rules read from the settings.
    """

    library: PromptLibrary
    rules: Sequence[Rule]
    today: dt.date
    repairs: int = 3
    candidates: int = 1
    prompt: str | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    strict_grounding: bool = False
    rule_settings: RuleSettings = DEFAULT_SETTINGS

    @cached_property
    def checker(self) -> PageChecker:
        """Checks a page against the rules."""
        return PageChecker(self.rules, settings=self.rule_settings, profile=default_profile())  # TRANSITIONAL

    @cached_property
    def fixer(self) -> PageChecker:
        """Checks a page against the rules, with fixes for its findings."""
        return PageChecker(
            self.rules, fixes=True, settings=self.rule_settings, profile=default_profile()
        )  # TRANSITIONAL

    @property
    def _parameters(self) -> dict[str, Any]:
        return {"temperature": self.temperature, "max_tokens": self.max_tokens}

    def render(self, question: Question, style: PromptStyle = STANDARD_STYLE) -> Prompt:
        """Return the first request for a page, in the style of its endpoint. Raises PromptError."""
        return self.library.render(question, name=self.prompt, style=style, **self._parameters)

    def render_seo(self, question: Question, answer: str, style: PromptStyle = STANDARD_STYLE) -> Prompt:
        """Return the first request for a page's texts for search engines. Raises PromptError.

        Args:
            question: The page's question.
            answer: Its answer, as markdown.
            style: The style of its endpoint.
        """
        return self.library.render_seo(question, answer, style=style, **self._parameters)

    def template_digests(self) -> dict[str, str]:
        """Return the digest of every prompt that may be used for a page, by name. It does not depend on a question."""
        page_prompts = [name for name, template in self.library.templates.items() if template.header.task == "page"]
        names = [self.prompt] if self.prompt else page_prompts
        return {
            name: self.library.render(_ANY_QUESTION, name=name, **self._parameters).template_digest for name in names
        }

    def part_digests(self) -> dict[str, tuple[str, str]]:
        """Return the digests of the wording and of the schema of every prompt, by name."""
        return self.library.digests(**self._parameters)


def load_library(settings: Settings) -> PromptLibrary:
    """Load the project's own prompt templates and the shipped ones. Raises PromptError."""
    folders = [folder for folder in (settings.prompts, shipped_folder("prompts")) if folder.is_dir()]
    return PromptLibrary(folders, {shape: answers.schema(shape) for shape in answers.SHAPES})


def generation_config(settings: Settings, today: dt.date) -> GenerationConfig:
    """Return the configuration that the settings describe, with the rules of plugins.

    Raises PromptError and PluginError.
    """
    load_plugins(settings)
    return GenerationConfig(
        library=load_library(settings),
        rules=choose_rules(ignore=settings.ignore, profile=default_profile()),  # TRANSITIONAL
        today=today,
        repairs=settings.repairs,
        candidates=settings.candidates,
        prompt=settings.prompt,
        temperature=settings.temperature,
        max_tokens=settings.max_tokens,
        strict_grounding=settings.strict_grounding,
        rule_settings=rule_settings(settings),
    )
