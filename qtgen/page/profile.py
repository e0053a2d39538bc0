"""The page layout of a site as data: `site.toml` becomes one frozen `Profile`.

The tables below are the format of the file. Its documentation, the schema of `qtgen schema --for profile` and the
errors are derived from them. `compile.py` turns a profile into the tables that read, write and check pages.
"""

import datetime as dt
import hashlib
import tomllib
from collections.abc import Mapping
from enum import StrEnum
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta

if TYPE_CHECKING:
    from qtgen.page.layout import Layout

FILE_NAME = "site.toml"
FORMAT = 1
BODY_FIELD = "body"
"""The path of the text after the front matter."""

Scalar: TypeAlias = str | int | float | bool
"""A value in the file. A date is written as a text: `"2024-11-22"`, or without the quotes."""


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


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A table of the file. An unknown key is an error."""


Style = Literal["plain", "folded", "literal", "single", "double", "flow", "block"]
Source = Literal["question", "subject", "sequence", "today", "model"]
Severity = Literal["off", "info", "warning", "error"]


_Column = Annotated[int, Meta(ge=1, le=32)]
_Count = Annotated[int, Meta(ge=1, le=99)]
_Size = Annotated[int, Meta(ge=1)]


class FieldSpec(_Table, frozen=True, kw_only=True):
    """A key of the front matter."""

    key: Annotated[str, Meta(min_length=1, description="The key in the front matter.")]
    type: Annotated[
        Kind | tuple[Kind, ...], Meta(description="The type of the value. A list of types allows each of them.")
    ] = Kind.TEXT
    label: Annotated[str, Meta(description="The name of the field for people. The default is its key.")] = ""
    doc: Annotated[str, Meta(description="One sentence that explains the value. Schemas contain it.")] = ""
    example: Annotated[Scalar | tuple[Scalar, ...] | None, Meta(description="An example of the value.")] = None
    style: Annotated[
        Style | None,
        Meta(
            description="How new pages write the value. A text is `plain`, `folded` (`>-`), `literal` (`|-`), `single` "
            "or `double`. A list is `flow` (`[a, b]`) or `block`. qtgen reads all styles, and keeps them."
        ),
    ] = None
    required: Annotated[
        bool | None,
        Meta(
            description="Whether every page must have the key. The default is true, or false if `required_when` or "
            "`only_when` is set."
        ),
    ] = None
    const: Annotated[Scalar | None, Meta(description="The only valid value.")] = None
    value: Annotated[
        str | None, Meta(description="A template of the value: literals, `{field}` and `{field|slug}`.")
    ] = None
    default: Annotated[
        Scalar | tuple[Scalar, ...] | None, Meta(description="The value on new pages if no other key gives one.")
    ] = None
    source: Annotated[
        Source | None,
        Meta(
            description="Where `qtgen generate` gets the value: the `question`, its `subject`, the next number of a "
            "`sequence`, the date of `today`, or the `model`."
        ),
    ] = None
    group: Annotated[
        str | None,
        Meta(description='With `source = "model"`: the fields that are written together. The default is `answer`.'),
    ] = None
    min: Annotated[
        int | float | None,
        Meta(description="The lowest number, or the fewest characters or items."),
    ] = None
    max: Annotated[int | float | None, Meta(description="The highest number, or the most characters or items.")] = None
    ask: Annotated[int | None, Meta(description="The most items to request from a model.")] = None
    separator: Annotated[str | None, Meta(description="The separator of the items in a text.")] = None
    pattern: Annotated[
        str | None, Meta(description="A regular expression (RE2) that must match the whole value, or each item.")
    ] = None
    enum: Annotated[tuple[Scalar, ...] | None, Meta(description="The only valid values, or items.")] = None
    known: Annotated[
        tuple[str, ...] | None, Meta(description="The usual subjects. `qtgen generate` warns about others.")
    ] = None
    allow: Annotated[
        tuple[Scalar, ...], Meta(description="Values that are valid despite `min`, `max` and `pattern`.")
    ] = ()
    unique: Annotated[bool, Meta(description="Whether each page must have a different value.")] = False
    required_when: Annotated[
        Mapping[str, Scalar] | None,
        Meta(description="Fields and values. If a page has all of these values, it must have the key."),
    ] = None
    only_when: Annotated[
        Mapping[str, Scalar] | None,
        Meta(description="Fields and values. A page can have the key only if it has all of these values."),
    ] = None
    fields: Annotated[tuple["FieldSpec", ...], Meta(description="The keys of a map, or of each map in a list.")] = ()
    indent: Annotated[
        _Column | None, Meta(description="The indentation of the keys of a map, relative to the key of the map.")
    ] = None
    text_indent: Annotated[
        _Column | None, Meta(description="The indentation of folded text in a map, relative to the key of the map.")
    ] = None
    repeat: Annotated[
        _Count | None, Meta(description="The most copies of the map. Their keys are numbered from 1.")
    ] = None
    copy: Annotated[str | None, Meta(description="In a link: the field of the target page that it repeats.")] = None
    ref: Annotated[
        str | None, Meta(description="A field. Another page must have the value, or each item, in this field.")
    ] = None
    was: Annotated[str | None, Meta(description="The former key. `qtgen migrate` renames it.")] = None

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The types that the value may have."""
        return (self.type,) if isinstance(self.type, Kind) else self.type


