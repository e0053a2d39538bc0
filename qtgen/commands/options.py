"""Options that several commands share, and the way from options to settings."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qtgen.settings import Settings, load, project_folder

if TYPE_CHECKING:  # it takes 0.2 s to load
    from qtgen.ledger import Book


def settings_from(flags: dict[str, Any]) -> Settings:
    """Settings with those of `flags` that were given on top. Raises SettingsError."""
    known = {name: value for name, value in flags.items() if name in Settings.model_fields}
    return load(Path.cwd(), os.environ, known).settings


@contextmanager
def open_book(settings: Settings) -> "Iterator[Book]":
    """The ledger that the settings name; a file stands beside qtgen.toml. Raises LedgerError."""
    from qtgen.ledger import Book

    book = Book(settings.ledger if "://" in settings.ledger else str(project_folder() / settings.ledger))
    try:
        yield book
    finally:
        book.close()


def note(message: str) -> None:
    """A line for the person, beside the data."""
    click.echo(message, err=True)


file_or_dash = click.Path(path_type=Path, allow_dash=True)
folder = click.Path(path_type=Path, file_okay=False)
