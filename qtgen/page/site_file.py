"""The format of `site.toml`: its tables, from which its documentation, its schema and its errors are derived."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

FILE_NAME = "site.toml"
FORMAT = 1
BODY_FIELD = "body"
"""The path of the text after the front matter."""

Scalar: TypeAlias = str | int | float | bool
"""A value in the file. A date is written as a text: `"2024-11-22"`, or without the quotes."""
SECTION_INDENT = 2
"""How many spaces the keys of a map are behind its own key, if the file does not say."""

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class Kind(StrEnum):
    """The type of a value, as YAML resolves it."""

    TEXT = "text"
    INT = "int"
    FLOAT = "float"
    BOOL = "bool"
    DATE = "date"
    DATETIME = "datetime"
    LIST = "list"
    MAP = "map"


def is_key(key: str) -> bool:
    """Return whether a layout can have a key: it is not blank, and has neither a dot nor a control character."""
    return bool(key.strip()) and "." not in key and not _CONTROL.search(key)


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A table of the file. An unknown key is an error."""


Style = Literal["plain", "folded", "literal", "single", "double", "flow", "block"]
Source = Literal["question", "subject", "sequence", "today", "model"]
Severity = Literal["off", "info", "warning", "error"]


_Column = Annotated[int, Meta(ge=1, le=32)]
_Count = Annotated[int, Meta(ge=1, le=99)]
_Text = Annotated[str, Meta(min_length=1)]


