"""Which characters a page can hold, and how a text is brought into that form."""

import re

from qtgen.errors import UnwritableText

# YAML 1.1 breaks lines at NEL, LS and PS, PyYAML rejects the C1 controls and non-characters, and a byte-order mark in
# the middle of a value is invisible. None of them belongs on a page.
FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")

# The same over UTF-8 bytes, which is fast: deleting every allowed byte leaves nothing of a clean page, and each pattern
# has a literal prefix, so that memchr finds it.
_ALLOWED_BYTES = bytes([0x0A, *range(0x20, 0x7F), *range(0x80, 0x100)])
_FORBIDDEN_BYTES = (
    re.compile(rb"\xc2[\x80-\x9f]"),
    re.compile(rb"\xe2\x80[\xa8\xa9]"),
    re.compile(rb"\xef(?:\xbb\xbf|\xbf[\xbe\xbf])"),
)
_SPACES = re.compile(r"[\t\n\r\x0b\x0c\x85\u2028\u2029]+")


def has_only_page_bytes(raw: bytes) -> bool:
    """Return True if `raw` holds no tab, control character or non-character. `raw` must be valid UTF-8."""
    if raw.translate(None, _ALLOWED_BYTES):
        return False
    return raw.isascii() or not any(pattern.search(raw) for pattern in _FORBIDDEN_BYTES)


def to_single_line(text: str) -> str:
    """Return the text on one line, with one space for each run of breaks and tabs and none at the ends."""
    return text.strip() if text.isprintable() else _SPACES.sub(" ", text).strip()  # breaks and tabs are not printable


def storable_text(text: str) -> str:
    """Return the text in a form that every database and file accepts.

    NUL is replaced. Half of a surrogate pair becomes its escape (`\\ud83d`), which means the same inside JSON.
    """
    return text.replace("\0", "\ufffd").encode("utf-8", "backslashreplace").decode()


def check_writable(value: str, path: str) -> None:
    """Raise UnwritableText if no page can hold `value` as the field at `path`."""
    if not value:
        raise UnwritableText("is empty", field=path)
    if value.startswith(" "):
        raise UnwritableText("begins with a space, which YAML would drop", field=path)
    if value.isprintable():  # a quick test that nearly every value passes
        return
    forbidden = FORBIDDEN.search(value) or re.search(r"[\n\t]", value)
    if forbidden:
        character = f"U+{ord(forbidden.group()):04X}"
        position = forbidden.start() + 1
        raise UnwritableText(f"a page cannot hold the character {character} at position {position}", field=path)


def check_writable_body(body: str, path: str) -> None:
    """Raise UnwritableText if no page can hold `body` after its front matter."""
    if forbidden := FORBIDDEN.search(body):
        character = f"U+{ord(forbidden.group()):04X}"
        position = forbidden.start() + 1
        raise UnwritableText(f"a page cannot hold the character {character} at position {position}", field=path)
