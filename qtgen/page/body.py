"""The text after the front matter, if it is a field of the page."""

from qtgen.page.document import Span


def body_span(text: str, start: int) -> Span:
    """Return the span of the body: the text from `start` on, without blank lines and spaces around it."""
    begin = start + len(text[start:]) - len(text[start:].lstrip("\n"))
    end = max(begin, len(text.rstrip()))
    return Span(begin, end)


def spell_body(body: str) -> str:
    """Return the text after the line that closes the front matter, for a new page."""
    return f"\n{body}\n"
