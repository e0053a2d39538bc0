"""Diagnostics: what a rule reports about a page, where, and the fix it offers."""

from enum import StrEnum
from typing import Any, NamedTuple


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Edit(NamedTuple):
    """Put `text` from line:column up to end_line:end_column, counted as in a Diagnostic."""

    line: int
    column: int
    end_line: int
    end_column: int
    text: str


class Fix(NamedTuple):
    """Edits of one file that mend a finding. A safe one changes nothing that a reader of the page could miss."""

    safe: bool
    description: str
    edits: tuple[Edit, ...]

    def as_dict(self) -> dict[str, Any]:
        return {**self._asdict(), "edits": [edit._asdict() for edit in self.edits]}


class Diagnostic(NamedTuple):  # a run makes hundreds of thousands; a frozen dataclass takes four times as long to make
    """A rule's finding in a file. Lines and columns are 1-based, columns in code points; the end is exclusive."""

    path: str
    line: int
    column: int
    end_line: int
    end_column: int
    code: str
    name: str
    severity: Severity
    message: str
    field: str | None = None
    fix: Fix | None = None
    fixable: bool = False  # there is a fix; `fix` holds it where it was asked for

    def as_dict(self) -> dict[str, Any]:
        """The contract's object."""
        shown = {**self._asdict(), "fix": self.fix and self.fix.as_dict()}
        del shown["fixable"]
        return shown
