"""What is wrong with a question or a subject as a text, and the list marks that do not belong to it."""

import re
from functools import lru_cache
from html import unescape

from qtgen._util.text import mask_unprintable
from qtgen.generation.residue import html_markup
from qtgen.page.invisible import Visibility, code_point, find_invisible
from qtgen.page.markdown import find_segments, mask_segments

# `1. `, `2) `, `1.) `, `1.2. `, `- `, `# `, `- [ ] ` and combinations, as lists are written, and `1.` directly before a
# word. `-5`, `1.5` and `#hashtag` are not marks.
_NUMBER = r"\(?\d{1,4}(?:\.\d{1,4}){0,3}(?:\.\)|[.)])"
_LIST_MARK = re.compile(
    rf"(?:(?:{_NUMBER}|[①-⑳]|\(?[a-zA-Z]\)|[-*+•‣▪●○◦·–—]|#{{1,6}}|\[[ xX]?\])(?:[ \t\u00a0]+|$)"
    r"|\d{1,3}[.)](?=[A-Z][a-z]))+"
)
# Spreadsheets write error values in the language of the reader: `#¡REF!`, `#ССЫЛКА!`, `#NOM ?`.
_ERROR_VALUE = re.compile(
    r"#(?:[¡¿]?[^\W_]+(?:[_/][^\W_]+)*[ \u00a0\u202f]?[!?]|[^\W_]/[^\W_]|NB|NV|GETTING_DATA|#+)|E[Rr][Rr]:\d{3}"
)
_DATE_OR_TIME = re.compile(r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?|\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?")
_EMPTY_WORD = re.compile(r"N/?A|n/?a|nan|NaN|NAN|[Nn]ull|NULL|[Nn]one|NONE|nil|NIL|<NA>|NaT|\((?:null|blank)\)")
_FORMULA = re.compile(r"=[A-Za-z$(\"'+@\[{-]")
_ENTITY = re.compile(r"&(?:[a-zA-Z][a-zA-Z0-9]{1,31}|#\d{1,7}|#[xX][0-9a-fA-F]{1,6});")
_SUSPECT = re.compile(r"[<&\ufffc\ufffd]|\A[#=E\d]|\A.{0,12}\Z")  # what a text with a fault matches
_ABOUT_ENTITIES = re.compile(r"\b(?:x?html5?|xml|entit(?:y|ies)|escap\w*|markup)\b", re.IGNORECASE)


def without_list_mark(text: str) -> str:
    """Return the text without the number, bullet or heading mark before it."""
    text = text.strip()
    mark = _LIST_MARK.match(text)
    return text[mark.end() :] if mark else text


def placeholder_fault(text: str) -> str | None:
    """Return what is wrong with a cell that a spreadsheet or a program filled without a text, or None."""
    text = text.strip()
    if _ERROR_VALUE.fullmatch(text) and (text[0] == "E" or text == text.upper()):
        return f"`{text[:40]}` is an error value of a spreadsheet; correct the formula, and save the file again"
    if _EMPTY_WORD.fullmatch(text):
        return f"`{mask_unprintable(text)}` stands for an empty cell; leave the cell empty, or write its text"
    if _DATE_OR_TIME.fullmatch(text) or text in ("TRUE", "FALSE", "True", "False"):
        return f"`{text}` is a value of a spreadsheet, not a text; check that each cell is in its column"
    if _FORMULA.match(text):
        return f"`{mask_unprintable(text[:40])}` is a formula, not its value; save the file again in the spreadsheet"
    return None


@lru_cache(maxsize=1024)  # subjects repeat
def title_fault(text: str) -> str | None:
    """Return what is wrong with a text that becomes a title or a subject, or None."""
    if not _SUSPECT.search(text):
        return None
    if fault := placeholder_fault(text):
        return fault
    if lost := next((found for found in find_invisible(text) if found.kind is Visibility.LOST), None):
        return f"contains {code_point(lost.char)}; write the character that was lost"
    if tag := next(html_markup(mask_segments(text, find_segments(text))), None):
        return f"contains HTML (`{mask_unprintable(tag[:40])}`); write plain text"
    return _entity_fault(text)


def _entity_fault(text: str) -> str | None:
    if _ABOUT_ENTITIES.search(text):
        return None
    for entity in _ENTITY.finditer(text):
        character = unescape(entity.group())
        if character != entity.group():
            shown = mask_unprintable(character)
            return f"contains the HTML entity `{entity.group()}`; write the character itself (`{shown}`)"
    return None
