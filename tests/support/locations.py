"""The place of one value, for tests of the site index."""

from qtgen.page import Profile
from qtgen.site.index import SiteIndex


def location_of(site: SiteIndex, row: int, key: str, profile: Profile) -> tuple[int, int, int, int] | None:
    """Return where a value of a row is, or None. See `SiteIndex.locations_of`."""
    ((_, location),) = site.locations_of([row], lambda _: key, profile)
    return location
