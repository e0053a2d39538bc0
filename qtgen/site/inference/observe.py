"""Reduce a page to what the inference needs: its keys and values without long texts, and how it writes them."""

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple, TypeAlias, Union

import xxhash

from qtgen.page.compile import layouts_of
from qtgen.page.document import Page
from qtgen.page.layout import Layout
from qtgen.page.profile import BODY_FIELD, parse_profile

LONG = 300
"""The most characters of a text that is kept. For a longer text, its digest is kept."""
_BODY_KEPT = 200
_OPEN_LAYOUT = b"""
format = 1
name = "any"
[[layout]]
path = "{title|slug}.md"
roles = {question="title"}
fields = [{key="title", required=false}]
"""
_BODY_KEY = (
    "body․"  # how the reader writes the path of a key that must not be taken for the text after the front matter
)
_MATH = re.compile(r"\$[^$\n]*[\\^_{}=][^$\n]*\$")
_TAG = re.compile(r"</?[A-Za-z][A-Za-z0-9-]*(?:\s[^<>]*)?/?>")
_ITEM = re.compile(r"\.\d+(?=\.|\Z)")
_STYLES = {"'": "single", '"': "double", ">": "folded", "|": "literal", "[": "flow", "{": "flow"}


class LongText(NamedTuple):
    """A text that is too long to keep.

    Attributes:
        digest: Its digest; equal texts have equal ones.
        length: Its length in characters.
        escapes: Whether it contains a backslash followed by `n`.
        lines: Whether it contains a line break.
        math: Whether it contains something like a formula.
        tags: Whether it contains something like an HTML tag.
    """

    digest: int
    length: int
    escapes: bool
    lines: bool
    math: bool
    tags: bool


@dataclass(slots=True, eq=False)
class Node:
    """A map: its keys in the order of the page, and their values."""

    keys: tuple[str, ...]
    values: tuple["Observed", ...]

    def get(self, key: str) -> "Observed":
        """Return the value of a key; None if the map has no such key."""
        return self.values[self.keys.index(key)] if key in self.keys else None


Single: TypeAlias = str | int | float | bool | dt.date | LongText | None
Observed: TypeAlias = Union[Single, Node, "Items"]


@dataclass(slots=True, eq=False)
class Items:
    """A list."""

    items: tuple[Observed, ...]


class Unusable(NamedTuple):
    """An unusable page.

    Attributes:
        path: The path of the file.
        line: Where it is wrong, 1-based.
        column: The column, 1-based.
        reason: What is wrong.
    """

    path: str
    line: int
    column: int
    reason: str


class ObservedPage(NamedTuple):
    """The content of a page for the inference.

    Attributes:
        path: The path of the file.
        root: The front matter.
        body: Everything after the line that closes the front matter.
    """

    path: str
    root: Node
    body: str | LongText


@dataclass(slots=True)
class Writing:
    """How the pages write their values, by path without the numbers of items: counts over all pages.

    Attributes:
        styles: The style of each value.
        quotes: The quotes of texts in quotes: `single` or `double`.
        columns: The columns of the keys of each map.
        text_columns: The columns of folded and literal texts.
        booleans: The spellings of booleans.
    """

    styles: dict[str, Counter[str]] = field(default_factory=dict)
    quotes: Counter[str] = field(default_factory=Counter)
    columns: dict[str, Counter[int]] = field(default_factory=dict)
    text_columns: dict[str, Counter[int]] = field(default_factory=dict)
    booleans: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Writing") -> None:
        """Add the counts of other pages."""
        self.quotes += other.quotes
        self.booleans += other.booleans
        _add(self.styles, other.styles)
        _add(self.columns, other.columns)
        _add(self.text_columns, other.text_columns)


def _add(counts: dict, more: Mapping) -> None:  # type: ignore[type-arg]  # counters of words and of numbers
    for path, counter in more.items():
        counts.setdefault(path, Counter()).update(counter)


@cache
def open_layout() -> Layout:
    """Return a layout that reads every page, whatever its keys are."""
    return layouts_of(parse_profile(_OPEN_LAYOUT, Path("site.toml")))[0]


