"""Tell pages from other markdown files, for hooks that receive every changed markdown file."""

import re
from collections.abc import Iterable, Iterator

from qtgen.page.fields import LAYOUT
from qtgen.site.discovery import Overlay, PageBatch, read_page_bytes

_KEYS_MIN = 5  # a blog post or a documentation page may have a title, a date, an author and an id too
_LAYOUT_KEYS = frozenset(row.path for row in LAYOUT)
_KEY = re.compile(r"^([A-Za-z_]\w*):", re.MULTILINE)


def looks_like_page(raw: bytes) -> bool:
    """Return whether a markdown file is meant to be a page.

    It is if its front matter has `_schema` or at least five other keys of the layout. The front matter need not be
    valid: a page may lack a `---`, and should then be reported.
    """
    text = raw.decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    opening = re.match(r"---[ \t]*\r?\n", text)
    if opening is None and not _KEY.match(text):
        return False
    start = opening.end() if opening else 0
    closing = re.compile(r"^---[ \t]*\r?$", re.MULTILINE).search(text, start)
    keys = set(_KEY.findall(text[start : closing.start() if closing else len(text)]))
    return "_schema" in keys or len(keys & _LAYOUT_KEYS) >= _KEYS_MIN


class PageFilter:
    """Leaves files out of batches that are not pages. `skipped` counts them.

    Args:
        overlay: Contents to use instead of those of the files, by path.
    """

    def __init__(self, overlay: Overlay | None = None) -> None:
        self.skipped = 0
        self._overlay = overlay or {}

    def __call__(self, batches: Iterable[PageBatch]) -> Iterator[PageBatch]:
        """Yield the batches without files that are not pages. A file that cannot be read is kept."""
        for batch in batches:
            kept = [index for index, path in enumerate(batch.paths()) if self._keep(path)]
            self.skipped += len(batch.names) - len(kept)
            if len(kept) == len(batch.names):
                yield batch
            elif kept:
                names, states = [batch.names[index] for index in kept], [batch.states[index] for index in kept]
                yield PageBatch(batch.folder, names, states)

    def _keep(self, path: str) -> bool:
        try:
            return looks_like_page(self._overlay[path] if path in self._overlay else read_page_bytes(path))
        except OSError:
            return True
