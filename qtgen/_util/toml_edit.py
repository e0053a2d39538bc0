"""Change one value of a TOML file, and leave the rest of the file unchanged, byte for byte."""

import io
import tomllib

from qtgen.errors import SettingsError


def set_value(text: str, key: str, value: str) -> str:
    """Return a TOML document with a new value for a key above the first table.

    Comments, order and line ends stay as they are. A new key goes above the first table and the comment that belongs to
    it. Raises SettingsError if the document is invalid, or if anything else
    would change.
    """
    import tomlkit

    try:
        before = tomllib.loads(text)
        lines = list(io.StringIO(text, newline="\n"))
        if key not in before and (table := _first_table(lines)) is not None:
            changed = _insert(lines, table, f"{key} = {tomlkit.item(value).as_string()}")
        else:
            document = tomlkit.parse(text)
            document[key] = value
            changed = tomlkit.dumps(document)
            if "\r\n" in text and "\n" not in text.replace("\r\n", ""):
                changed = changed.replace("\r\n", "\n").replace("\n", "\r\n")
        after = tomllib.loads(changed)
    except ValueError as error:  # the errors of both libraries
        raise SettingsError(f"is not valid TOML: {error}") from None
    if after != before | {key: value}:
        raise SettingsError("cannot be changed safely", remedy=f'write {key} = "{value}" above the first table')
    return changed


def _first_table(lines: list[str]) -> int | None:
    """Return the index of the line that begins the first table, or None if there is no table."""
    found = (index for index, line in enumerate(lines) if line.lstrip().startswith("["))
    return next((index for index in found if _is_whole(lines[:index])), None)


def _insert(lines: list[str], table: int, entry: str) -> str:
    """Insert a line above a table and the comment that touches it."""
    end = "\r\n" if lines[table].endswith("\r\n") else "\n"
    place = table
    while place and lines[place - 1].lstrip().startswith("#") and _is_whole(lines[: place - 1]):
        place -= 1
    above = place
    while above and not lines[above - 1].strip():
        above -= 1
    if 0 < above < place and not lines[above - 1].lstrip().startswith("#"):
        return "".join([*lines[:above], entry + end, *lines[above:]])  # join the keys that are there
    return "".join([*lines[:place], entry + end, end, *lines[place:]])


def _is_whole(lines: list[str]) -> bool:
    """Return whether lines are a document, so that no string or array is open at their end."""
    try:
        tomllib.loads("".join(lines))
    except tomllib.TOMLDecodeError:
        return False
    return True
