"""Load plugins: entry points of installed packages, and the Python files that the setting `plugins` lists."""

import hashlib
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from qtgen._util.text import mask_unprintable
from qtgen.errors import PluginError


def load_file(path: Path) -> ModuleType:
    """Import a plugin file, once per process.

    The module registers its rules, metrics or report formats when it is imported. Raises PluginError if the file does
    not exist, is no Python file, or fails.
    """
    file = path.resolve()
    name = f"qtgen_plugin_{hashlib.sha256(str(file).encode()).hexdigest()[:16]}"
    if name in sys.modules:
        return sys.modules[name]
    if not file.is_file():
        raise PluginError("no such file", path=path, remedy="correct the setting `plugins`")
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise PluginError("is not a Python file", path=path, remedy="give it a name that ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # before the import, as for any module: pickle and dataclasses look it up
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # a plugin can raise anything
        del sys.modules[name]
        raise PluginError(f"cannot be loaded: {_reason(error)}", path=path) from error
    return module


def installed(group: str) -> Iterator[tuple[EntryPoint, Any]]:
    """Yield the entry points of a group (`qtgen.rules`, …), by name, each with the object that it refers to.

    Raises PluginError if one cannot be loaded.
    """
    for entry_point in _sorted_entry_points(group):
        try:
            plugin = entry_point.load()
        except (Exception, SystemExit) as error:  # a plugin can raise anything
            package = entry_point.dist.name if entry_point.dist else entry_point.module
            message = f"the plugin `{entry_point.name}` of the package {package} cannot be loaded: {_reason(error)}"
            raise PluginError(message, remedy=f"update or uninstall {package}") from error
        yield entry_point, plugin


def identity(group: str, files: Sequence[Path]) -> str:
    """Return a text for cache keys that changes if an installed plugin of the group or a plugin file changes.

    An installed plugin is identified by its package's version, a plugin file by its contents. What a plugin imports
    is not looked at.
    """
    parts = []
    for entry_point in _sorted_entry_points(group):
        package = f"{entry_point.dist.name}-{entry_point.dist.version}" if entry_point.dist else ""
        parts.append(f"{entry_point.name}={package}")
    parts += [hashlib.sha256(file.read_bytes()).hexdigest()[:16] for file in files if file.is_file()]
    return " ".join(parts)


def _sorted_entry_points(group: str) -> list[EntryPoint]:
    return sorted(entry_points(group=group), key=lambda entry_point: entry_point.name)


def _reason(error: BaseException) -> str:
    return mask_unprintable(" ".join(f"{type(error).__name__}: {error}".split()))
