"""The names of a site's files and folders that collide on file systems that ignore case."""

from array import array
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple


class CaseTwin(NamedTuple):
    """A file or folder whose name differs from another one only in case.

    Args:
        page: The number of the page, or of the first page in the folder.
        name: Its name, or the path of the folder.
        other: The name, or the path, that it collides with.
        is_folder: Whether the folder collides.
    """

    page: int
    name: str
    other: str
    is_folder: bool


class CaseIndex:
    """Remembers the names of all pages, in eight bytes each and without the names that are in lower case."""

    def __init__(self) -> None:
        self._names = array("q")  # hashes of folder and name in lower case, by the number of the page
        self._mixed: dict[int, str] = {}  # names that are not in lower case
        self._folders: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)

    def add(self, folder: str, names: Sequence[str]) -> None:
        """Add pages of one folder, which are numbered from 0 in this order.

        Args:
            folder: The folder, which ends in `/` or is empty for the current one.
        """
        first, lower = len(self._names), "\0".join(names).lower().split("\0")
        self._names.extend([hash((folder, name)) for name in lower])
        if lower != names:
            pairs = enumerate(zip(names, lower, strict=True), first)
            self._mixed.update((number, name) for number, (name, low) in pairs if name != low)
        parent = ""
        for path in accumulate(f"{part}/" for part in folder.split("/")[:-1]):
            self._folders[parent, path.lower()].setdefault(path, first)
            parent = path

    def twins(self) -> Iterator[CaseTwin]:
        """Yield each file and folder that collides with another one."""
        if self._mixed and len(set(self._names)) < len(self._names):
            yield from self._file_twins()
        for paths in self._folders.values():
            if len(paths) > 1:
                for path, page in paths.items():
                    yield CaseTwin(page, path, next(other for other in paths if other != path), True)

    def _file_twins(self) -> Iterator[CaseTwin]:
        wanted = {self._names[number] for number in self._mixed}
        groups: dict[int, list[int]] = defaultdict(list)
        for number, name in enumerate(self._names):
            if name in wanted:
                groups[name].append(number)
        for numbers in groups.values():
            # A name that is not remembered is in lower case, so it follows from any other one of its group.
            in_lower_case = next(self._mixed[number] for number in numbers if number in self._mixed).lower()
            twins = [(number, self._mixed.get(number, in_lower_case)) for number in numbers]
            for number, own in twins:
                if other := next((name for _, name in twins if name != own), None):
                    yield CaseTwin(number, own, other, False)