class FieldSpec(_Table, frozen=True, kw_only=True):
    """A key of the front matter."""

    key: Annotated[str, Meta(min_length=1, description="The key as pages write it.")]
    type: Annotated[
        Kind | Annotated[tuple[Kind, ...], Meta(min_length=1)],
        Meta(description="The type of the value. A list of types allows each of them."),
    ] = Kind.TEXT
    doc: Annotated[str, Meta(description="What the value is, for people: one sentence.")] = ""
    example: Annotated[Scalar | tuple[Scalar, ...] | None, Meta(description="An example of the value.")] = None
    style: Annotated[
        Style | None,
        Meta(
            description="How new pages write the value: `plain`, `folded` (`>-`), `literal` (`|-`), `single` or "
            "`double` quotes; a list `flow` (`[a, b]`) or `block`. Other styles are read and kept."
        ),
    ] = None
    required: Annotated[bool | None, Meta(description="Whether every page has the key. The default is true.")] = None
    const: Annotated[Scalar | None, Meta(description="The only value that the key may have.")] = None
    value: Annotated[
        str | None, Meta(description="A template that gives the value: literals, `{field}`, `{field|slug}`.")
    ] = None
    default: Annotated[Scalar | tuple[Scalar, ...] | None, Meta(description="The value of new pages.")] = None
    source: Annotated[
        Source | None,
        Meta(
            description="Where `qtgen generate` gets the value: the `question`, its `subject`, the next number of a "
            "`sequence`, the date of `today`, or the `model`."
        ),
    ] = None
    group: Annotated[str | None, Meta(description='With `source = "model"`: the fields that are written together.')] = (
        None
    )
    min: Annotated[
        int | float | None, Meta(description="The least number, the fewest characters, or the fewest items.")
    ] = None
    max: Annotated[int | float | None, Meta(description="The greatest number, the most characters or items.")] = None
    ask: Annotated[int | None, Meta(description="The most items that a model is asked for.")] = None
    separator: Annotated[_Text | None, Meta(description="What separates the items that one text contains.")] = None
    pattern: Annotated[
        str | None, Meta(description="A regular expression (RE2) that matches the whole value, or each item.")
    ] = None
    enum: Annotated[tuple[Scalar, ...] | None, Meta(description="The only values, or items, that are allowed.")] = None
    known: Annotated[
        tuple[str, ...] | None, Meta(description="The usual values. `qtgen generate` warns about others.")
    ] = None
    allow: Annotated[
        tuple[Scalar, ...], Meta(description="Values that are allowed in spite of `min`, `max` and `pattern`.")
    ] = ()
    unique: Annotated[bool, Meta(description="Whether no two pages may have the same value.")] = False
    required_when: Annotated[
        Mapping[str, Scalar] | None, Meta(description="Fields with the values that make the key required.")
    ] = None
    only_when: Annotated[
        Mapping[str, Scalar] | None, Meta(description="Fields with the values without which the key is not allowed.")
    ] = None
    fields: Annotated[tuple["FieldSpec", ...], Meta(description="The keys of a map, or of each map of a list.")] = ()
    indent: Annotated[_Column | None, Meta(description="How many spaces the keys of a map are behind its own key.")] = (
        None
    )
    text_indent: Annotated[
        _Column | None, Meta(description="How many spaces folded text in a map is behind its key.")
    ] = None
    repeat: Annotated[
        _Count | None, Meta(description="The map occurs up to so many times, and its key is numbered from 1.")
    ] = None
    copy: Annotated[str | None, Meta(description="In a link: the field of the target that is copied.")] = None
    ref: Annotated[str | None, Meta(description="The field of another page that the value, or each item, names.")] = (
        None
    )
    was: Annotated[str | None, Meta(description="The former key, for `qtgen migrate`.")] = None

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The types that the value may have."""
        return (self.type,) if isinstance(self.type, Kind) else self.type


class BodySpec(_Table, frozen=True, kw_only=True):
    """The text after the front matter, if it is not the same on every page."""

    source: Literal["model"] | None = None
    group: str | None = None
    min: int | None = None
    max: int | None = None
    doc: str = ""


class Roles(_Table, frozen=True, kw_only=True):
    """Which field has which meaning. qtgen refers to fields only by these roles."""

    question: Annotated[str, Meta(description="The question, or the title of the page.")]
    key: Annotated[str | None, Meta(description="What identifies a page. Links lead to it.")] = None
    answer: Annotated[str | None, Meta(description="The main text. `body` is the text after the front matter.")] = None
    subject: Annotated[str | None, Meta(description="The subject or category.")] = None
    id: Annotated[str | None, Meta(description="The number of the page.")] = None
    date: Annotated[str | None, Meta(description="The day of publication.")] = None
    hidden: Annotated[str | None, Meta(description="Whether search engines must not show the page.")] = None
    score: Annotated[str | None, Meta(description="The quality of the page.")] = None


class LayoutSpec(_Table, frozen=True, kw_only=True):
    """The form of the pages of one kind."""

    roles: Roles
    fields: Annotated[tuple[FieldSpec, ...], Meta(min_length=1, description="The keys of the front matter, in order.")]
    path: Annotated[str, Meta(description="A template of the path of a page, from the folder of the file.")]
    name: Annotated[str, Meta(description="What people call such a page.")] = "Page"
    files: Annotated[str, Meta(description="The pages that have this layout: a pattern, `**` matches any folders.")] = (
        "**/*.md"
    )
    when: Annotated[Mapping[str, Scalar], Meta(description="Fields with the values that such a page has.")] = {}
    body: Annotated[
        str | BodySpec | None, Meta(description="The text after the front matter, if it is the same on every page.")
    ] = None
    text_indent: Annotated[_Column, Meta(description="How many spaces begin a line of folded text.")] = 2
    quote: Annotated[
        Literal["single", "double"] | None,
        Meta(description="The quotes of a text that YAML would read as another value without them."),
    ] = None
    booleans: Annotated[Literal["true", "True"], Meta(description="How new pages write true.")] = "true"


class Slug(_Table, frozen=True, kw_only=True):
    """How a text becomes a part of a file name or of an address."""

    keep: Annotated[
        str, Meta(description="The characters that are kept: single ones, ranges such as `a-z`, `\\w`, `\\d`.")
    ] = "a-z0-9 -"
    space: Annotated[str, Meta(description="What replaces a space.")] = "-"
    collapse: Annotated[bool, Meta(description="Whether several spaces or hyphens become one.")] = True
    ascii: Annotated[bool, Meta(description="Whether letters lose their accents before.")] = True


class Links(_Table, frozen=True, kw_only=True):
    """The links from a page to related pages."""

    field: Annotated[str, Meta(description="The key: numbered maps, a list of maps, or a list of keys.")]
    max: Annotated[int, Meta(ge=1, le=7, description="The most links of a page.")] = 5


class Renderer(_Table, frozen=True, kw_only=True):
    """What the program that shows the pages does with their text."""

    newline: Annotated[
        Literal["\\n", "real"], Meta(description="How a text breaks lines: the two characters `\\n`, or a real one.")
    ] = "real"
    math: Annotated[tuple[str, ...], Meta(description="The delimiters of formulas that it renders.")] = ()
    html: Annotated[
        Literal["off", "warn", "error"], Meta(description="What a tag in a text is: allowed, a warning or an error.")
    ] = "warn"
    reads: Annotated[Mapping[str, str], Meta(description="Roles whose field it reads under another key.")] = {}
    description_prefix: Annotated[str, Meta(description="What it prints before a description.")] = ""


class Part(_Table, frozen=True, kw_only=True):
    """A part of an answer that a model fills in."""

    key: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]*$", description="The name of the part.")]
    min: Annotated[int, Meta(ge=1, description="The fewest characters of the part, or of each item.")] = 1
    max: Annotated[int, Meta(ge=1, description="The most characters.")] = 4_000
    items: Annotated[
        tuple[int, int] | None, Meta(description="The fewest and the most items, if the part is a list.")
    ] = None
    markdown: Annotated[
        str, Meta(description="The Markdown of the part, or of each item: `{text}`, and `{n}` for its number.")
    ] = "{text}"
    required: Annotated[bool, Meta(description="Whether an answer must have the part.")] = True


class Shape(_Table, frozen=True, kw_only=True):
    """A form of answers: its parts, in order."""

    name: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]*$", description="The name, which prompts give as `shape`.")]
    parts: Annotated[tuple[Part, ...], Meta(min_length=1)]


class Generate(_Table, frozen=True, kw_only=True):
    """How new pages are written."""

    prompts: Annotated[str | None, Meta(description="A folder with prompt templates of the site.")] = None
    shapes: Annotated[tuple[str, ...], Meta(description="The shapes of answers that the prompts use.")] = ()


class CloudCannon(_Table, frozen=True, kw_only=True):
    """Where the editor CloudCannon finds the pages."""

    collection: str = "pages"
    path: str = "content"
    name: str = "Page"


class SiteFile(_Table, frozen=True, kw_only=True):
    """The file `site.toml`."""

    format: Literal[1]
    name: Annotated[str, Meta(min_length=1, description="The name of the site.")]
    layout: Annotated[tuple[LayoutSpec, ...], Meta(min_length=1)]
    slug: Slug = Slug()
    links: Links | None = None
    renderer: Renderer = Renderer()
    generate: Generate = Generate()
    shape: tuple[Shape, ...] = ()
    rules: Annotated[Mapping[str, Severity], Meta(description="Severities of rules, by code.")] = {}
    cloudcannon: CloudCannon = CloudCannon()
