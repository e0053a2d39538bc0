"""Which names no file or folder on Windows can have."""

import re

# Device names on Windows, with any extension: `con.md` cannot exist there.
_RESERVED = re.compile(r"(con|prn|aux|nul|com[1-9¹²³]|lpt[1-9¹²³]|conin\$|conout\$) *(\.|$)", re.IGNORECASE)
_NOT_ON_WINDOWS = re.compile(r'[\x00-\x1f<>:"|?*\\]')


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
