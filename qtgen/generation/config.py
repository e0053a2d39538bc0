"""The configuration of generation: prompt templates, rules and request parameters."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from qtgen._util.resources import shipped_folder
from qtgen.generation import answers
from qtgen.generation.prompts import PromptLibrary
from qtgen.generation.templates import SUFFIX
from qtgen.generation.types import Question
from qtgen.llm.types import STANDARD_STYLE, Prompt, PromptStyle
from qtgen.page import main_layout
from qtgen.page.layout import Layout
from qtgen.page.profile import Profile
from qtgen.page.profile_errors import Place, profile_error
from qtgen.settings import Settings
from qtgen.validation.plugins import load_plugins
from qtgen.validation.rules import PageChecker, Rule
from qtgen.validation.rules.settings import DEFAULT_SETTINGS, RuleSettings, rule_settings
from qtgen.validation.selection import choose_rules

SITE_PROMPTS = "site"
"""The folder, below that of the shipped prompts, with those for sites of any kind."""
_ANY_QUESTION = Question("?", "?")


@dataclass(frozen=True)
class GenerationConfig:
    """How a run makes its pages.

    Args:
        library: The prompt templates.
        rules: The rules that a new page must satisfy.
        today: The date of the run.
        profile: The layout of the site.
        repairs: How often a model is asked to repair an invalid answer.
        candidates: How many answers are requested for a page, of which the best one is kept.
        prompt: Name of the prompt for every question; None to choose by the question's words.
        temperature: Sampling temperature; None for the prompt's own.
        max_tokens: Maximum length of an answer in tokens; None for the prompt's own.
        strict_grounding: Reject an answer that its question's source text does not support.
        rule_settings: What the rules read from the settings.
        chosen_layout: The layout of new pages; None for the first one of the profile with an answer.
    """

    library: PromptLibrary
    rules: Sequence[Rule]
    today: dt.date
    profile: Profile
    repairs: int = 3
    candidates: int = 1
    prompt: str | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    strict_grounding: bool = False
    rule_settings: RuleSettings = DEFAULT_SETTINGS
    chosen_layout: Layout | None = None

    @cached_property
    def layout(self) -> Layout:
        """The layout of new pages."""
        return self.chosen_layout or main_layout(self.profile)

    @cached_property
    def checker(self) -> PageChecker:
        """Checks a page against the rules."""
        return PageChecker(self.rules, settings=self.rule_settings, profile=self.profile)

    @cached_property
    def fixer(self) -> PageChecker:
        """Checks a page against the rules, with fixes for its findings."""
        return PageChecker(self.rules, fixes=True, settings=self.rule_settings, profile=self.profile)

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


def load_library(settings: Settings, profile: Profile, layout: Layout | None = None) -> PromptLibrary:
    """Load the prompt templates of the project and of the site, and the shipped ones, for new pages of a layout.

    `qtgen init` copies prompts that ship with qtgen into a project. Such copies are ignored as long as all of them are
    unchanged: those for one site may ask for fields that the pages of another lack.

    Raises PromptError, and SettingsError for a fault of the profile.
    """
    own = settings.prompts
    is_used = own.is_dir() and not _has_only_copies(own)
    folders = [*([own] if is_used else []), *prompt_folders(profile)]
    layout = layout or main_layout(profile)
    return PromptLibrary(folders, answers.layout_schemas(layout), layout)


def _has_only_copies(folder: Path) -> bool:
    """Return whether all prompts in a folder are copies of those that ship with qtgen for one kind of site."""
    shipped = shipped_folder("prompts")
    return any(_copies(folder, original) for original in (shipped, shipped / SITE_PROMPTS))


def _copies(folder: Path, original: Path) -> bool:
    return all(
        (original / file.name).is_file() and (original / file.name).read_bytes() == file.read_bytes()
        for file in folder.glob(f"*{SUFFIX}")
    )


def prompt_folders(profile: Profile) -> list[Path]:
    """Return the folders with the prompt templates of a site and with the shipped ones.

    Raises SettingsError, with the line in the profile, if the folder of the site does not exist.
    """
    shipped = shipped_folder("prompts")
    if profile.is_default:
        return [shipped]
    own = profile.file.generate.prompts
    folders = [profile.root / own] if own and profile.root else []
    for folder in folders:
        if not folder.is_dir():
            remedy = "create the folder, or remove the key to use the shipped prompts"
            place: Place = ("generate", "prompts")
            raise profile_error(profile.raw, profile.path, place, f"there is no folder `{own}`", remedy)
    return [*folders, shipped / SITE_PROMPTS]


def generation_config(
    settings: Settings, today: dt.date, profile: Profile, layout: Layout | None = None
) -> GenerationConfig:
    """Return the configuration that the settings and the profile describe, with the rules of plugins.

    Args:
        settings: The settings in force.
        today: The date of the run.
        profile: The layout of the site.
        layout: The layout of new pages; None for the first one of the profile with an answer.

    Raises PromptError and PluginError, and SettingsError for a fault of the profile.
    """
    load_plugins(settings)
    return GenerationConfig(
        library=load_library(settings, profile, layout),
        rules=choose_rules(ignore=settings.ignore, profile=profile),
        today=today,
        profile=profile,
        repairs=settings.repairs,
        candidates=settings.candidates,
        prompt=settings.prompt,
        temperature=settings.temperature,
        max_tokens=settings.max_tokens,
        strict_grounding=settings.strict_grounding,
        rule_settings=rule_settings(settings),
        chosen_layout=layout,
    )
