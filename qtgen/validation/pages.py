"""Read the pages of a site, whatever its layout."""

from qtgen.page import Page, read, unreadable_page
from qtgen.page.compile import main_layout
from qtgen.page.profile import Profile
from qtgen.site import discovery
from qtgen.site.discovery import Overlay, read_page_bytes


def load_page(path: str, size: int, overlay: Overlay, profile: Profile) -> Page:  # TRANSITIONAL: that of discovery
    """Read a page from the overlay or from its file."""
    if profile.is_default:
        return discovery.load_page(path, size, overlay)
    try:
        return read(overlay[path] if path in overlay else read_page_bytes(path, size), profile, path)
    except OSError as error:
        return unreadable_page(error.strerror or str(error), main_layout(profile))
