"""Read a page fast: one regular expression, derived from the layout, matches pages in the canonical form.

The scanner returns None rather than guess. Whatever it accepts, PyYAML reads to the same values.
docs/explanation/benchmarks.md has its measurements.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import compress, groupby
from operator import itemgetter
from typing import NamedTuple

from qtgen.page.body import body_span
from qtgen.page.document import HOUSE_STYLE, Page, Style, Value
from qtgen.page.fields import Field, Row, Section
from qtgen.page.layout import Layout
from qtgen.page.profile import BODY_FIELD, Kind
from qtgen.page.spelling import PLAIN_TEXT, is_plain_safe, spell, to_date

SCALAR = {
    Kind.INT: r" (0|-?[1-9][0-9]{0,17})\n",
    Kind.FLOAT: r" (-?[0-9]{1,17}\.[0-9]{1,17})\n",
    Kind.DATE: r" ([0-9]{4}-[0-9]{2}-[0-9]{2})\n",
    Kind.BOOL: r" ([Tt]rue|[Ff]alse)\n",
}
CONVERT: dict[Kind, Callable[[str], Value]] = {
    Kind.INT: int,
    Kind.FLOAT: float,
    Kind.DATE: to_date,
    Kind.BOOL: lambda text: text in ("True", "true"),
}
Span = tuple[int, int]


def build_scanner(layout: Layout) -> Callable[[str], Page | None] | None:
    """Return the scanner of a layout, or None if pages of the layout have more than maps of scalars.

    The scanner takes a text that contains only characters that a page can hold (`text.has_only_page_bytes`). It returns
    the page, or None if the text is not in the canonical form.
    """
    rows: list[Row] = [*layout.fields.values(), *layout.sections.values()]
    if not all(map(_is_provable, rows)):
        return None
    return _Scanner(layout).scan


def _is_provable(row: Row) -> bool:
    if not row.key.isprintable() or not is_plain_safe(row.key):
        return False
    if isinstance(row, Section):
        # An optional map is present as a whole, and the numbered ones follow each other.
        is_whole = all(isinstance(inner, Field) and (row.required or inner.required) for inner in row.fields)
        return is_whole and "." not in row.path and not (row.number and row.required)
    is_scalar = len(row.spec.kinds) == 1 and (row.kind is Kind.TEXT or row.kind in SCALAR)
    return is_scalar and row.spec.style in (None, "plain", "folded")


class _Plan(NamedTuple):
    """How the groups of a match become values, for all pages that have the same optional fields."""

    paths: tuple[str, ...]
    get: Callable[[tuple[str | None, ...]], tuple[str, ...]]
    converters: tuple[tuple[str, Callable[[str], Value]], ...]
    respellable: tuple[str, ...]  # paths of values that YAML can spell in several ways


class _MatchSpans(Mapping[str, Span]):
    """The span of each value, taken from the match only when it is needed."""

    __slots__ = ("_groups", "_match")

    def __init__(self, match: re.Match[str], groups: Mapping[str, int]) -> None:
        self._match, self._groups = match, groups

    def __getitem__(self, path: str) -> Span:
        span = self._match.span(self._groups[path])
        if span[0] < 0:
            raise KeyError(path)
        return span

    def __iter__(self) -> Iterator[str]:
        return (path for path, group in self._groups.items() if self._match.start(group) >= 0)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class _Scanner:
    """The scanner of one layout."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._body, self._true = layout.body, layout.spec.booleans
        self._pattern = re.compile(_layout_pattern(layout))
        self._groups: dict[str, int] = {}  # the number of the group of each value
        marks: dict[str, int] = {}  # of the groups that distinguish folded from plain
        number = 0
        for path, field in layout.fields.items():
            if field.kind is Kind.TEXT:
                marks[path] = number = number + 1
            self._groups[path] = number = number + 1
        self._mark_paths = tuple(marks)
        self._get_marks = _getter([group - 1 for group in marks.values()])
        self._indicators = _indicators(layout)
        self._get_indicators = _getter([self._groups[path] - 1 for path in self._indicators])
        self._plan = lru_cache(maxsize=256)(self._make_plan)  # a site uses a dozen combinations
        self._fold_style = lru_cache(maxsize=4096)(self._make_fold_style)  # a site uses a few dozen

    def scan(self, text: str) -> Page | None:
        """Return the page, or None if the text is not in the canonical form."""
        match = self._pattern.match(text)
        if match is None:
            return None
        groups = match.groups()
        plan = self._plan(tuple([value is None for value in self._get_indicators(groups)]))
        values: dict[str, Value] = dict(zip(plan.paths, plan.get(groups)))  # noqa: B905 - of one length, and strict is slow
        spelling = [(path, str(values[path])) for path in plan.respellable]
        for path, convert in plan.converters:
            values[path] = convert(values[path])  # type: ignore[arg-type]  # still the text of the group
        end = match.end()
        spans: Mapping[str, Span] = _MatchSpans(match, self._groups)
        if self._body is None:
            spans = dict(spans)
            spans[BODY_FIELD] = span = body_span(text, end)
            values[BODY_FIELD] = text[span.start : span.end]
        return Page(text, self._layout, values, spans, self._style(groups, values, spelling, text[end:]))

    def _style(
        self, groups: tuple[str | None, ...], values: dict[str, Value], spelling: list[tuple[str, str]], body: str
    ) -> Style:
        plain, folded = self._fold_style(self._get_marks(groups))
        true = self._true
        unusual = {path: written for path, written in spelling if written != spell(values[path], true)}
        blank = groups[-1] is not None
        if not (plain or folded or unusual or blank) and body == self._body:
            return HOUSE_STYLE
        return Style(plain, folded, unusual, blank, None if body == self._body else body)

    def _make_plan(self, absent: tuple[bool, ...]) -> _Plan:
        missing: set[str] = set().union(*compress(self._indicators.values(), absent))
        paths = tuple(path for path in self._groups if path not in missing)
        kinds = {path: self._layout.fields[path].kind for path in paths}
        return _Plan(
            paths,
            _getter([self._groups[path] - 1 for path in paths]),
            tuple((path, CONVERT[kind]) for path, kind in kinds.items() if kind is not Kind.TEXT),
            tuple(path for path, kind in kinds.items() if kind in (Kind.BOOL, Kind.FLOAT)),
        )

    def _make_fold_style(self, marks: tuple[str | None, ...]) -> tuple[frozenset[str], frozenset[str]]:
        """Return the paths that are written plain but folded in the house style, and those that are the reverse."""
        fields = self._layout.fields
        present = [(path, mark == " ") for path, mark in zip(self._mark_paths, marks, strict=True) if mark is not None]
        plain = frozenset(path for path, is_plain in present if is_plain and fields[path].folded)
        folded = frozenset(path for path, is_plain in present if not is_plain and not fields[path].folded)
        return plain, folded


