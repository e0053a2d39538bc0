"""Find the profile of a site."""

from pathlib import Path
from typing import TypeAlias

from qtgen.page.profile import Profile, default_profile, find_profile, load_profile
from qtgen.site.discovery import PathName

Site: TypeAlias = Profile | PathName | None
"""A profile, the path of a `site.toml`, or None for the nearest one."""


def resolve_profile(site: Site = None) -> Profile:
    """Return the profile of a site.

    Args:
        site: A profile or the path of a `site.toml`. None is the nearest `site.toml`, in the current folder or above
            it. If there is none, the default profile.

    Raises SettingsError, with the file and the line, if the file cannot be read or is invalid.
    """
    if isinstance(site, Profile):
        return site
    path = find_profile(Path.cwd()) if site is None else Path(site)
    return default_profile() if path is None else load_profile(path)
