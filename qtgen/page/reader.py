"""bytes -> Page. The one way in: fast where the layout is canonical, slow and exact where it is not."""

import re

from qtgen.page.document import Page, Problem, Span
from qtgen.page.parse import parse
from qtgen.page.scan import scan
from qtgen.page.text import FORBIDDEN, has_only_page_bytes

MAX_BYTES = 1 << 20

_OPEN = re.compile(r"---[ ]*\r?\n")
_CLOSE = re.compile(r"^---[ ]*(?:\r?\n|\Z)", re.MULTILINE)
_UNREADABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff\ud800-\udfff]")


def read(raw: bytes) -> Page:
    """Read a page. Never raises: what is wrong with the text stands in `page.problems`."""
    if not raw:
        return unreadable_page("the file is empty")
    if len(raw) > MAX_BYTES:
        return oversized_page(len(raw))
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        return _not_utf8(raw, error)
    if has_only_page_bytes(raw):
        page = scan(text)
        return page if page is not None else _read_slowly(text, ())
    return _read_slowly(text, tuple(_odd_characters(text)))


def read_text(text: str) -> Page:
    """`read` for text in hand."""
    return read(text.encode("utf-8", "surrogatepass"))


def unreadable_page(why: str) -> Page:
    """A page of which nothing is known but why."""
    return Page("", {}, {}, problems=(Problem("unreadable-file", why),))


def oversized_page(size: int) -> Page:
    """A page of which nothing is known but that it is no page. size: in bytes."""
    message = f"{size:,} bytes; a page may have {MAX_BYTES:,}"
    return Page("", {}, {}, problems=(Problem("too-large", message),))


def _not_utf8(raw: bytes, error: UnicodeDecodeError) -> Page:
    before = raw[: error.start].decode()
    message = f"not UTF-8: byte 0x{raw[error.start]:02x} at offset {error.start}"
    problem = Problem("invalid-text", message, Span(len(before), len(before) + 1))
    return Page(before + "�", {}, {}, problems=(problem,))


def _odd_characters(text: str) -> list[Problem]:
    """One problem a sort of character, at its first place."""
    names = {"\ufeff": "byte-order mark", "\r": "carriage return", "\t": "tab"}
    found: dict[str, Problem] = {}
    for match in re.finditer(FORBIDDEN.pattern[:-1] + "\t]", text):
        char = match.group()
        if char not in found:
            name = names.get(char, "control or non-character")
            found[char] = Problem("invalid-text", f"{name} U+{ord(char):04X}", Span(*match.span()))
    return list(found.values())


def _read_slowly(text: str, problems: tuple[Problem, ...]) -> Page:
    begin = 1 if text.startswith("\ufeff") else 0
    opening = _OPEN.match(text, begin)
    closing = _CLOSE.search(text, opening.end()) if opening else None
    if opening is None or closing is None:
        message = "no line `---` opens the front matter" if opening is None else "no line `---` closes the front matter"
        missing = Problem("missing-front-matter", message, Span(begin, begin))
        return Page(text, {}, {}, problems=(*problems, missing))
    if _UNREADABLE.search(text, opening.end(), closing.start()):
        return Page(text, {}, {}, problems=problems)  # YAML would only repeat what is already said
    blank = text[: closing.start()].endswith("\n\n")
    page = parse(text, opening.end(), closing.start(), blank_before_close=blank, body=text[closing.end() :])
    return page if not problems else _with_problems(page, problems)


def _with_problems(page: Page, problems: tuple[Problem, ...]) -> Page:
    return Page(page.text, page.values, page.spans, page.style, (*problems, *page.problems), page.key_spans)
