"""Family 2xx: does the page have the fields of the layout, each with a valid value?"""

import re
from collections.abc import Iterator
from datetime import date, datetime
from functools import partial
from itertools import islice
from operator import itemgetter

from qtgen.page import Page, Span, Value, file_name, seo_title, url
from qtgen.page.edits import TextEdit
from qtgen.page.fields import CONSTANTS, FIELDS, LAYOUT, ORDER, RELATED_MAX, SECTIONS, required_paths
from qtgen.page.profile import Kind
from qtgen.validation.diagnostics import Severity
from qtgen.validation.rules.edits import change_fields
from qtgen.validation.rules.registry import rule
from qtgen.validation.rules.types import Example, Finding, PageFile, RuleFix

_UNKNOWN_KEYS_MAX = 200  # that are compared with the known ones; a hostile page could have tens of thousands
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_EXPECTED = {
    Kind.TEXT: "text",
    Kind.INT: "a whole number",
    Kind.FLOAT: "a number",
    Kind.DATE: "a date, YYYY-MM-DD without quotes",
    Kind.BOOL: "True or False",
}


@rule(
    "QT201",
    "missing-key",
    Severity.ERROR,
    bad=Example("author: QuickTakes\n", ""),
    good=Example("score: -1.0\n", ""),
    noncanonical_only=True,
    fix="safe",
)
def missing_key(file: PageFile) -> Iterator[Finding]:
    """A required key is missing. The position is the line that the key belongs above.

    Why it is bad: the site's build crashes on a page without `answer` or `seo`. Other missing keys leave gaps.
    Fix: add the key, in the order of the layout (`qtgen schema`). `--fix` adds keys whose values follow from other
    fields: the constants, `article_title`, `question`, `seo.title`, `file_name` and `url`. This is safe. A key that is
    only misspelled is not added; correct its name.
    """
    page = file.page
    present = page.sections()
    unknown = islice(filter(_is_unknown, page.values), _UNKNOWN_KEYS_MAX)
    misspelled = {_nearest_key(path) for path in unknown}
    for path in required_paths(present):
        section = FIELDS[path].section if path in FIELDS else ""
        section_has_no_fields = section and (section not in present or section in page.values)
        if path in page.values or path in present or section_has_no_fields:
            continue
        value = None if path in misspelled else _derived_values(page).get(path)
        fix = change_fields(page, f"add `{path}`", {path: value}) if value else None
        yield Finding(f"`{path}` is missing; add it here", page.expected_span(path), path, fix)


def _derived_values(page: Page) -> dict[str, str]:
    """Return the fields that other fields of the page determine."""
    derived = dict(CONSTANTS)
    if title := page.text_of("title"):
        derived |= {"article_title": title, "question": title, "file_name": file_name(title)}
    if subject := page.text_of("subject"):
        derived |= {"seo.title": seo_title(subject)}
        if title:
            derived |= {"url": url(subject, title)}
    return derived


@rule("QT202", "unknown-key", Severity.ERROR, bad=Example("author:", "auther:"), noncanonical_only=True)
def unknown_key(file: PageFile) -> Iterator[Finding]:
    """A key is not in the layout.

    Why it is bad: nothing reads it. It is usually a misspelled key, so the correct key is missing.
    Fix: use the known key that the message suggests, or remove the line.
    """
    page = file.page
    for path in page.values:
        if _is_unknown(path):
            yield Finding(_unknown_message(page, path), page.key_span(path), path)


def _is_unknown(path: str) -> bool:
    return path not in FIELDS and path not in SECTIONS


def _unknown_message(page: Page, path: str) -> str:
    if re.fullmatch(r"related_article\d+", path):
        return f"unknown key `{path}`; a page has at most {RELATED_MAX} related articles, numbered from 1"
    nearest = _nearest_key(path)
    if nearest is None:
        return f"unknown key `{path}`; remove it"
    if nearest in page.values:
        return f"unknown key `{path}`; remove it, because the page has `{nearest.rpartition('.')[2]}`"
    return f"unknown key `{path}`; did you mean `{nearest.rpartition('.')[2]}`?"


