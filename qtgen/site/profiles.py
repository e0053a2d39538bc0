"""Find the profile that the functions for programs use."""

from pathlib import Path

from qtgen.page.profile import Profile, default_profile, find_profile, load_profile
from qtgen.site.discovery import PathName


def resolve_profile(site: Profile | PathName | None) -> Profile:
    """Return the profile that a function for programs was given.

    Args:
        site: A profile, or the path of a `site.toml`. None is the nearest `site.toml`, in the current folder or above
            it, or the profile that ships with qtgen if there is none.

    Raises:
        SettingsError: The file cannot be read, or is not valid.
    """
    if isinstance(site, Profile):
        return site
    path = find_profile(Path.cwd()) if site is None else Path(site)
    return default_profile() if path is None else load_profile(path)
