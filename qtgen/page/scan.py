"""Read a page fast: one regular expression, derived from the table of fields, matches the canonical layout.

The scanner returns None rather than guess. Whatever it accepts, PyYAML reads to the same values.
docs/explanation/benchmarks.md has its measurements.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from functools import lru_cache
from itertools import compress
from operator import itemgetter
from typing import NamedTuple

from qtgen.page.document import BODY, HOUSE_STYLE, Page, Style, Value
from qtgen.page.fields import FIELDS, LAYOUT, SECTIONS, Field, Kind, Section, folded_indent, key_indent

# A plain scalar that YAML 1.1 can only read as this very string. It starts with a letter or `/`, contains no `: ` or
# ` #`, does not end in a space or colon, and is none of the words that resolve to a boolean or null.
_PLAIN = (
    r"(?!(?=[A-Za-z]{1,5}\n)"  # only a short word can be one of these, and most values are long
    r"(?:[yY]|[yY]es|YES|[nN]|[nN]o|NO|[tT]rue|TRUE|[fF]alse|FALSE|[oO]n|ON|[oO]ff|OFF|[nN]ull|NULL)\n)"
    r"(?=[A-Za-z/_][^\n:#]*(?:(?:(?<! )\#|:(?![ \n]))[^\n:#]*)*(?<! )\n)"
)
PLAIN = re.compile(_PLAIN)

_SCALAR = {
    Kind.INT: r" (0|-?[1-9][0-9]{0,17})\n",
    Kind.FLOAT: r" (-?[0-9]{1,17}\.[0-9]{1,17})\n",
    Kind.DATE: r" ([0-9]{4}-[0-9]{2}-[0-9]{2})\n",
    Kind.FLAG: r" ([Tt]rue|[Ff]alse)\n",
}


def to_date(text: str) -> date | str:
    """Return the date, or the text itself if no calendar has such a day."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return text


_CONVERT: dict[Kind, Callable[[str], Value]] = {
    Kind.INT: int,
    Kind.FLOAT: float,
    Kind.DATE: to_date,
    Kind.FLAG: lambda text: text in ("True", "true"),
}


def spell(value: Value) -> str:
    """Return a value that is no string as the site spells it: `True`, `-1.0`, `2024-11-22`."""
    return value.isoformat() if isinstance(value, date) else repr(value)


def _field_pattern(field: Field) -> str:
    head = " " * key_indent(field) + re.escape(field.key) + ":"
    if field.kind is Kind.TEXT:
        pattern = rf"{head}({_fold(field)}(?! )| (?={_PLAIN}))(.++)\n"
    else:
        pattern = head + _SCALAR[field.kind]
    return pattern if field.required else f"(?:{pattern})?"


def _fold(field: Field) -> str:
    """Return what separates a folded value from the colon of its key."""
    return " >-\n" + " " * folded_indent(field)


def _section_pattern(section: Section, inner: str = "") -> str:
    body = "".join(_field_pattern(field) for field in section.fields)
    pattern = f"{section.path}:\n{body}{inner}"
    return pattern if section.required else f"(?:{pattern})?"


def _layout_pattern() -> str:
    """Return the pattern of a page. Optional sections nest, because the second related article follows the first."""
    optional = [row for row in LAYOUT if isinstance(row, Section) and not row.required]
    tail = ""
    for section in reversed(optional):
        tail = _section_pattern(section, tail)
    fixed = [
        _section_pattern(row) if isinstance(row, Section) else _field_pattern(row)
        for row in LAYOUT
        if row not in optional
    ]
    return r"---\n" + "".join(fixed) + tail + r"(\n)?---\n"


_PAGE = re.compile(_layout_pattern())


def _groups() -> tuple[dict[str, int], dict[str, int]]:
    """Return the numbers of the groups by path: those of the values, and those that tell folded from plain."""
    values: dict[str, int] = {}
    marks: dict[str, int] = {}
    number = 0
    for field in FIELDS.values():
        if field.kind is Kind.TEXT:
            marks[field.path] = number = number + 1
        values[field.path] = number = number + 1
    return values, marks


