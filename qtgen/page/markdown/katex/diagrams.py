"""Read commutative diagrams: `\\begin{CD} A @>>> B \\end{CD}`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtgen.page.markdown.katex.errors import UnrenderableError, shown
from qtgen.page.markdown.katex.lexer import END, Token
from qtgen.page.markdown.katex.namespace import parse_macro
from qtgen.page.markdown.katex.nodes import Node
from qtgen.page.markdown.katex.remedies import leftover_error

if TYPE_CHECKING:
    from qtgen.page.markdown.katex.arguments import ArgumentReader


def parse_diagram(parser: ArgumentReader, begin: Token) -> None:
    """Read a diagram up to its `\\end`."""
    macros = parser.expander.macros
    rows: list[tuple[Node, ...]] = []
    macros.begin_group()
    macros.set("\\cr", parse_macro("\\\\\\relax"))
    macros.begin_group()
    while True:
        rows.append(parser.parse_expression(stop_at="\\\\"))
        macros.end_group()
        macros.begin_group()
        token = parser.peek()
        if token.text == "\\end":
            break
        if token.text == END:
            raise UnrenderableError("environment", "`\\begin{CD}` has no `\\end{CD}`; add it", begin)
        if token.text not in ("&", "\\\\"):
            raise leftover_error(token, parser.mode)
        parser.consume()
    for row in rows:
        _check_arrows(row, begin)
    macros.end_group()
    macros.end_group()


def _check_arrows(nodes: tuple[Node, ...], begin: Token) -> None:
    index = 0
    while index < len(nodes):
        if _starts_arrow(nodes[index]):
            index += 1
            kind = nodes[index] if index < len(nodes) else Node("end")
            if not kind.is_symbol or kind.text not in "=|.<>AV":
                message = "after `@`, a diagram needs `>`, `<`, `A`, `V`, `=`, `|` or `.`; add one"
                raise UnrenderableError("environment", message, begin)
            if kind.text in "<>AV":
                for _ in range(2):
                    index = _label_end(nodes, index + 1, kind.text, begin)
        index += 1


def _label_end(nodes: tuple[Node, ...], index: int, mark: str, begin: Token) -> int:
    while index < len(nodes) and not _starts_arrow(nodes[index]):
        if nodes[index].type in ("mathord", "atom") and nodes[index].text == mark:
            return index
        index += 1
    message = f"an arrow of this diagram needs {shown(mark)} three times, as in `@{mark * 3}`; add it"
    raise UnrenderableError("environment", message, begin)


def _starts_arrow(node: Node) -> bool:
    return node.type == "textord" and node.text == "@"
