"""The default site, as most tests use it: its layout, its tables, and reading with its profile."""

from qtgen.generation.provenance import written_groups
from qtgen.page import Page, default_layout, default_profile
from qtgen.page import read as read_page_bytes
from qtgen.page import read_text as read_page_text

LAYOUT = default_layout()
FIELDS = LAYOUT.fields
SECTIONS = LAYOUT.sections
ORDER = LAYOUT.order
CONSTANTS = LAYOUT.constants
FIELD_GROUPS = LAYOUT.groups
WRITTEN_GROUPS = written_groups(LAYOUT)
SUBJECTS = LAYOUT.fields["subject"].spec.known or ()
DESCRIPTION, KEYWORDS = LAYOUT.fields["seo.page_description"].spec, LAYOUT.fields["seo.page_keywords"].spec
DESCRIPTION_MIN, DESCRIPTION_MAX = int(DESCRIPTION.min or 0), int(DESCRIPTION.max or 0)
KEYWORDS_MIN, KEYWORDS_MAX, KEYWORDS_REQUESTED = int(KEYWORDS.min or 0), int(KEYWORDS.max or 0), int(KEYWORDS.ask or 0)
RELATED_MAX = LAYOUT.links.max if LAYOUT.links else 0
NOT_SCORED = -1.0

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


def read(raw: bytes) -> Page:
    """Read a page of the default site."""
    return read_page_bytes(raw, default_profile(), "")


def read_text(text: str) -> Page:
    """Read a page of the default site from text."""
    return read_page_text(text, LAYOUT)
