"""What a reader sees of HTML: its elements and texts, without the inside of formulas."""

from html.parser import HTMLParser

VOID = frozenset({"br", "hr", "input", "img", "link", "meta"})
_WITHOUT_MEANING = ("span", "div", "sup", "section")


class OutlineParser(HTMLParser):
    """Collects elements, attributes and texts, and fails if an element is not closed in order.

    Attributes:
        names: The names of all elements.
        attributes: Name of the element, name and value of each attribute.
        text: All texts.
        outline: Elements with a meaning, texts without white space, and `MATH` for each formula.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[tuple[str, str, str | None]] = set()
        self.text = ""
        self.outline: list[str] = []
        self._open: list[str] = []
        self._math_depth = 0
        self.feed(str(html))  # markupsafe escapes what is added to its strings
        self.close()
        assert not self._open, f"not closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {(tag, *attribute) for attribute in attrs}
        if tag not in VOID:
            self._open.append(tag)
        classes = (dict(attrs).get("class") or "").split()
        if self._math_depth:
            return
        if tag == "math" or {"katex", "katex-display", "katex-error", "tex"} & {*classes}:
            self._math_depth = len(self._open)
            self.outline.append("MATH")
        elif tag not in _WITHOUT_MEANING:
            self.outline.append(f"<{'del' if tag == 's' else tag}>")

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        assert self._open.pop() == tag
        if len(self._open) < self._math_depth:
            self._math_depth = 0

    def handle_data(self, data: str) -> None:
        self.text += data
        if not self._math_depth:
            self.outline += data.split()


def outline(html: str) -> str:
    """Return the elements and texts of HTML as one string, with `MATH` for each formula."""
    return "".join(OutlineParser(html).outline)
