"""Tell pages from other markdown files, for hooks that receive every changed markdown file."""

import re
from collections.abc import Iterable, Iterator

from qtgen.page.compile import layouts_of
from qtgen.page.layout import Layout
from qtgen.page.profile import Profile
from qtgen.site.discovery import Overlay, PageBatch, read_page_bytes

_KEYS_MIN = 5  # a blog post or a documentation page may have a title, a date, an author and an id too
_KEY = re.compile(r"^([A-Za-z_][\w-]*):", re.MULTILINE)


def looks_like_page(raw: bytes, profile: Profile) -> bool:
    """Return whether a markdown file is meant to be a page of a site.

    It is if its front matter has the constant that a layout begins with, at least five keys of the layout, or all
    that are required. The front matter need not be valid: a page may lack a `---`, and should then be reported.
    """
    text = raw.decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    opening = re.match(r"---[ \t]*\r?\n", text)
    if opening is None and not _KEY.match(text):
        return False
    start = opening.end() if opening else 0
    closing = re.compile(r"^---[ \t]*\r?$", re.MULTILINE).search(text, start)
    keys = set(_KEY.findall(text[start : closing.start() if closing else len(text)]))
    return any(_has_keys(keys, layout) for layout in layouts_of(profile))


def _has_keys(keys: set[str], layout: Layout) -> bool:
    """Return whether front matter with these keys is meant as that of a page of a layout."""
    first = layout.rows[0]
    if first.path in layout.constants and first.path in keys:
        return True
    required = sum(row.required for row in layout.rows)
    return len(keys.intersection(row.path for row in layout.rows)) >= max(1, min(_KEYS_MIN, required))


class PageFilter:
    """Leaves files out of batches that are not pages. `skipped` counts them.

    Args:
        profile: The layout of the site.
        overlay: Contents to use instead of those of the files, by path.
    """

    def __init__(self, profile: Profile, overlay: Overlay | None = None) -> None:
        self.skipped = 0
        self._profile = profile
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
            raw = self._overlay[path] if path in self._overlay else read_page_bytes(path)
        except OSError:
            return True
        return looks_like_page(raw, self._profile)
