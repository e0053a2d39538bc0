"""Load plugins: rules and report formats from installed packages and from the files that `plugins` in qtgen.toml names.

A plugin registers its rules and report formats when it is imported, with the decorators `rule`, `site_rule` and
`report_format`. From then on they are treated like built-in ones. Metrics and providers are loaded by their own
packages.
"""

import logging
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from qtgen._util.entry_points import may_have_entry_points
from qtgen._util.project import project_folder
from qtgen.page.profile import Profile
from qtgen.validation.rules import RULES_VERSION
from qtgen.validation.rules.settings import DEFAULT_SETTINGS, RuleSettings

ENTRY_POINT_GROUPS = ("qtgen.rules", "qtgen.report_formats", "qtgen.metrics", "qtgen.eval_formats", "qtgen.providers")
"""The entry point groups of all plugins."""

_OWN_GROUPS = ENTRY_POINT_GROUPS[:2]

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

_log = logging.getLogger(__name__)


class HasPlugins(Protocol):
    """Settings that name plugin files."""

    @property
    def plugins(self) -> Iterable[str | os.PathLike[str]]:
        """Paths of Python files, relative to the folder of qtgen.toml."""


@dataclass(frozen=True, slots=True)
class LoadedPlugins:
    """What has been loaded in this process: plugin files, and whether installed plugins were."""

    files: tuple[Path, ...] = ()
    installed: bool = False


_loaded = LoadedPlugins()


def load_plugins(settings: HasPlugins) -> LoadedPlugins:
    """Load the installed plugins and the files that the settings name. Loading them again changes nothing.

    Raises PluginError for a plugin that cannot be loaded.
    """
    folder = project_folder()
    return _load(LoadedPlugins(tuple(folder / path for path in settings.plugins), installed=True))


def load_installed_plugins() -> LoadedPlugins:
    """Load the plugins of installed packages. Raises PluginError."""
    return _load(LoadedPlugins(installed=True))


def loaded_plugins() -> LoadedPlugins:
    """Return what has been loaded in this process, for worker processes to load it too."""
    return _loaded


def installed_plugins() -> list["EntryPoint"]:
    """Return the entry points of installed plugins, sorted by group and name."""
    from importlib.metadata import entry_points

    return sorted(
        (entry_point for group in ENTRY_POINT_GROUPS for entry_point in entry_points(group=group)),
        key=lambda entry_point: (entry_point.group, entry_point.name),
    )


def reload_plugins(plugins: LoadedPlugins) -> None:
    """Load in a worker process what its parent has loaded. A forked worker has it already."""
    if plugins != _loaded:
        _load(plugins)


def _load(plugins: LoadedPlugins) -> LoadedPlugins:
    global _loaded  # like sys.modules, it is the state of the process
    if plugins.installed and not _loaded.installed:
        if may_have_entry_points(_OWN_GROUPS):
            _load_installed()
        _loaded = LoadedPlugins(_loaded.files, installed=True)
    for file in plugins.files:
        if file not in _loaded.files:
            from qtgen._util.plugins import load_file  # slow to import

            load_file(file)
            _log.debug("loaded the plugin file %s", file)
            _loaded = LoadedPlugins((*_loaded.files, file), _loaded.installed)
    return _loaded


def _load_installed() -> None:
    from qtgen._util.plugins import installed  # slow to import

    for group in _OWN_GROUPS:
        for entry_point, _ in installed(group):
            _log.debug("loaded the entry point %s of %s", entry_point.name, group)


def rules_key(settings: RuleSettings = DEFAULT_SETTINGS, *, profile: Profile) -> str:
    """Return a cache key that changes if the findings of the rules or the facts of a page may change.

    It covers the version of the built-in rules, the settings that page rules read, the profile if it is not the default
    one, and the installed plugins and plugin files that are loaded.
    """
    site = "" if profile.is_default else f" site {profile.cache_key}"
    key = f"rules {RULES_VERSION} {settings.page_key}".rstrip() + site
    if not _loaded.installed and not _loaded.files:
        return key
    from qtgen._util.plugins import identity

    return f"{key} {identity('qtgen.rules', _loaded.files)}".rstrip()
