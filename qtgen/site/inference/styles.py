"""Infer how new pages write their values: as most pages do."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TypeVar

from qtgen.page.profile import Kind
from qtgen.site.inference.drafts import Draft, LayoutDraft
from qtgen.site.inference.observe import LongText, ObservedPage, Writing, generic

_T = TypeVar("_T")
_LOOKED_AT = 500  # values of a field whose paths are looked at
_TEXT_INDENT = 2
_SHARE = 0.5


def decide_styles(layout: LayoutDraft, writing: Writing) -> None:
    """Set the style of each field, and the columns of the keys and texts of each map."""
    column = _usual(writing.text_columns.get("")) or _TEXT_INDENT
    if column != _TEXT_INDENT:
        layout.settings["text_indent"] = column
    if quote := _usual(writing.quotes):
        layout.settings["quote"] = quote
    if _usual(writing.booleans) == "True":
        layout.settings["booleans"] = "True"
    _decide_fields(layout.fields, writing, 0)


def _decide_fields(drafts: Iterable[Draft], writing: Writing, column: int) -> None:
    """Set the styles of the fields whose keys are at a column, and of those inside them."""
    for draft in drafts:
        inner = column
        if draft.settings.get("type") == Kind.MAP and draft.fields:
            inner = _decide_columns(draft, writing, column)
        elif style := _style(draft, writing):
            draft.settings["style"] = style
        _decide_fields(draft.fields, writing, inner)


def _decide_columns(draft: Draft, writing: Writing, column: int) -> int:
    """Set how far the keys and the texts of a map are behind its own key. Return the column of its keys."""
    paths = _paths(draft)
    keys, texts = _usual(_sum(writing.columns, paths)), _usual(_sum(writing.text_columns, paths))
    if keys and not draft.in_list:
        draft.settings["indent"] = keys - column
    if texts and not draft.in_list:
        draft.settings["text_indent"] = texts - column
    return keys or column


def _style(draft: Draft, writing: Writing) -> str | None:
    """Return the style of a text that most pages do not write plain, or of a list."""
    counts = _sum(writing.styles, _paths(draft))
    possible = {Kind.TEXT: ("folded", "literal", "single", "double"), Kind.LIST: ("flow", "block")}
    allowed = possible.get(Kind(draft.kinds[0]), ())
    usual = _usual(counts)
    return usual if usual in allowed and counts[usual] >= _SHARE * counts.total() else None


def _paths(draft: Draft) -> set[str]:
    return {generic(value.path) for value in draft.values[:_LOOKED_AT]}


def _sum(counts: Mapping[str, "Counter[_T]"], paths: Iterable[str]) -> "Counter[_T]":
    total: Counter[_T] = Counter()
    for path in paths:
        total.update(counts.get(path, {}))
    return total


def _usual(counts: "Counter[_T] | None") -> _T | None:
    return counts.most_common(1)[0][0] if counts else None


# --- the text after the front matter, and what the renderer does ---------------------------------------------------

_EVERYWHERE = 0.2  # the share of pages with tags above which tags are part of the site
_SOME = 0.01  # the share of pages with formulas


def renderer_of(answers: Iterable[object]) -> dict[str, object]:
    """Return the settings of the renderer that the answers of a site show."""
    texts = [answer for answer in answers if isinstance(answer, LongText)]
    escaped = sum(text.escapes and not text.lines for text in texts)
    tags, math = sum(text.tags for text in texts), sum(text.math for text in texts)
    settings: dict[str, object] = {"newline": "\\n" if 2 * escaped > len(texts) else "real"}
    settings["math"] = ["$", "$$"] if texts and math >= _SOME * len(texts) else []
    settings["html"] = "off" if texts and tags >= _EVERYWHERE * len(texts) else "warn"
    return settings


def mean_length(pages: Iterable[ObservedPage]) -> float:
    """Return the mean length of the texts after the front matter."""
    lengths = [page.body.length if isinstance(page.body, LongText) else len(page.body.strip()) for page in pages]
    return sum(lengths) / max(1, len(lengths))
