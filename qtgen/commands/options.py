"""Options that several commands share, and the way from options to settings."""

import os
from pathlib import Path
from typing import Any

import click

from qtgen.settings import Settings, load


def settings_from(flags: dict[str, Any]) -> Settings:
    """Settings with those of `flags` that were given on top. Raises SettingsError."""
    known = {name: value for name, value in flags.items() if name in Settings.model_fields}
    return load(Path.cwd(), os.environ, known).settings


def note(message: str) -> None:
    """A line for the person, beside the data."""
    click.echo(message, err=True)


file_or_dash = click.Path(path_type=Path, allow_dash=True)
folder = click.Path(path_type=Path, file_okay=False)
