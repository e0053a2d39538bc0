"""Render HTML reports with Jinja."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined


def html_environment(*folders: Path) -> Environment:
    """Return a Jinja environment for the templates in `folders` that escapes all text and rejects undefined names."""
    return Environment(
        autoescape=True,
        loader=FileSystemLoader(folders),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
