"""Templates of a profile: literals, `{field}` and `{field|slug}`. They are filled in, and never evaluated as code."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, NamedTuple

from qtgen.page.profile import Slug

_REFERENCE = re.compile(r"\{([^{}|]*)((?:\|[^{}|]*)*)\}")
FILE_FIELDS = frozenset({"file.stem", "file.folder"})
"""What a template can refer to besides the fields of a page: the name of its file without `.md`, and of its folder."""
FILTERS = frozenset({"slug", "lower"})

_KEPT = re.compile(r"\\(?P<escaped>.)|(?P<low>.)-(?P<high>.)|(?P<single>.)", re.DOTALL)

Slugger = Callable[[str], str]
"""Turns a text into a part of a file name or of an address."""


class Reference(NamedTuple):
    """A field in a template, and the filters that are applied to its value."""

    path: str
    filters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Template:
    """A template: literals and references.

    Attributes:
        source: The template as the profile writes it.
        parts: The literals and references, in order.
    """

    source: str
    parts: tuple[str | Reference, ...]

    @property
    def references(self) -> tuple[Reference, ...]:
        """The references, in order."""
        return tuple(part for part in self.parts if isinstance(part, Reference))

    @property
    def copied(self) -> str | None:
        """The path of the field that the template copies as it is, or None."""
        match self.parts:
            case (Reference(path, ()),):
                return path
        return None

    def fill(self, values: Mapping[str, Any], slug: Slugger, file: Mapping[str, str] | None = None) -> str | None:
        """Return the text, or None if a field is missing or not a text, a number or a boolean.

        Args:
            values: The values of the page by dotted path.
            slug: The site's slug.
            file: The values of `FILE_FIELDS`, if they are known.
        """
        filled = []
        for part in self.parts:
            if isinstance(part, str):
                filled.append(part)
                continue
            value = (file or {}).get(part.path) if part.path in FILE_FIELDS else values.get(part.path)
            if value is None or value == "" or isinstance(value, list | dict):
                return None
            text = str(value)
            for name in part.filters:
                text = slug(text) if name == "slug" else text.lower()
            filled.append(text)
        return "".join(filled)

    def parts_in(self, text: str, slug: Slug) -> dict[Reference, str] | None:
        """Return the value of each reference in a text.

        Return None if the template cannot give the text, or if several values give it (`a-b-c` from `{x}-{y}`).

        Args:
            slug: What a slug is on the site.
        """
        longest, shortest = (_pattern(self, slug, repeat).fullmatch(text) for repeat in ("+", "+?"))
        if longest is None or shortest is None or longest.groups() != shortest.groups():
            return None
        return dict(zip(dict.fromkeys(self.references), longest.groups(), strict=True))

    def join(self, parts: Mapping[Reference, str]) -> str | None:
        """Return the text with these values of the references, or None if one is missing."""
        texts = [part if isinstance(part, str) else parts.get(part) for part in self.parts]
        return None if None in texts else "".join(text for text in texts if text)


@cache
def _pattern(template: Template, slug: Slug, repeat: str) -> re.Pattern[str]:
    """Return the regular expression of the texts that a template gives, with a named group for each reference.

    Args:
        repeat: Whether the first references get as many characters as possible (`+`) or as few (`+?`).
    """
    kept = f"(?! )[{kept_characters(slug.keep)}]" if slug.space != " " else f"[{kept_characters(slug.keep)}]"
    word = rf"(?:{kept}|{re.escape(slug.space)}){repeat}" if slug.space else f"(?:{kept}){repeat}"
    numbers: dict[Reference, int] = {}
    pattern = ""
    for part in template.parts:
        if isinstance(part, str):
            pattern += re.escape(part)
        elif part in numbers:
            pattern += f"(?P={_group(numbers[part])})"
        else:
            numbers[part] = len(numbers)
            pattern += f"(?P<{_group(numbers[part])}>{word if 'slug' in part.filters else '[^/]' + repeat})"
    return re.compile(pattern)


def _group(number: int) -> str:
    return f"reference{number}"


@cache
def parse_template(source: str) -> Template:
    """Parse a template. Raises ValueError with the fault."""
    parts: list[str | Reference] = []
    done = 0
    for match in _REFERENCE.finditer(source):
        parts += [source[done : match.start()], Reference(match[1].strip(), _filters(match[2]))]
        done = match.end()
    parts.append(source[done:])
    for literal in parts:
        if isinstance(literal, str) and ("{" in literal or "}" in literal):
            raise ValueError(f"`{literal}` has an unmatched brace")
    return Template(source, tuple(part for part in parts if part))


def _filters(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split("|")[1:])
    for name in names:
        if name not in FILTERS:
            raise ValueError(f"unknown filter `{name}`; the filters are `slug` and `lower`")
    return names


@cache
def kept_characters(keep: str) -> str:
    """Return the characters that `keep` lists as the inside of a class of a regular expression, `[…]`.

    They are single characters, ranges, the classes `\\w` and `\\d`, and escaped marks such as `\\-`. Raises ValueError.
    """
    kept = ""
    for match in _KEPT.finditer(keep):
        escaped, low, high = match["escaped"], match["low"], match["high"]
        if escaped in ("w", "d"):
            kept += match[0]
        elif low:
            if low > high:
                raise ValueError(f"`{match[0]}` is not a range of characters")
            kept += f"{re.escape(low)}-{re.escape(high)}"
        elif escaped and escaped.isalnum():
            raise ValueError(f"`{match[0]}` is not a class of characters that a slug can keep")
        else:
            kept += re.escape(escaped or match["single"])
    if not kept:
        raise ValueError("keeps no character")
    return kept


@cache
def slugger(settings: Slug) -> Slugger:
    """Return the function that turns a text into a part of a file name or of an address.

    Raises ValueError if `keep` is not a set of characters.
    """
    dropped = re.compile(f"[^{kept_characters(settings.keep)}]")
    runs = re.compile(rf"[ {re.escape(settings.space)}]+") if settings.collapse else None

    @lru_cache(maxsize=1024)  # every page needs its subject's slug, and its title's three times
    def slug(text: str) -> str:
        lower = text.lower()
        if settings.ascii and not lower.isascii():
            lower = unicodedata.normalize("NFKD", lower).encode("ascii", "ignore").decode()
        kept = dropped.sub("", lower).strip()
        if runs is None:
            return kept.replace(" ", settings.space)
        return runs.sub(settings.space, kept).strip(settings.space)

    return slug
