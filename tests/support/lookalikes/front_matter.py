"""Write values of front matter in the styles that people use."""

import random
import textwrap
from collections.abc import Iterable

from .words import chance


def double(value: str) -> str:
    """Return a double-quoted value."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def single(value: str) -> str:
    """Return a single-quoted value."""
    escaped = value.replace("'", "''")
    return f"'{escaped}'"


def mixed(rng: random.Random, value: str, quoted: int = 30) -> str:
    """Return a value that YAML reads as text when it is plain: plain, or quoted with a probability in percent."""
    if not chance(rng, quoted):
        return value
    return rng.choice((single, double))(value)


def block_list(key: str, items: Iterable[str], indent: int = 2) -> list[str]:
    """Return the lines of a list in block style."""
    return [f"{key}:", *(f"{' ' * indent}- {item}" for item in items)]


def flow_list(key: str, items: Iterable[str]) -> str:
    """Return the line of a list in flow style."""
    return f"{key}: [{', '.join(items)}]"


def wrapped(key: str, text: str, width: int = 60) -> list[str]:
    """Return the lines of a plain text that goes on over several lines."""
    return textwrap.wrap(f"{key}: {text}", width, subsequent_indent="  ")


def folded(key: str, text: str, width: int = 60) -> list[str]:
    """Return the lines of a folded text."""
    return [f"{key}: >-", *textwrap.wrap(text, width, initial_indent="  ", subsequent_indent="  ")]


def page_text(lines: Iterable[str], body: str) -> str:
    """Return a page of front matter and a body."""
    return "\n".join(["---", *lines, "---", "", body, ""])
