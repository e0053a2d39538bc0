"""How YAML spells values: which texts it reads as they are without quotes, and how the site writes other values."""

import re
from datetime import date

from qtgen.page.fields import spell_bool

# A plain scalar that YAML 1.1 can only read as this very string. It starts with a letter or `/`, contains no `: ` or
# ` #`, does not end in a space or colon, and is none of the words that resolve to a boolean or null.
PLAIN_TEXT = (
    r"(?!(?=[A-Za-z]{1,5}\n)"  # only a short word can be one of these, and most values are long
    r"(?:[yY]|[yY]es|YES|[nN]|[nN]o|NO|[tT]rue|TRUE|[fF]alse|FALSE|[oO]n|ON|[oO]ff|OFF|[nN]ull|NULL)\n)"
    r"(?=[A-Za-z/_][^\n:#]*(?:(?:(?<! )\#|:(?![ \n]))[^\n:#]*)*(?<! )\n)"
)
_PLAIN = re.compile(PLAIN_TEXT)
_PLAIN_KEY = re.compile(r"\w[^\n:#]*(?:(?:(?<! )\#|:(?![ \n]))[^\n:#]*)*(?<! )\n\Z")
_IN_FLOW = re.compile(r"[,\[\]{}]")


def is_plain_safe(value: str) -> bool:
    """Return True if the scanner (and so YAML) reads `value`, written plain, as this very string."""
    return _PLAIN.match(value + "\n") is not None


def is_plain_safe_in_flow(value: str) -> bool:
    """Return True if YAML reads `value`, written plain in a list on one line, as this very string."""
    return is_plain_safe(value) and not _IN_FLOW.search(value)


def spell_key(key: str) -> str:
    """Return a key as a page writes it: in quotes only if YAML would not read it without them.

    A key such as `no` stays as it is, because sites write it so. Readers of keys take their text.
    """
    return key if _PLAIN_KEY.match(key + "\n") else quoted(key, "double")


def to_date(text: str) -> date | str:
    """Return the date, or the text itself if no calendar has such a day."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return text


def spell(value: object, true: str) -> str:
    """Return a value that is no string as the site spells it: `True`, `-1.0`, `2024-11-22`.

    Args:
        true: How the layout spells the boolean: `true` or `True`.
    """
    if isinstance(value, bool):
        return spell_bool(value, true)
    return value.isoformat() if isinstance(value, date) else repr(value)


def quoted(value: str, quote: str) -> str:
    """Return a text in quotes, which are `single` or `double`."""
    if quote == "single":
        return "'" + value.replace("'", "''") + "'"
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
