"""Family 1xx: is this text a page at all?"""

import re
from collections.abc import Iterator
from functools import partial

from qtgen.page.document import BODY, Span
from qtgen.page.edits import TextEdit
from qtgen.page.reader import MAX_BYTES
from qtgen.validation.diagnostics import Severity
from qtgen.validation.rules.base import Example, Finding, PageFile, RuleFix, rule

_FINE = Example()


def _problems(file: PageFile, kind: str) -> Iterator[Finding]:
    for problem in file.page.problems:
        if problem.kind == kind:
            yield Finding(problem.message, problem.span, problem.field)


@rule(
    "QT101",
    "invalid-yaml",
    Severity.ERROR,
    bad=Example("title: >-\n    What is osmosis?\narticle", "title: Osmosis: what is it?\narticle"),
    good=Example("What is osmosis?", "Osmosis: what is it?", path="outputs/biology/osmosis-what-is-it.md"),
    odd_pages_only=True,
)
def invalid_yaml(file: PageFile) -> Iterator[Finding]:
    """The front matter is not YAML, or not a mapping.

    Why it is bad: the site's build stops at the first page it cannot parse.
    Fix: usually a colon followed by a space in a title that is written plain; write it folded (`>-`).
    """
    return _problems(file, "invalid-yaml")


@rule(
    "QT102",
    "missing-front-matter",
    Severity.ERROR,
    bad=Example("---\n_schema", "_schema"),
    good=_FINE,
    odd_pages_only=True,
)
def missing_front_matter(file: PageFile) -> Iterator[Finding]:
    """No `---` on the first line, or none that closes the front matter.

    Why it is bad: the site takes the whole file for the body and has no title, answer or url to show.
    Fix: begin the file with `---` and close the front matter with `---` on a line of its own.
    """
    return _problems(file, "missing-front-matter")


@rule(
    "QT103", "duplicate-key", Severity.ERROR, bad=Example("id: 7\n", "id: 7\nid: 8\n"), good=_FINE, odd_pages_only=True
)
def duplicate_key(file: PageFile) -> Iterator[Finding]:
    """A key stands twice in one mapping.

    Why it is bad: the site's reader (js-yaml) refuses such a page, while Python's silently takes the last.
    Fix: remove one of the two.
    """
    return _problems(file, "duplicate-key")


@rule(
    "QT104",
    "unsafe-yaml",
    Severity.ERROR,
    bad=Example("author: QuickTakes", "author: &me QuickTakes"),
    good=_FINE,
    odd_pages_only=True,
)
def unsafe_yaml(file: PageFile) -> Iterator[Finding]:
    """An anchor, an alias, a tag or a merge key.

    Why it is bad: they can construct objects or grow without bound, and no page needs them. Nothing is constructed
    before this is checked.
    Fix: write the value out; a text that begins with `&`, `*` or `!` is written folded (`>-`).
    """
    return _problems(file, "unsafe-yaml")


@rule(
    "QT105",
    "invalid-text",
    Severity.ERROR,
    bad=Example("---\n_schema", "\ufeff---\n_schema"),
    good=_FINE,
    odd_pages_only=True,
    fix="safe",
)
def invalid_text(file: PageFile) -> Iterator[Finding]:
    """Not UTF-8, or a byte-order mark, carriage return, tab, control or non-character.

    Why it is bad: the front matter is not recognised behind a byte-order mark, other readers break lines at other
    characters, and an invisible one in a url makes a dead link.
    Fix: save as UTF-8 without a byte-order mark, with line feeds only; remove the character. `--fix` removes a
    byte-order mark and makes line feeds of carriage returns; safe, for a reader sees neither.
    """
    for finding in _problems(file, "invalid-text"):
        repair = _line_feeds_only(file.page.text, finding.span.start)
        yield finding._replace(repair=repair and partial(RuleFix, *repair))


def _line_feeds_only(text: str, at: int) -> tuple[str, list[TextEdit]] | None:
    if text[at : at + 1] == "\ufeff":
        return ("remove the byte-order mark", [TextEdit(Span(at, at + 1), "")]) if at == 0 else None
    if text[at : at + 1] == "\r":
        edits = [TextEdit(Span(*found.span()), "\n") for found in re.finditer("\r\n?", text)]
        return "end lines with line feeds", edits
    return None


@rule(
    "QT106",
    "unexpected-body",
    Severity.WARNING,
    bad=Example("\n&nbsp;", "\n&nbsp;\n"),
    good=_FINE,
    fix="safe",
    unless=lambda file: file.page.style.body == BODY,
)
def unexpected_body(file: PageFile) -> Iterator[Finding]:
    """The body is something other than `&nbsp;` behind a blank line.

    Why it is bad: the site shows `answer`; whatever stands in the body is printed a second time below it, or lost.
    Fix: move the text into `answer`, and let the file end `---`, a blank line, `&nbsp;`. `--fix` ends the file so; safe
    where nothing but spaces goes, else it takes `--unsafe`, for the text is lost.
    """
    page = file.page
    if page.style.body != BODY and page.complete:
        start = len(page.text) - len(page.style.body)
        place = Span(start, len(page.text))
        safe = page.style.body.strip() in ("", "&nbsp;")
        repair = partial(RuleFix, "end with a blank line and `&nbsp;`", [TextEdit(place, BODY)], safe)
        near = page.style.body.strip() == "&nbsp;"
        message = "the file must end in a blank line and `&nbsp;`, with" + (
            "out a line break behind it" if near else " nothing else"
        )
        yield Finding(message, place, None, repair)


@rule("QT107", "too-large", Severity.ERROR, bad=Example(raw=b"x" * (MAX_BYTES + 1)), good=_FINE, odd_pages_only=True)
def too_large(file: PageFile) -> Iterator[Finding]:
    """The file is over 1 MiB. It is not read further.

    Why it is bad: the largest live page has 5,000 characters of answer; this is no page.
    Fix: look at what was written into it.
    """
    return _problems(file, "too-large")


@rule("QT108", "unreadable-file", Severity.ERROR, bad=Example(raw=b""), good=_FINE, odd_pages_only=True)
def unreadable_file(file: PageFile) -> Iterator[Finding]:
    """The file cannot be opened, or nothing is in it.

    Why it is bad: a page that cannot be read was not checked, and the site's build will stop at it.
    Fix: give read permission, mend the link, or remove the empty file.
    """
    return _problems(file, "unreadable-file")
