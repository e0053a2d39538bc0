"""What every command prints in the same way: notes, shortened lists, diffs, costs and coloured severities."""

import os
from collections.abc import Callable, Iterator, Sequence
from typing import TextIO

import click

from qtgen._util.text import money, one_line, pluralize
from qtgen.commands._echo import echo
from qtgen.commands._logging import is_quiet
from qtgen.validation.diagnostics import Severity

__all__ = ["SHOWN", "diff_lines", "listed", "money", "note", "severity_painter", "warn"]

SHOWN = 5
"""Entries of a list that are printed one by one; the others are counted."""


def note(message: str) -> None:
    """Print a line for the person on stderr, beside the data on stdout; nothing with --quiet."""
    if not is_quiet():
        echo(message, err=True)


def listed(lines: Sequence[str], noun: str, *, shown: int = SHOWN) -> Iterator[str]:
    """Yield the first lines, then how many more there are: `… and 7 more pages`."""
    yield from lines[:shown]
    if len(lines) > shown:
        rest = len(lines) - shown
        yield f"… and {rest:,} more {noun if rest == 1 else f'{noun}s'}"


def warn(lines: Sequence[str], noun: str, summary: str = "", *, shown: int = SHOWN) -> None:
    """Print a warning for the first lines, then one that counts all of them, followed by `summary`.

    A single line without a summary needs no count.
    """
    for line in lines[:shown]:
        echo(f"warning: {line}", err=True)
    more = f" ({len(lines) - shown:,} more)" if len(lines) > shown else ""
    if len(lines) > 1 or (lines and summary):
        echo(f"warning: {pluralize(len(lines), noun)}{more}{summary}", err=True)


def diff_lines(path: str, before: str, after: str) -> Iterator[str]:
    """Yield the lines of a unified diff of one file, without line ends."""
    from difflib import unified_diff  # slow to import

    old, new = (text.splitlines(keepends=True) for text in (before, after))
    for line in unified_diff(old, new, one_line(path), one_line(path)):
        yield line.removesuffix("\n")
        if not line.endswith("\n"):
            yield "\\ No newline at end of file"


_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}


def severity_painter(stream: TextIO) -> Callable[[str, Severity], str]:
    """Return a function that colours a text by severity.

    It returns the text as it is if `stream` is not a terminal, if it is a dumb one, or if `NO_COLOR` is set.
    """
    if not stream.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return lambda text, _severity: text
    return lambda text, severity: click.style(text, fg=_COLOURS[severity], bold=severity is Severity.ERROR)
