"""Drafts of edits: what a reviewer typed and has not saved, in `OUT/.qtgen/review/drafts/`, which is not committed.

A draft is one file that is replaced atomically, so a killed program leaves the last draft or the one before it.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from qtgen._util.files import as_output_error, hide_from_git, staged_file


class EditDraft(msgspec.Struct, frozen=True, kw_only=True):
    """An edit that was not saved.

    Args:
        who: The reviewer.
        url: The page.
        fields: The values as typed, by field.
        file_digest: The digest of the file that the reviewer started from.
        note: The note as typed.
        at: When the draft was saved, in the form of `Decision.at`.
    """

    who: str
    url: str
    fields: dict[str, str]
    file_digest: str
    note: str = ""
    at: str = ""


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(EditDraft).decode


class Drafts:
    """The drafts of all reviewers: one for each reviewer and page.

    Args:
        folder: The folder of the review app: `OUT/.qtgen/review`.
    """

    def __init__(self, folder: Path) -> None:
        self._own_folder = folder
        self._folder = folder / "drafts"

    def _path(self, who: str, url: str) -> Path:
        """Return the file of a draft. Its name is a digest, because names and URLs may hold any character."""
        reader, page = (_digest(text) for text in (who, url))
        return self._folder / reader / f"{page}.json"

    def save(
        self, who: str, url: str, fields: Mapping[str, str], file_digest: str, *, note: str = "", at: str = ""
    ) -> EditDraft:
        """Save a draft in the place of the last one. It is on the disk when this returns. Raises OutputError."""
        draft = EditDraft(who=who, url=url, fields=dict(fields), file_digest=file_digest, note=note, at=at)
        hide_from_git(self._own_folder)
        path = self._path(who, url)
        contents = _encode(draft).decode()
        with staged_file(path, contents) as temporary, as_output_error(path):
            temporary.replace(path)
        return draft

    def get(self, who: str, url: str) -> EditDraft | None:
        """Return a reviewer's draft about a page, if there is one."""
        draft = _read(self._path(who, url))
        return draft if draft and (draft.who, draft.url) == (who, url) else None

    def discard(self, who: str, url: str) -> None:
        """Remove a draft, because it was saved as an edit or is no longer wanted. Raises OutputError."""
        path = self._path(who, url)
        with as_output_error(path):
            path.unlink(missing_ok=True)

    def of(self, who: str) -> list[EditDraft]:
        """Return the drafts of a reviewer, the latest first."""
        drafts = (_read(path) for path in sorted((self._folder / _digest(who)).glob("*.json")))
        return sorted((draft for draft in drafts if draft and draft.who == who), key=lambda one: one.at, reverse=True)


def _read(path: Path) -> EditDraft | None:
    try:
        return _decode(path.read_bytes())
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
