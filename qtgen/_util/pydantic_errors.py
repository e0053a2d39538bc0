"""Say in plain words what pydantic rejects about a value."""

import json
import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path

from pydantic_core import ErrorDetails

# What a value must be, by the type of pydantic's error. The limits are in the error's context.
_EXPECTED = {
    "greater_than_equal": "must be at least {ge:g}",
    "greater_than": "must be greater than {gt:g}",
    "less_than_equal": "must be at most {le:g}",
    "less_than": "must be less than {lt:g}",
    "finite_number": "must be a finite number",
    "literal_error": "must be {expected}",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "string_type": 'must be a text in quotes, "…"',
    "string_too_short": "must not be empty",
    "path_type": 'must be a path in quotes, "…"',
    "tuple_type": 'must be a list, ["…"]',
    "missing": "is missing",
    "model_type": "must be a table, [name] with keys of its own",
    "dict_type": "must be a table, [name] with keys of its own",
    "mapping_type": "must be a table, [name] with keys of its own",
}
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def expectation(error: ErrorDetails, *, show_value: bool = True) -> str:
    """Return what the value must be and what it is, as the rest of a sentence whose subject is the field."""
    template = _EXPECTED.get(error["type"])
    message = template.format_map(error.get("ctx", {})) if template else error["msg"].removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    if not show_value or error["type"] == "missing":
        return message
    value = error["input"]
    return f"{message}, not {str(value) if isinstance(value, Path) else value!r}"


def dotted_path(keys: Iterable[int | str]) -> str:
    """Return the path of a field as TOML writes it, with quotes where a key needs them: `per_path."old/*".select`."""
    return ".".join(key if _BARE_KEY.fullmatch(key) else json.dumps(key, ensure_ascii=False) for key in map(str, keys))


def suggestion(error: ErrorDetails) -> str | None:
    """Return which of the accepted words the rejected one resembles, as a question, or None."""
    accepted = re.findall(r"'([^']+)'", str(error.get("ctx", {}).get("expected", "")))
    return did_you_mean(str(error["input"]), accepted)


def unquoted_path(error: ErrorDetails) -> str | None:
    """Return the corrected header of a TOML table whose name lacks its quotes, or None if that is not the mistake.

    TOML reads `[prices.gpt-4.1]` as a table `1` in a table `gpt-4`, so pydantic rejects a field of the wrong table.
    """
    table, (setting, *keys) = error["input"], map(str, error["loc"])
    if error["type"] not in ("missing", "extra_forbidden") or not isinstance(table, Mapping):
        return None
    if error["type"] == "missing":
        keys.pop()  # the missing field; the input is the table that lacks it
    while (nested := next((key for key, value in table.items() if isinstance(value, Mapping)), None)) is not None:
        keys.append(nested)
        table = table[nested]
    return f"{setting}.{json.dumps('.'.join(keys), ensure_ascii=False)}" if len(keys) > 1 else None


def did_you_mean(word: str, choices: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Return a question that suggests the choice most like `word`, or None if none is like it."""
    nearest = get_close_matches(word, list(choices), n=1, cutoff=cutoff)
    return f"did you mean `{nearest[0]}`?" if nearest else None
