"""Write the inline tokens of a block as HTML."""

from collections.abc import Callable, Sequence

from markdown_it.token import Token
from markupsafe import Markup

from qtgen._util.preview.formulas import formula_html
from qtgen._util.preview.marks import Marks, marked
from qtgen._util.preview.visible import visible_html, visible_text

# Struck-out text is an `s` element, because a `del` element is a deletion of the comparison.
_PLAIN = {
    "softbreak": Markup("\n"),
    "hardbreak": Markup("<br>\n"),
    "em_open": Markup("<em>"),
    "em_close": Markup("</em>"),
    "strong_open": Markup("<strong>"),
    "strong_close": Markup("</strong>"),
    "s_open": Markup("<s>"),
    "s_close": Markup("</s>"),
    "link_close": Markup("</a>"),
}


def render_inlines(tokens: Sequence[Token], marks: Marks, places: Sequence[int] | None) -> Markup:
    """Return inline tokens as HTML.

    Args:
        places: The offset in the source of each character of the block's text, and of its end. None if nothing is
            marked.
    """
    writer = _InlineWriter(marks, places)
    parts: list[Markup] = []
    for token in tokens:
        plain = _PLAIN.get(token.type)
        parts.append(writer.write(token) if plain is None else plain)
    return Markup("").join(parts)


class _InlineWriter:
    def __init__(self, marks: Marks, places: Sequence[int] | None) -> None:
        self._marks = marks
        self._places = places
        self._is_address = False  # of a link without a text of its own
        self._writers: dict[str, Callable[[Token], Markup]] = {
            "text": self._text,
            "text_special": self._text,
            "html_inline": self._text,
            "code_inline": self._code,
            "math_inline": self._math,
            "image": self._image,
            "link_open": self._open_link,
            "footnote_ref": self._footnote,
        }

    def write(self, token: Token) -> Markup:
        return self._writers[token.type](token)

    def _text(self, token: Token, offset: int = 0) -> Markup:
        is_address, self._is_address = self._is_address, False
        if self._places is None or not token.content:
            return visible_html(token.content)
        if is_address:  # its text may differ from the source
            return marked(visible_html(token.content), self._kind_of(token))
        start = token.meta.get("at", 0) + offset
        last = len(self._places) - 1
        places = [self._places[min(place, last)] for place in range(start, start + len(token.content))]
        return self._marks.text_html(token.content, places)

    def _code(self, token: Token) -> Markup:
        return Markup("<code>{}</code>").format(self._text(token, len(token.markup)))

    def _math(self, token: Token) -> Markup:
        return marked(formula_html(token.content.strip(), is_display=False), self._kind_of(token))

    def _image(self, token: Token) -> Markup:
        address = visible_text(str(token.attrGet("src") or ""))
        label = Markup('<span class="image"><span class="alt">{}</span> <span class="address">{}</span></span>')
        return marked(label.format(visible_html(_plain_text(token.children or [])), address), self._kind_of(token))

    def _open_link(self, token: Token) -> Markup:
        self._is_address = token.info == "auto"
        return Markup('<a title="{}">').format(visible_text(str(token.attrGet("href") or "")))

    def _footnote(self, token: Token) -> Markup:
        return Markup("<sup>{}</sup>").format(token.meta.get("id", 0) + 1)

    def _kind_of(self, token: Token) -> str | None:
        if self._places is None:
            return None
        last = len(self._places) - 1
        start = min(token.meta.get("at", 0), last)
        end = min(token.meta.get("end", start + 1), last)
        return self._marks.kind_at(self._places[start], self._places[max(start, end - 1)] + 1)


def _plain_text(tokens: Sequence[Token]) -> str:
    """Return the text of an image's description."""
    return "".join(_plain_text(token.children) if token.children else token.content for token in tokens)
