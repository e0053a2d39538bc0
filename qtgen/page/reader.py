"""Read a page from bytes: fast if it has the canonical layout, slowly and exactly if not."""

import codecs
import re
from dataclasses import replace

from qtgen.page.compile import candidates_for, fits
from qtgen.page.document import Page, Problem, Span
from qtgen.page.layout import Layout
from qtgen.page.profile import Profile
from qtgen.page.text import FORBIDDEN, has_only_page_bytes

MAX_BYTES = 1 << 20

_OPEN = re.compile(r"---[ ]*\r?\n")
_OPEN_TOML = re.compile(r"\+\+\+[ ]*(?:\r?\n|\Z)")
_CLOSE = re.compile(r"^---[ ]*(?:\r?\n|\Z)", re.MULTILINE)
_LINE_END = re.compile(rb"\r\n?")
_REJECTED_BY_YAML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff\ud800-\udfff]")


def read(raw: bytes, profile: Profile, path: str) -> Page:
    """Read a page. This never raises; what is wrong with the text is in `Page.problems`.

    Args:
        profile: The layout of the site.
        path: The path of the file, by which the layout of the page is chosen if the site has several.
    """
    candidates = candidates_for(profile, path)
    page = read_as(raw, candidates[0])
    if len(candidates) == 1:
        return page
    layout = next((layout for layout in candidates if fits(layout, page.values)), candidates[0])
    return page if layout is page.layout else read_as(raw, layout)


def read_as(raw: bytes, layout: Layout) -> Page:
    """Read a page with a layout. This never raises."""
    if not raw:
        return unreadable_page("the file is empty", layout)
    if len(raw) > MAX_BYTES:
        return oversized_page(len(raw), layout)
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        return _not_utf8(raw, layout, error)
    if has_only_page_bytes(raw):
        scan = layout.scan
        page = scan(text) if scan else None
        return page if page is not None else read_exactly(text, layout)
    return read_exactly(text, layout, tuple(_forbidden_characters(text, layout)))


def normalize_lines(raw: bytes) -> bytes:
    """Return the bytes of a page without a byte-order mark at the start, and with line feeds as line ends."""
    return _LINE_END.sub(b"\n", raw.removeprefix(codecs.BOM_UTF8))


def read_text(text: str, layout: Layout) -> Page:
    """Read a page from text, as `read_as` does from bytes."""
    return read_as(text.encode("utf-8", "surrogatepass"), layout)


def unreadable_page(reason: str, layout: Layout) -> Page:
    """Return an empty page for a file that cannot be read."""
    return _empty_page("", layout, Problem("unreadable-file", reason))


def oversized_page(size: int, layout: Layout) -> Page:
    """Return an empty page for a file of `size` bytes, which is too large to be read."""
    message = f"{size:,} bytes; the maximum is {MAX_BYTES:,}"
    return _empty_page("", layout, Problem("too-large", message))


def _empty_page(text: str, layout: Layout, problem: Problem) -> Page:
    return Page(text, layout, {}, {}, problems=(problem,))


def _not_utf8(raw: bytes, layout: Layout, error: UnicodeDecodeError) -> Page:
    before = raw[: error.start].decode()
    message = f"not UTF-8: byte 0x{raw[error.start]:02x} at offset {error.start}"
    problem = Problem("invalid-text", message, Span(len(before), len(before) + 1))
    return _empty_page(before + "�", layout, problem)


def _forbidden_characters(text: str, layout: Layout) -> list[Problem]:
    """Return one problem for each different character, at its first occurrence. A text body may contain tabs."""
    names = {"\ufeff": "byte-order mark", "\r": "carriage return", "\t": "tab"}
    problems: dict[str, Problem] = {}
    closing = _CLOSE.search(text, 3) if layout.has_text_body else None
    for match in re.finditer(FORBIDDEN.pattern[:-1] + "\t]", text):
        char = match.group()
        is_allowed = char == "\t" and closing is not None and match.start() > closing.start()
        if char not in problems and not is_allowed:
            name = names.get(char, "control or non-character")
            problems[char] = Problem("invalid-text", f"{name} U+{ord(char):04X}", Span(*match.span()))
    return list(problems.values())


def read_exactly(text: str, layout: Layout, problems: tuple[Problem, ...] = ()) -> Page:
    """Read a page with PyYAML's parser, whatever its layout. Never raises.

    Args:
        problems: What is known to be wrong already; the page gets them too.
    """
    begin = 1 if text.startswith("\ufeff") else 0
    opening = _OPEN.match(text, begin)
    closing = _CLOSE.search(text, opening.end()) if opening else None
    if opening is None or closing is None:
        message = f"no line `---` {'opens' if opening is None else 'closes'} the front matter"
        if opening is None and _OPEN_TOML.match(text, begin):
            message += "; it is TOML, and qtgen reads YAML between `---` lines"
        missing = Problem("missing-front-matter", message, Span(begin, begin))
        return Page(text, layout, {}, {}, problems=(*problems, missing))
    if _REJECTED_BY_YAML.search(text, opening.end(), closing.start()):
        return Page(text, layout, {}, {}, problems=problems)  # YAML would only repeat the problem
    from qtgen.page.parse import parse  # PyYAML takes long to load, and most pages do without it

    blank = text[: closing.start()].endswith("\n\n")
    page = parse(text, layout, opening.end(), closing.start(), blank_before_close=blank, body_start=closing.end())
    return replace(page, problems=(*problems, *page.problems)) if problems else page
