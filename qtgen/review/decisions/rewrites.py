"""Rewrites of pages that reviewers can judge: those that the comparison rejected, and those that it accepted."""

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from qtgen.generation.decisions import timestamp
from qtgen.generation.output import OutputFolder
from qtgen.generation.records import RecordFolder
from qtgen.page import Page
from qtgen.page.compile import layouts_of
from qtgen.page.profile import Kind, Profile
from qtgen.review.types import Rewrite


class _Fields(NamedTuple):
    """The fields that a record may change. Git brings records of other people, so they change no others.

    Args:
        rewritable: Fields that a rewrite changes.
        lists: Those whose value is a list.
        also: Fields that change with them.
    """

    rewritable: frozenset[str]
    lists: frozenset[str]
    also: frozenset[str]


@cache
def _fields_of(profile: Profile) -> _Fields:
    layouts = layouts_of(profile)
    roles = (role for layout in layouts for role in (layout.roles.score, layout.roles.date) if role)
    groups = (paths for layout in layouts for paths in layout.groups.values())
    lists = (path for layout in layouts for path, row in layout.fields.items() if Kind.LIST in row.spec.kinds)
    return _Fields(frozenset(path for paths in groups for path in paths), frozenset(lists), frozenset(roles))


def read_rewrites(store: OutputFolder, profile: Profile) -> dict[str, Rewrite]:
    """Return the rewrites by the URL of their page.

    If a page has both, the rejected rewrite counts, because nobody has judged it. Records that are damaged
    or have no URL are left out.
    """
    return {
        rewrite.url: rewrite
        for records, is_taken in ((store.taken_records, True), (store.rejected_records, False))
        for rewrite in _iter_rewrites(records, profile, is_taken=is_taken)
    }


def _iter_rewrites(records: RecordFolder, profile: Profile, *, is_taken: bool) -> Iterator[Rewrite]:
    for path in records.paths():
        try:
            record = json.loads(path.read_bytes())
            saved_at = path.stat().st_mtime
        except (OSError, ValueError):
            continue
        rewrite = as_rewrite(record, profile, is_taken=is_taken, saved_at=saved_at)
        if rewrite and rewrite.url:
            yield rewrite


def as_rewrite(record: object, profile: Profile, *, is_taken: bool, saved_at: float | None = None) -> Rewrite | None:
    """Return the rewrite that a record describes, or None if the record is damaged.

    Args:
        record: The JSON value of the record.
        profile: The page layout of the site, which determines the fields that a record may change.
        is_taken: Whether the page has the new texts.
        saved_at: When the record was saved, as a timestamp.
    """
    if not isinstance(record, dict) or not isinstance(fields := record.get("fields"), dict):
        return None
    known = _fields_of(profile)
    if not fields or not all(
        path in known.rewritable and _has_both(both, is_list=path in known.lists) for path, both in fields.items()
    ):
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
        also={path: both for path, both in _mapping(record.get("also")).items() if path in known.also},
        saved_at=timestamp(dt.datetime.fromtimestamp(saved_at, dt.UTC)) if saved_at is not None else "",
    )


def _has_both(both: object, *, is_list: bool) -> bool:
    """Return whether a field of a record has an old and a new value that a page can hold."""
    if not isinstance(both, dict) or not {"old", "new"} <= both.keys():
        return False
    kinds = list if is_list else str | int | float
    return all(both[side] is None or isinstance(both[side], kinds) for side in ("old", "new"))


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def rewrite_of(store: OutputFolder, path: Path | str, profile: Profile) -> Rewrite | None:
    """Return the rewrite of a page, by the path of its file: the rejected one, or else the accepted one."""
    for records, is_taken in ((store.rejected_records, False), (store.taken_records, True)):
        rewrite = as_rewrite(records.read(str(path)), profile, is_taken=is_taken)
        if rewrite:
            return rewrite
    return None


def still_applies(rewrite: Rewrite, page: Page) -> bool:
    """Return whether a page still has the texts that a rewrite replaces, or those that it contains."""
    return not changed_fields(rewrite.new if rewrite.is_taken else rewrite.old, page)


def changed_fields(values: Mapping[str, Any], page: Page) -> list[str]:
    """Return the fields in which a page differs from these values."""
    return [path for path, value in values.items() if page.values.get(path) != value]
