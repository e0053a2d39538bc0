"""Write the tokens of markdown-it as HTML.

No HTML of markdown-it is used. Each element is written here, and every text is escaped.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path

from markdown_it.token import Token
from markupsafe import Markup, escape

from qtgen._util.preview.formulas import formula_html
from qtgen._util.preview.inlines import render_inlines
from qtgen._util.preview.marks import Marks, RawMark, marked
from qtgen._util.preview.parser import markdown_parser
from qtgen._util.preview.places import SourceLines
from qtgen._util.preview.visible import visible_html

_LENGTH_MAX = 50_000  # characters; a longer text is shown as its source, because markdown-it can take quadratic time
_NEWLINE = Markup("\n")
_NOTHING = Markup("")
_PLAIN = {
    "blockquote_open": "<blockquote>\n",
    "blockquote_close": "</blockquote>\n",
    "bullet_list_close": "</ul>\n",
    "ordered_list_close": "</ol>\n",
    "list_item_close": "</li>\n",
    "hr": "<hr>\n",
    "table_open": '<div class="table"><table>\n',
    "table_close": "</table></div>\n",
    "thead_open": "<thead>\n",
    "thead_close": "</thead>\n",
    "tbody_open": "<tbody>\n",
    "tbody_close": "</tbody>\n",
    "tr_open": "<tr>\n",
    "tr_close": "</tr>\n",
    "th_close": "</th>\n",
    "td_close": "</td>\n",
    "footnote_block_open": '<section class="footnotes"><ol>\n',
    "footnote_block_close": "</ol></section>\n",
    "footnote_open": "<li>\n",
    "footnote_close": "</li>\n",
    "footnote_anchor": "",
    "footnote_reference_open": "",
    "footnote_reference_close": "",
}
_PLAIN_HTML = {name: Markup(html) for name, html in _PLAIN.items()}  # noqa: S704 - constants


def render_markdown(markdown: str, marks: Iterable[RawMark] = (), *, math: bool) -> Markup:
    """Return Markdown as safe HTML, approximately as the site shows it.

    Raw HTML is shown as text, and so is a formula that cannot be converted to MathML. Links have no address to
    navigate to, images are boxes with their address, and control characters are visible escapes.

    Args:
        marks: Start, end and kind (`ins` or `del`) of parts to mark, as offsets in code points.
        math: Whether the site renders formulas between dollar signs.
    """
    found = Marks(marks, markdown)
    text = markdown.replace("\r\n", "\n").replace("\r", "\n")
    if len(text) > _LENGTH_MAX:
        return Markup('<pre class="source">{}</pre>\n').format(found.text_html(text, range(len(text))))
    return _Writer(text, found).written(markdown_parser(math=math).parse(text))


@cache
def preview_css() -> str:
    """Return the styles of what `render_markdown` returns. They apply inside an element of the class `preview`."""
    return _read_css("preview.css")


@cache
def palette_css() -> str:
    """Return the colors that the styles use, light and dark, for a document that does not define them."""
    return _read_css("palette.css")


def _read_css(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


class _Writer:
    def __init__(self, text: str, marks: Marks) -> None:
        self._marks = marks
        self._lines = SourceLines(text) if marks else None
        self._previous: Token | None = None
        self._writers: dict[str, Callable[[Token], Markup]] = {
            "inline": self._inline,
            "paragraph_open": lambda token: _NOTHING if token.hidden else Markup("<p>"),
            "paragraph_close": lambda token: _NEWLINE if token.hidden else Markup("</p>\n"),
            "heading_open": lambda token: Markup("<{}>").format(token.tag),
            "heading_close": lambda token: Markup("</{}>\n").format(token.tag),
            "bullet_list_open": _open_list,
            "ordered_list_open": _open_list,
            "list_item_open": _open_item,
            "th_open": _open_cell,
            "td_open": _open_cell,
            "fence": self._code,
            "code_block": self._code,
            "math_block": self._math,
            "html_block": self._html,
        }

    def written(self, tokens: Sequence[Token]) -> Markup:
        parts: list[Markup] = []
        for token in tokens:
            plain = _PLAIN_HTML.get(token.type)
            parts.append(self._writers[token.type](token) if plain is None else plain)
            self._previous = token
        return _NOTHING.join(parts)

    def _inline(self, token: Token) -> Markup:
        places: list[int] | None = None
        if self._lines is not None:
            is_cell = self._previous is not None and self._previous.type in ("th_open", "td_open")
            places = self._lines.places_of(token.content, token, is_cell=is_cell)
        return render_inlines(token.children or [], self._marks, places)

    def _code(self, token: Token) -> Markup:
        words = token.info.split(maxsplit=1)
        if words and words[0] == "math":  # the site renders it as a formula, too
            return self._math(token)
        return Markup("<pre><code>{}</code></pre>\n").format(self._lines_html(token))

    def _html(self, token: Token) -> Markup:
        return self._lines_html(token)

    def _math(self, token: Token) -> Markup:
        html = Markup('<div class="math">{}</div>').format(formula_html(token.content.strip(), is_display=True))
        return marked(html, self._kind_of(token)) + _NEWLINE

    def _kind_of(self, token: Token) -> str | None:
        if self._lines is None or not token.map:
            return None
        ranges = self._lines.ranges_of_block(token, token.content.count("\n"))
        return self._marks.kind_at(ranges[0][0], ranges[-1][1]) if ranges else None

    def _lines_html(self, token: Token) -> Markup:
        """Return the lines of a block of code or of raw HTML. Each is the end of a line of the source."""
        if self._lines is None:
            return visible_html(token.content)
        lines = token.content.split("\n")
        parts: list[Markup] = []
        for line, (start, end) in zip(lines, self._lines.ranges_of_block(token, len(lines)), strict=True):
            first = max(start, end - len(line))
            parts.append(self._marks.text_html(line, range(first, first + len(line))))
        return _NEWLINE.join(parts)


def _open_list(token: Token) -> Markup:
    classes = Markup(' class="contains-task-list"') if token.attrGet("class") else _NOTHING
    start = token.attrGet("start")
    number = _NOTHING if start is None else Markup(' start="{}"').format(escape(start))
    return Markup("<{}{}{}>\n").format(token.tag, number, classes)


def _open_item(token: Token) -> Markup:
    if "checked" not in token.meta:
        return Markup("<li>")
    state = Markup('checked aria-label="done"' if token.meta["checked"] else 'aria-label="not done"')  # noqa: S704 - constants
    return Markup('<li class="task-list-item"><input type="checkbox" disabled {}> ').format(state)


def _open_cell(token: Token) -> Markup:
    _, _, align = str(token.attrGet("style") or "").partition(":")
    if align not in ("left", "center", "right"):
        return Markup("<{}>").format(token.tag)
    return Markup('<{} class="{}">').format(token.tag, align)
