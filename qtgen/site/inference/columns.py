"""The values of a layout's pages as columns, by dotted path, for what relates one field to another."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeAlias

from qtgen.page.profile import Slug
from qtgen.page.template import slugger
from qtgen.site.inference.drafts import LayoutDraft
from qtgen.site.inference.observe import Observed

Column: TypeAlias = Sequence[Observed]

STEM, FOLDER = "file.stem", "file.folder"
_SLUGS = [
    Slug(keep=keep, space=space, collapse=collapse, ascii=ascii_only)
    for space in ("-", "_")
    for keep in ("a-z0-9 -", "a-z0-9 ", "a-z0-9 _-", r"\w -")
    for collapse in (True, False)
    for ascii_only in ((False,) if keep.startswith("\\") else (True, False))
]
_SAMPLE = 200
_TELLING = re.compile(r"[-_]|[^\x00-\x7f]| [^a-z0-9]* ")  # what slugs with different settings treat differently
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_ANY = re.compile(r"[\W_]+")


@dataclass(slots=True)
class Columns:
    """The values of the pages of a layout.

    Attributes:
        pages: The numbers of the pages.
        files: The path of each page below the root of the site, without `.md`.
        columns: The values of each field that a page has at most once. A missing value is None.
    """

    pages: Sequence[int]
    files: Sequence[str]
    columns: dict[str, Column] = field(default_factory=dict)

    @property
    def stems(self) -> Column:
        """The name of each file, without `.md`."""
        return [file.rpartition("/")[2] for file in self.files]

    @property
    def folders(self) -> Column:
        """The name of each page's folder."""
        return [file.rpartition("/")[0].rpartition("/")[2] or None for file in self.files]


def columns_of(layout: LayoutDraft, files: Sequence[str]) -> Columns:
    """Return the columns of a layout with the given paths of its pages below the root of the site."""
    rows = {page: row for row, page in enumerate(layout.pages)}
    columns = Columns(layout.pages, files)
    for draft in layout.walk():
        if not draft.in_list and not draft.fields and draft.settings.get("type") not in ("map", "list"):
            column: list[Observed] = [None] * len(rows)
            for value in draft.values:
                column[rows[value.page]] = value.value
            columns.columns[draft.path] = column
    return columns


def sample(rows: Sequence[int], size: int) -> Sequence[int]:
    """Return some of the rows, spread over all of them."""
    return rows[:: max(1, len(rows) // size)]


def choose_slug(sites: Iterable[Columns]) -> Slug:
    """Return the settings with which most texts of the site are found in the names of their files and in addresses."""
    pairs = [pair for columns in sites for pair in _pairs(columns)]
    texts = set(pairs)
    best, most = Slug(), -1
    for settings in _SLUGS:
        slug = slugger(settings)
        found = sum(slug(text) in target for text, target in texts)
        if found > most:
            best, most = settings, found
    return best


def _pairs(columns: Columns) -> Iterable[tuple[str, str]]:
    """Yield texts with the targets that seem to contain them."""
    targets = {STEM: columns.stems, **{path: column for path, column in columns.columns.items() if _is_address(column)}}
    rows = range(len(columns.pages))
    for path, column in columns.columns.items():
        texts = [row for row in sample(rows, _SAMPLE) if isinstance(column[row], str)]
        for name, target in targets.items():
            if name == path or not texts:
                continue
            hits = sum(_contains(target[row], column[row]) for row in texts)
            if 2 * hits > len(texts):
                some = set(texts)
                yield from (
                    (text, goal)
                    for row, (text, goal) in enumerate(zip(column, target, strict=True))
                    if isinstance(text, str)
                    and isinstance(goal, str)
                    and (row in some or _TELLING.search(text.lower()))
                )


def _is_address(column: Column) -> bool:
    texts = [value for value in column if value is not None][:_SAMPLE]
    plain = [value for value in texts if isinstance(value, str) and " " not in value and ("-" in value or "_" in value)]
    return bool(texts) and 2 * len(plain) > len(texts)


def _contains(target: Observed, text: Observed) -> bool:
    if not isinstance(target, str) or not isinstance(text, str):
        return False
    loose, whole = _loose(text), _loose(target)
    return len(loose) > 1 and (loose in whole or _ANY.sub("", _NOT_ASCII.sub("", text.lower())) in whole)


@lru_cache(maxsize=200_000)
def _loose(text: str) -> str:
    ascii_text = unicodedata.normalize("NFKD", text.lower()).encode("ascii", "ignore").decode()
    return _ANY.sub("", ascii_text)
