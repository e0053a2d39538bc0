"""Functions that define macros: `\\def`, `\\let` and similar ones."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from qtgen.page.markdown.katex.errors import UnrenderableError, shown
from qtgen.page.markdown.katex.lexer import END, Token
from qtgen.page.markdown.katex.namespace import Macro
from qtgen.page.markdown.katex.nodes import INTERNAL, Node

if TYPE_CHECKING:
    from qtgen.page.markdown.katex.arguments import ArgumentReader
    from qtgen.page.markdown.katex.functions import Call

_GLOBAL: Final = MappingProxyType(
    {
        "\\global": "\\global",
        "\\long": "\\\\globallong",
        "\\\\globallong": "\\\\globallong",
        "\\def": "\\gdef",
        "\\gdef": "\\gdef",
        "\\edef": "\\xdef",
        "\\xdef": "\\xdef",
        "\\let": "\\\\globallet",
        "\\futurelet": "\\\\globalfuture",
    }
)
"""What a command that defines something becomes after `\\global`."""

_NOT_A_COMMAND = re.compile(r"(?:[\\{}$&#^_]|EOF)\Z")


def prefix(parser: ArgumentReader, function: Call) -> Node:
    """Read `\\global` or `\\long` and the definition after it."""
    parser.skip_spaces()
    token = parser.peek()
    if token.text not in _GLOBAL:
        message = f"{shown(function.name)} must come before `\\def` or `\\let`; remove it"
        raise UnrenderableError("macro", message, function.token)
    if function.name != "\\long":
        parser.waiting = token.copy(text=_GLOBAL[token.text])
    parser.parse_function()
    return INTERNAL


def define(parser: ArgumentReader, function: Call) -> Node:
    """Read a definition with `\\def`, `\\gdef`, `\\edef` or `\\xdef`."""
    expander = parser.expander
    name = _command_name(expander.pop())
    delimiters: list[list[str]] = [[]]
    opening: Token | None = None
    while expander.future().text != "{":
        token = expander.pop()
        if token.text == END:
            message = f"the definition of {shown(name)} has no body; add it in braces"
            raise UnrenderableError("macro", message, function.token)
        if token.text != "#":
            delimiters[-1].append(token.text)
            continue
        if expander.future().text == "{":
            opening = expander.future()
            delimiters[-1].append("{")
            break
        _check_argument_number(expander.pop(), len(delimiters))
        delimiters.append([])
    tokens = expander.consume_argument()[0]
    if opening:
        tokens.insert(0, opening)
    if function.name in ("\\edef", "\\xdef"):
        tokens = expander.expand_tokens(tokens)[::-1]
    macro = Macro(tokens, len(delimiters) - 1, tuple(tuple(part) for part in delimiters))
    expander.macros.set(name, macro, everywhere=function.name in ("\\gdef", "\\xdef"))
    return INTERNAL


def _check_argument_number(token: Token, expected: int) -> None:
    if token.text != str(expected) or expected > 9:
        message = f"the arguments of a definition must be `#1`, `#2` and so on, but {shown(token.text)} follows"
        raise UnrenderableError("macro", f"{message}; number them in order", token)


def let(parser: ArgumentReader, function: Call) -> Node:
    """Read a definition with `\\let`."""
    expander = parser.expander
    name = _command_name(expander.pop())
    expander.consume_spaces()
    token = expander.pop()
    if token.text == "=":
        token = expander.pop()
        if token.text == " ":
            token = expander.pop()
    _let(parser, name, token, everywhere=function.name == "\\\\globallet")
    return INTERNAL


def future_let(parser: ArgumentReader, function: Call) -> Node:
    """Read a definition with `\\futurelet`."""
    expander = parser.expander
    name = _command_name(expander.pop())
    middle = expander.pop()
    token = expander.pop()
    token = _let(parser, name, token, everywhere=function.name == "\\\\globalfuture")
    expander.push(token)
    expander.push(middle)
    return INTERNAL


def _let(parser: ArgumentReader, name: str, token: Token, *, everywhere: bool) -> Token:
    macros = parser.expander.macros
    definition = macros.get(token.text)
    if definition is None:
        token = token.copy(no_expand=True)
        definition = Macro((token,), unexpandable=not parser.expander.is_expandable(token.text))
    macros.set(name, definition, everywhere=everywhere)
    return token


def _command_name(token: Token) -> str:
    if _NOT_A_COMMAND.match(token.text):
        raise UnrenderableError("macro", "a definition must begin with the command that it defines; add it", token)
    return token.text
