"""The default site, as most tests use it: its layout, its tables, and reading with its profile."""

import qtgen.page as page_package
from qtgen.page import Page, default_profile
from qtgen.page.compile import default_layout
from qtgen.page.layout import Layout
from qtgen.page.profile import Profile

PROFILE = default_profile()
LAYOUT = default_layout()
FIELDS = LAYOUT.fields
SECTIONS = LAYOUT.sections
ORDER = LAYOUT.order
CONSTANTS = LAYOUT.constants
FIELD_GROUPS = LAYOUT.groups
SUBJECTS = LAYOUT.fields["subject"].spec.known or ()
DESCRIPTION, KEYWORDS = LAYOUT.fields["seo.page_description"].spec, LAYOUT.fields["seo.page_keywords"].spec
DESCRIPTION_MIN, DESCRIPTION_MAX = int(DESCRIPTION.min or 0), int(DESCRIPTION.max or 0)
KEYWORDS_MIN, KEYWORDS_MAX, KEYWORDS_REQUESTED = int(KEYWORDS.min or 0), int(KEYWORDS.max or 0), int(KEYWORDS.ask or 0)
RELATED_MAX = LAYOUT.links.max if LAYOUT.links else 0

slug = LAYOUT.slug


def file_name(title: str) -> str:
    """Return the name of a page's file."""
    return LAYOUT.file_name.fill({"title": title}, slug) or ""


def url(subject: str, title: str) -> str:
    """Return the url of a page."""
    return LAYOUT.fill("url", {"subject": subject, "title": title}) or ""


def seo_title(subject: str) -> str:
    """Return the title that search engines show."""
    return LAYOUT.fill("seo.title", {"subject": subject}) or ""


def read(raw: bytes, profile: Profile = PROFILE, path: str = "") -> Page:
    """Read a page, of the default site if nothing else is said."""
    return page_package.read(raw, profile, path)


def read_text(text: str, layout: Layout = LAYOUT) -> Page:
    """Read a page from text, of the default site if nothing else is said."""
    return page_package.read_text(text, layout)


def unreadable_page(reason: str, layout: Layout = LAYOUT) -> Page:
    """Return the page of a file that cannot be read."""
    return page_package.unreadable_page(reason, layout)


def oversized_page(size: int, layout: Layout = LAYOUT) -> Page:
    """Return the page of a file that is too large."""
    return page_package.oversized_page(size, layout)
