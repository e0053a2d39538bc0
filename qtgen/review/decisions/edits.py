"""Edits of a page by a reviewer: the page that they make, and the errors that they would add to it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from qtgen.errors import UsageError
from qtgen.page import Page, Value, read_text, splice
from qtgen.review.fields import editable_fields
from qtgen.review.files import PageOnDisk
from qtgen.validation.diagnostics import Diagnostic, Severity
from qtgen.validation.rules import PageChecker
from qtgen.validation.workers import page_file


@dataclass(frozen=True, slots=True)
class EditCheck:
    """A page with an edit.

    Args:
        page: The page.
        diagnostics: Its findings.
        new_errors: The errors that the page did not have. They block saving.
    """

    page: Page = field(repr=False)
    diagnostics: tuple[Diagnostic, ...]
    new_errors: tuple[Diagnostic, ...]

    @property
    def text(self) -> str:
        """The whole page."""
        return self.page.text


class AddsErrors(UsageError):
    """An edit that would add errors to a page.

    Args:
        path: The page.
        diagnostics: The errors.
    """

    def __init__(self, path: Path, diagnostics: tuple[Diagnostic, ...]) -> None:
        first = diagnostics[0]
        more = f" (and {len(diagnostics) - 1} more)" if len(diagnostics) > 1 else ""
        super().__init__(f"the edit adds an error: {first.code} {first.message}{more}", path=path, field=first.field)
        self.diagnostics = diagnostics


def edited_text(file: PageOnDisk, fields: Mapping[str, str]) -> str:
    """Return a page with new values. Fields whose value is the one that was shown are left as they are.

    Raises:
        UsageError: A field cannot be edited.
        SpliceError: The page cannot be edited line by line.
        UnwritableText: No page can hold one of the values.
    """
    page, layout = file.page, file.page.layout
    editable = {field.path: field for field in editable_fields(layout)}
    for path in fields:
        if path not in editable:
            raise UsageError("cannot be edited here", path=file.path, field=path, remedy=f"edit {', '.join(editable)}")
    shown = file.fields
    changes: dict[str, Value] = {}
    for path, typed in fields.items():
        text = typed.replace("\r\n", "\n")
        if text != shown[path]:
            changes[path] = editable[path].value_of(text, page.values.get(path), layout)
    return splice(page, changes)


def check_page(file: PageOnDisk, checker: PageChecker) -> tuple[Diagnostic, ...]:
    """Return the findings of a page as its file holds it."""
    return tuple(checker(page_file(str(file.path), file.page)))


def check_edit(file: PageOnDisk, fields: Mapping[str, str], checker: PageChecker) -> EditCheck:
    """Return a page with new values, its findings, and the errors among them that are new. Raises as `edited_text`."""
    page = read_text(edited_text(file, fields), file.page.layout)
    after = tuple(checker(page_file(str(file.path), page)))
    remaining = Counter((one.code, one.field) for one in check_page(file, checker))
    new_errors = []
    for diagnostic in after:
        place = diagnostic.code, diagnostic.field
        if remaining[place] <= 0 and diagnostic.severity is Severity.ERROR:
            new_errors.append(diagnostic)
        remaining[place] -= 1
    return EditCheck(page, after, tuple(new_errors))
