"""The texts that each change replaced, so that the change can be undone.

The texts are in `OUT/.qtgen/review/undo/`, which is not committed. They are written before the decision, so every
decision that changed a page on this machine can be undone for 90 days, also after a restart.
"""

import datetime as dt
from contextlib import suppress
from pathlib import Path

import msgspec

from qtgen._util.files import as_output_error, hide_from_git, staged_file
from qtgen.page import Page, read_text, splice
from qtgen.review.files import PageOnDisk

KEPT_FOR = dt.timedelta(days=90)
"""How long the texts of a change are kept. Older texts are in git only."""


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """What a change replaced.

    Args:
        before: The whole page before.
        after: The digest of its file after.
        fields: The fields that changed.
        moves_record: Whether the change moved the record of a rewrite.
        rejected: The record of the rejected rewrite before.
        taken: The record of the accepted rewrite before.
    """

    before: str
    after: str
    fields: tuple[str, ...]
    moves_record: bool = False
    rejected: str | None = None
    taken: str | None = None


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Snapshot).decode


class UndoTexts:
    """The snapshots by the id of their decision, which is a UUID."""

    def __init__(self, review_folder: Path) -> None:
        self._review_folder = review_folder

    def _path(self, id_: str) -> Path:
        return self._review_folder / "undo" / f"{id_}.json"

    def save(self, id_: str, snapshot: Snapshot) -> None:
        """Save what a decision replaces. It is on the disk when this returns. Raises OutputError."""
        hide_from_git(self._review_folder)
        path = self._path(id_)
        with staged_file(path, _encode(snapshot).decode()) as temporary, as_output_error(path):
            temporary.replace(path)

    def get(self, id_: str) -> Snapshot | None:
        """Return what a decision replaced, if that is known on this machine."""
        try:
            return _decode(self._path(id_).read_bytes())
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return None

    def remove(self, id_: str) -> None:
        """Remove the snapshot of a decision that was not carried out. One that cannot be removed does no harm."""
        with suppress(OSError):
            self._path(id_).unlink(missing_ok=True)

    def remove_old(self, now: dt.datetime) -> None:
        """Remove the snapshots of changes that were made more than `KEPT_FOR` ago."""
        oldest = (now - KEPT_FOR).timestamp()
        for path in (self._review_folder / "undo").glob("*.json"):
            with suppress(OSError):
                if path.stat().st_mtime < oldest:
                    path.unlink()


def changed_fields(before: Page, after: Page) -> tuple[str, ...]:
    """Return the fields in which two versions of a page differ."""
    paths = {**before.values, **after.values}
    return tuple(path for path in paths if before.values.get(path) != after.values.get(path))


def restored_text(file: PageOnDisk, snapshot: Snapshot) -> str:
    """Return a page as it was before a change.

    If the file is still what the change made of it, the result is the old page, byte for byte. If something else has
    changed, such as the links, only the fields of the change get their old values. Raises SpliceError.
    """
    if file.digest == snapshot.after:
        return snapshot.before
    before = read_text(snapshot.before, file.page.layout)
    return splice(file.page, {path: before.values.get(path) for path in snapshot.fields})
