"""The output folder of pages that are given, and the commands of `qtgen review`, as other commands print them."""

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from qtgen._util.text import enumeration
from qtgen.commands._options import load_from
from qtgen.commands._output import note
from qtgen.generation.output import HIDDEN, OutputFolder
from qtgen.settings import DEFAULT, LoadedSettings, Settings, load_settings

OUT_DEFAULT = (
    "[default: `out` in qtgen.toml, else the folder in PATHS that holds provenance, decisions or audits, else outputs]"
)
"""The default of `--out`, as the help of an option shows it."""
_SUBCOMMANDS = frozenset({"plan", "stats", "export", "serve"})
_SHOWN_PATHS = 3  # more paths are replaced by the folder that contains them


def settings_for_pages(flags: Mapping[str, Any], paths: Sequence[Path]) -> Settings:
    """Return the settings in force for a command that reads the records of the pages at `paths`.

    If nothing sets `out`, it is the only one of the paths that is an output folder. Raises SettingsError.
    """
    loaded = load_from(flags)
    out = _out_of(loaded, paths)
    folders = sorted(map(str, _output_folders(paths)))
    if loaded.origins["out"] == DEFAULT and len(folders) > 1:
        note(f"{enumeration(folders)} hold provenance, decisions or audits; using {out}; choose one with --out")
    return loaded.settings.model_copy(update={"out": out})


def _out_of(loaded: LoadedSettings, paths: Sequence[Path]) -> Path:
    found = _output_folders(paths)
    return found.pop() if loaded.origins["out"] == DEFAULT and len(found) == 1 else loaded.settings.out


def _output_folders(paths: Sequence[Path]) -> set[Path]:
    return {path for path in paths if _is_output_folder(OutputFolder(path))}


def _is_output_folder(store: OutputFolder) -> bool:
    """Return whether a folder has records. A `.qtgen/` with nothing but the cache is that of a project."""
    audits = store.folder / HIDDEN / "audits"
    return any(os.path.exists(path) for path in (store.provenance_file, store.decisions_file, audits))  # noqa: PTH110  # False if unreadable


def review_command(out: Path, paths: Sequence[Path], *options: str) -> str:
    """Return the command that opens pages in the browser with the decisions of the folder `out`."""
    shown = _few(paths)
    words = [*map(_as_argument, shown), *_out_option(out, shown), *options]
    return f"qtgen review {shlex.join(words)}"


def stats_command(out: Path, *arguments: str) -> str:
    """Return the command that shows what the decisions of the folder `out` say."""
    return f"qtgen review stats {shlex.join([*arguments, *_out_option(out)])}".rstrip()


def _out_option(out: Path, paths: Sequence[Path] = ()) -> Sequence[str]:
    """Return the option that names the folder `out`, or nothing if a command finds it without the option."""
    found = _out_of(load_settings(Path.cwd(), os.environ, {}), paths)
    return [] if found.resolve() == out.resolve() else ["--out", str(out)]


def _few(paths: Sequence[Path]) -> Sequence[Path]:
    """Return the paths, or the folder that contains all of them if they are many."""
    if len(paths) <= _SHOWN_PATHS:
        return paths
    try:
        common = Path(os.path.commonpath(paths) or ".")
    except ValueError:  # some are absolute, or they are on different drives
        return paths
    return [common if common.is_dir() else common.parent]


def _as_argument(path: Path) -> str:
    text = str(path)
    return f"./{text}" if text in _SUBCOMMANDS or text.startswith("-") else text
