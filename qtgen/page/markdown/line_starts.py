"""Patterns for what the beginning of a line can mean. They are matched at the first character after the indent."""

import re

_SPACES = re.compile(r"[ \t]*")
_END = r"(?=\n|\Z)"

BULLET = re.compile(r"[-*+](?=[ \t\n]|\Z)")
ORDERED = re.compile(r"(\d{1,9})[.)](?=[ \t\n]|\Z)", re.ASCII)
FOOTNOTE = re.compile(r"\[\^(?:\\[\[\]\\]|[^\]\[\s])+\]:[ \t]*")
ATX = re.compile(r"#{1,6}(?=[ \t\n]|\Z)")
THEMATIC = re.compile(rf"(?:(?:\*[ \t]*+){{3,}}+|(?:-[ \t]*+){{3,}}+|(?:_[ \t]*+){{3,}}+){_END}")
SETEXT = re.compile(rf"(?:=++|-++)[ \t]*{_END}")
FENCE = re.compile(rf"(`{{3,}}+|~{{3,}}+)((?<=`)[^`\n]*|(?<=~)[^\n]*){_END}")
DISPLAY = re.compile(rf"(\${{2,}}+)([^$\n]*){_END}")
DEFINITION = re.compile(
    r"\[(?!\^)(?:\\.|[^\]\[\\\n])+\]:[ \t]*(?:<[^<>\n]*>|(?!<)(?:[^\s()\\]|\\[^\s]?|\([^\s()]*\))+)"
    rf"""(?:[ \t]+(?:"[^"\n]*"|'[^'\n]*'|\([^()\n]*\)))?[ \t]*{_END}"""
)

_RAW_NAMES = "pre|script|style|textarea"
_BLOCK_NAMES = (
    "address|article|aside|base|basefont|blockquote|body|caption|center|col|colgroup|dd|details|dialog|dir|div|dl|dt|"
    "fieldset|figcaption|figure|footer|form|frame|frameset|h[1-6]|head|header|hr|html|iframe|legend|li|link|main|menu|"
    "menuitem|nav|noframes|ol|optgroup|option|p|param|search|section|summary|table|tbody|td|tfoot|th|thead|title|tr|"
    "track|ul"
)
_ATTRIBUTE = r"""[ \t\n]+[A-Za-z_:][\w.:-]*(?:[ \t\n]*=[ \t\n]*(?:[^\s"'=<>`]+|'[^']*'|"[^"]*"))?"""
TAG = re.compile(rf"<(?:[A-Za-z][A-Za-z0-9-]*(?:{_ATTRIBUTE})*[ \t\n]*/?>|/[A-Za-z][A-Za-z0-9-]*[ \t\n]*>)")

_HTML_STARTS: tuple[tuple[re.Pattern[str], re.Pattern[str] | None], ...] = (
    (
        re.compile(rf"<(?:{_RAW_NAMES})(?=[ \t>\n]|\Z)", re.IGNORECASE),
        re.compile(rf"</(?:{_RAW_NAMES})>", re.IGNORECASE),
    ),
    (re.compile(r"<!--"), re.compile(r"-->")),
    (re.compile(r"<\?"), re.compile(r"\?>")),
    (re.compile(r"<!\[CDATA\["), re.compile(r"\]\]>")),
    (re.compile(r"<![A-Za-z]"), re.compile(r">")),
    (re.compile(rf"</?(?:{_BLOCK_NAMES})(?=[ \t>\n]|/>|\Z)", re.IGNORECASE), None),
)


def skip_spaces(text: str, start: int, end: int) -> int:
    """Return the offset of the first character that is no space or tab, or `end`."""
    if start >= end or (text[start] != " " and text[start] != "\t"):
        return start
    spaces = _SPACES.match(text, start, end)
    return spaces.end() if spaces else start


def html_end(text: str, start: int, end: int, *, in_paragraph: bool) -> re.Pattern[str] | str | None:
    """Return what ends the block of HTML that begins at `start`.

    It is a pattern, None for a blank line, or an empty string if no block of HTML begins there.
    """
    for opening, closing in _HTML_STARTS:
        if opening.match(text, start, end):
            return closing
    tag = None if in_paragraph else TAG.match(text, start, end)
    return None if tag and not text[tag.end() : end].strip() else ""
