"""Family 1xx: can the file be read as a page?"""

import re
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from qtgen.page.document import Span
from qtgen.page.edits import TextEdit
from qtgen.page.reader import MAX_BYTES
from qtgen.validation.diagnostics import Severity
from qtgen.validation.rules.placeholders import PLACEHOLDERS
from qtgen.validation.rules.registry import rule
from qtgen.validation.rules.types import Example, Finding, PageFile, RuleFix

if TYPE_CHECKING:
    from qtgen.validation.rules.example import ExampleSite


def _problems(file: PageFile, kind: str) -> Iterator[Finding]:
    for problem in file.page.problems:
        if problem.kind == kind:
            yield Finding(problem.message, problem.span, problem.field)


def _colon_in_plain_title(site: "ExampleSite") -> Example:
    key = site.layout.roles.question
    return site.rewrite(key, f"{key.rpartition('.')[2]}: Osmosis: what is it?\n")


def _repeated_key(site: "ExampleSite") -> Example:
    path = site.layout.roles.id or next(path for path in site.page.values if "." not in path)
    lines = site.lines_of(path)
    other = lines.replace(str(site.page.values[path]), str(site.neighbour_page.values[path]))
    return site.rewrite(path, lines + other)


def _anchor(site: "ExampleSite") -> Example:
    constants = [path for path, value in site.layout.constants.items() if isinstance(value, str) and "." not in path]
    path = constants[-1] if constants else site.layout.roles.question
    return site.rewrite(path, f"{path.rpartition('.')[2]}: &me {site.page.values[path]}\n")


def _describe_body(body: str) -> str:
    """Return the text that must follow the front matter."""
    text = f"`{body.strip()}`" if body.strip() else "nothing"
    return f"a blank line and {text}" if body.startswith("\n") and body.strip() else text


PLACEHOLDERS["body"] = lambda layout: _describe_body(layout.body or "")


@rule(
    "QT101",
    "invalid-yaml",
    Severity.ERROR,
    bad=_colon_in_plain_title,
    good=lambda site: site.with_question("Osmosis: what is it?"),
    noncanonical_only=True,
)
def invalid_yaml(file: PageFile) -> Iterator[Finding]:
    """The front matter is not valid YAML, or is not a mapping.

    Why it is bad: the site's build stops at the first page that it cannot parse.
    Fix: the usual cause is a colon followed by a space in a plain title. Write the title as a folded scalar (`>-`).
    """
    return _problems(file, "invalid-yaml")


@rule(
    "QT102",
    "missing-front-matter",
    Severity.ERROR,
    bad=lambda site: Example(text=site.text.removeprefix("---\n")),
    noncanonical_only=True,
)
def missing_front_matter(file: PageFile) -> Iterator[Finding]:
    """The first line is not `---`, or no later `---` closes the front matter.

    Why it is bad: the site reads the whole file as the body, and has no {question}, answer or {key} to show.
    Fix: begin the file with `---`, and close the front matter with the line `---`.
    """
    return _problems(file, "missing-front-matter")


@rule("QT103", "duplicate-key", Severity.ERROR, bad=_repeated_key, noncanonical_only=True)
def duplicate_key(file: PageFile) -> Iterator[Finding]:
    """A mapping has the same key twice.

    Why it is bad: the site's YAML reader (js-yaml) rejects the page. PyYAML silently keeps the last value.
    Fix: remove one of the two keys.
    """
    return _problems(file, "duplicate-key")


@rule(
    "QT104",
    "unsafe-yaml",
    Severity.ERROR,
    bad=_anchor,
    noncanonical_only=True,
)
def unsafe_yaml(file: PageFile) -> Iterator[Finding]:
    """The front matter has an anchor, an alias, a tag or a merge key.

    Why it is bad: these can construct objects or grow without limit, and no page needs them. qtgen constructs no
    object before this check.
    Fix: write the value itself. Write a text that begins with `&`, `*` or `!` as a folded scalar (`>-`).
    """
    return _problems(file, "unsafe-yaml")


