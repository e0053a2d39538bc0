"""Diagnostics: what a rule reports about a page, where, and the fix that it offers."""

from enum import StrEnum
from typing import Any, NamedTuple

from qtgen.page.edits import Part

_MESSAGE_MAX = 400  # characters


class Severity(StrEnum):
    """How serious a finding is. Only errors make a command fail."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Edit(NamedTuple):
    """Replaces the text between two positions. Positions are counted as in a `Diagnostic`."""

    line: int
    column: int
    end_line: int
    end_column: int
    text: str


class Fix(NamedTuple):
    """The edits of one file that resolve a finding. A safe fix changes nothing that a reader of the page would miss.

    If the edits write the whole answer again, `parts` tells which parts of it they replace.
    """

    safe: bool
    description: str
    edits: tuple[Edit, ...]
    parts: tuple[Part, ...] | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the fix as JSON-serializable values."""
        edits = [edit._asdict() for edit in self.edits]
        return {"safe": self.safe, "description": self.description, "edits": edits}


# A run creates hundreds of thousands of diagnostics, and creating a frozen dataclass takes four times as long.
class Diagnostic(NamedTuple):
    """A finding of a rule in a file.

    Lines and columns start at 1. Columns count code points, and the end is exclusive. `fixable` is true if the
    finding has a fix, and `fix_is_unsafe` if it is applied only on request. `fix` is the fix itself if the run computes
    fixes, else None.
    """

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
    fixable: bool = False
    fix_is_unsafe: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return the diagnostic as the JSON object that the command contract describes."""
        shown = {**self._asdict(), "fix": self.fix and self.fix.as_dict()}
        del shown["fixable"], shown["fix_is_unsafe"]
        return shown


def printable(text: str) -> str:
    """Return `text` with unprintable characters escaped and at most 400 characters long.

    Messages quote pages, and pages may hold line breaks and terminal control sequences.
    """
    if text.isprintable() and len(text) <= _MESSAGE_MAX:
        return text
    escaped = "".join(char if char.isprintable() else repr(char)[1:-1] for char in text[:_MESSAGE_MAX])
    return escaped + "…" * (len(text) > _MESSAGE_MAX)
