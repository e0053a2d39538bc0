"""The page as it was read: values by dotted path, where each stands, and how it was spelled."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple, TypeAlias

from qtgen.page.fields import LAYOUT, ORDER, Section

# What a value can be once read. Lists and dicts occur only on pages that break the schema.
Value: TypeAlias = str | int | float | bool | date | list[object] | dict[str, object] | None

BODY = "\n&nbsp;"
_FATAL = frozenset({"invalid-yaml", "missing-front-matter", "unsafe-yaml", "too-large", "unreadable-file"})


class Span(NamedTuple):
    """Half-open range of code points in a page's text."""

    start: int
    end: int


class Position(NamedTuple):
    """1-based line, and 1-based column in code points, as editors show them."""

    line: int
    column: int


_START = Span(0, 0)


@dataclass(frozen=True, slots=True)
class Problem:
    """What reading itself objects to. `kind` is the name of the rule of family 1xx that reports it."""

    kind: str
    message: str
    span: Span = _START
    field: str | None = None


@dataclass(frozen=True, slots=True)
class Style:
    """What the values do not say about how the page is spelled: emitter + style = the same bytes."""

    plain: frozenset[str] = frozenset()  # written plain where the house folds
    folded: frozenset[str] = frozenset()  # written `>-` where the house writes plain
    spelling: Mapping[str, str] = field(default_factory=dict)  # `no_index: true`, `score: 0.50`
    blank_before_close: bool = False
    body: str = BODY


HOUSE_STYLE = Style()


@dataclass(frozen=True, slots=True)
class Page:
    """A page as read.

    text: the whole file; spans: of each value, and of the key of a section; key_spans: only what a slow
    reading knows better than the canonical layout does. On the canonical layout a key stands at the start of
    its line, and that is worked out when somebody asks.
    """

    text: str
    values: Mapping[str, Value]
    spans: Mapping[str, tuple[int, int]]
    style: Style = HOUSE_STYLE
    problems: tuple[Problem, ...] = ()
    key_spans: Mapping[str, Span] | None = None

    @property
    def canonical(self) -> bool:
        """True if the scanner knew the layout: every required key is there, in order, and none that is unknown."""
        return self.key_spans is None and not self.problems

    @property
    def complete(self) -> bool:
        """True if the front matter was read to its end."""
        return not any(problem.kind in _FATAL or not self.values for problem in self.problems)

    def text_of(self, path: str) -> str | None:
        """The value at `path` if it is a string, else None."""
        value = self.values.get(path)
        return value if isinstance(value, str) else None

    def sections(self) -> set[str]:
        """Names of the sections present, empty ones included."""
        known = {row.path for row in LAYOUT if isinstance(row, Section)}
        return {path.partition(".")[0] for path in self.values if "." in path} | (known & set(self.values))

    def data(self) -> dict[str, object]:
        """The front matter as nested dicts, equal to what PyYAML's SafeLoader constructs."""
        nested: dict[str, object] = {}
        for path, value in self.values.items():
            section, _, key = path.rpartition(".")
            home = nested.setdefault(section, {}) if section else nested
            if isinstance(home, dict):
                home[key] = value
        return nested

    def span(self, path: str) -> Span:
        """Where the value (of a section: its key) stands. A missing path: where it belongs."""
        try:
            return Span(*self.spans[path])
        except KeyError:
            return self.key_span(path) if path in self.sections() else self.expected_span(path)

    def key_span(self, path: str) -> Span:
        """Where the key stands. A missing path: where it belongs."""
        if self.key_spans is not None:
            return self.key_spans.get(path) or self.expected_span(path)
        key = path.rpartition(".")[2]
        if path not in self.spans:
            start = self.text.find(f"\n{key}:") + 1 if path == key else 0
            return Span(start, start + len(key)) if start else self.expected_span(path)
        value = self.spans[path][0]
        line = self._line_start(value)
        if not self.text[line:value].lstrip(" ").startswith(f"{key}:"):
            line = self._line_start(line - 1)  # a folded value stands below its key
        start = self.text.index(key, line)
        return Span(start, start + len(key))

    def expected_span(self, path: str) -> Span:
        """Where a missing path belongs: the line of the key that the layout puts after it."""
        section = path.rpartition(".")[0]
        if section and section in self.sections():
            return self.key_span(section)
        rank = ORDER.get(path, len(ORDER))
        after = [p for p in (self.key_spans or self.spans) if "." not in p and ORDER.get(p, -1) > rank]
        sections_after = [s for s in self.sections() if ORDER.get(s, -1) > rank]
        candidates = [*after, *sections_after]
        if candidates:
            return self.key_span(min(candidates, key=ORDER.__getitem__))
        return self._closing_line()

    def position(self, offset: int) -> Position:
        """Line and column of a code point offset."""
        return Position(self.text.count("\n", 0, offset) + 1, offset - self._line_start(offset) + 1)

    def line_starts(self) -> list[int]:
        """Offsets at which the lines begin, for those who need many places."""
        starts = [0]
        find = self.text.find
        while (newline := find("\n", starts[-1])) != -1:
            starts.append(newline + 1)
        return starts

    def _line_start(self, offset: int) -> int:
        return self.text.rfind("\n", 0, offset) + 1

    def _closing_line(self) -> Span:
        closing = self.text.find("\n---", 3) + 1
        return Span(closing, closing)
