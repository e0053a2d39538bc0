"""Read what a web page says, in place of the JSON that was expected."""

import html
import re

_PAGE = re.compile(r"\s*<(?:!doctype|\?xml|html|head|body|title|center|h1|!--)", re.IGNORECASE)
_TITLE = re.compile(r"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)
_HEADING = re.compile(r"<h1[^>]*>(.*?)</h1", re.IGNORECASE | re.DOTALL)
_INVISIBLE = re.compile(r"<(script|style|head)\b.*?</\1\s*>|<!--.*?-->", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_MAX_LENGTH = 20_000  # characters of the page that are looked at


def is_web_page(text: str) -> bool:
    return _PAGE.match(text.removeprefix("\ufeff")) is not None


def title_of(text: str) -> str:
    """Return a page's title, else its first heading, else its text, on one line."""
    page = text[:_MAX_LENGTH]
    for pattern in (_TITLE, _HEADING):
        if (found := pattern.search(page)) and (words := _words(found[1])):
            return words
    return _words(_INVISIBLE.sub(" ", page))[:200]


def _words(markup: str) -> str:
    return " ".join(html.unescape(_TAG.sub(" ", markup)).split())
