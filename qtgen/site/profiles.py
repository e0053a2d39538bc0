"""Find the profile of the site that pages belong to."""

import os
from pathlib import Path

from qtgen.page.profile import Profile, default_profile, find_profile, load_profile


def resolve_profile(site: Profile | str | os.PathLike[str] | None = None) -> Profile:
    """Return the profile of a site. Raises SettingsError with the file and the line.

    Args:
        site: The profile, or its `site.toml`. None for the nearest `site.toml`, in the current folder or above it. If
            there is none, the profile that ships with qtgen applies.
    """
    if isinstance(site, Profile):
        return site
    file = find_profile(Path.cwd()) if site is None else Path(site)
    return load_profile(file) if file else default_profile()
