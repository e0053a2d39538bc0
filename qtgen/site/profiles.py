"""Find the profile of a site, and the pages that it describes."""

from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

from qtgen.page.compile import matching_layouts
from qtgen.page.profile import Profile, default_profile, find_profile, load_profile
from qtgen.site.discovery import PathName, iter_folder_pages

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


def site_pages(profile: Profile) -> Iterator[str]:
    """Yield the pages in the folder of a `site.toml` that belong to one of its layouts."""
    pages = iter_folder_pages(profile.root) if profile.root else ()
    return (path for path in pages if matching_layouts(profile, path))