def _getter(numbers: Sequence[int]) -> Callable[[tuple[str | None, ...]], tuple[str, ...]]:
    """Return a function that takes some groups of a match, as a tuple even if there is only one or none."""
    if len(numbers) > 1:
        return itemgetter(*numbers)
    return lambda groups: tuple(groups[number] for number in numbers)  # type: ignore[misc]


def _indicators(layout: Layout) -> dict[str, tuple[str, ...]]:
    """Return the fields whose presence determines the presence of all fields.

    An optional field determines only itself. An optional map is present as a whole, so its first field is enough.
    """
    alone = {path: (path,) for path, field in layout.fields.items() if not field.required}
    sections = [section for section in layout.sections.values() if not section.required]
    return alone | {section.fields[0].path: tuple(field.path for field in section.fields) for section in sections}


def _layout_pattern(layout: Layout) -> str:
    """Return the pattern of a page. Numbered maps nest, because the second one follows the first."""
    patterns = []
    for key, rows in groupby(
        layout.rows, lambda row: row.spec.key if isinstance(row, Section) and row.number else None
    ):
        if key is None:
            patterns += [_row_pattern(row, layout) for row in rows]
            continue
        nested = ""
        for row in reversed([*rows]):
            nested = _section_pattern(row, layout, nested)
        patterns.append(nested)
    return r"---\n" + "".join(patterns) + r"(\n)?---\n"


def _row_pattern(row: Row, layout: Layout) -> str:
    return _section_pattern(row, layout) if isinstance(row, Section) else _field_pattern(row, layout)


def _section_pattern(row: Row, layout: Layout, inner: str = "") -> str:
    fields = row.fields if isinstance(row, Section) else ()
    body = "".join(_row_pattern(field, layout) for field in fields)
    pattern = f"{re.escape(row.path)}:\n{body}{inner}"
    return pattern if row.required else f"(?:{pattern})?"


def _field_pattern(field: Field, layout: Layout) -> str:
    head = " " * layout.key_indent(field) + re.escape(field.key) + ":"
    if field.kind is Kind.TEXT:
        fold = " >-\n" + " " * layout.folded_indent(field)
        pattern = rf"{head}({fold}(?! )| (?={PLAIN_TEXT}))(.++)\n"
    else:
        pattern = head + SCALAR[field.kind]
    return pattern if field.required else f"(?:{pattern})?"
