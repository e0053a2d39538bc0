"""Check one formula."""

import sys
from functools import lru_cache
from typing import Final

from qtgen.page.markdown.katex.errors import FormulaError, UnrenderableError
from qtgen.page.markdown.katex.plain import is_plain

_MOST_FRAMES = 5000
"""How many frames deeper than usual Python goes for a formula as deep as the parser allows."""
_AT_THE_END: Final = frozenset(("argument", "braces", "delimiter", "environment", "macro", "script", "size"))
"""Kinds of errors that a comment to the end of the formula causes."""


@lru_cache(maxsize=16384)
def check_formula(tex: str, *, display: bool) -> FormulaError | None:
    """Return the error that KaTeX shows instead of a formula or in it, or None if it renders the formula.

    Args:
        tex: The formula without the marks around it.
        display: Whether it is display math. Inline math does not allow `align`, `gather`, `equation` and `\\tag`.
    """
    return None if is_plain(tex, display=display) else find_error(tex, display=display)


def find_error(tex: str, *, display: bool) -> FormulaError | None:
    """Return the first error in a formula by parsing it. See `check_formula`."""
    try:
        return _parse(tex, display=display)
    except RecursionError:
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(limit + _MOST_FRAMES)
        try:
            return _parse(tex, display=display)
        finally:
            sys.setrecursionlimit(limit)


def _parse(tex: str, *, display: bool) -> FormulaError | None:
    from qtgen.page.markdown.katex.parser import Parser  # only a few formulas are not plain

    parser = Parser(tex, display=display)
    try:
        parser.parse()
    except UnrenderableError as error:
        comment = parser.expander.lexer.last_comment
        if comment and error.kind in _AT_THE_END:
            message = "what follows this `%` is a comment, so something is missing; write `\\%`"
            return FormulaError(comment.start, comment.end, message, error.kind)
        token = error.token
        if token is None or token.start < 0:
            token = parser.expander.last_source
        start, end = (token.start, token.end) if token else (0, len(tex))
        start = max(0, min(start, len(tex) - 1))
        end = start + len(tex[start:end].rstrip())  # a command's token includes the spaces after it
        return FormulaError(start, min(max(end, start + 1), len(tex)), error.message, error.kind)
    return None