class BodySpec(_Table, frozen=True, kw_only=True):
    """The text after the front matter, if it differs from page to page."""

    source: Annotated[Literal["model"] | None, Meta(description="Where `qtgen generate` gets the text.")] = None
    group: Annotated[str | None, Meta(description="The fields that are written together with the text.")] = None
    min: Annotated[int | None, Meta(description="The fewest characters.")] = None
    max: Annotated[int | None, Meta(description="The most characters.")] = None
    doc: Annotated[str, Meta(description="One sentence that explains the text.")] = ""


class Roles(_Table, frozen=True, kw_only=True):
    """Which field has which meaning. qtgen refers to fields only by these roles."""

    question: Annotated[str, Meta(description="The question, or the title of the page.")]
    key: Annotated[str | None, Meta(description="What identifies a page. Links contain it.")] = None
    answer: Annotated[str | None, Meta(description="The main text. `body` is the text after the front matter.")] = None
    subject: Annotated[str | None, Meta(description="The subject or category.")] = None
    id: Annotated[str | None, Meta(description="The number of the page.")] = None
    date: Annotated[str | None, Meta(description="The date of publication.")] = None
    hidden: Annotated[str | None, Meta(description="Whether the page is hidden from search engines.")] = None
    score: Annotated[str | None, Meta(description="The score of the page.")] = None


class LayoutSpec(_Table, frozen=True, kw_only=True):
    """The layout of the pages of one kind."""

    roles: Roles
    fields: Annotated[tuple[FieldSpec, ...], Meta(min_length=1, description="The keys of the front matter, in order.")]
    path: Annotated[str, Meta(description="A template of the path of a page, relative to the root of the site.")]
    name: Annotated[str, Meta(description="The name of such a page, in schemas.")] = "Page"
    files: Annotated[
        str, Meta(description="A pattern of the paths of the pages. `**` matches any number of folders.")
    ] = "**/*.md"
    when: Annotated[
        Mapping[str, Scalar],
        Meta(description="Fields and values. A page has this layout only if it has all of these values."),
    ] = {}
    body: Annotated[
        str | BodySpec | None,
        Meta(description="The text after the front matter if every page has the same one, else a table."),
    ] = None
    text_indent: Annotated[_Column, Meta(description="The indentation of folded text, relative to its key.")] = 2
    quote: Annotated[
        Literal["single", "double"] | None,
        Meta(
            description="The quotes of a text that YAML would read as another value without them. By default, such a "
            "text is folded."
        ),
    ] = None
    booleans: Annotated[Literal["true", "True"], Meta(description="How new pages write true.")] = "true"


