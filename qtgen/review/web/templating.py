"""Render the screens with Jinja: the templates' environment, and the filters that all of them share."""

import datetime as dt
import re
import unicodedata
from functools import cache
from pathlib import Path

from jinja2 import Environment
from markupsafe import Markup, escape

from qtgen._util.templates import html_environment
from qtgen.page.invisible import find_invisible

_FOLDER = Path(__file__).parent
STATIC = _FOLDER / "static"
_STYLES = ("app.css", "review.css", "lists.css", "audits.css")
# Characters that control a terminal or the direction of a text. They are never shown as they are.
_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)

SHORTCUTS = (
    (("j", "k"), "Next or previous page of the queue"),
    (("a",), "Approve, or take the new text"),
    (("r",), "Reject, or keep the old text; then 1 to 7 for the reason"),
    (("b",), "Send back with a note"),
    (("e",), "Edit"),
    (("s",), "Skip"),
    (("u",), "Undo the last decision"),
    (("c", "o", "n", "p"), "Changes, old text, new text, search result"),
    (("/",), "Search"),
    (("?",), "Help"),
)
"""The keys of the app with their meaning, as the help lists them."""


@cache
def environment() -> Environment:
    """Return the environment of all screens."""
    templates = html_environment(_FOLDER / "templates")
    templates.filters |= {"shown": shown, "day": day, "percent": percent}
    templates.globals |= {"stylesheets": stylesheets(), "shortcuts": SHORTCUTS}
    return templates


def stylesheets() -> list[str]:
    """Return the names of the style sheets, in the order in which they apply."""
    return [name for name in _STYLES if (STATIC / name).is_file()]


def shown(text: object) -> Markup:
    """Return a text with a label such as `U+202E` for each character that readers do not see."""
    string = str(text)
    if string.isascii() and string.isprintable():
        return escape(string)
    parts: list[Markup] = []
    done = 0
    offsets = {match.start() for match in _CONTROL.finditer(string)} | {one.offset for one in find_invisible(string)}
    for offset in sorted(offsets):
        name = unicodedata.name(string[offset], "control character").lower()
        label = Markup('<span class="invisible" title="{}">U+{:04X}</span>').format(name, ord(string[offset]))
        parts += [escape(string[done:offset]), label]
        done = offset + 1
    return Markup("").join([*parts, escape(string[done:])])


def day(moment: str) -> str:
    """Return the day and the minute of a timestamp in UTC: `2026-11-27 09:30`."""
    try:
        return dt.datetime.fromisoformat(moment).strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return moment


def percent(share: float | None) -> str:
    """Return a share as a percentage, or a dash if it is unknown."""
    return "–" if share is None else f"{share:.0%}"