_VALUES, _MARKS = _groups()
_get_marks = itemgetter(*(group - 1 for group in _MARKS.values()))


def _indicators() -> dict[str, tuple[str, ...]]:
    """Return the fields whose presence tells which fields are present.

    An optional field tells only of itself. An optional section is present as a whole, so its first field is enough.
    """
    alone = {path: (path,) for path in _VALUES if not FIELDS[path].required}
    sections = [section for section in SECTIONS.values() if not section.required]
    return alone | {section.fields[0].path: tuple(field.path for field in section.fields) for section in sections}


_INDICATORS = _indicators()
_get_indicators = itemgetter(*(_VALUES[path] - 1 for path in _INDICATORS))


class _Plan(NamedTuple):
    """How the groups of a match become values, for all pages that have the same optional fields."""

    paths: tuple[str, ...]
    get: Callable[[tuple[str | None, ...]], tuple[str, ...]]
    converters: tuple[tuple[str, Callable[[str], Value]], ...]
    respellable: tuple[str, ...]  # paths of values that YAML can spell in several ways


@lru_cache(maxsize=256)  # a site uses a dozen combinations
def _plan(absent: tuple[bool, ...]) -> _Plan:
    missing: set[str] = set().union(*compress(_INDICATORS.values(), absent))
    paths = tuple(path for path in _VALUES if path not in missing)
    kinds = {path: FIELDS[path].kind for path in paths}
    return _Plan(
        paths,
        itemgetter(*(_VALUES[path] - 1 for path in paths)),
        tuple((path, _CONVERT[kind]) for path, kind in kinds.items() if kind is not Kind.TEXT),
        tuple(path for path, kind in kinds.items() if kind in (Kind.FLAG, Kind.FLOAT)),
    )


class _MatchSpans(Mapping[str, tuple[int, int]]):
    """The span of each value, taken from the match only when it is needed."""

    __slots__ = ("_match",)

    def __init__(self, match: re.Match[str]) -> None:
        self._match = match

    def __getitem__(self, path: str) -> tuple[int, int]:
        span = self._match.span(_VALUES[path])
        if span[0] < 0:
            raise KeyError(path)
        return span

    def __iter__(self) -> Iterator[str]:
        return (path for path, group in _VALUES.items() if self._match.start(group) >= 0)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def scan(text: str) -> Page | None:
    """Return the page, or None if the text does not have the canonical layout.

    `text` must contain only characters that a page can hold (`text.has_only_page_bytes`).
    """
    match = _PAGE.match(text)
    if match is None:
        return None
    groups = match.groups()
    plan = _plan(tuple([value is None for value in _get_indicators(groups)]))
    values: dict[str, Value] = dict(zip(plan.paths, plan.get(groups)))  # noqa: B905 - of one length, and strict is slow
    spelling = [(path, str(values[path])) for path in plan.respellable]
    for path, convert in plan.converters:
        values[path] = convert(values[path])  # type: ignore[arg-type]  # still the text of the group
    return Page(text, values, _MatchSpans(match), _style(groups, values, spelling, text[match.end() :]))


def _style(
    groups: tuple[str | None, ...], values: dict[str, Value], spelling: list[tuple[str, str]], body: str
) -> Style:
    plain, folded = _fold_style(_get_marks(groups))
    unusual = {path: written for path, written in spelling if written != spell(values[path])}
    blank = groups[-1] is not None
    if not (plain or folded or unusual or blank) and body == BODY:
        return HOUSE_STYLE
    return Style(plain, folded, unusual, blank, body)


@lru_cache(maxsize=4096)  # a site uses a few dozen combinations
def _fold_style(marks: tuple[str | None, ...]) -> tuple[frozenset[str], frozenset[str]]:
    """Return the paths that are written plain but folded in the house style, and those that are the reverse."""
    present = [(path, mark == " ") for path, mark in zip(_MARKS, marks, strict=True) if mark is not None]
    plain = frozenset(path for path, is_plain in present if is_plain and FIELDS[path].folded)
    folded = frozenset(path for path, is_plain in present if not is_plain and not FIELDS[path].folded)
    return plain, folded
