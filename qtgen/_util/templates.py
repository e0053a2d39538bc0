"""The template engine of the reports that are HTML: all text is escaped, a name that is not there is an error."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined


def html_environment(folder: Path) -> Environment:
    """folder: where the templates lie."""
    return Environment(
        autoescape=True,
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