def observe(path: str, page: Page, writing: Writing) -> ObservedPage | Unusable:
    """Return the content of a page that was read with the open layout, and add its spelling to `writing`."""
    if page.problems or len(page.values) == 1:  # the body
        return _unusable(path, page)
    values = {BODY_FIELD if key == _BODY_KEY else key: value for key, value in page.values.items() if key != BODY_FIELD}
    _observe_writing(page, writing)
    return ObservedPage(path, _node(values), _body(page))


def _unusable(path: str, page: Page) -> Unusable:
    if page.text.startswith("+++"):
        return Unusable(path, 1, 1, "TOML front matter (`+++`); qtgen reads YAML between two lines `---`")
    if not page.problems:
        return Unusable(path, 1, 1, "the front matter has no keys")
    problem = page.problems[0]
    return Unusable(path, *page.position(problem.span.start), problem.message)


def _body(page: Page) -> str | LongText:
    start = page.spans[BODY_FIELD][0]
    closing = page.text.rfind("\n---", 0, start) + 1
    line_end = page.text.find("\n", closing)
    return _text(page.text[line_end + 1 :], _BODY_KEPT) if line_end >= 0 else ""


def _node(values: Mapping[str, object]) -> Node:
    return Node(_interned(tuple(values)), tuple(map(_observed, values.values())))


@lru_cache(maxsize=4096)
def _interned(keys: tuple[str, ...]) -> tuple[str, ...]:
    return keys


def _observed(value: object) -> Observed:
    if isinstance(value, str):
        return value if len(value) <= LONG else _text(value, LONG)
    if isinstance(value, dict):
        return _node(value)
    if isinstance(value, list):
        return Items(tuple(map(_observed, value)))
    return value if isinstance(value, int | float | dt.date) else None


def _text(value: str, kept: int) -> str | LongText:
    if len(value) <= kept:
        return value
    digest = xxhash.xxh3_64_intdigest(value.encode("utf-8", "surrogatepass"))
    math = "$" in value and _MATH.search(value) is not None
    tags = "<" in value and _TAG.search(value) is not None
    return LongText(digest, len(value), "\\n" in value, "\n" in value.strip(), math, tags)


@lru_cache(maxsize=65_536)
def generic(path: str) -> str:
    """Return a path without the numbers of items: `releases.0.cycle` becomes `releases.cycle`."""
    return _ITEM.sub("", path)


def _observe_writing(page: Page, writing: Writing) -> None:
    text, spans = page.text, page.spans
    sections: set[str] = set()
    for path, (start, end) in (page.key_spans or {}).items():
        section = path.rpartition(".")[0]
        if section not in sections:  # its first key shows the column of all
            sections.add(section)
            column = _column(text, start)
            if not section or text[start - column : start].isspace():  # not in braces, and not in a list
                _count(writing.columns, generic(section), column)
        style = _style(text, end)
        if style is None or path not in spans:
            continue
        _count(writing.styles, generic(path), style)
        begin, stop = spans[path]
        if style in ("single", "double"):
            writing.quotes[style] += 1
        elif style in ("folded", "literal"):
            _count(writing.text_columns, generic(section), _column(text, begin))
        elif stop - begin <= len("false") and text[begin:stop].lower() in ("true", "false"):
            writing.booleans[text[begin:stop]] += 1


def _count(counts: dict, path: str, value: object) -> None:  # type: ignore[type-arg]  # counters of words and numbers
    counter = counts.get(path)
    if counter is None:
        counter = counts[path] = Counter()
    counter[value] += 1


def _column(text: str, offset: int) -> int:
    return offset - text.rfind("\n", 0, offset) - 1


def _style(text: str, key_end: int) -> str | None:
    """Return the style of the value whose key ends at an offset; None for a map in block style and for no value."""
    at = text.find(":", key_end) + 1
    while text[at] == " ":
        at += 1
    if text[at] == "\n":
        line = text[at : at + 200].lstrip(" \n")
        return "block" if line.startswith("- ") else None
    return _STYLES.get(text[at], "plain")


def singles(value: Observed) -> Iterator[Single]:
    """Yield the value, or the items of a list that are neither maps nor lists."""
    for item in value.items if isinstance(value, Items) else (value,):
        if not isinstance(item, Node | Items):
            yield item
