"""Family 2xx: does the page hold the fields of the layout, each with a value of its type?"""

import re
from collections.abc import Iterator
from datetime import date, datetime
from difflib import get_close_matches
from functools import partial
from operator import itemgetter

from qtgen.page import Page, Span, Value, file_name, seo_title, url
from qtgen.page.edits import TextEdit
from qtgen.page.fields import CONSTANTS, FIELDS, LAYOUT, ORDER, RELATED_MAX, SECTIONS, Kind, required_paths
from qtgen.validation.diagnostics import Severity
from qtgen.validation.rules.base import Example, Finding, PageFile, RuleFix, changing, rule

_FINE = Example()
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_EXPECTED = {
    Kind.TEXT: "text",
    Kind.INT: "a whole number",
    Kind.FLOAT: "a number",
    Kind.DATE: "a day, YYYY-MM-DD without quotes",
    Kind.FLAG: "True or False",
}


@rule(
    "QT201",
    "missing-key",
    Severity.ERROR,
    bad=Example("author: QuickTakes\n", ""),
    good=Example("score: -1.0\n", ""),
    odd_pages_only=True,
    fix="safe",
)
def missing_key(file: PageFile) -> Iterator[Finding]:
    """A required key is not there; the place is the line before which it belongs.

    Why it is bad: the site's build crashes on a page without `answer` or `seo`; without the others it prints gaps.
    Fix: add the key, in the order of the layout (docs/page.md). `--fix` adds what follows from the other fields:
    fixed words, `article_title`, `question`, `seo.title`, `file_name` and `url`; safe.
    """
    page = file.page
    present = page.sections()
    for path in required_paths(present):
        section = FIELDS[path].section if path in FIELDS else ""
        within_nothing = section and (section not in present or section in page.values)
        if path in page.values or path in present or within_nothing:
            continue
        value = _derived(page).get(path)
        repair = changing(page, f"add `{path}`", {path: value}) if value else None
        yield Finding(f"`{path}` is missing; it belongs here", page.expected_span(path), path, repair)


def _derived(page: Page) -> dict[str, str]:
    """What a page says of itself already, by the fields that can be made from it."""
    made = dict(CONSTANTS)
    if title := page.text_of("title"):
        made |= {"article_title": title, "question": title, "file_name": file_name(title)}
    if subject := page.text_of("subject"):
        made |= {"seo.title": seo_title(subject)}
        if title:
            made |= {"url": url(subject, title)}
    return made


@rule("QT202", "unknown-key", Severity.ERROR, bad=Example("author:", "auther:"), good=_FINE, odd_pages_only=True)
def unknown_key(file: PageFile) -> Iterator[Finding]:
    """A key that the layout does not have.

    Why it is bad: nothing reads it; usually a known key is misspelt, and so missing.
    Fix: use the nearest known key, which the message names, or remove the line.
    """
    page = file.page
    for path in page.values:
        if path not in FIELDS and path not in SECTIONS:
            yield Finding(_unknown_message(path), page.key_span(path), path)


def _unknown_message(path: str) -> str:
    section, _, key = path.rpartition(".")
    if re.fullmatch(r"related_article\d+", path):
        return f"unknown key `{path}`: a page has at most {RELATED_MAX} related articles, numbered from 1"
    known = [f.key for f in FIELDS.values() if f.section == section] + ([] if section else list(SECTIONS))
    nearest = get_close_matches(key, known, n=1, cutoff=0.5)
    return f"unknown key `{path}`" + (f"; did you mean `{nearest[0]}`?" if nearest else "")


@rule(
    "QT203",
    "wrong-type",
    Severity.ERROR,
    bad=Example("id: 7", "id: seven"),
    good=Example("id: 7", "id: -7"),
    odd_pages_only=True,
)
def wrong_type(file: PageFile) -> Iterator[Finding]:
    """A value of another type than its field's.

    Why it is bad: `id: seven` or a quoted date reaches the site as a string where it computes with a number or day;
    an unquoted `yes` is a string for one reader and a truth value for another.
    Fix: write the value as docs/page.md shows it.
    """
    page = file.page
    for path, value in page.values.items():
        if path in SECTIONS:
            yield Finding(f"`{path}` must hold its fields on lines of their own", page.key_span(path), path)
        elif path in FIELDS and not _fits(FIELDS[path].kind, value):
            got = "nothing" if value is None else f"`{str(value)[:40]}` ({type(value).__name__})"
            yield Finding(f"`{path}` must be {_EXPECTED[FIELDS[path].kind]}, not {got}", page.span(path), path)


def _fits(kind: Kind, value: Value) -> bool:
    match kind:
        case Kind.TEXT:
            return isinstance(value, str)
        case Kind.FLAG:
            return isinstance(value, bool)
        case Kind.INT:
            return isinstance(value, int) and not isinstance(value, bool)
        case Kind.FLOAT:
            return isinstance(value, int | float) and not isinstance(value, bool)
        case Kind.DATE:
            impossible_day = isinstance(value, str) and _DATE.fullmatch(value) and not _is_day(value)
            return bool(impossible_day) or (isinstance(value, date) and not isinstance(value, datetime))


