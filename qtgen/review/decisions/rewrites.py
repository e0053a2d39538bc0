"""Rewrites of pages that reviewers can judge: those that the comparison rejected, and those that it accepted."""

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from qtgen.generation.decisions import timestamp
from qtgen.generation.output import OutputFolder
from qtgen.generation.records import RecordFolder
from qtgen.page import Page
from qtgen.page.fields import FIELD_GROUPS
from qtgen.review.types import Rewrite

# Git brings records of other people. A record never changes any other field of a page.
_REWRITABLE = frozenset(path for paths in FIELD_GROUPS.values() for path in paths)
_ALSO = ("score", "date")


def read_rewrites(store: OutputFolder) -> dict[str, Rewrite]:
    """Return the rewrites by the URL of their page.

    If a page has both, the rejected rewrite counts, because nobody has judged it. Records that are damaged
    or have no URL are left out.
    """
    return {
        rewrite.url: rewrite
        for records, is_taken in ((store.taken_records, True), (store.rejected_records, False))
        for rewrite in _iter_rewrites(records, is_taken=is_taken)
    }


def _iter_rewrites(records: RecordFolder, *, is_taken: bool) -> Iterator[Rewrite]:
    for path in records.paths():
        try:
            record = json.loads(path.read_bytes())
            saved_at = path.stat().st_mtime
        except (OSError, ValueError):
            continue
        rewrite = as_rewrite(record, is_taken=is_taken, saved_at=saved_at)
        if rewrite and rewrite.url:
            yield rewrite


def as_rewrite(record: object, *, is_taken: bool, saved_at: float | None = None) -> Rewrite | None:
    """Return the rewrite that a record describes, or None if the record is damaged.

    Args:
        record: The JSON value of the record.
        is_taken: Whether the page has the new texts.
        saved_at: When the record was saved, as a timestamp.
    """
    if not isinstance(record, dict) or not isinstance(fields := record.get("fields"), dict):
        return None
    if not fields or not all(path in _REWRITABLE and _has_both(both) for path, both in fields.items()):
        return None
    reasons = record.get("reasons")
    return Rewrite(
        url=str(record.get("url") or ""),
        path=str(record.get("path") or ""),
        is_taken=is_taken,
        old={path: both["old"] for path, both in fields.items()},
        new={path: both["new"] for path, both in fields.items()},
        reasons=tuple(map(str, reasons)) if isinstance(reasons, list) else (),
        why=str(record.get("why") or ""),
        compared=_mapping(record.get("compared")),
        made=_mapping(record.get("made")),
        also={path: both for path, both in _mapping(record.get("also")).items() if path in _ALSO},
        saved_at=timestamp(dt.datetime.fromtimestamp(saved_at, dt.UTC)) if saved_at is not None else "",
    )


def _has_both(both: object) -> bool:
    """Return whether a field of a record has an old and a new value that a page can hold."""
    if not isinstance(both, dict) or not {"old", "new"} <= both.keys():
        return False
    return all(both[side] is None or isinstance(both[side], str | int | float) for side in ("old", "new"))


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def rewrite_of(store: OutputFolder, path: Path | str) -> Rewrite | None:
    """Return the rewrite of a page, by the path of its file: the rejected one, or else the accepted one."""
    for records, is_taken in ((store.rejected_records, False), (store.taken_records, True)):
        rewrite = as_rewrite(records.read(str(path)), is_taken=is_taken)
        if rewrite:
            return rewrite
    return None


def still_applies(rewrite: Rewrite, page: Page) -> bool:
    """Return whether a page still has the texts that a rewrite replaces, or those that it contains."""
    return not changed_fields(rewrite.new if rewrite.is_taken else rewrite.old, page)


def changed_fields(values: Mapping[str, Any], page: Page) -> list[str]:
    """Return the fields in which a page differs from these values."""
    return [path for path, value in values.items() if page.values.get(path) != value]
