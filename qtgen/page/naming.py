"""The names that follow from a page's title and subject: slug, file name, url and search title."""

import re
from functools import lru_cache

# Device names on Windows, with any extension: `con.md` cannot exist there.
_RESERVED = re.compile(r"(con|prn|aux|nul|com[1-9¹²³]|lpt[1-9¹²³]|conin\$|conout\$) *(\.|$)", re.IGNORECASE)
_NOT_ON_WINDOWS = re.compile(r'[\x00-\x1f<>:"|?*\\]')
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


def windows_fault(name: str) -> str | None:
    """Return why no file or folder on Windows can have this name, or None if one can.

    >>> windows_fault("con.md")
    'is the name of a device'
    """
    if _RESERVED.match(name):
        return "is the name of a device"
    if match := _NOT_ON_WINDOWS.search(name):
        return f"contains `{match[0]}`"
    if name.endswith((".", " ")) and name.strip("."):  # `.` and `..` are folders everywhere
        return "ends in a dot or a space"
    return None
