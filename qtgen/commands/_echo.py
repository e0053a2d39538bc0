"""Print text on stdout or stderr. All commands print through this function.

What is printed often quotes a page, a question, a file name or an endpoint, and any of them may contain sequences that
control a terminal.
"""

import re

import click

from qtgen._util.text import escape_controls

_STYLE_OR_TAB = re.compile(r"(\x1b\[[0-9;]*m|\t)")


class Styled(str):
    """A text with colors or tabs of qtgen's own. What it quotes was escaped before."""

    __slots__ = ()


def echo(message: object = "", *, err: bool = False, nl: bool = True) -> None:
    """Print a message on stdout, or on stderr. Characters that could control a terminal are escaped."""
    text = str(message)
    if isinstance(message, Styled):
        parts = _STYLE_OR_TAB.split(text) if "\x1b" in text or "\t" in text else [text]
        parts[::2] = map(escape_controls, parts[::2])
        text = "".join(parts)
    else:
        text = escape_controls(text)
    click.echo(text, err=err, nl=nl)