class Slug(_Table, frozen=True, kw_only=True):
    """How a text becomes a part of a file name or of a URL."""

    keep: Annotated[str, Meta(description="The characters to keep, as in the brackets of a regular expression.")] = (
        "a-z0-9 -"
    )
    space: Annotated[str, Meta(description="The replacement for a space.")] = "-"
    collapse: Annotated[bool, Meta(description="Whether several spaces or replacements in a row become one.")] = True
    ascii: Annotated[bool, Meta(description="Whether letters first lose their accents: `é` becomes `e`.")] = True
    max: Annotated[_Size | None, Meta(description="The most characters of a slug.")] = None


class Links(_Table, frozen=True, kw_only=True):
    """The links from a page to related pages."""

    field: Annotated[
        str, Meta(description="The field with the links: numbered maps, a list of maps, or a list of keys.")
    ]
    max: Annotated[int, Meta(ge=1, le=7, description="The most links on a page.")] = 5
    name: Annotated[str, Meta(min_length=1, description="The name of a link for people.")] = "related page"


class Renderer(_Table, frozen=True, kw_only=True):
    """How the site renders the text of its pages."""

    newline: Annotated[
        Literal["\\n", "real"],
        Meta(description="What a line break in a text is: the two characters `\\n`, or a real line break."),
    ] = "real"
    math: Annotated[tuple[str, ...], Meta(description="The delimiters of the formulas that the site renders.")] = ()
    html: Annotated[
        Literal["off", "warn", "error"],
        Meta(description="Whether a tag in a text is allowed (`off`), a warning or an error."),
    ] = "warn"
    reads: Annotated[
        Mapping[str, str],
        Meta(description="The keys that the site reads for a role, if they differ from those of the pages."),
    ] = {}
    description_prefix: Annotated[str, Meta(description="The text that the site puts before a description.")] = ""


class Part(_Table, frozen=True, kw_only=True):
    """A part of an answer that a model fills in."""

    key: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]*$", description="The name of the part.")]
    min: Annotated[int, Meta(ge=1, description="The fewest characters of the part, or of each item.")] = 1
    max: Annotated[int, Meta(ge=1, description="The most characters of the part, or of each item.")] = 4_000
    items: Annotated[
        tuple[int, int] | None, Meta(description="The fewest and the most items, if the part is a list.")
    ] = None
    markdown: Annotated[
        str, Meta(description="The Markdown of the part, or of each item: `{text}`, and `{n}` for its number.")
    ] = "{text}"
    required: Annotated[bool, Meta(description="Whether every answer must have the part.")] = True


class Shape(_Table, frozen=True, kw_only=True):
    """A form of answers: its parts, in order."""

    name: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]*$", description="The name, which prompts refer to as `shape`.")]
    parts: Annotated[tuple[Part, ...], Meta(min_length=1, description="The parts of an answer, in order.")]


class Generate(_Table, frozen=True, kw_only=True):
    """How qtgen writes new pages."""

    prompts: Annotated[str | None, Meta(description="A folder with prompts of the site.")] = None
    shapes: Annotated[tuple[str, ...], Meta(description="The shapes that prompts may use. By default, all.")] = ()


class CloudCannon(_Table, frozen=True, kw_only=True):
    """The collection of the pages in the editor CloudCannon."""

    schema_key: Annotated[
        str | None, Meta(description="The key with the name of a page's schema, if there is one.")
    ] = None
    collection: Annotated[str, Meta(description="The name of the collection.")] = "pages"
    path: Annotated[str, Meta(description="The folder of its pages.")] = "content"
    name: Annotated[str, Meta(description="The name of such a page in the editor.")] = "Page"


