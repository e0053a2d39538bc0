"""What KaTeX's functions check and read beyond their arguments."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

from qtgen.page.markdown.katex import definitions, environments
from qtgen.page.markdown.katex.errors import UnrenderableError, shown
from qtgen.page.markdown.katex.lexer import Token
from qtgen.page.markdown.katex.nodes import INTERNAL, Node
from qtgen.page.markdown.katex.remedies import leftover_error

if TYPE_CHECKING:
    from qtgen.page.markdown.katex.arguments import ArgumentReader

_OLD_FONTS: Final = ("\\rm", "\\sf", "\\tt", "\\bf", "\\it", "\\cal")
_LAST_CHARACTER = 0x10FFFE
_INTEGER = re.compile(r"(?=\d)0*(\d*)", re.ASCII)
_MOST_DIGITS = 9
_WITHOUT_FONT: Final = frozenset((0xD835, 0x1D6A4))


class Call(NamedTuple):
    """A function with the arguments that the parser has read.

    Args:
        stop_at: The token that ends the expression in which the function is.
    """

    name: str
    token: Token
    required: list[Node]
    optional: list[Node | None]
    stop_at: str


def call(parser: ArgumentReader, function: Call) -> Node:
    """Return the node of a function, or raise an error if KaTeX would stop at it."""
    kind = parser.tables.functions[function.name].type
    handler = _BY_NAME.get(function.name) or _BY_TYPE.get(kind)
    return handler(parser, function) if handler else Node(kind)


def _implicit(parser: ArgumentReader, function: Call) -> Node:
    """Read the rest of the group, to which `\\rm` or `\\large` applies."""
    fonts = parser.fonts
    if function.name in _OLD_FONTS:
        parser.fonts = fonts._replace(math=function.name)
    parser.parse_expression(stop_at_infix=True, stop_at=function.stop_at)
    parser.fonts = fonts
    return Node("styling")


def _array_only(_parser: ArgumentReader, function: Call) -> Node:
    message = f"{shown(function.name)} works only at the start of a row of an environment; move or remove it"
    raise UnrenderableError("environment", message, function.token)


def _new_line(parser: ArgumentReader, _function: Call) -> Node:
    if parser.expander.future().text == "[":
        parser.parse_size(is_optional=True)
    return Node("cr")


def _math_in_text(parser: ArgumentReader, function: Call) -> Node:
    outer = parser.mode
    fonts = parser.fonts
    parser.fonts = fonts._replace(math="")
    parser.switch_mode("math")
    close = "\\)" if function.name == "\\(" else "$"
    parser.parse_expression(stop_at=close)
    token = parser.peek()
    if token.text == "EOF":
        message = f"this {shown(function.name)} has no counterpart in the text; add {shown(close)}, or write `\\$`"
        raise UnrenderableError("braces", message, function.token)
    if token.text != close:
        raise leftover_error(token, parser.mode)
    parser.consume()
    parser.switch_mode(outer)
    parser.fonts = fonts
    return Node("styling")


def _stray_close(_parser: ArgumentReader, function: Call) -> Node:
    raise UnrenderableError("braces", f"this {shown(function.name)} closes nothing; remove it", function.token)


def _open_verb(_parser: ArgumentReader, function: Call) -> Node:
    message = "this `\\verb` does not end on its line; write `\\verb|…|`, or use `\\texttt`"
    raise UnrenderableError("argument", message, function.token)


def _untrusted(_parser: ArgumentReader, function: Call) -> Node:
    message = f"the site shows {shown(function.name)} in red instead of following it; write it in markdown"
    raise UnrenderableError("untrusted-command", message, function.token)


def _check_delimiter(parser: ArgumentReader, function: Call) -> None:
    node = function.required[0]
    if not node.is_symbol or node.text not in parser.tables.delimiters:
        found = shown(node.text) if node.is_symbol else "a group or command"
        message = f"{shown(function.name)} needs a delimiter such as `(`, `\\{{` or `.`, but {found} follows; add one"
        raise UnrenderableError("delimiter", message, function.token)


def _delimiter(parser: ArgumentReader, function: Call) -> Node:
    _check_delimiter(parser, function)
    return Node(parser.tables.functions[function.name].type)


def _left(parser: ArgumentReader, function: Call) -> Node:
    _check_delimiter(parser, function)
    parser.open_lefts += 1
    parser.parse_expression()
    parser.open_lefts -= 1
    right = parser.peek()
    if right.text == "\\right":
        parser.parse_function()
        return Node("leftright")
    if right.text in ("&", "\\end", "}", "EOF"):
        before = "" if right.text == "EOF" else f" before {shown(right.text)}"
        message = f"this `\\left` has no `\\right`{before}; add `\\right.` or a delimiter"
        raise UnrenderableError("delimiter", message, function.token)
    raise leftover_error(right, parser.mode)


def _middle(parser: ArgumentReader, function: Call) -> Node:
    _check_delimiter(parser, function)
    if not parser.open_lefts:
        message = "this `\\middle` is not between `\\left` and `\\right`; add them, or remove it"
        raise UnrenderableError("delimiter", message, function.token)
    return Node("middle")


def _character(_parser: ArgumentReader, function: Call) -> Node:
    number = "".join(environments.text_of(node, function.token) for node in function.required[0].body)
    match = _INTEGER.match(number)
    code = int(match.group(1)[:_MOST_DIGITS] or "0") if match else -1
    if not 0 <= code <= _LAST_CHARACTER or code in _WITHOUT_FONT:
        message = f"{shown(number)} is not the number of a character that KaTeX has; write the character itself"
        raise UnrenderableError("argument", message, function.token)
    return Node("textord", chr(code) if not 0xD800 <= code <= 0xDFFF else "\ufffd")


def _fraction_with_options(parser: ArgumentReader, function: Call) -> Node:
    for node, family in zip(function.required[:2], ("open", "close"), strict=True):
        delimiter = node.body[0] if len(node.body) == 1 else node
        if delimiter.family == family and delimiter.text not in parser.tables.delimiters:
            message = f"{shown(delimiter.text)} cannot be a delimiter of `\\genfrac`; use `(`, `[` or another one"
            raise UnrenderableError("delimiter", message, function.token)
    style = function.required[3]
    if style.body:
        environments.text_of(style.body[0], function.token)
    return Node("genfrac")


def _smash(_parser: ArgumentReader, function: Call) -> Node:
    option = function.optional[0]
    for node in option.body if option else ():
        if not node.is_symbol:
            raise UnrenderableError("argument", "the option of `\\smash` must be `t` or `b`", function.token)
        if node.text not in ("t", "b"):
            break
    return Node("smash")


def _relax(_parser: ArgumentReader, _function: Call) -> Node:
    return INTERNAL


def _environment(parser: ArgumentReader, function: Call) -> Node:
    name = "".join(environments.text_of(node, function.token) for node in function.required[0].body)
    if function.name == "\\end":
        return Node("environment", name)
    environments.parse_environment(parser, name, function.token)
    return Node("array")


_Handler = Callable[["ArgumentReader", Call], Node]

_BY_TYPE: Final[dict[str, _Handler]] = {
    "sizing": _implicit,
    "cr": _new_line,
    "delimsizing": _delimiter,
    "leftright": _left,
    "leftright-right": _delimiter,
    "middle": _middle,
    "href": _untrusted,
    "html": _untrusted,
    "includegraphics": _untrusted,
    "environment": _environment,
    "smash": _smash,
}

_BY_NAME: Final[dict[str, _Handler]] = {
    **dict.fromkeys((*_OLD_FONTS, "\\color"), _implicit),
    **dict.fromkeys(("\\displaystyle", "\\textstyle", "\\scriptstyle", "\\scriptscriptstyle"), _implicit),
    **dict.fromkeys(("\\hline", "\\hdashline"), _array_only),
    **dict.fromkeys(("\\(", "$"), _math_in_text),
    **dict.fromkeys(("\\)", "\\]"), _stray_close),
    **dict.fromkeys(("\\global", "\\long", "\\\\globallong"), definitions.prefix),
    **dict.fromkeys(("\\def", "\\gdef", "\\edef", "\\xdef"), definitions.define),
    **dict.fromkeys(("\\let", "\\\\globallet"), definitions.let),
    **dict.fromkeys(("\\futurelet", "\\\\globalfuture"), definitions.future_let),
    "\\relax": _relax,
    "\\verb": _open_verb,
    "\\@char": _character,
    "\\genfrac": _fraction_with_options,
}
