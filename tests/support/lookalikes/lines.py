"""Find keys in the lines of front matter that a generator wrote."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_KEY = re.compile(r"( *(?:- +)?)([A-Za-z_][\w-]*):(?= |$)")
_VALUE = re.compile(r"( *(?:- +)?[A-Za-z_][\w-]*: +)(.*?)( +#.*)?")


@dataclass(frozen=True, slots=True)
class Entry:
    """A key and its value: the lines from `first` up to `end`, exclusive."""

    path: str
    first: int
    end: int


def entries(lines: Sequence[str]) -> list[Entry]:
    """Return every key of the front matter, in the order of the file."""
    found: list[Entry] = []
    parents: list[tuple[int, str]] = []
    for index in range(1, lines.index("---", 1)):
        match = _KEY.match(lines[index])
        if match is None:
            continue
        column = len(match[1])
        parents = [parent for parent in parents if parent[0] < column]
        parents.append((column, match[2]))
        found.append(Entry(".".join(name for _, name in parents), index, _end(lines, index, column)))
    return found


def find(found: Sequence[Entry], key: str) -> list[Entry]:
    """Return the entries of a key: several for a key of a list of maps."""
    return [entry for entry in found if entry.path == key]


def next_key(lines: Sequence[str], index: int) -> int:
    """Return the index of the first line from `index` on that is no comment."""
    return next(at for at in range(index, len(lines)) if lines[at].strip() and not lines[at].lstrip().startswith("#"))


def raw_value(line: str) -> str:
    """Return the value on the line of a key, as it is written, without a trailing comment."""
    match = _VALUE.fullmatch(line)
    return match[2] if match else ""


def with_value(line: str, value: str) -> str:
    """Return the line of a key with another value. The trailing comment stays."""
    match = _VALUE.fullmatch(line)
    return f"{match[1]}{value}{match[3] or ''}" if match else f"{line} {value}"


def _end(lines: Sequence[str], first: int, column: int) -> int:
    end = first + 1
    while lines[end].strip():
        indent = len(lines[end]) - len(lines[end].lstrip())
        if indent < column or (indent == column and not lines[end].lstrip().startswith("- ")):
            break
        end += 1
    return end
