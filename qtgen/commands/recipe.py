"""From settings to what the generator is handed."""

import datetime as dt
from pathlib import Path

from qtgen import answers
from qtgen.generator import Recipe
from qtgen.prompts import Library
from qtgen.selection import choose_rules
from qtgen.settings import Settings


def shipped(name: str) -> Path:
    """A folder that comes with qtgen: inside the wheel, or beside the package in a checkout."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "shipped" / name
    return inside if inside.is_dir() else package.parent / name


def library(settings: Settings) -> Library:
    """The project's own prompts, then the shipped ones."""
    folders = [folder for folder in (settings.prompts, shipped("prompts")) if folder.is_dir()]
    return Library(folders, {shape: answers.schema(shape) for shape in answers.SHAPES})


def recipe(settings: Settings, today: dt.date) -> Recipe:
    return Recipe(
        library(settings),
        choose_rules(),
        today,
        settings.repairs,
        settings.prompt,
        settings.temperature,
        settings.max_tokens,
    )
