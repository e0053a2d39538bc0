"""`qtgen init`: create the files of a new project."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from qtgen._util.files import as_output_error, publish_if_absent, staged_file
from qtgen._util.resources import shipped_folder
from qtgen.commands._output import note
from qtgen.commands._paths import NonEmptyPath
from qtgen.errors import OutputError, UsageError
from qtgen.page.profile import find_profile

_TOML = """\
# Settings of qtgen. `qtgen --show-settings` lists all of them.
# Set the API key in the environment (OPENAI_API_KEY), never here.
questions = ["questions.csv"]
out = "outputs"

# The model. Without a key or a base URL, qtgen uses a small model on this machine.
# provider = "openai"
# model = "gpt-4o-mini"
# base_url = "https://…/v1"      # any OpenAI-compatible endpoint

# US dollars per million tokens, by model. The cost of a model without a price is unknown.
# [prices."gpt-4o-mini"]
# input = 0.15
# output = 0.60
# cached_input = 0.075           # optional; the default is the price of input
"""
_GITIGNORE = """\
# Failed answers and both versions of rewrites are for inspection. Commit outputs/.qtgen/provenance.jsonl,
# decisions.jsonl and audits/.
outputs/.qtgen/failed/
outputs/.qtgen/publishing/
outputs/.qtgen/rejected/
outputs/.qtgen/review/
outputs/.qtgen/taken/
"""


@dataclass(frozen=True, slots=True)
class InitOptions:
    """The options of `init`."""

    folder: Path


_EPILOG = """\b
Examples:
  qtgen init my-site
  qtgen init --from content
  qtgen init my-site --from my-site/articles --from my-site/help --json
"""


@click.command(epilog=_EPILOG)
@click.argument("folder", type=NonEmptyPath(file_okay=False), default=Path())
@click.option(
    "--from",
    "sources",
    multiple=True,
    type=NonEmptyPath(readable=False),
    metavar="PATH",
    help="Infer the page layout from the pages in this file or folder, and write it to site.toml in FOLDER. Repeat "
    "the option for several paths.",
)
@click.option("--json", "as_json", is_flag=True, help="With --from: print the report as one JSON document.")
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    help="With --from: number of worker processes.  [default: number of CPUs, fewer for few pages]",
)
def command(folder: Path, sources: tuple[Path, ...], as_json: bool, jobs: int | None) -> int:
    """Create a project in FOLDER: settings, prompts and example questions. Existing files stay unchanged.

    If there is a site.toml in FOLDER or above, the prompts are those for any site.

    With --from, infer the page layout of an existing site instead. The command writes site.toml, and reports for each
    finding how many pages agree and which pages disagree. The exit code is 1 if some pages are unusable.
    """
    if sources:
        from qtgen.commands._inference import InferenceOptions, infer_site

        return infer_site(InferenceOptions(folder, sources, as_json, jobs))
    if as_json or jobs:
        raise UsageError(f"{'--json' if as_json else '--jobs'} needs --from")
    options = InitOptions(folder)
    for name, text in _project_files(find_profile(folder)).items():
        path = options.folder / name
        note(f"{'created' if _create(path, text, options) else 'exists '}  {path}")
    change_folder = "" if options.folder == Path() else f"cd {options.folder} && "
    note(f"next: {change_folder}qtgen generate")
    return 0


def _project_files(site: Path | None) -> Mapping[str, str]:
    """Return the text of each file of a new project, by path.

    Args:
        site: The `site.toml` that is in force in the folder of the project, if there is one.
    """
    shipped = shipped_folder("prompts")
    prompts = sorted((shipped / "site" if site else shipped).glob("*.md.j2"))
    return {
        "qtgen.toml": _TOML,
        "questions.csv": (shipped_folder("examples") / "questions.csv").read_text(encoding="utf-8"),
        ".gitignore": _GITIGNORE,
        "outputs/.gitkeep": "",
        "evals/.gitkeep": "",
        **{f"prompts/{file.name}": file.read_text(encoding="utf-8") for file in prompts},
    }


def _create(path: Path, text: str, options: InitOptions) -> bool:
    """Write a file and return whether it is new. Raises UsageError if the folder cannot be written."""
    try:
        with staged_file(path, text) as temporary, as_output_error(path):
            return publish_if_absent(temporary, path)
    except OutputError as error:
        reason = str(error).rpartition(": ")[2]
        raise UsageError(f"FOLDER {options.folder}: cannot be written ({reason})") from None
