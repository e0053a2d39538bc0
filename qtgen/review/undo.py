"""What a page was before each change, so that the change can be undone.

The texts are in `OUT/.qtgen/review/undo/`, which is not committed. They are written before the decision, so every
decision that changed a page on this machine can be undone, also after a restart.
"""

from pathlib import Path

import msgspec

from qtgen._util.files import as_output_error, publish_if_absent, staged_file
from qtgen.page import Page, read_text, splice
from qtgen.review.files import PageOnDisk

_IGNORE = "*\n"


def own_folder(folder: Path) -> Path:
    """Create the folder of the review app, which git ignores, and return it. Raises OutputError."""
    ignore_file = folder / ".gitignore"
    if not ignore_file.exists():
        with staged_file(ignore_file, _IGNORE) as temporary:
            publish_if_absent(temporary, ignore_file)
    return folder


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """What a change replaced.

    Args:
        before: The whole page before.
        after: The digest of its file after.
        fields: The fields that changed.
        moves_record: Whether the change moved the record of a rewrite.
        rejected: The record of the rewrite that was kept back, before.
        taken: The record of the rewrite that was accepted, before.
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
        own_folder(self._review_folder)
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
        """Remove the snapshot of a decision that was not carried out."""
        self._path(id_).unlink(missing_ok=True)


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
    before = read_text(snapshot.before)
    return splice(file.page, {path: before.values.get(path) for path in snapshot.fields})
