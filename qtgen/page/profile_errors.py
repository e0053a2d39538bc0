"""Explain the error in a `site.toml`, with its line."""

import re
import tomllib
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import msgspec

from qtgen.errors import SettingsError
from qtgen.page import profile
from qtgen.page.profile import FORMAT, BodySpec, FieldSpec, LayoutSpec, SiteFile

Place = tuple[str | int, ...]
"""Where a value is in the file: `("layout", 0, "fields", 3, "pattern")`."""

_SENTINEL = "qtgen-line-of-this-value"
_PLACE = re.compile(r" - at `\$(.*?)`$")
_STEP = re.compile(r"\.([A-Za-z_][A-Za-z0-9_]*)|\[(\.\.\.|\d+)\]|\[\"?([^\]\"]*)\"?\]")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`")
_MISSING = re.compile(r"Object missing required field `(.*)`")
_INVALID = re.compile(r"Invalid enum value (.*)")
_EXPECTED = re.compile(
    r"Expected `(?P<types>[a-z| ]+)`(?: (?P<how><=|>=|of) (?P<limit>(?:length )?[0-9.]+))?"
    r"(?:, got `?(?P<actual>\w+)`?)?"
)
_TYPES = {
    "int": "a whole number",
    "float": "a number",
    "str": "a text",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
}
_INNER: dict[str, type[msgspec.Struct]] = {
    "roles": profile.Roles,
    "slug": profile.Slug,
    "links": profile.Links,
    "renderer": profile.Renderer,
    "generate": profile.Generate,
    "shape": profile.Shape,
    "parts": profile.Part,
    "cloudcannon": profile.CloudCannon,
}
_STRUCTS: dict[str, type[msgspec.Struct]] = {"layout": LayoutSpec, "fields": FieldSpec, "body": BodySpec}


def profile_error(
    raw: bytes, path: Path | None, place: Place, message: str, remedy: str | None = None
) -> SettingsError:
    """Return the error about a value of the file, with its line.

    Args:
        raw: The bytes of the file.
        path: The file.
        place: The value. If there is none at this place, the error is about the table that it belongs to.
        message: The fault, as the rest of a sentence whose subject is the value.
        remedy: What to do about it.
    """
    file = str(path) if path else "default_site.toml"
    return SettingsError(message, path=f"{file}:{line_of(raw, place)}", field=_dotted(place) or None, remedy=remedy)


def _dotted(place: Place) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place).removeprefix(".")


def line_of(raw: bytes, place: Place) -> int:
    """Return the 1-based line of a value, or of the nearest table around it; 1 if it cannot be told."""
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    for length in range(len(place), 0, -1):
        try:
            document: Any = tomlkit.parse(raw.decode())
            container: Any = document
            for step in place[: length - 1]:
                container = container[step]
            last = place[length - 1]
            if isinstance(container[last], dict) and hasattr(container[last], "display_name"):  # a table with a header
                container, last = container[last], next(iter(container[last]))
            container[last] = _SENTINEL
            before, found, _ = tomlkit.dumps(document).partition(_SENTINEL)
        except (TOMLKitError, KeyError, IndexError, TypeError, StopIteration, ValueError):
            continue
        if found:
            return before.count("\n") + 1
    return 1


def explain_invalid_file(raw: bytes, path: Path | None) -> SettingsError:
    """Return the error of a file that is not valid TOML, or does not have the format."""
    file = str(path) if path else "default_site.toml"
    try:
        table = tomllib.loads(raw.decode())
    except UnicodeDecodeError as error:
        return SettingsError(f"is not UTF-8: byte {error.start}", path=file, remedy="save the file as UTF-8")
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+), column (\d+)", str(error))
        message = re.sub(r" \(at .*\)$", "", str(error))
        where = f"{file}:{line[1]}" if line else file
        return SettingsError(f"is not valid TOML: {message[:1].lower()}{message[1:]}", path=where)
    if table.get("format", FORMAT) != FORMAT:
        remedy = f"write format = {FORMAT}, or use the version of qtgen that wrote the file"
        return profile_error(raw, path, ("format",), f"is not {FORMAT}", remedy)
    found = _first_error(table, SiteFile, ())
    if found is None:
        return SettingsError("is not a layout of pages", path=file)
    return _explained(raw, path, *found)


def _first_error(node: Any, kind: type[msgspec.Struct], place: Place) -> tuple[Place, str, type[msgspec.Struct]] | None:
    """Return the place and the message of the first error in a table. Inner tables come first."""
    if isinstance(node, dict):
        for key, value in node.items():
            inner = _STRUCTS.get(key)
            items: Iterable[tuple[Place, Any]] = [((*place, key), value)]
            if isinstance(value, list):
                items = (((*place, key, number), item) for number, item in enumerate(value))
            if inner is None or not isinstance(value, list | dict):
                continue
            for item_place, item in items:
                if found := _first_error(item, inner, item_place):
                    return found
    try:
        msgspec.convert(profile.dates_as_texts(node), kind)
    except msgspec.ValidationError as error:
        message = str(error)
        steps = _PLACE.search(message)
        return (*place, *_steps(steps[1] if steps else "")), _PLACE.sub("", message), kind
    return None


def _steps(text: str) -> Place:
    steps: list[str | int] = []
    for match in _STEP.finditer(text):
        if match[1]:
            steps.append(match[1])
        elif match[2] and match[2] != "...":
            steps.append(int(match[2]))
        else:
            break  # the message does not contain the item
    return tuple(steps)


def _explained(raw: bytes, path: Path | None, place: Place, message: str, kind: type[msgspec.Struct]) -> SettingsError:
    table = _table_at(kind, place)
    known = [field.encode_name for field in msgspec.structs.fields(table)]
    if unknown := _UNKNOWN.fullmatch(message):
        remedy = suggestion(unknown[1], known) or f"the keys are {', '.join(known)}"
        return profile_error(raw, path, (*place, unknown[1]), "is not a key of this table", remedy)
    if missing := _MISSING.fullmatch(message):
        return profile_error(raw, path, (*place, missing[1]), "is missing", "add it to this table")
    if invalid := _INVALID.fullmatch(message):
        choices = _choices(table, str(place[-1]))
        near = suggestion(invalid[1], choices)
        return profile_error(raw, path, place, f"must be one of {', '.join(choices)}, not {invalid[1]}", near)
    if expected := _EXPECTED.fullmatch(message):
        return profile_error(raw, path, place, _expectation(expected))
    return profile_error(raw, path, place, message[:1].lower() + message[1:])


def _expectation(match: re.Match[str]) -> str:
    """Return a phrase for the expected value."""
    names = [name for name in str(match["types"]).split(" | ") if name != "null"]
    types = " or ".join(_TYPES[name] for name in names if name != "int" or "float" not in names)
    limit = {"": "", "<=": " of at most ", ">=": " of at least ", "of": " of "}[match["how"] or ""]
    count = str(match["limit"] or "")
    items = f"{count.removeprefix('length ')} items" if count.startswith("length") else count
    actual = str(match["actual"] or "")
    return f"must be {types}{limit}{items}" + (f", not {_TYPES.get(actual, actual)}" if actual else "")


def _choices(table: type[msgspec.Struct], key: str) -> list[str]:
    """Return the words that a key of a table may have as its value."""
    info = msgspec.inspect.type_info(table)
    types = [field.type for field in getattr(info, "fields", ()) if field.encode_name == key]
    words: list[str] = []
    while types:
        one = types.pop()
        types += [*getattr(one, "types", ()), *([one.type] if isinstance(one, msgspec.inspect.Metadata) else [])]
        if isinstance(one, msgspec.inspect.LiteralType):
            words += map(str, one.values)
        elif isinstance(one, msgspec.inspect.EnumType):
            words += [str(member.value) for member in one.cls]
    return words


def _table_at(kind: type[msgspec.Struct], place: Place) -> type[msgspec.Struct]:
    """Return the type of the table that a place is in."""
    names = [step for step in place if isinstance(step, str)]
    inner = next((_INNER[name] for name in reversed(names[-2:]) if name in _INNER), kind)
    return inner if kind in (SiteFile, LayoutSpec) else kind


def suggestion(word: str, known: Sequence[str]) -> str | None:
    """Return which of the known words a word resembles, as a question, or None."""
    near = get_close_matches(word, known, n=1)
    return f"did you mean `{near[0]}`?" if near else None