def _nearest_key(path: str) -> str | None:
    """Return the path of the known key in the same section that an unknown key is most like, or None."""
    from difflib import get_close_matches  # rarely needed, and slow to import

    section, _, key = path.rpartition(".")
    siblings = [field.key for field in FIELDS.values() if field.section == section]
    known = siblings + ([] if section else list(SECTIONS))
    nearest = get_close_matches(key, known, n=1, cutoff=0.5)
    return f"{section}.{nearest[0]}".lstrip(".") if nearest else None


@rule(
    "QT203",
    "wrong-type",
    Severity.ERROR,
    bad=Example("id: 7", "id: seven"),
    good=Example("id: 7", "id: -7"),
    noncanonical_only=True,
)
def wrong_type(file: PageFile) -> Iterator[Finding]:
    """A value does not have the type of its field.

    Why it is bad: the site computes with numbers and dates, but `id: seven` or a quoted date is a string.
    An unquoted `yes` is a string for one YAML reader and a boolean for another.
    Fix: write the value in the form that docs/reference/page.md shows.
    """
    page = file.page
    for path, value in page.values.items():
        if path in SECTIONS:
            message = f"`{path}` must be a mapping; write its fields on lines of their own"
            yield Finding(message, page.key_span(path), path)
        elif path in FIELDS and not _has_type(FIELDS[path].kind, value):
            actual = "empty" if value is None else f"`{str(value)[:40]}` ({type(value).__name__})"
            yield Finding(f"`{path}` must be {_EXPECTED[FIELDS[path].kind]}, not {actual}", page.span(path), path)


def _has_type(kind: Kind, value: Value) -> bool:
    match kind:
        case Kind.TEXT:
            return isinstance(value, str)
        case Kind.BOOL:
            return isinstance(value, bool)
        case Kind.INT:
            return isinstance(value, int) and not isinstance(value, bool)
        case Kind.FLOAT:
            return isinstance(value, int | float) and not isinstance(value, bool)
        case Kind.DATE:
            # An impossible date is read as a string; QT205 reports it.
            impossible = isinstance(value, str) and _DATE.fullmatch(value) and not _is_date(value)
            return bool(impossible) or (isinstance(value, date) and not isinstance(value, datetime))
        case _:
            return True


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


@rule(
    "QT204",
    "key-out-of-order",
    Severity.WARNING,
    bad=Example("_schema: default\nid: 7\n", "id: 7\n_schema: default\n"),
    noncanonical_only=True,
    fix="safe",
)
def key_out_of_order(file: PageFile) -> Iterator[Finding]:
    """A known key comes after a key that the layout puts later.

    Why it is bad: keys in a fixed order keep diffs small, and let qtgen read the page with its fast scanner.
    Fix: move the line to its place (`qtgen schema`). `--fix` moves whole fields and leaves their lines unchanged. This
    is safe because readers do not see the order.
    """
    page = file.page
    latest = {"": ""}  # by section, the key that the layout puts last so far
    for path in page.key_spans or ():
        if path not in ORDER:
            continue
        section = path.rpartition(".")[0]
        before = latest.get(section, "")
        if before and ORDER[path] < ORDER[before]:
            fix = partial(_sort_keys, page, section)
            yield Finding(f"`{path}` is out of order; move it above `{before}`", page.key_span(path), path, fix)
        else:
            latest[section] = path


