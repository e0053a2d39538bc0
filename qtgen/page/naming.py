"""The names that follow from a page's title and subject: slug, file name, url and search title."""

import re
from functools import lru_cache

_DROPPED = re.compile(r"[^a-z0-9 ]")


@lru_cache(maxsize=1024)  # every page needs its subject's slug, and its title's three times
def slug(text: str) -> str:
    """Return the slug as the site makes it: lower case, only a-z, 0-9 and hyphens for spaces.

    >>> slug("What is DNA - in short?")
    'what-is-dna--in-short'
    """
    return _DROPPED.sub("", text.lower()).strip().replace(" ", "-")


def file_name(title: str) -> str:
    """Return the name of a page's file."""
    return slug(title) + ".md"


def url(subject: str, title: str) -> str:
    """Return a page's url on the site."""
    return f"/learn/{slug(subject)}/questions/{slug(title)}"


def seo_title(subject: str) -> str:
    """Return the title that search engines show."""
    return f"QuickTakes | {subject}"
