"""A page of columns that reads its values only if a rule looks at them. Most rules look at one or two."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, TypeVar

from qtgen.page import Page, Value

if TYPE_CHECKING:
    from qtgen.validation.rules.file_columns import FileColumns

_T = TypeVar("_T")


def light_page(files: "FileColumns", row: int) -> Page:
    """Return a page without its style, which is that of the house. No built-in rule reads it from such a page."""
    return Page(files.columns.text(row), files.layout, _Values(files, row), _Spans(files, row))


class _OfRow(Mapping[str, _T]):
    """Something of each field that a page has."""

    __slots__ = ("_files", "_row")

    def __init__(self, files: "FileColumns", row: int) -> None:
        self._files, self._row = files, row

    def __contains__(self, path: object) -> bool:
        return path in self._files.layout.fields and bool(self._files.columns.present(str(path))[self._row])

    def __iter__(self) -> Iterator[str]:
        return (path for path in self._files.layout.fields if path in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class _Values(_OfRow[Value]):
    """The values of a page. Rules look at the same one several times."""

    __slots__ = ("_known",)

    def __init__(self, files: "FileColumns", row: int) -> None:
        super().__init__(files, row)
        self._known: dict[str, Value] = {}

    def __getitem__(self, path: str) -> Value:
        known = self._known
        if path not in known:
            if path not in self:
                raise KeyError(path)
            known[path] = self._files.value(self._row, path)
        return known[path]


class _Spans(_OfRow[tuple[int, int]]):
    """Where the values of a page are."""

    def __getitem__(self, path: str) -> tuple[int, int]:
        if path not in self:
            raise KeyError(path)
        columns, row = self._files.columns, self._row
        first, start, end = (int(offsets[row]) for offsets in (columns.first, columns.starts(path), columns.ends(path)))
        before = len(columns.raw[first:start].decode())
        return before, before + len(columns.raw[start:end].decode())
