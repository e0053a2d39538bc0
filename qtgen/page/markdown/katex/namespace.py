"""Macros and their scopes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from qtgen.page.markdown.katex.errors import UnrenderableError
from qtgen.page.markdown.katex.lexer import Token, tokenize

if TYPE_CHECKING:
    from qtgen.page.markdown.katex.expander import Expander

_PLACEHOLDER = re.compile(r"[1-9]\Z")


class Macro(NamedTuple):
    """What a macro expands to.

    Args:
        tokens: In reverse order, as the stack holds them.
        arguments: The number of arguments.
        delimiters: The tokens before the first argument and after each argument, if it is a macro of `\\def`.
        unexpandable: Whether it stands for a primitive, because of `\\let`.
    """

    tokens: Sequence[Token]
    arguments: int = 0
    delimiters: tuple[tuple[str, ...], ...] | None = None
    unexpandable: bool = False


Program = Callable[["Expander"], "str | Macro"]
"""A macro that decides what it expands to."""
Definition = Macro | Program


@cache
def parse_macro(body: str) -> Macro:
    """Return the macro of a body such as `\\frac{#1}{2}`."""
    arguments, stripped = 0, body.replace("##", "")
    while f"#{arguments + 1}" in stripped:
        arguments += 1
    return Macro(tokenize(body), arguments)


class Namespace:
    """Macros by name, in nested groups. The end of a group restores what it has changed."""

    __slots__ = ("_builtins", "_current", "_undo")

    def __init__(self, builtins: dict[str, Definition]) -> None:
        self._builtins = builtins
        self._current: dict[str, Definition] = {}
        self._undo: list[dict[str, Definition | None]] = []

    def begin_group(self) -> None:
        """Begin a group."""
        self._undo.append({})

    def end_group(self) -> None:
        """Restore what the innermost group has changed."""
        for name, definition in self._undo.pop().items():
            self._put(name, definition)

    def get(self, name: str) -> Definition | None:
        """Return a definition."""
        return self._current.get(name) or self._builtins.get(name)

    def set(self, name: str, definition: Definition | None, *, everywhere: bool = False) -> None:
        """Define a macro in this group, or in all groups."""
        if everywhere:
            for undo in self._undo:
                undo.pop(name, None)
            if self._undo:
                self._undo[-1][name] = definition
        elif self._undo:
            self._undo[-1].setdefault(name, self._current.get(name))
        self._put(name, definition)

    def _put(self, name: str, definition: Definition | None) -> None:
        if definition is None:
            self._current.pop(name, None)
        else:
            self._current[name] = definition


def fill(tokens: Sequence[Token], arguments: Sequence[Iterable[Token]]) -> list[Token]:
    """Return a macro's body with its arguments for its placeholders. All are in reverse order."""
    filled: list[Token] = []
    index = len(tokens) - 1
    parts: list[Iterable[Token]] = []  # in the formula's order
    while index >= 0:
        token = tokens[index]
        if token.text == "#":
            index -= 1
            if index < 0:
                raise UnrenderableError(
                    "macro", "this macro's definition ends with `#`; write `#1`, or remove it", token
                )
            number = tokens[index]
            if number.text == "#":
                parts.append((number,))
            elif _PLACEHOLDER.match(number.text) and int(number.text) <= len(arguments):
                parts.append(arguments[int(number.text) - 1])
            else:
                message = f"`#{number.text}` is not an argument of this macro; remove it, or define the macro with it"
                raise UnrenderableError("macro", message, number)
        else:
            parts.append((token,))
        index -= 1
    for part in reversed(parts):
        filled.extend(part)
    return filled
