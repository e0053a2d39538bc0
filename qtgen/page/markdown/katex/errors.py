"""The error that KaTeX would show, with its place in the formula."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from qtgen.page.markdown.katex.lexer import Token

ErrorKind = Literal[
    "ampersand",
    "argument",
    "braces",
    "character",
    "color",
    "delimiter",
    "display-only",
    "environment",
    "infix",
    "limits",
    "macro",
    "mode",
    "nesting",
    "script",
    "size",
    "tag",
    "unknown-command",
    "untrusted-command",
]

_LONGEST_SHOWN = 40


class FormulaError(NamedTuple):
    """Why KaTeX does not render a formula.

    Args:
        start: The offset in the formula at which the problem begins.
        end: The offset at which it ends.
        message: What is wrong, and the remedy.
        kind: What sort of problem it is.
    """

    start: int
    end: int
    message: str
    kind: ErrorKind


class UnrenderableError(Exception):
    """KaTeX would stop here.

    Args:
        kind: See `FormulaError`.
        message: See `FormulaError`.
        token: The token at which the problem is. A token of a built-in macro has no place.
    """

    def __init__(self, kind: ErrorKind, message: str, token: Token | None = None) -> None:
        super().__init__(message)
        self.kind: ErrorKind = kind
        self.message = message
        self.token = token


def shown(text: str) -> str:
    """Return a part of a formula as a message shows it: short, between backticks, without control characters."""
    short = text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…"
    printable = "".join(char if char.isprintable() else f"U+{ord(char):04X}" for char in short)
    return f"`{printable}`" if "`" not in printable else f"`` {printable} ``"
