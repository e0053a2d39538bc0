"""The values of one page of the columns, which are taken from the buffer only when somebody looks at them."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from qtgen.page.document import Value

if TYPE_CHECKING:
    from qtgen.page.columns.table import Columns


class RowValues(Mapping[str, Value]):
    """The values of a page by path.

    Args:
        columns: The columns that the page is in.
        row: Its row.
        paths: The paths of its fields, in order.
    """

    __slots__ = ("_columns", "_known", "_paths", "_row")

    def __init__(self, columns: "Columns", row: int, paths: Mapping[str, None]) -> None:
        self._columns, self._row, self._paths = columns, row, paths
        self._known: dict[str, Value] = {}

    def __getitem__(self, path: str) -> Value:
        value = self._known.get(path)
        if value is None:
            if path not in self._paths:
                raise KeyError(path)
            value = self._known[path] = self._columns.value_at(self._row, path)
        return value

    def __contains__(self, path: object) -> bool:
        return path in self._paths

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)


class RowSpans(Mapping[str, tuple[int, int]]):
    """The spans of the values of a page in code points, by path. The arguments are those of `RowValues`."""

    __slots__ = ("_columns", "_paths", "_row")

    def __init__(self, columns: "Columns", row: int, paths: Mapping[str, None]) -> None:
        self._columns, self._row, self._paths = columns, row, paths

    def __getitem__(self, path: str) -> tuple[int, int]:
        if path not in self._paths:
            raise KeyError(path)
        return self._columns.span_at(self._row, path)

    def __contains__(self, path: object) -> bool:
        return path in self._paths

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)
