"""Messages that depend on what was found: unknown commands, leftovers and wrong modes."""

from difflib import get_close_matches
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Final

from qtgen.page.markdown.katex.errors import UnrenderableError, shown
from qtgen.page.markdown.katex.lexer import END, Token
from qtgen.page.markdown.katex.tables import Mode, load_tables, symbol_groups

_LONGEST_NAME = 40

_REMEDIES: Final = MappingProxyType(
    {
        "\\ce": "write the formula with `\\mathrm`, as in `\\mathrm{H_2O}`",
        "\\pu": "write the unit with `\\mathrm`, as in `5\\,\\mathrm{m}`",
        **dict.fromkeys(
            ("\\SI", "\\si", "\\qty", "\\unit", "\\num", "\\ang"),
            "write the unit with `\\mathrm`, as in `5\\,\\mathrm{m}`",
        ),
        **dict.fromkeys(("\\label", "\\ref", "\\eqref", "\\cite", "\\footnote", "\\index"), "remove it"),
        **dict.fromkeys(("\\mbox", "\\textsc", "\\mathsc", "\\textsl"), "use `\\text`"),
        "\\struct": "use `\\mathrm`",
        "\\cr": "it works only between rows of an environment; use `\\\\`",
        "\\par": "end the formula before it",
        "\\intertext": "end the formula before the text",
        "\\multicolumn": "give each column its own cell",
        "\\centering": "remove it",
        "\\hfill": "use `\\quad`",
        "\\degree": "use `^\\circ`",
        "\\micro": "use `\\mu`",
        "\\ohm": "use `\\Omega`",
        "\\angstrom": "use `\\text{Å}`",
    }
)
"""What to write instead of commands that LaTeX knows with packages, and KaTeX does not."""

_ENVIRONMENT_REMEDIES: Final = MappingProxyType(
    {
        **dict.fromkeys(("eqnarray", "eqnarray*", "multline", "multline*", "flalign", "flalign*"), "use `aligned`"),
        **dict.fromkeys(("itemize", "enumerate", "description", "tabular", "table", "center"), "write it in markdown"),
        **dict.fromkeys(("displaymath", "math"), "remove it, because the `$` already begin math"),
        **dict.fromkeys(("tikzpicture", "tikzcd"), "describe the drawing in words, or use `CD`"),
    }
)


def unknown_command_error(token: Token) -> UnrenderableError:
    """Return the error at a command that KaTeX does not know."""
    name = token.text
    if name == "\\":
        return UnrenderableError("character", "a backslash must be followed by a command; remove it", token)
    remedy = _REMEDIES.get(name) or _suggestion(name)
    return UnrenderableError("unknown-command", f"KaTeX does not know {shown(name)}; {remedy}", token)


@cache
def _commands() -> list[str]:
    tables = load_tables()
    known = {*tables.functions, *tables.macros, *symbol_groups("math"), *symbol_groups("text")}
    return sorted(command for command in known if command[0] == "\\" and command[1:].isalpha())


@lru_cache(maxsize=1024)
def _suggestion(name: str) -> str:
    if len(name) > _LONGEST_NAME:
        return "remove the backslash, or use a command that KaTeX knows"
    by_case = [command for command in _commands() if command.lower() == name.lower()]
    close = by_case or get_close_matches(name, _commands(), n=1, cutoff=0.75)
    if close:
        return f"did you mean {shown(close[0])}?"
    return "use a command that KaTeX knows, or `\\mathrm` for a name"


def unknown_environment_error(name: str, token: Token) -> UnrenderableError:
    """Return the error at an environment that KaTeX does not know."""
    remedy = _ENVIRONMENT_REMEDIES.get(name)
    if remedy is None:
        close = get_close_matches(name[:_LONGEST_NAME], sorted(load_tables().environments), n=1, cutoff=0.7)
        remedy = f"did you mean {shown(close[0])}?" if close else "use one such as `aligned`, `cases` or `matrix`"
    return UnrenderableError("environment", f"KaTeX does not know the environment {shown(name)}; {remedy}", token)


def leftover_error(token: Token, mode: Mode) -> UnrenderableError:
    """Return the error at a token that is not allowed where it is."""
    text = token.text
    if text == END:
        message = "the formula ends while a group, an environment or `\\left` is open; close it"
        return UnrenderableError("braces", message, token)
    if text == "}":
        return UnrenderableError("braces", "this `}` closes nothing; remove it, or write `\\}`", token)
    if text == "&":
        message = "this `&` is outside an environment; write `\\&`, or add `\\begin{aligned}` and `\\end{aligned}`"
        return UnrenderableError("ampersand", message, token)
    if text == "\\end":
        return UnrenderableError(
            "environment", "this `\\end` closes nothing here; remove it, or close `{` before it", token
        )
    if text == "\\right":
        return UnrenderableError(
            "delimiter", "this `\\right` has no `\\left` in its group; add one, or remove it", token
        )
    if text == "\\endgroup":
        return UnrenderableError("braces", "this `\\endgroup` closes nothing; remove it", token)
    if text in ("#", "_", "^"):
        place = " in text" if mode == "text" else ""
        return UnrenderableError("character", f"{shown(text)} has no meaning here{place}; write `\\{text}`", token)
    if text == "\\\\":
        return UnrenderableError(
            "environment", "this `\\\\` cannot end a row here; close what is open before it", token
        )
    message = f"KaTeX does not accept {shown(text)} here; remove it" if text else "a part is missing here; add it"
    return UnrenderableError("character", message, token)


def wrong_mode_error(token: Token, mode: Mode) -> UnrenderableError:
    """Return the error at a function that its mode does not allow."""
    text = token.text
    if mode == "text":
        message = f"{shown(text)} is a math command inside text; close the text before it, or write `$…$` around it"
    elif text in ("$", "\\(", "\\)", "\\]"):
        message = f"{shown(text)} is inside math already; remove it, or write `\\$` for a dollar sign"
    else:
        message = f"{shown(text)} works only inside `\\text`; add it"
    return UnrenderableError("mode", message, token)
