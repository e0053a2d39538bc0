"""The public function that reads one page."""

from pathlib import Path

from qtgen.errors import UsageError
from qtgen.page import Page, Profile
from qtgen.page import read as read_bytes
from qtgen.site.discovery import PathName, read_page_bytes
from qtgen.site.profiles import resolve_profile


def read_page(path: PathName, *, site: Profile | PathName | None = None) -> Page:
    """Read the page in a file.

    What is wrong with the text is in `page.problems`: a page that is not valid is read as far as possible.

    Args:
        path: The file.
        site: The layout of the site: a profile or the path of a `site.toml`. By default, the nearest `site.toml`, in
            the current folder or above it. If there is none, the default layout.

    Raises:
        UsageError: The file cannot be read.
        SettingsError: The `site.toml` is not valid.
    """
    profile = resolve_profile(site)
    try:
        return read_bytes(read_page_bytes(str(path)), profile, str(path))
    except OSError as error:
        raise UsageError(error.strerror or str(error), path=Path(path)) from None
