"""The page as it was read: its values by dotted path, where each one is in the text, and how it was written."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple, TypeAlias

from qtgen.page.layout import Layout
from qtgen.page.profile import BODY_FIELD

Value: TypeAlias = str | int | float | bool | date | list[object] | dict[str, object] | None
"""A value that was read. Maps of the layout are not values themselves; their fields are, by dotted path."""

_FATAL = frozenset({"invalid-yaml", "missing-front-matter", "unsafe-yaml", "too-large", "unreadable-file"})


class Span(NamedTuple):
    """A half-open range of code points in a page's text."""

    start: int
    end: int


class Position(NamedTuple):
    """A line and a column in code points, both 1-based, as editors show them."""

    line: int
    column: int


_START = Span(0, 0)


@dataclass(frozen=True, slots=True)
class Problem:
    """A fault that makes a text hard or impossible to read. `kind` is the name of the 1xx rule that reports it."""

    kind: str
    message: str
    span: Span = _START
    field: str | None = None


@dataclass(frozen=True, slots=True)
class Style:
    """How a page is written, as far as its values do not tell. Emitting the values in this style gives the same bytes.

    Args:
        plain: Paths of values that are written plain although the house style folds them.
        folded: Paths of values that are folded (`>-`) although the house style writes them plain.
        spelling: Unusual spellings of values by path, such as `true` or `0.50`.
        blank_before_close: Whether a blank line precedes the closing `---`.
        body: The text after the front matter, if it is not that of the layout.
    """

    plain: frozenset[str] = frozenset()
    folded: frozenset[str] = frozenset()
    spelling: Mapping[str, str] = field(default_factory=dict)
    blank_before_close: bool = False
    body: str | None = None


HOUSE_STYLE = Style()


@dataclass(frozen=True, slots=True)
class Page:
    """A page as it was read.

    Args:
        text: The whole file.
        layout: The layout that it was read with.
        values: The values by dotted path (`seo.title`). An empty map is a value, `{}`.
        spans: Where each value is. The span of an empty map is that of its value. If the page is not canonical, the
            items of lists have spans too, under the path of the list and their number from 0 (`tags.0`).
        style: How the page is written.
        problems: What reading found wrong, in the order of the text.
        key_spans: Where each key is, if the page is not canonical. On a canonical page each key is at the start of
            its line, so its place is worked out when it is needed.
    """

    text: str
    layout: Layout
    values: Mapping[str, Value]
    spans: Mapping[str, tuple[int, int]]
    style: Style = HOUSE_STYLE
    problems: tuple[Problem, ...] = ()
    key_spans: Mapping[str, Span] | None = None

    @property
    def canonical(self) -> bool:
        """True if the fast scanner read the page: all required keys are there, in order, and no unknown ones."""
        return self.key_spans is None and not self.problems

    @property
    def complete(self) -> bool:
        """True if the front matter was read to its end."""
        return not any(problem.kind in _FATAL or not self.values for problem in self.problems)

    def text_of(self, path: str) -> str | None:
        """Return the value at `path` if it is a string, else None."""
        value = self.values.get(path)
        return value if isinstance(value, str) else None

    def sections(self) -> set[str]:
        """Return the paths of the maps that the page has, including empty ones."""
        found = {path for path in self.values if path in self.layout.sections}
        for path in self.values:
            while "." in path:
                path = path.rpartition(".")[0]
                found.add(path)
        return found

    def data(self) -> dict[str, object]:
        """Return the front matter as nested dicts, equal to what PyYAML's SafeLoader constructs."""
        nested: dict[str, object] = {}
        for path, value in self.values.items():
            if path == BODY_FIELD and self.layout.has_text_body:
                continue
            parent: object = nested
            *sections, key = path.split(".")
            for section in sections:
                parent = parent.setdefault(section, {}) if isinstance(parent, dict) else None
            if isinstance(parent, dict):
                parent[key] = value
        return nested

    def span(self, path: str) -> Span:
        """Return where the value is; for a section, where its key is; for a missing path, where it belongs."""
        try:
            return Span(*self.spans[path])
        except KeyError:
            return self.key_span(path) if path in self.sections() else self.expected_span(path)

    def key_span(self, path: str) -> Span:
        """Return where the key is; for a missing path, where it belongs."""
        if path == BODY_FIELD and path in self.spans and path not in self.layout.fields:
            return Span(self.spans[path][0], self.spans[path][0])
        if self.key_spans is not None:
            return self.key_spans.get(path) or self.expected_span(path)
        key = path.rpartition(".")[2]
        if path not in self.spans:
            start = self.text.find(f"\n{key}:") + 1 if path == key else 0
            return Span(start, start + len(key)) if start else self.expected_span(path)
        value_start = self.spans[path][0]
        line = self._line_start(value_start)
        if not self.text[line:value_start].lstrip(" ").startswith(f"{key}:"):
            line = self._line_start(line - 1)  # a folded value is on the line below its key
        start = self.text.index(key, line)
        return Span(start, start + len(key))

    def expected_span(self, path: str) -> Span:
        """Return the position of a missing path: the key that follows it in the layout, or the key of its map."""
        section = path.rpartition(".")[0]
        if section and section in self.sections():
            return self.key_span(section)
        section = ""
        order = self.layout.order
        rank = order.get(path, len(order))
        siblings = [key for key in (self.key_spans or self.spans) if key.rpartition(".")[0] == section]
        inner = [key for key in self.sections() if key.rpartition(".")[0] == section]
        later = [key for key in (*siblings, *inner) if order.get(key, -1) > rank]
        if later:
            return self.key_span(min(later, key=order.__getitem__))
        return self._closing_line()

    def position(self, offset: int) -> Position:
        """Return the line and column of an offset in code points."""
        return Position(self.text.count("\n", 0, offset) + 1, offset - self._line_start(offset) + 1)

    def line_starts(self) -> list[int]:
        """Return the offsets at which the lines begin, for callers that need many positions."""
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