class SiteFile(_Table, frozen=True, kw_only=True):
    """The file `site.toml`."""

    format: Annotated[Literal[1], Meta(description="The version of the format.")]
    name: Annotated[str, Meta(min_length=1, description="The name of the site.")]
    layout: Annotated[
        tuple[LayoutSpec, ...], Meta(min_length=1, description="The layouts, in the order in which they are tried.")
    ]
    slug: Slug = Slug()
    links: Annotated[Links | None, Meta(description="The links from a page to related pages.")] = None
    renderer: Renderer = Renderer()
    generate: Generate = Generate()
    shape: Annotated[tuple[Shape, ...], Meta(description="The shapes of answers that the site adds.")] = ()
    rules: Annotated[
        Mapping[str, Severity], Meta(description="Severities of rules by code: `off`, `info`, `warning` or `error`.")
    ] = {}
    cloudcannon: CloudCannon = CloudCannon()


class Profile:
    """The layout of a site: the content and the path of `site.toml`.

    It is compared by its bytes and its path, and pickled as both. Each process compiles it once.

    Attributes:
        file: The content of the file.
        raw: The bytes of the file.
        path: The file, or None for the default profile.
        digest: The first 16 hexadecimal digits of the SHA-256 of the bytes.
        layouts: What `compile.layouts_of` keeps here.
    """

    __slots__ = ("_hash", "digest", "file", "layouts", "path", "raw")

    def __init__(self, file: SiteFile, raw: bytes, path: Path | None) -> None:
        self.file, self.raw, self.path = file, raw, path
        self.layouts: tuple[Layout, ...] | None = None
        self.digest = hashlib.sha256(raw).hexdigest()[:16]
        self._hash = hash((raw, path))

    @property
    def root(self) -> Path | None:
        """The folder that the paths of pages are relative to; None for the default profile."""
        return self.path.parent if self.path else None

    @property
    def is_default(self) -> bool:
        """Whether it is the default profile."""
        return self.path is None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Profile) and (self.raw, self.path) == (other.raw, other.path)

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> tuple[object, ...]:
        return parse_profile, (self.raw, self.path)


@lru_cache(maxsize=64)
def parse_profile(raw: bytes, path: Path | None) -> Profile:
    """Return the profile in the bytes of a `site.toml`. Raises SettingsError with the file and the line.

    Args:
        path: The file, whose folder is the root of the site; None for the profile that ships with qtgen.
    """
    try:
        table = tomllib.loads(raw.decode())
        profile = Profile(msgspec.convert(dates_as_texts(table), SiteFile), raw, path)
    except (ValueError, msgspec.ValidationError):
        from qtgen.page.profile_errors import explain_invalid_file

        raise explain_invalid_file(raw, path) from None
    if path is not None:  # the tests check the default profile
        from qtgen.page.profile_check import check_profile

        check_profile(profile)
    return profile


def dates_as_texts(node: Any) -> Any:
    """Return a value of the file with texts instead of dates."""
    if isinstance(node, dict):
        return {key: dates_as_texts(value) for key, value in node.items()}
    if isinstance(node, list):
        return [dates_as_texts(value) for value in node]
    return node.isoformat() if isinstance(node, dt.date | dt.time) else node


def load_profile(path: Path) -> Profile:
    """Read a `site.toml`. Raises SettingsError with the file and the line."""
    from qtgen.errors import SettingsError

    try:
        raw = path.read_bytes()
    except OSError as error:
        raise SettingsError(f"cannot be read: {error.strerror or error}", path=path) from None
    return parse_profile(raw, path.absolute())


@cache
def default_profile() -> Profile:
    """Return the default profile, which ships with qtgen."""
    return parse_profile(Path(__file__).with_name("default_site.toml").read_bytes(), None)


def find_profile(start: Path) -> Path | None:
    """Return the nearest `site.toml`, in `start` or above it, or None."""
    folders = [start.absolute(), *start.absolute().parents]
    return next((folder / FILE_NAME for folder in folders if (folder / FILE_NAME).is_file()), None)
