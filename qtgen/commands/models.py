"""`qtgen models`: list, fetch and choose local models."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from qtgen._util.files import publish_if_absent, replace_file, staged_file
from qtgen._util.project import FILE_NAME, find_settings_file
from qtgen._util.text import file_size, json_text
from qtgen._util.toml_edit import set_value
from qtgen.commands._echo import echo
from qtgen.commands._options import settings_from
from qtgen.commands._output import note
from qtgen.commands._tables import print_table
from qtgen.errors import Interrupted, ModelNotFetched, ProviderUnusable, SettingsError
from qtgen.llm.local.download import fetch, find
from qtgen.llm.local.table import LocalModel, ModelEntry, load_table, select_model
from qtgen.llm.providers import provider_name
from qtgen.settings import Settings

_VARIABLE = "QTGEN_LOCAL_MODEL"


@click.group()
def command() -> None:
    """List, fetch and choose local models.

    A local model runs on this machine and needs no key. The provider `local` uses it.
    """


@dataclass(frozen=True, slots=True)
class ModelState:
    """A row of the list: a model, and its file if it is on this machine."""

    entry: ModelEntry
    path: Path | None
    in_use: bool
    is_default: bool

    def as_dict(self) -> dict[str, Any]:
        """Return the object of the JSON output."""
        entry = self.entry
        return {
            "name": entry.name,
            "description": entry.description,
            "parameters": entry.parameters,
            "size": entry.size,
            "license": entry.license,
            "source": str(entry.source),
            "sha256": entry.sha256,
            "fetched": self.path is not None,
            "path": None if self.path is None else str(self.path),
            "in_use": self.in_use,
            "default": self.is_default,
        }

    def state(self) -> str:
        """Return the state as a few words."""
        words = ["fetched" if self.path else "", "in use" if self.in_use else "", "default" if self.is_default else ""]
        return ", ".join(word for word in words if word)


@command.command("list", epilog="Exit code 0.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
def list_models(as_json: bool) -> int:
    """List the local models.

    The list shows which models are on this machine, and which one the settings select.
    """
    selected = select_model(settings_from({}).local_model)
    table = load_table()
    states = [
        ModelState(entry, find(os.environ, name), entry == selected.entry, name == table.default)
        for name, entry in table.models.items()
    ]
    if as_json:
        echo(json_text([state.as_dict() for state in states], indent=1))
        return 0
    print_table(["model", "state", "license", "description", "parameters", "size"], [*map(_cells, states)], left=4)
    if selected.file is not None:
        note(f"`local_model` is the file {selected.file}")
    return 0


def _cells(state: ModelState) -> list[str]:
    entry = state.entry
    return [entry.name, state.state(), entry.license, entry.description, entry.parameters, file_size(entry.size)]


@command.command("fetch", epilog="Exit code 0 if the model is on this machine, 1 if it could not be fetched.")
@click.argument("name")
def fetch_model(name: str) -> int:
    """Download a model and verify its digest.

    The path of its file is printed. If the model NAME is already on this machine, nothing is downloaded. Run the same
    command again to resume an interrupted download.
    """
    entry = load_table().entry(name)
    if find(os.environ, name) is None:
        note(f"fetching {name} ({file_size(entry.size)}, {entry.license}) from {entry.source}")
    try:
        file = fetch(os.environ, name, on_wait=lambda: note("another process is fetching it; waiting"), progress=True)
    except KeyboardInterrupt:
        raise Interrupted(f"fetching {name} was interrupted") from None
    echo(file)
    return 0


@command.command("use", epilog="Exit code 0, or 2 if the name or qtgen.toml is invalid.")
@click.argument("name")
def use_model(name: str) -> int:
    """Choose the model for a project.

    qtgen writes NAME into the nearest qtgen.toml as `local_model`. The rest of the file is left unchanged. If there is
    no qtgen.toml, one is created in the current folder.
    """
    entry = load_table().entry(name)
    file, done = _write_setting(name)
    echo(f"{done} {file}: local_model = {json.dumps(name)}")
    if find(os.environ, name) is None:
        note(f"{name} is not on this machine yet; run `qtgen models fetch {name}` ({file_size(entry.size)})")
    settings = settings_from({})
    if os.environ.get(_VARIABLE, name) != name:
        note(f"the environment variable {_VARIABLE} overrides it with {os.environ[_VARIABLE]}")
    if (provider := provider_name(settings)) != "local":
        note(f"requests go to the provider `{provider}`; add --provider local to use the model")
    return 0


def _write_setting(name: str) -> tuple[Path, str]:
    """Write the setting. Return the file and whether it was created, changed or left unchanged."""
    file = find_settings_file(Path.cwd())
    if file is None:
        file = Path(FILE_NAME)
        with staged_file(file, set_value("", "local_model", name)) as temporary:
            if not publish_if_absent(temporary, file):
                raise SettingsError("was created by another program", path=file, remedy="run the same command again")
        return file, "created"
    try:
        before = file.read_bytes()
        after = set_value(before.decode(), "local_model", name).encode()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"cannot be read: {error}", path=file) from None
    except SettingsError as error:
        raise SettingsError(error.message, path=file, remedy=error.remedy) from None
    if after == before:
        return file, "unchanged"
    replace_file(file, before, after)
    return file, "changed"


@command.command("path", epilog="Exit code 0, or 1 if the model is not on this machine.")
@click.argument("name", required=False)
def print_path(name: str | None) -> int:
    """Print the path of a model's file.

    The default NAME is the model in use.
    """
    echo(_path_of(name, settings_from({})))
    return 0


def _path_of(name: str | None, settings: Settings) -> Path:
    if name is not None:
        load_table().entry(name)
    selected: LocalModel = select_model(settings.local_model if name is None else Path(name))
    if selected.file is not None:
        if not selected.file.is_file():
            raise ProviderUnusable(f"no such model file: {selected.file}", setting="local_model")
        return selected.file
    found = find(os.environ, selected.name)
    if found is None:
        raise ModelNotFetched(selected.name)
    return found
