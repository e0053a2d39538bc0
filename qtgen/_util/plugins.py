"""Load extension points: entry points of installed packages, and Python files that `plugins` in qtgen.toml names."""

import hashlib
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from qtgen.errors import PluginError


def load_file(path: Path) -> ModuleType:
    """Import a plugin file once per process.

    The module registers its rules, metrics or report formats when it is imported. Raises PluginError.
    """
    file = path.resolve()
    name = f"qtgen_plugin_{hashlib.sha256(str(file).encode()).hexdigest()[:16]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None or not file.is_file():
        raise PluginError("no such Python file", path=path, remedy="correct `plugins` in qtgen.toml")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # a plugin can raise anything
        del sys.modules[name]
        raise PluginError(f"cannot be loaded: {type(error).__name__}: {error}", path=path) from error
    return module


def installed(group: str) -> Iterator[tuple[EntryPoint, Any]]:
    """Yield the entry points of a group (`qtgen.rules`, …) with the objects they name. Raises PluginError."""
    for entry_point in sorted(entry_points(group=group), key=lambda one: one.name):
        try:
            yield entry_point, entry_point.load()
        except Exception as error:  # a plugin can raise anything
            message = f"entry point `{entry_point.name}` of `{group}` cannot be loaded: {type(error).__name__}: {error}"
            raise PluginError(message) from error


def identity(group: str, files: Sequence[Path]) -> str:
    """Return a text that changes if an installed plugin of the group or a plugin file does, for cache keys.

    An installed plugin is identified by its distribution's version, a plugin file by its contents.
    """
    parts = [
        f"{one.name}={one.dist.name if one.dist else ''}-{one.dist.version if one.dist else ''}"
        for one in sorted(entry_points(group=group), key=lambda one: one.name)
    ]
    parts += [hashlib.sha256(file.read_bytes()).hexdigest()[:16] for file in files if file.is_file()]
    return " ".join(parts)