def _is_day(text: str) -> bool:
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
    good=_FINE,
    odd_pages_only=True,
    fix="safe",
)
def key_out_of_order(file: PageFile) -> Iterator[Finding]:
    """A known key stands behind one that the layout puts after it.

    Why it is bad: pages in one order make small diffs, and can be read by the fast scanner.
    Fix: move the line to its place (docs/page.md). `--fix` moves whole fields, their lines unchanged; safe, for the
    order means nothing to a reader.
    """
    page = file.page
    furthest = {"": ""}
    for path in page.key_spans or ():
        if path not in ORDER:
            continue
        section = path.rpartition(".")[0]
        before = furthest.get(section, "")
        if before and ORDER[path] < ORDER[before]:
            repair = partial(_in_order, page, section)
            yield Finding(f"`{path}` belongs before `{before}`", page.key_span(path), path, repair)
        else:
            furthest[section] = path


def _in_order(page: Page, section: str) -> RuleFix | None:
    """The fields of a section ("": of the page) in the layout's order; an unknown one stays where it is."""
    keys = page.key_spans or {}
    inside = [path for path in keys if path.rpartition(".")[0] == section]
    starts = [page.text.rfind("\n", 0, keys[path].start) + 1 for path in inside]
    if len(set(starts)) < len(starts) or page.problems:
        return None  # several on one line
    within_last = [path for path in keys if path == inside[-1] or path.startswith(f"{inside[-1]}.")]
    end = page.text.find("\n", max(max(keys[path].end, page.span(path).end) for path in within_last)) + 1
    rank, ranked = -1, []
    for path, start, stop in zip(inside, starts, [*starts[1:], end], strict=True):
        rank = ORDER.get(path, rank)
        ranked.append((rank, page.text[start:stop]))
    text = "".join(block for _, block in sorted(ranked, key=lambda pair: pair[0]))
    return RuleFix("put the fields in order", [TextEdit(Span(starts[0], end), text)])


_fixed_words = itemgetter(*CONSTANTS)
_FIXED_WORDS = tuple(CONSTANTS.values())


def _usual(file: PageFile) -> bool:
    """Whether fixed words, day and score are what they are on nearly every page."""
    values = file.page.values
    return _fixed_words(values) == _FIXED_WORDS and type(values["date"]) is date and values.get("score", -1.0) == -1.0


@rule(
    "QT205",
    "invalid-value",
    Severity.ERROR,
    bad=Example("date: 2026-01-31", "date: 2026-02-31"),
    good=Example("score: -1.0", "score: 0.75"),
    unless=_usual,
)
def invalid_value(file: PageFile) -> Iterator[Finding]:
    """The right type, but not a value that the field can have.

    Why it is bad: the site's reader turns an impossible day into another day without a word, an empty string prints
    as a gap, and a score outside its range sorts the page wrongly.
    Fix: a real calendar day; a score of -1.0 or from 0 to 1; the fixed words of `_schema`, `date_format`,
    `post_on_text` and `author`; some text.
    """
    page = file.page
    for path, constant in CONSTANTS.items():
        value = page.values.get(path, constant)
        if value != constant and isinstance(value, str) and value:
            yield Finding(f"`{path}` must be `{constant}`, not `{value[:40]}`", page.span(path), path)
    day = page.values.get("date")
    if isinstance(day, str) and _DATE.fullmatch(day) and not _is_day(day):
        yield Finding(f"there is no day {day}", page.span("date"), "date")
    score = page.values.get("score")
    if isinstance(score, int | float) and not (score == -1 or 0 <= score <= 1):
        yield Finding(f"`score` must be -1.0 or from 0 to 1, not {score}", page.span("score"), "score")
    if not page.canonical:  # the scanner knows no empty value
        for path, value in page.values.items():
            if value == "" and path in FIELDS:
                yield Finding(f"`{path}` is empty", page.key_span(path), path)


@rule(
    "QT206",
    "related-gap",
    Severity.ERROR,
    bad=Example("related_article1", "related_article2"),
    good=_FINE,
    odd_pages_only=True,
    fix="safe",
)
def related_gap(file: PageFile) -> Iterator[Finding]:
    """The related articles are not numbered 1, 2, 3 … without a gap.

    Why it is bad: other programs of the site stop at the first missing number, and the links behind it are lost.
    Fix: `--fix` numbers them again from 1; safe, for a reader sees the same links.
    """
    page = file.page
    present = [row.path for row in LAYOUT if row.path.startswith("related_") and row.path in page.sections()]
    for number, path in enumerate(present, 1):
        if path != f"related_article{number}":
            edits = [
                TextEdit(page.key_span(old), f"related_article{place}")
                for place, old in enumerate(present, 1)
                if old != f"related_article{place}"
            ]
            message = f"`{path}` stands where `related_article{number}` is due"
            yield Finding(message, page.key_span(path), path, partial(RuleFix, "number the links again", edits))
            return
