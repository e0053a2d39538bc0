"""What characters a page can hold, and how a value is brought into that shape."""

import re

from qtgen.errors import UnwritableText

# YAML 1.1 breaks lines at NEL, LS and PS, PyYAML refuses the C1 controls and non-characters, and a byte-order
# mark in the middle of a value is invisible; none of them has a place on a page.
FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")

# The same, over UTF-8 bytes and fast: deleting every allowed byte leaves nothing on a clean page, and each
# pattern has a literal prefix, so that it is found by memchr.
_ALLOWED_BYTES = bytes([0x0A, *range(0x20, 0x7F), *range(0x80, 0x100)])
_FORBIDDEN_BYTES = (
    re.compile(rb"\xc2[\x80-\x9f]"),
    re.compile(rb"\xe2\x80[\xa8\xa9]"),
    re.compile(rb"\xef(?:\xbb\xbf|\xbf[\xbe\xbf])"),
)
_SPACES = re.compile(r"[\t\n\r\x0b\x0c\x85\u2028\u2029]+")


def has_only_page_bytes(raw: bytes) -> bool:
    """True if no tab, control character or non-character stands in `raw` (valid UTF-8 is not checked)."""
    if raw.translate(None, _ALLOWED_BYTES):
        return False
    return raw.isascii() or not any(pattern.search(raw) for pattern in _FORBIDDEN_BYTES)


def to_single_line(text: str) -> str:
    """`text` on one line without space at its ends; any break or tab becomes one space."""
    return text.strip() if text.isprintable() else _SPACES.sub(" ", text).strip()  # none of them is printable


def storable_text(text: str) -> str:
    """`text` as every database and file takes it: no NUL, and half of a surrogate pair as its escape (`\\ud83d`), which
    in a JSON text says the same."""
    return text.replace("\0", "\ufffd").encode("utf-8", "backslashreplace").decode()


def check_writable(value: str, path: str) -> None:
    """Raise UnwritableText, naming the field, if no page can hold `value`."""
    if not value:
        raise UnwritableText(f"{path}: is empty")
    if value.startswith(" "):
        raise UnwritableText(f"{path}: begins with a space, which YAML would drop")
    if value.isprintable():  # a quick look, and nearly always the last
        return
    bad = FORBIDDEN.search(value) or re.search(r"[\n\t]", value)
    if bad:
        raise UnwritableText(
            f"{path}: character U+{ord(bad.group()):04X} at position {bad.start() + 1} cannot stand on a page"
        )
