"""Convert formulas to MathML, by latex2mathml."""

from collections.abc import Iterator
from functools import lru_cache
from html import unescape
from xml.etree.ElementTree import Element

from latex2mathml.converter import convert_to_element
from markupsafe import Markup, escape

from qtgen._util.preview.visible import has_unseen, visible_html

_LENGTH_MAX = 4_000  # characters; latex2mathml is slow on longer ones
_DEPTH_MAX = 60  # of braces
_ELEMENTS = frozenset(
    {
        *("math", "menclose", "mfrac", "mi", "mmultiscripts", "mn", "mo", "mover", "mpadded", "mphantom", "mroot"),
        *("mrow", "ms", "mspace", "msqrt", "mstyle", "msub", "msubsup", "msup", "mtable", "mtd", "mtext", "mtr"),
        *("munder", "munderover", "semantics"),
    }
)
_ATTRIBUTES = frozenset(
    {
        *("accent", "accentunder", "columnalign", "columnlines", "columnspacing", "depth", "display", "displaystyle"),
        *("fence", "form", "height", "linethickness", "lspace", "mathcolor", "mathvariant", "maxsize", "minsize"),
        *("movablelimits", "notation", "rowlines", "rowspacing", "rspace", "scriptlevel", "separator", "stretchy"),
        *("symmetric", "voffset", "width"),
    }
)
_CHILDREN = {"mfrac": 2, "mover": 2, "mroot": 2, "msub": 2, "msubsup": 3, "msup": 2, "munder": 2, "munderover": 3}


@lru_cache(maxsize=4096)
def formula_html(tex: str, *, is_display: bool) -> Markup:
    """Return a formula as MathML, or its source as code if it cannot be converted."""
    mathml = None if len(tex) > _LENGTH_MAX or has_unseen(tex) or _depth(tex) > _DEPTH_MAX else _mathml(tex, is_display)
    if mathml is not None:
        return mathml
    return Markup('<code class="tex" title="approximate preview: shown as TeX">{}</code>').format(visible_html(tex))


def _depth(tex: str) -> int:
    depth = deepest = 0
    for char in tex:
        depth += (char == "{") - (char == "}")
        deepest = max(deepest, depth)
    return deepest


def _mathml(tex: str, is_display: bool) -> Markup | None:
    try:
        element = convert_to_element(tex, display="block" if is_display else "inline")
        return Markup("".join(_written(element)))  # noqa: S704 - `_written` escapes all text
    except Exception:  # noqa: BLE001 - latex2mathml raises many errors, also of its own bugs, on faulty TeX
        return None


def _written(element: Element) -> Iterator[str]:
    """Yield an element as HTML, with known elements and attributes only. A command without a meaning is an error."""
    if element.tag not in _ELEMENTS or len(element) != _CHILDREN.get(element.tag, len(element)):
        raise ValueError(element.tag)
    text = unescape(element.text or "")
    if text.startswith("\\") and len(text) > 1:
        raise ValueError(text)
    yield f"<{element.tag}"
    for name, value in element.attrib.items():
        if name in _ATTRIBUTES:
            yield Markup(' {}="{}"').format(name, value)
    yield Markup(">") + escape(text)
    for child in element:
        yield from _written(child)
    yield f"</{element.tag}>"
