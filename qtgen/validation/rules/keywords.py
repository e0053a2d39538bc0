"""Family 6xx, keywords: does a list that a model writes have as many items as it should, each once?"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from qtgen.page import Page, Span
from qtgen.validation.diagnostics import Severity
from qtgen.validation.rules.content_words import separator_name
from qtgen.validation.rules.edits import change_fields, replace_parts
from qtgen.validation.rules.limit_examples import malformed_list
from qtgen.validation.rules.limits import ListLimit, has_lists, limits_of
from qtgen.validation.rules.registry import rule
from qtgen.validation.rules.types import Example, Finding, PageFile

if TYPE_CHECKING:
    from qtgen.validation.rules.file_columns import FileColumns


def _lists_well_formed(file: PageFile) -> bool:
    """Return whether the lists have as many items as they should, correctly separated, without repetitions."""
    values = file.page.values
    return all(_is_well_formed(str(values.get(items.limit.path)), items) for items in limits_of(file.page.layout).lists)


def _rows_with_malformed_lists(files: "FileColumns") -> Iterable[int]:
    """Return the pages whose lists may be malformed."""
    return {
        row
        for items in limits_of(files.layout).lists
        for row, text in enumerate(files.texts(items.limit.path))
        if not _is_well_formed(text, items)
    }


def _is_well_formed(text: str, items: ListLimit) -> bool:
    """Return whether a text has as many items as it should, correctly separated, without repetitions."""
    (_, least, most), separator, mark, _ = items
    if separator is None:
        return False
    words = text.lower().split(separator)
    number = len(words)
    return (
        least <= number <= most
        and text.count(mark) == number - 1
        and len({*words, ""}) > number
        and f" {mark}" not in text
        and ("  " not in text if text.isascii() and text.isprintable() else " ".join(text.split()) == text)
        and text == text.strip()
    )


@rule(
    "QT603",
    "keywords-malformed",
    Severity.WARNING,
    bad=malformed_list,
    good=Example("osmosis, membrane", "osmosis, semi-permeable membrane"),
    fix="safe",
    skip_if=_lists_well_formed,
    may_break=_rows_with_malformed_lists,
    applies=has_lists,
)
def keywords_malformed(file: PageFile) -> Iterator[Finding]:
    """The keywords are not {keywords_count}{keywords_separated}.

    Why it is bad: {keywords_split}
    Fix: `--fix` corrects the separators and removes empty and repeated keywords. This is safe because no keyword is
    lost. If there are too few or too many, choose them yourself.
    """
    for items in limits_of(file.page.layout).lists:
        yield from _separated(file, items) if items.separator is not None else _listed(file, items)


def _separated(file: PageFile, items: ListLimit) -> Iterator[Finding]:
    """Yield findings about the items of one text."""
    path, separator = items.limit.path, items.separator or ""
    text = file.page.text_of(path)
    if not text:
        return
    distinct = _distinct(text.split(items.mark))
    expected = separator.join(distinct)
    if expected and expected != text:
        description = f"separate different {items.noun}s by {separator_name(separator)}"
        fix = replace_parts(file.page, path, description, [(0, len(text), expected)])
        yield Finding(f"`{path}` is malformed; {description}", file.page.span(path), path, fix)
    yield from _number(file, items, len(distinct))


def _listed(file: PageFile, items: ListLimit) -> Iterator[Finding]:
    """Yield findings about the items of a list."""
    path = items.limit.path
    value = file.page.values.get(path)
    if not isinstance(value, list):
        return
    texts = [item for item in value if isinstance(item, str)]
    distinct = _distinct(texts)
    if len(texts) == len(value) and distinct != texts and distinct:
        seen: set[str] = set()
        first = next(index for index, text in enumerate(texts) if text != text.strip() or _is_seen(text, seen))
        description = f"write each {items.noun} once"
        fix = change_fields(file.page, description, {path: [*distinct]})
        yield Finding(f"`{path}` is malformed; {description}", _item_span(file.page, path, first), path, fix)
    yield from _number(file, items, len(distinct) + len(value) - len(texts))


def _is_seen(text: str, seen: set[str]) -> bool:
    """Return whether a text is empty or repeats one of `seen`, in any case. Add it to these."""
    word = text.lower()
    is_seen = not word or word in seen
    seen.add(word)
    return is_seen


def _item_span(page: Page, path: str, index: int) -> Span:
    """Return the span of an item of a list, or of the list if its items have no spans."""
    item = f"{path}.{index}"
    return page.span(item) if item in page.spans else page.span(path)


def _distinct(words: Iterable[str]) -> list[str]:
    """Return the words without empty ones and repetitions."""
    distinct: dict[str, str] = {}
    for word in map(str.strip, words):
        if word:
            distinct.setdefault(word.lower(), word)
    return [*distinct.values()]


def _number(file: PageFile, items: ListLimit, number: int) -> Iterator[Finding]:
    path, least, most = items.limit
    if not least <= number <= most:
        plural = "" if number == 1 else "s"
        message = f"`{path}` has {number} {items.noun}{plural}; write {items.limit.remedy}"
        yield Finding(message, file.page.span(path), path)
