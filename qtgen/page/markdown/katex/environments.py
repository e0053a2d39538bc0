"""Read environments: `\\begin{matrix} … \\end{matrix}`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from qtgen.page.markdown.katex.diagrams import parse_diagram
from qtgen.page.markdown.katex.errors import UnrenderableError, shown
from qtgen.page.markdown.katex.lexer import END, Token
from qtgen.page.markdown.katex.namespace import parse_macro
from qtgen.page.markdown.katex.nodes import Node
from qtgen.page.markdown.katex.remedies import leftover_error, unknown_environment_error

if TYPE_CHECKING:
    from qtgen.page.markdown.katex.arguments import ArgumentReader

_DISPLAY_ONLY: Final = frozenset(
    ("align", "align*", "alignat", "alignat*", "split", "gather", "gather*", "equation", "equation*", "CD")
)
_TAGGED: Final = frozenset(("align", "align*", "alignat", "alignat*", "gather", "gather*", "equation", "equation*"))
_OWN_STRETCH: Final = frozenset(("smallmatrix", "subarray", "cases", "dcases", "rcases", "drcases"))
_MOST_COLUMNS: Final = {"split": 2, "equation": 1, "equation*": 1}
_NUMBER = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?\Z", re.ASCII)
_STRETCH = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)", re.ASCII)


def text_of(node: Node, place: Token) -> str:
    """Return the text of a node that must be a plain character."""
    if node.type != "textord":
        found = shown(node.text) if node.text else "a command or a group"
        message = f"{shown(place.text)} needs plain text in its braces, but {found} is there; remove it"
        raise UnrenderableError("argument", message, place)
    return node.text


def parse_environment(parser: ArgumentReader, name: str, begin: Token) -> None:
    """Read an environment up to and including its `\\end`."""
    environment = parser.tables.environments.get(name)
    if environment is None:
        raise unknown_environment_error(name, begin)
    arguments, _ = parser.parse_arguments(f"\\begin{{{name}}}", environment)
    if name in _DISPLAY_ONLY and not parser.display:
        remedy = (
            f"write `{name}ed`, or put `$$` on lines of their own"
            if name in ("align", "gather")
            else ("put `$$` on lines of their own before and after it")
        )
        message = f"the environment {shown(name)} works only in display math; {remedy}"
        raise UnrenderableError("display-only", message, begin)
    fonts = parser.fonts
    parser.fonts = fonts._replace(math="")
    if name == "CD":
        parse_diagram(parser, begin)
    else:
        columns = _column_limit(parser, name, arguments, begin)
        rows = _parse_array(parser, name, begin)
        if columns is not None and any(row / 2 > columns for row in rows):
            message = f"a row of {shown(name)} has more columns than its argument says; raise the number"
            raise UnrenderableError("environment", message, begin)
        if name == "subarray" and rows and rows[0] > 1:
            raise UnrenderableError("environment", "`subarray` can have only one column; remove the `&`", begin)
    parser.fonts = fonts
    _parse_end(parser, name)


def _column_limit(parser: ArgumentReader, name: str, arguments: list[Node], begin: Token) -> float | None:
    """Check the arguments of an environment. Return the number of columns for `alignat`."""
    if name.startswith("align") and arguments:
        number = "".join(text_of(node, begin) for node in arguments[0].body)
        return (float(number) or None) if _NUMBER.match(number) else None
    if arguments:
        _check_columns(name, arguments[0], begin)
    elif name.endswith("matrix*"):
        _parse_alignment(parser)
    return None


def _check_columns(name: str, columns: Node, begin: Token) -> None:
    """Check the columns of `array` or `subarray`."""
    letters = "lc" if name == "subarray" else "lcr|:"
    for node in columns.body:
        if not node.is_symbol or node.text not in letters:
            message = (
                f"the columns of {shown(name)} can be `{'`, `'.join(letters)}`, but {shown(node.text)} is there; fix it"
            )
            raise UnrenderableError("environment", message, begin)
    if name == "subarray" and len(columns.body) > 1:
        raise UnrenderableError("environment", "`subarray` can have only one column; remove the others", begin)


def _parse_alignment(parser: ArgumentReader) -> None:
    parser.skip_spaces()
    if parser.peek().text != "[":
        return
    parser.consume()
    parser.skip_spaces()
    token = parser.peek()
    if token.text not in "lcr":
        message = f"the alignment must be `l`, `c` or `r`, but {shown(token.text)} is there; fix it"
        raise UnrenderableError("environment", message, token)
    parser.consume()
    parser.skip_spaces()
    parser.expect("]")


def _parse_array(parser: ArgumentReader, name: str, begin: Token) -> list[int]:
    """Read rows up to `\\end`, and return the number of cells in each."""
    macros = parser.expander.macros
    single_row = name.startswith("equation")
    macros.begin_group()
    if not single_row:
        macros.set("\\cr", parse_macro("\\\\\\relax"))
    if name not in _OWN_STRETCH:
        _check_stretch(parser, begin)
    macros.begin_group()
    rows, cells, is_empty = [], 1, True
    _begin_row(parser, name)
    _skip_lines(parser)
    while True:
        body = parser.parse_expression(stop_at="\\end" if single_row else "\\\\")
        macros.end_group()
        macros.begin_group()
        is_empty = cells == 1 and not body
        token = parser.peek()
        if token.text == "&":
            if cells == _MOST_COLUMNS.get(name):
                message = f"{shown(name)} has too many `&`; use `align`, or remove the `&`"
                raise UnrenderableError("ampersand", message, token)
            parser.consume()
            cells += 1
        elif token.text == "\\end":
            _end_row(parser, name)
            break
        elif token.text == "\\\\":
            parser.consume()
            if parser.expander.future().text != " ":
                parser.parse_size(is_optional=True)
            _end_row(parser, name)
            _skip_lines(parser)
            rows.append(cells)
            cells = 1
            _begin_row(parser, name)
        else:
            raise _unfinished(parser, token, name, begin)
    if not is_empty or (not rows and name in _TAGGED | {"aligned", "alignedat", "gathered", "split"}):
        rows.append(cells)
    macros.end_group()
    macros.end_group()
    return rows


def _unfinished(parser: ArgumentReader, token: Token, name: str, begin: Token) -> UnrenderableError:
    if token.text == END:
        message = f"`\\begin{{{name}}}` has no `\\end{{{name}}}`; add it"
        return UnrenderableError("environment", message, begin)
    return leftover_error(token, parser.mode)


def _check_stretch(parser: ArgumentReader, begin: Token) -> None:
    if parser.expander.macros.get("\\arraystretch") is None:
        return
    tokens = parser.expander.expand_tokens([Token("\\arraystretch")])
    text = "".join(token.text for token in tokens)
    match = _STRETCH.match(text)
    if match is None or float(match.group(1)) <= 0:
        message = f"`\\arraystretch` must be a positive number, but is {shown(text)}; fix it"
        raise UnrenderableError("environment", message, begin)


def _begin_row(parser: ArgumentReader, name: str) -> None:
    if name in _TAGGED and not name.endswith("*"):
        parser.expander.macros.set("\\@eqnsw", parse_macro("1"), everywhere=True)


def _end_row(parser: ArgumentReader, name: str) -> None:
    if name in _TAGGED and parser.expander.macros.get("\\df@tag") is not None:
        parser.parse_separately([Token("\\df@tag")])
        parser.expander.macros.set("\\df@tag", None, everywhere=True)


def _skip_lines(parser: ArgumentReader) -> None:
    """Consume `\\hline` at the start of a row."""
    parser.skip_spaces()
    if parser.peek().text == "\\relax":  # from `\\cr`
        parser.consume()
        parser.skip_spaces()
    while parser.peek().text in ("\\hline", "\\hdashline"):
        parser.consume()
        parser.skip_spaces()


def _parse_end(parser: ArgumentReader, name: str) -> None:
    token = parser.peek()
    if token.text != "\\end":
        raise leftover_error(token, parser.mode)
    end = parser.parse_function()
    if end is None or end.text != name:
        closing = shown("\\end{" + (end.text if end else "") + "}")
        message = f"`\\begin{{{name}}}` is closed by {closing}; write the same name in both"
        raise UnrenderableError("environment", message, token)