@rule(
    "QT105",
    "invalid-text",
    Severity.ERROR,
    bad=lambda site: Example(text=f"\ufeff{site.text}"),
    noncanonical_only=True,
    fix="safe",
)
def invalid_text(file: PageFile) -> Iterator[Finding]:
    """The file is not UTF-8, or has a byte-order mark, carriage return, tab, control character or noncharacter.

    Why it is bad: the front matter is not recognized after a byte-order mark. Some readers break lines at other
    characters. An invisible character in a url makes a broken link.
    Fix: save the file as UTF-8 without a byte-order mark and with line feeds only, and remove the character. `--fix`
    removes a byte-order mark and replaces carriage returns with line feeds. This is safe because neither is visible.
    """
    for finding in _problems(file, "invalid-text"):
        fix = _normalize_text(file.page.text, finding.span.start)
        yield finding._replace(fix=fix and partial(RuleFix, *fix))


def _normalize_text(text: str, offset: int) -> tuple[str, list[TextEdit]] | None:
    """Return the description and the edits of a fix for the character at `offset`, if there is a fix."""
    if text[offset : offset + 1] == "\ufeff":
        return ("remove the byte-order mark", [TextEdit(Span(offset, offset + 1), "")]) if offset == 0 else None
    if text[offset : offset + 1] == "\r":
        edits = [TextEdit(Span(*line_end.span()), "\n") for line_end in re.finditer("\r\n?", text)]
        return "end lines with line feeds", edits
    return None


@rule(
    "QT106",
    "unexpected-body",
    Severity.WARNING,
    bad=lambda site: Example(text=f"{site.text}\n"),
    fix="safe",
    skip_if=lambda file: file.page.style.body is None,
    may_break=lambda _: (),  # columns have only pages with the usual body
    applies=lambda profile: any(isinstance(layout.body, str) for layout in profile.file.layout),
)
def unexpected_body(file: PageFile) -> Iterator[Finding]:
    """The body is not exactly {body}.

    Why it is bad: the site shows `{answer}`. It prints text in the body again below it, or loses it.
    Fix: move the text into `{answer}`, and end the file with `---`, {body}. `--fix` replaces the body.
    This is safe if it removes only white space. Otherwise it needs `--unsafe`, because it removes text.
    """
    page = file.page
    body = page.layout.body
    if page.style.body is None or body is None or not page.complete:
        return
    start = len(page.text) - len(page.style.body)
    span = Span(start, len(page.text))
    content = page.style.body.strip()
    is_safe, form = content in ("", body.strip()), _describe_body(body)
    fix = partial(RuleFix, f"end with {form}", [TextEdit(span, body)], safe=is_safe)
    remedy = (
        "remove the white space around it"
        if content == body.strip()
        else f"move any other text into `{page.layout.roles.answer or 'a field'}`"
    )
    message = f"the body must be {form}; {remedy}"
    yield Finding(message, span, None, fix, fix_safety="safe" if is_safe else "unsafe")


@rule("QT107", "too-large", Severity.ERROR, bad=Example(raw=b"x" * (MAX_BYTES + 1)), noncanonical_only=True)
def too_large(file: PageFile) -> Iterator[Finding]:
    """The file is larger than 1 MiB. qtgen does not read it.

    Why it is bad: the longest answer of a live page has 5,000 characters, so this file is not a page.
    Fix: check what was written to the file.
    """
    return _problems(file, "too-large")


@rule("QT108", "unreadable-file", Severity.ERROR, bad=Example(raw=b""), noncanonical_only=True)
def unreadable_file(file: PageFile) -> Iterator[Finding]:
    """The file cannot be opened, or is empty.

    Why it is bad: qtgen cannot check the page, and the site's build stops at it.
    Fix: grant read permission, correct the symbolic link, or remove the empty file.
    """
    return _problems(file, "unreadable-file")