def _sort_keys(page: Page, section: str) -> RuleFix | None:
    """Return a fix that sorts the fields of a section ("" is the page itself). An unknown field stays behind the same
    known one. There is no fix if several fields share a line."""
    keys = page.key_spans or {}
    paths = [path for path in keys if path.rpartition(".")[0] == section]
    starts = [page.text.rfind("\n", 0, keys[path].start) + 1 for path in paths]
    if len(set(starts)) < len(starts) or page.problems:
        return None
    last_field = [path for path in keys if path == paths[-1] or path.startswith(f"{paths[-1]}.")]
    end = page.text.find("\n", max(max(keys[path].end, page.span(path).end) for path in last_field)) + 1
    rank, ranked_blocks = -1, []
    for path, start, stop in zip(paths, starts, [*starts[1:], end], strict=True):
        rank = ORDER.get(path, rank)
        ranked_blocks.append((rank, page.text[start:stop]))
    text = "".join(block for _, block in sorted(ranked_blocks, key=itemgetter(0)))
    return RuleFix("sort the fields", [TextEdit(Span(starts[0], end), text)])


_constants_of = itemgetter(*CONSTANTS)
_CONSTANT_VALUES = tuple(CONSTANTS.values())


def _has_usual_values(file: PageFile) -> bool:
    """Return whether the constants, the date and the score are what they are on nearly every page."""
    values = file.page.values
    constants_right = _constants_of(values) == _CONSTANT_VALUES
    return constants_right and type(values["date"]) is date and values.get("score", -1.0) == -1.0


@rule(
    "QT205",
    "invalid-value",
    Severity.ERROR,
    bad=Example("date: 2026-01-31", "date: 2026-02-31"),
    good=Example("score: -1.0", "score: 0.75"),
    skip_if=_has_usual_values,
)
def invalid_value(file: PageFile) -> Iterator[Finding]:
    """A value has the right type but is not allowed in its field.

    Why it is bad: the site's YAML reader silently turns an impossible date into another one. An empty string leaves a
    gap on the page, and a score out of range sorts the page wrongly.
    Fix: correct the value. A date must be a calendar date, and a score must be -1.0 or from 0 to 1. `_schema`,
    `date_format`, `post_on_text` and `author` must have their constant values. Other texts must not be empty.
    """
    page = file.page
    for path, constant in CONSTANTS.items():
        value = page.values.get(path, constant)
        if value != constant and isinstance(value, str) and value:
            yield Finding(f"`{path}` must be `{constant}`, not `{value[:40]}`", page.span(path), path)
    day = page.values.get("date")
    if isinstance(day, str) and _DATE.fullmatch(day) and not _is_date(day):
        yield Finding(f"`date` must be a calendar date; {day} does not exist", page.span("date"), "date")
    score = page.values.get("score")
    if isinstance(score, int | float) and not (score == -1 or 0 <= score <= 1):
        yield Finding(f"`score` must be -1.0 or from 0 to 1, not {score}", page.span("score"), "score")
    if not page.canonical:  # the scanner accepts no empty value
        for path, value in page.values.items():
            if value == "" and path in FIELDS:
                yield Finding(f"`{path}` is empty; write its value", page.key_span(path), path)


@rule(
    "QT206",
    "related-gap",
    Severity.ERROR,
    bad=Example("related_article1", "related_article2"),
    noncanonical_only=True,
    fix="safe",
)
def related_gap(file: PageFile) -> Iterator[Finding]:
    """The related articles are not numbered 1, 2, 3 … without a gap.

    Why it is bad: other programs of the site stop at the first missing number, and ignore the links after it.
    Fix: `--fix` numbers them from 1. This is safe because a reader sees the same links.
    """
    page = file.page
    present = [row.path for row in LAYOUT if row.path.startswith("related_") and row.path in page.sections()]
    for number, path in enumerate(present, 1):
        if path != f"related_article{number}":
            edits = [
                TextEdit(page.key_span(old), f"related_article{new_number}")
                for new_number, old in enumerate(present, 1)
                if old != f"related_article{new_number}"
            ]
            message = f"`{path}` follows a gap; number it `related_article{number}`"
            yield Finding(message, page.key_span(path), path, partial(RuleFix, "number the links from 1", edits))
            return
