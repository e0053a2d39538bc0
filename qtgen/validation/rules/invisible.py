"""Family 1xx: characters that readers do not see."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from qtgen._util.text import enumeration
from qtgen.page import Page
from qtgen.page.invisible import CLASS, INVISIBLE, Invisible, Visibility, code_point, find_invisible, without_invisible
from qtgen.validation.diagnostics import Severity
from qtgen.validation.rules.edits import change_fields, replace_parts, span_within
from qtgen.validation.rules.registry import rule
from qtgen.validation.rules.types import Example, Finding, FixFactory, PageFile

if TYPE_CHECKING:
    from qtgen.validation.rules.file_columns import FileColumns

_NAMED_MAX = 3
_OVERRIDES = frozenset("\u202d\u202e")
_MARKDOWN = frozenset("*_~$`|#<>[]\\&{}^")  # removing a character beside one of these can change what the site shows
_BLOCK_MARKS = frozenset("-+=.)")  # these count only at the beginning of a line


def _has_only_ascii_names(file: PageFile) -> bool:
    """Return whether no text that the pattern does not search can contain an invisible character.

    A page in the canonical layout has no lists.
    """
    if file.page.text.isascii():
        return True
    searched = file.page.layout.model_fields
    values = file.page.values.items()
    return not any(isinstance(value, str) and not value.isascii() and path not in searched for path, value in values)


def _rows_with_invisible_names(files: "FileColumns") -> Iterable[int]:
    """Return the pages with an invisible character and a text that the pattern does not search and is not ASCII.

    Most texts outside ASCII are titles with an apostrophe such as `’`, so the second condition alone selects too many.
    """
    rows = files.rows_with_unsearched_characters()
    return [row for row in rows if INVISIBLE.search(files.columns.text(row))]


@rule(
    "QT109",
    "invisible-character",
    Severity.WARNING,
    bad=Example("Osmosis moves", "Os\u200bmosis moves"),
    good=Example("Osmosis moves", "Osmosis (\u0646\u0641\u0648\u0630\u200c\u067e\u0630\u06cc\u0631\u06cc) moves"),
    fix="safe",
    skip_if=_has_only_ascii_names,
    may_break=_rows_with_invisible_names,
    patterns=(CLASS,),
)
def invisible_character(file: PageFile) -> Iterator[Finding]:
    """A text contains a character that readers do not see, or U+FFFD, which stands for a lost character.

    The invisible characters are, among others, the zero-width space (U+200B), the word joiner (U+2060), the soft hyphen
    (U+00AD), tags, and the characters that change the direction of text (U+202A to U+202E, U+2066 to U+2069).

    Why it is bad: searches do not find the words, and titles that look the same differ. Characters that change the
    direction show the text in another order than programs read it. U+FFFD shows that a letter was lost.
    Fix: remove the characters. `--fix` does so. The fix is unsafe beside marks of Markdown, because their meaning could
    change, and for U+202D and U+202E, because the order of what readers see could change. U+FFFC and U+FFFD have no
    automatic fix: write the character that was lost.
    Not reported: joiners and variation selectors in emoji and between letters of scripts that need them, direction
    marks in texts with right-to-left letters, zero-width spaces in scripts without spaces, and soft hyphens in words
    of at least 20 letters, which break there at the end of a line.
    Precision: no finding on 9,923 live pages. One of them has soft hyphens, in a chemical name of 39 letters.
    """
    for path, value in file.page.values.items():
        if isinstance(value, str) and not value.isascii():
            yield from _findings(file.page, path, value)
        elif isinstance(value, list):
            yield from _findings_in_list(file.page, path, value)


def _findings(page: Page, path: str, value: str) -> Iterator[Finding]:
    by_kind: dict[Visibility, list[Invisible]] = {}
    for found in find_invisible(value):
        by_kind.setdefault(found.kind, []).append(found)
    for kind, places in by_kind.items():
        span = span_within(page, path, places[0].offset, places[0].offset + 1)
        names = _names(places)
        if kind is Visibility.LOST:
            yield Finding(f"`{path}` contains {names}; write the character that was lost", span, path)
        else:
            sort = (
                "invisible characters" if kind is Visibility.HIDDEN else "characters that change the text's direction"
            )
            yield Finding(
                f"`{path}` contains {sort} ({names}); remove them", span, path, _fix(page, path, value, places)
            )


def _findings_in_list(page: Page, path: str, items: list[object]) -> Iterator[Finding]:
    """Yield a finding for each item of a list with such characters. The fix removes those that are not seen."""
    for number, item in enumerate(items):
        places = [*find_invisible(item)] if isinstance(item, str) else []
        if not places:
            continue
        is_lost = any(place.kind is Visibility.LOST for place in places)
        changed = [without_invisible(other) if isinstance(other, str) else other for other in items]
        safe = not any(place.char in _OVERRIDES for place in places)
        fix = change_fields(page, "remove the invisible characters", {path: changed}, safe=safe)
        item_path = f"{path}.{number}"
        span = page.span(item_path if item_path in page.spans else path)
        remedy = "write the character that was lost" if is_lost else "remove them"
        yield Finding(f"`{path}` contains {_names(places)}; {remedy}", span, path, None if is_lost else fix)


def _names(places: list[Invisible]) -> str:
    """Return `U+200B zero width space (2 times) and U+00AD soft hyphen`."""
    counts = Counter(place.char for place in places)
    names = [
        code_point(char) + (f" ({count:,} times)" if count > 1 else "")
        for char, count in counts.most_common(_NAMED_MAX)
    ]
    others = len(counts) - len(names)
    return enumeration([*names, *([f"{others:,} more"] if others else [])])


def _fix(page: Page, path: str, value: str, places: list[Invisible]) -> FixFactory:
    is_answer = path == page.layout.roles.answer
    text = page.layout.codec.expand(value) if is_answer else value
    changes_order = any(place.char in _OVERRIDES for place in places)
    changes_markdown = is_answer and any(_is_beside_markdown(text, place.offset) for place in places)
    replacements = [(place.offset, place.offset + 1, "") for place in places]
    safe = not (changes_order or changes_markdown)
    return replace_parts(page, path, "remove the invisible characters", replacements, safe=safe)


def _is_beside_markdown(text: str, offset: int) -> bool:
    """Return whether the text could get another meaning in Markdown if the character at `offset` was not there."""
    before, after = text[max(0, offset - 1) : offset], text[offset + 1 : offset + 2]
    if before in _MARKDOWN or after in _MARKDOWN:
        return True
    line_start = max(text.rfind("\n", max(0, offset - 20), offset) + 1, offset - 20, 0)
    is_in_marker = not any(char.isalpha() for char in text[line_start:offset])
    return is_in_marker and (not after.isalpha() or before in _BLOCK_MARKS)
