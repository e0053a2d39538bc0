"""The profile of the site, and the option `--site`, which selects it."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qtgen.commands._paths import NonEmptyPath
from qtgen.errors import SettingsError
from qtgen.page.layout import Layout
from qtgen.page.profile import FILE_NAME, Profile, find_profile
from qtgen.site.profiles import resolve_profile

if TYPE_CHECKING:  # slow to import, and `validate` of one page does not need it
    from qtgen.settings import LoadedSettings, Settings


def site_option(option: Callable[..., Callable[[Any], Any]] = click.option) -> Callable[[Any], Any]:
    """Return the option `--site`.

    Args:
        option: The function that creates the option: `click.option`, or the result of `options_of`.
    """
    return option(
        "--site",
        type=NonEmptyPath(dir_okay=False),
        metavar="FILE",
        help="Use the page layout in this file.  [default: the nearest site.toml, else the default layout]",
    )


def profile_of(settings: "Settings") -> Profile:
    """Return the profile of the site: the file in the settings, else the nearest `site.toml`, else the default.

    Raises SettingsError with the file and the line.
    """
    return load_site(settings.site)


def load_site(file: Path | None) -> Profile:
    """Return the profile in a file. If it is None, return that of the nearest `site.toml`, else the default.

    Raises SettingsError with the file and the line.
    """
    if file is not None and not file.is_file():
        problem = "is a folder" if file.is_dir() else "no such file"
        remedy = f"name a {FILE_NAME}, or remove the setting to use the nearest one"
        raise SettingsError(f"{file}: {problem}", setting="site", remedy=remedy)
    return resolve_profile(file)


def with_nearest_site(loaded: "LoadedSettings") -> "LoadedSettings":
    """Return the settings. If they do not set `site`, it is the nearest `site.toml`."""
    file = None if loaded.settings.site else find_profile(Path.cwd())
    if file is None:
        return loaded
    settings = loaded.settings.model_copy(update={"site": file})
    return replace(loaded, settings=settings, origins={**loaded.origins, "site": f"nearest {FILE_NAME}"})


def site_arguments(profile: Profile) -> list[str]:
    """Return the option that selects the file of a profile, or nothing if a command finds the file without it."""
    from qtgen.settings import load_settings

    try:
        found = profile_of(load_settings(Path.cwd(), os.environ, {}).settings)
    except SettingsError:  # the option replaced a file that cannot be used
        found = None
    return [] if found == profile else ["--site", str(profile.path)]


def known_subjects(layout: Layout) -> tuple[str, ...]:
    """Return the subjects that a layout lists: those that it allows, or else the usual ones."""
    row = layout.fields.get(layout.roles.subject or "")
    return () if row is None else tuple(map(str, row.spec.enum or row.spec.known or ()))
