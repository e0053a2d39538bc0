"""Pages that could not be generated: the records below `.qtgen/failed`. They are shown, and nothing else."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple


class FailedPage(NamedTuple):
    """A page that could not be generated.

    Args:
        question: The question.
        path: Where the page would be.
        reason: Why it failed, in one sentence.
        record: The file with the last answer.
    """

    question: str
    path: str
    reason: str
    record: str


class FailedPages:
    """The records of a folder. A record is read again only if its file changed.

    Args:
        folder: `.qtgen/failed` of an output folder. It need not exist.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, tuple[tuple[int, int], FailedPage]] = {}

    def count(self) -> int:
        """Return how many records there are."""
        return sum(1 for _ in self._files())

    def read(self) -> list[FailedPage]:
        """Return the pages, sorted by the path of their records."""
        known: dict[str, tuple[tuple[int, int], FailedPage]] = {}
        for path in sorted(self._files()):
            try:
                status = os.stat(path)  # noqa: PTH116 - there can be thousands
            except OSError:  # the page was generated in the meantime
                continue
            state = (status.st_size, status.st_mtime_ns)
            before = self._known.get(path)
            known[path] = before if before and before[0] == state else (state, _read(path))
        self._known = known
        return [page for _, page in known.values()]

    def _files(self) -> Iterator[str]:
        for folder, _, names in os.walk(self._folder):
            yield from (f"{folder}{os.sep}{name}" for name in names if name.endswith(".json"))


def _read(path: str) -> FailedPage:
    try:
        record = json.loads(Path(path).read_bytes())
    except (OSError, ValueError) as error:
        return FailedPage("", "", f"The record cannot be read: {error}", path)
    if not isinstance(record, dict):
        return FailedPage("", "", "The record is damaged.", path)
    return FailedPage(str(record.get("question") or ""), str(record.get("path") or ""), _reason(record), path)


def _reason(record: dict[str, Any]) -> str:
    """Return why a page failed: the error, or else the first findings of severity error."""
    error = record.get("error")
    if isinstance(error, dict) and error.get("message"):
        return str(error["message"])
    diagnostics = record.get("diagnostics")
    found = [one for one in diagnostics if isinstance(one, dict)] if isinstance(diagnostics, list) else []
    errors = [f"{one.get('code')}: {one.get('message')}" for one in found if one.get("severity") == "error"]
    return "; ".join(errors[:2]) or "The record gives no reason."
