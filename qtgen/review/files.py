"""Pages as they are on the disk, with a digest that detects whether a file has changed since it was shown."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from qtgen.errors import PageConflict
from qtgen.generation.provenance import group_digests, written_groups
from qtgen.page import Page, read
from qtgen.page.profile import Profile
from qtgen.review.fields import shown_fields
from qtgen.site.discovery import read_page_bytes

_SHOWN = 1_000  # pages whose texts as shown are remembered


def file_digest(contents: bytes) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 of a file."""
    return hashlib.sha256(contents).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class PageOnDisk:
    """A page as its file holds it.

    Args:
        path: The file.
        contents: Its bytes.
        page: The page that they make.
        digest: Their digest.
    """

    path: Path
    contents: bytes = field(repr=False)
    page: Page = field(repr=False)
    digest: str

    @property
    def digests(self) -> dict[str, str]:
        """The digests of the texts by group of fields, as decisions record them."""
        return text_digests(self.page)

    @property
    def fields(self) -> dict[str, str]:
        """The editable fields as a reviewer sees them. The answer is markdown with real line breaks."""
        return shown_fields(self.page)


def text_digests(page: Page) -> dict[str, str]:
    """Return a digest of the texts of each group of fields that a model writes."""
    return group_digests(page, written_groups(page.layout))


def read_page_file(path: Path, profile: Profile) -> PageOnDisk:
    """Read a page of a site. Raises PageConflict if its file was deleted or cannot be read."""
    try:
        contents = read_page_bytes(str(path))
    except FileNotFoundError:
        raise PageConflict("was deleted in the meantime", path=path, remedy="reload the list") from None
    except OSError as error:
        raise PageConflict(f"cannot be read ({error.strerror or error})", path=path) from None
    return PageOnDisk(path, contents, read(contents, profile, str(path)), file_digest(contents))


class PageChanged(PageConflict):
    """The file is no longer the one that was shown.

    Args:
        path: The file.
        seen: The fields as they were shown; empty if they are not known.
        now: The fields as they are.
        yours: The new values that were sent.
        labels: What reviewers read for each field.
        digest: The digest of the file as it is.
    """

    def __init__(
        self,
        path: Path,
        *,
        seen: Mapping[str, str],
        now: Mapping[str, str],
        yours: Mapping[str, str],
        labels: Mapping[str, str],
        digest: str,
    ) -> None:
        super().__init__("changed since it was shown; nothing was recorded", path=path, remedy="compare both versions")
        self.seen, self.now, self.yours, self.labels, self.digest = seen, now, yours, labels, digest


class ShownTexts:
    """The texts of the pages that were shown last, by the digest of their file. Threads may share it."""

    def __init__(self, limit: int = _SHOWN) -> None:
        self._limit = limit
        self._fields: OrderedDict[str, Mapping[str, str]] = OrderedDict()
        self._lock = threading.Lock()

    def remember(self, file: PageOnDisk) -> None:
        """Remember the texts of a page that is being shown."""
        with self._lock:
            self._fields[file.digest] = file.fields
            self._fields.move_to_end(file.digest)
            if len(self._fields) > self._limit:
                self._fields.popitem(last=False)

    def get(self, digest: str) -> Mapping[str, str]:
        """Return the texts that a file with this digest had. Return nothing if they are no longer known."""
        with self._lock:
            return self._fields.get(digest, {})
