"""Follow text fonts: KaTeX stops at a character whose combination of family, weight and shape it does not have."""

from types import MappingProxyType
from typing import Final, NamedTuple

from qtgen.page.markdown.katex.errors import UnrenderableError, shown
from qtgen.page.markdown.katex.lexer import Token
from qtgen.page.markdown.katex.nodes import Node
from qtgen.page.markdown.katex.tables import Mode, load_tables


class Fonts(NamedTuple):
    """The fonts of a place in a formula.

    Args:
        math: What the last math font command, such as `\\mathbf`, has set.
        family: What the last of `\\textrm`, `\\textsf` and `\\texttt` has set.
        is_bold: Whether text is bold.
        is_italic: Whether text is italic.
    """

    math: str = ""
    family: str = ""
    is_bold: bool = False
    is_italic: bool = False


DEFAULT_FONTS: Final = Fonts()

_FAMILIES: Final = MappingProxyType(
    {"\\textrm": "serif", "\\textnormal": "serif", "\\textsf": "sans serif", "\\texttt": "typewriter"}
)
_MATH_FONTS: Final = frozenset(
    {
        *("\\mathrm", "\\mathit", "\\mathbf", "\\mathnormal", "\\mathsfit", "\\mathbb", "\\mathcal", "\\mathfrak"),
        *("\\mathscr", "\\mathsf", "\\mathtt", "\\Bbb", "\\bold", "\\frak", "\\boldsymbol", "\\bm"),
        *("\\operatorname@", "\\operatornamewithlimits"),
    }
)
_OF_AMS: Final = frozenset(("\\mathbb", "\\Bbb"))
_DRAWN_AS_LETTERS: Final = frozenset("ℂℍℕℙℚℝℤ")
"""Characters of the AMS font that other fonts draw as plain letters."""


def fonts_in_argument(fonts: Fonts, name: str, kind: str, index: int) -> Fonts:
    """Return the fonts inside an argument of a function.

    Args:
        fonts: The fonts outside.
        name: The function.
        kind: The type of the argument.
        index: The argument's number. KaTeX draws only the first one of `\\html@mathml`.
    """
    if name in _MATH_FONTS:
        return fonts._replace(math=name)
    if name in _FAMILIES:
        return fonts._replace(family=_FAMILIES[name])
    if name in ("\\textbf", "\\textmd"):
        return fonts._replace(is_bold=name == "\\textbf")
    if name in ("\\textit", "\\textup", "\\emph"):
        return fonts._replace(is_italic=name == "\\textit" or (name == "\\emph" and not fonts.is_italic))
    if name == "\\html@mathml" and index > 0:
        return DEFAULT_FONTS
    return fonts._replace(math="") if kind == "hbox" or name == "\\hbox" else fonts


def check_fonts(fonts: Fonts, node: Node, mode: Mode, token: Token) -> None:
    """Raise an error if KaTeX has no font for a character."""
    if not (fonts.is_bold or fonts.is_italic) or node.type not in ("mathord", "textord", "spacing"):
        return
    style = " and ".join(name for name, is_set in (("bold", fonts.is_bold), ("italic", fonts.is_italic)) if is_set)
    uses_family = mode == "text" and not fonts.math and fonts.family
    if uses_family and (fonts.family == "typewriter" or (fonts.family == "sans serif" and " and " in style)):
        message = f"KaTeX has no {style} {fonts.family} font; remove one of the font commands"
        raise UnrenderableError("mode", message, token)
    is_of_ams = node.type == "textord" and node.text in load_tables().ams[mode]
    has_other_font = node.text in _DRAWN_AS_LETTERS and (fonts.math if mode == "math" else fonts.math or fonts.family)
    if is_of_ams and fonts.math not in _OF_AMS and not has_other_font:
        message = f"KaTeX has no {style} {shown(node.text)}; move it out of the {style} text"
        raise UnrenderableError("mode", message, token)
