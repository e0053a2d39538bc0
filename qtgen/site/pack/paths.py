"""Check whether a path from a shard is safe, because shards come from other machines and may be edited."""

import os
import re

_NAME_BYTES = 255
_PATH_BYTES = 4_000
_DRIVE = re.compile(r"[A-Za-z]:(?:[/\\]|\Z)")
_DEVICE = re.compile(r"(?:CON|PRN|AUX|NUL|COM[0-9¹²³]|LPT[0-9¹²³]|CONIN\$|CONOUT\$)[ ]*(?:\.|\Z)", re.IGNORECASE)
_NOT_ON_WINDOWS = re.compile(r'[<>:"|?*\\\x00-\x1f]|[. ]\Z')


def reason_to_refuse(path: str, *, on_windows: bool = os.name == "nt") -> str | None:
    """Return why a page must not be written to this path of a folder, or None if it may be.

    Args:
        on_windows: Whether the rules of Windows apply, where more names are special.
    """
    if "\0" in path:
        return "the path contains a NUL"
    if path.startswith("/") or _DRIVE.match(path):
        return "the path is absolute"
    if len(path.encode("utf-8", "surrogateescape")) > _PATH_BYTES:
        return "the path is too long"
    for name in path.split("/"):
        if reason := _reason_to_refuse_name(name, on_windows):
            return reason
    return None if path.endswith(".md") else "not the path of a page (*.md)"


def _reason_to_refuse_name(name: str, on_windows: bool) -> str | None:
    if name in ("", ".", ".."):
        return f"the path contains `{name}`" if name else "the path contains an empty name"
    if name.startswith("."):
        return "the path is hidden"
    if len(name.encode("utf-8", "surrogateescape")) > _NAME_BYTES:
        return "a name in the path is too long"
    if on_windows and _DEVICE.match(name):
        return "a name in the path is a device"
    if on_windows and _NOT_ON_WINDOWS.search(name):
        return "a name in the path is impossible on Windows"
    return None
