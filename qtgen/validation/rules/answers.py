"""What the rules about the answer share: its field, its markdown, and findings at offsets inside it.

The layout of a page tells which field is the answer, and how the site writes its line breaks and shows its formulas.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from qtgen.page import Page, Span
from qtgen.page.compile import layouts_of
from qtgen.page.markdown import Document, Segment, find_segments
from qtgen.page.profile import Profile
from qtgen.validation.diagnostics import Severity
from qtgen.validation.rules.edits import Replacement, replace_parts, span_within
from qtgen.validation.rules.types import Finding, FixFactory, FixSafety, PageFile


def has_answer(profile: Profile) -> bool:
    """Return whether pages of the site have an answer."""
    return any(layout.roles.answer for layout in layouts_of(profile))


def escapes_line_breaks(profile: Profile) -> bool:
    r"""Return whether the answers of the site have the two characters `\n` for each line break."""
    return any(layout.roles.answer and layout.codec.escapes for layout in layouts_of(profile))


def renders_math(profile: Profile) -> bool:
    """Return whether the site renders the formulas of its answers."""
    return has_answer(profile) and bool(profile.file.renderer.math)


def has_model_texts(profile: Profile) -> bool:
    """Return whether a model writes a text of the pages."""
    return any(layout.model_fields for layout in layouts_of(profile))


def answer_path(file: PageFile) -> str:
    """Return the path of the answer, or an empty string if the layout has none."""
    return file.page.layout.roles.answer or ""


def answer_of(file: PageFile) -> str:
    """Return the answer as it is in the page, or an empty string."""
    return file.page.text_of(answer_path(file)) or ""


def answer_line(file: PageFile) -> str:
    r"""Return the answer with the two characters `\n` for each line break, for quick tests.

    If the site writes real line breaks, offsets differ, and a literal `\n` of the answer looks like a line break.
    """
    page = file.page
    latest, line = _latest[0]
    if latest is not page:
        answer = page.values.get(page.layout.roles.answer or "")
        line = page.layout.codec.on_one_line(answer) if isinstance(answer, str) else ""
        _latest[0] = page, line
    return line


_latest: list[tuple[Page | None, str]] = [(None, "")]  # several rules ask about the same page in a row


def markdown_of(file: PageFile) -> str:
    """Return the answer with real line breaks. Offsets are the same as in the page."""
    return file.page.layout.codec.expand(answer_of(file))


def document_of(file: PageFile) -> Document:
    """Return the answer as the site's renderer reads it. Offsets are the same as in the page."""
    return file.page.layout.codec.document(answer_of(file))


def segments_of(file: PageFile, text: str) -> tuple[Segment, ...]:
    """Return the code and the formulas of a text with real line breaks, as the site's renderer reads it."""
    return find_segments(text, math=file.page.layout.codec.math)


def answer_finding(
    file: PageFile,
    start: int,
    end: int,
    message: str,
    fix: FixFactory | None = None,
    severity: Severity | None = None,
    fix_safety: FixSafety | None = None,
) -> Finding:
    """Return a finding about a part of the answer."""
    path = answer_path(file)
    return Finding(message, span_within(file.page, path, start, end), path, fix, severity, fix_safety)


def replace_in_answer(
    file: PageFile, description: str, replacements: Iterable[Replacement], *, safe: bool = True
) -> FixFactory:
    """Return a fix that replaces parts of the answer."""
    return replace_parts(file.page, answer_path(file), description, replacements, safe=safe)


class ModelText(NamedTuple):
    """A text that a model writes.

    Args:
        path: The path of the field.
        text: The text as it is in the page: the whole value, or an item of a list.
        item: The path of the item, if it is one.
    """

    path: str
    text: str
    item: str | None = None

    def span(self, page: Page, start: int, end: int) -> Span:
        """Return where a part of the text is. The place of a part of an item is that of the item."""
        if self.item is None:
            return span_within(page, self.path, start, end)
        return page.span(self.item) if self.item in page.spans else page.span(self.path)


def model_texts(file: PageFile) -> Iterator[ModelText]:
    """Yield the texts of the model: the answer first, then the other texts and the items of lists, in order."""
    page, answer = file.page, answer_path(file)
    for path in sorted(page.layout.model_fields, key=lambda path: path != answer):
        value = page.values.get(path)
        if isinstance(value, str):
            yield ModelText(path, value)
        elif isinstance(value, list):
            for number, item in enumerate(value):
                if isinstance(item, str):
                    yield ModelText(path, item, f"{path}.{number}")
