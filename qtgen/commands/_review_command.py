"""The output folder of `qtgen review`, and the command that opens pages there, as other commands print it."""

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from qtgen.commands._options import load_from
from qtgen.generation.output import HIDDEN
from qtgen.settings import DEFAULT, LoadedSettings, Settings, load_settings

OUT_DEFAULT = "[default: `out` in qtgen.toml, else the folder in PATHS that contains .qtgen/, else outputs]"
"""How the help of an option says which folder it stands for."""
_SUBCOMMANDS = frozenset({"plan", "stats", "export", "serve"})
_SHOWN_PATHS = 3  # more paths are replaced by the folder that contains them


def review_settings(flags: Mapping[str, Any], paths: Sequence[Path]) -> Settings:
    """Return the settings in force for a review of `paths`.

    If nothing sets `out`, it is the only one of the paths that is an output folder. Raises SettingsError.
    """
    loaded = load_from(flags)
    return loaded.settings.model_copy(update={"out": _out_of(loaded, paths)})


def _out_of(loaded: LoadedSettings, paths: Sequence[Path]) -> Path:
    found = {path for path in paths if (path / HIDDEN).is_dir()}
    return found.pop() if loaded.origins["out"] == DEFAULT and len(found) == 1 else loaded.settings.out


def review_command(out: Path, paths: Sequence[Path], *options: str) -> str:
    """Return the command that opens pages in the browser with the decisions of the folder `out`."""
    shown = _few(paths)
    is_found = _out_of(load_settings(Path.cwd(), os.environ, {}), shown).resolve() == out.resolve()
    words = [*map(_as_argument, shown), *([] if is_found else ["--out", str(out)]), *options]
    return f"qtgen review {shlex.join(words)}"


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
