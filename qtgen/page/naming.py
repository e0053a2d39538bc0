"""The names that follow from a page's title and subject: slug, file name, url and search title."""

import re

from qtgen.page.compile import default_layout as _default_layout

# Device names on Windows, with any extension: `con.md` cannot exist there.
_RESERVED = re.compile(r"(con|prn|aux|nul|com[1-9¹²³]|lpt[1-9¹²³]|conin\$|conout\$) *(\.|$)", re.IGNORECASE)
_NOT_ON_WINDOWS = re.compile(r'[\x00-\x1f<>:"|?*\\]')


def slug(text: str) -> str:  # TRANSITIONAL
    return _default_layout().slug(text)


def file_name(title: str) -> str:  # TRANSITIONAL
    return slug(title) + ".md"


def url(subject: str, title: str) -> str:  # TRANSITIONAL
    return _default_layout().fill("url", {"subject": subject, "title": title}) or "/learn//questions/"


def seo_title(subject: str) -> str:  # TRANSITIONAL
    return _default_layout().fill("seo.title", {"subject": subject}) or ""


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
