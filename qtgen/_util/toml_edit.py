"""Change one value of a TOML file, and leave the rest of the file unchanged, byte for byte."""

import tomllib

from qtgen.errors import SettingsError


def set_value(text: str, key: str, value: str) -> str:
    """Return a TOML document with a new value for a key above the first table.

    Comments, order and line endings stay unchanged. Raises SettingsError if the document is invalid, or if anything
    else would change.
    """
    import tomlkit

    try:
        before = tomllib.loads(text)
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
