"""`qtgen init`: lay out a new project."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import click

from qtgen._util.files import as_output_error, publish_if_absent, staged_file
from qtgen.commands._output import note
from qtgen.errors import OutputError, UsageError
from qtgen.resources import shipped_folder

_TOML = """\
# Settings of qtgen; `qtgen --show-settings` lists them all.
# A key goes into the environment (OPENAI_API_KEY), never here.
questions = ["questions.csv"]
out = "outputs"

# Who answers. Without a key or an address, a small model on this machine does.
# provider = "openai"
# model = "gpt-4o-mini"
# base_url = "https://…/v1"      # any OpenAI-compatible endpoint

# US dollars per million tokens, by model. A model without a price costs "unknown".
# [prices."gpt-4o-mini"]
# input = 0.15
# output = 0.60
# cached_input = 0.075           # for tokens that the endpoint had in its cache
"""
_IGNORE = """\
# Answers that failed or were not taken are for a look, not for the repository; commit provenance.jsonl.
outputs/.qtgen/failed/
outputs/.qtgen/rejected/
"""


@contextlib.contextmanager
def _refused_early(folder: Path) -> Iterator[None]:
    try:
        yield
    except OutputError as error:
        raise UsageError(f"FOLDER {folder}: cannot be written ({str(error).rpartition(': ')[2]})") from None


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=Path())
def command(folder: Path) -> int:
    """Lay out a new project in FOLDER: settings, prompts, an example question file. Nothing is overwritten."""
    files = {
        "qtgen.toml": _TOML,
        "questions.csv": (shipped_folder("examples") / "questions.csv").read_text(encoding="utf-8"),
        ".gitignore": _IGNORE,
        "outputs/.gitkeep": "",
        "evals/.gitkeep": "",
        **{
            f"prompts/{file.name}": file.read_text(encoding="utf-8")
            for file in sorted(shipped_folder("prompts").glob("*.md.j2"))
        },
    }
    for name, text in files.items():
        path = folder / name
        with _refused_early(folder), staged_file(path, text) as temporary, as_output_error(path):
            note(f"{'created' if publish_if_absent(temporary, path) else 'exists '}  {path}")
    note(f"next: {'' if folder == Path() else f'cd {folder} && '}qtgen generate")
    return 0
