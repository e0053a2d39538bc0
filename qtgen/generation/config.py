"""From settings to what the generator is handed."""

import datetime as dt

from qtgen.generation import answers
from qtgen.generation.generator import GenerationConfig
from qtgen.generation.prompts import Library
from qtgen.resources import shipped_folder
from qtgen.settings import Settings
from qtgen.validation.selection import choose_rules


def library(settings: Settings) -> Library:
    """The project's own prompts, then the shipped ones."""
    folders = [folder for folder in (settings.prompts, shipped_folder("prompts")) if folder.is_dir()]
    return Library(folders, {shape: answers.schema(shape) for shape in answers.SHAPES})


def recipe(settings: Settings, today: dt.date) -> GenerationConfig:
    return GenerationConfig(
        library(settings),
        choose_rules(),
        today,
        settings.repairs,
        settings.prompt,
        settings.temperature,
        settings.max_tokens,
    )
