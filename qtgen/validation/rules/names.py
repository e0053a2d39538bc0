"""Family 3xx: do the title, the subject, and the names that derive from them agree?"""

import re
from collections.abc import Iterator
from functools import lru_cache

from qtgen.page import file_name, seo_title, slug, url, windows_fault
from qtgen.validation.diagnostics import Severity
from qtgen.validation.rules.edits import change_fields
from qtgen.validation.rules.registry import rule
from qtgen.validation.rules.types import Example, Finding, PageFile

# Nearly all names are slugs, and the folder of a page is one of a few dozen.
_PORTABLE = re.compile(r"(?!(?:con|prn|aux|nul|com[1-9]|lpt[1-9])\.)[a-z0-9-]+\.md")


def _has_portable_name(file: PageFile) -> bool:
    return bool(_PORTABLE.fullmatch(file.name)) and not _folder_fault(file.folder)


@lru_cache
def _folder_fault(folder: str) -> str | None:
    return windows_fault(folder)


def _names_agree(file: PageFile) -> bool:
    """Return whether no rule of this family can report anything. All of them share this test."""
    values = file.page.values
    title, subject = str(values["title"]), str(values["subject"])
    return (
        title == values["article_title"] == values["question"]
        and values["file_name"] == file.name == file_name(title)
        and values["url"] == url(subject, title)
        and file.folder == slug(subject)
        and values["seo.title"] == seo_title(subject)
    )


@rule(
    "QT301",
    "title-mismatch",
    Severity.ERROR,
    bad=Example("question: >-\n    What is osmosis?", "question: >-\n    What's osmosis?"),
    good=Example("What is osmosis?", "What  is osmosis?", path="outputs/biology/what--is-osmosis.md"),
    fix="unsafe",
    skip_if=_names_agree,
)
def title_mismatch(file: PageFile) -> Iterator[Finding]:
    """`title`, `article_title` and `question` differ.

    Why it is bad: the list, the page and the search result show different questions.
    Fix: decide which one is correct, and copy it to the other two. If the file's name derives from `title`,
    `--fix --unsafe` copies `title`. This is unsafe because another one may be better.
    """
    page = file.page
    title = page.text_of("title")
    for path in ("article_title", "question"):
        other = page.text_of(path)
        if title and other and other != title:
            named_by_title = file.name == file_name(title)
            fix = change_fields(page, "copy `title`", {path: title}, safe=False) if named_by_title else None
            yield Finding(f"`{path}` differs from `title`; both must be the question", page.span(path), path, fix)


@rule(
    "QT302",
    "file-name-mismatch",
    Severity.ERROR,
    bad=Example("file_name: what-is", "file_name: what-was"),
    fix="safe",
    skip_if=_names_agree,
)
def file_name_mismatch(file: PageFile) -> Iterator[Finding]:
    """`file_name` and the file's own name are not the slug of the title followed by `.md`.

    Why it is bad: the editor saves the page under one name, but links and the url use another.
    Fix: use `slug(title)` + `.md` for both. A slug keeps letters from a to z and digits, and replaces spaces with
    hyphens.
    If the file already has that name, `--fix` writes `file_name`, which is safe. It does not rename files.
    """
    page = file.page
    title, name = page.text_of("title"), page.text_of("file_name")
    if not title:
        return
    expected = file_name(title)
    span = page.span("file_name")
    if name and name != expected:
        fix = change_fields(page, f"write `{expected}`", {"file_name": expected}) if file.name == expected else None
        yield Finding(f"`file_name` must be `{expected}`, the slug of `title`", span, "file_name", fix)
    elif file.name != expected:
        message = f"the file is named `{file.name}`; rename it to `{expected}`, the slug of `title`"
        yield Finding(message, span, "file_name")


@rule(
    "QT303",
    "url-mismatch",
    Severity.ERROR,
    bad=Example("url: /learn/biology/questions/what-is-osmosis", "url: /x"),
    fix="unsafe",
    skip_if=_names_agree,
)
def url_mismatch(file: PageFile) -> Iterator[Finding]:
    """`url` is not `/learn/`, the slug of the subject, `/questions/`, and the slug of the title.

    Why it is bad: a page is identified by its url. Links, the sitemap and search engines expect another one.
    Fix: write the url that the message shows. `--fix --unsafe` writes it. This is unsafe because other pages may link
    to the current url.
    """
    page = file.page
    title, subject, actual = page.text_of("title"), page.text_of("subject"), page.text_of("url")
    if title and subject and actual and actual != (expected := url(subject, title)):
        fix = change_fields(page, f"write `{expected}`", {"url": expected}, safe=False)
        yield Finding(f"`url` must be `{expected}`, from `subject` and `title`", page.span("url"), "url", fix)


@rule(
    "QT304",
    "wrong-folder",
    Severity.ERROR,
    bad=Example(path="outputs/physics/what-is-osmosis.md"),
    skip_if=_names_agree,
)
def wrong_folder(file: PageFile) -> Iterator[Finding]:
    """The file is not in the folder of its subject.

    Why it is bad: the site builds the page under the path of the folder, not under its `url`.
    Fix: move the file to the folder whose name is the slug of its subject.
    """
    subject = file.page.text_of("subject")
    if subject and file.folder != slug(subject):
        message = f"the file is in folder `{file.folder}`; its `subject` belongs in folder `{slug(subject)}`"
        yield Finding(message, file.page.span("subject"), "subject")


@rule(
    "QT305",
    "seo-title-mismatch",
    Severity.ERROR,
    bad=Example("QuickTakes | Bio", "Bio"),
    fix="safe",
    skip_if=_names_agree,
)
def seo_title_mismatch(file: PageFile) -> Iterator[Finding]:
    """`seo.title` is not `QuickTakes | ` followed by the subject.

    Why it is bad: search results show the page under the wrong heading.
    Fix: write the title that the message shows. `--fix` writes it. This is safe because it follows from `subject`.
    """
    page = file.page
    subject, actual = page.text_of("subject"), page.text_of("seo.title")
    if subject and actual and actual != (expected := seo_title(subject)):
        fix = change_fields(page, f"write `{expected}`", {"seo.title": expected})
        yield Finding(f"`seo.title` must be `{expected}`, from `subject`", page.span("seo.title"), "seo.title", fix)


@rule(
    "QT306",
    "reserved-name",
    Severity.ERROR,
    bad=Example("hat is osmosis", "on", path="outputs/biology/con.md"),
    skip_if=_has_portable_name,
)
def reserved_name(file: PageFile) -> Iterator[Finding]:
    """The file or its folder has a name that is impossible on Windows.

    These are the names of devices (`con`, `prn`, `aux`, `nul`, `com1` to `com9`, `lpt1` to `lpt9`) with any extension,
    names with one of the characters `< > : " | ? * \\`, and names that end in a dot or a space.

    Why it is bad: Git on Windows refuses to check out a branch with such a file. So one page keeps everybody on Windows
    from working on the site. Therefore it is an error.
    Fix: reword the question, because the file's name derives from it, and rename the file. No automatic fix: only a
    person can choose other words. `qtgen generate` never writes such a file.
    """
    for what, name in (("the file", file.name), ("its folder", file.folder)):
        if fault := windows_fault(name):
            message = f"{what} is named `{name}`, which {fault}, so it cannot exist on Windows; choose another name"
            yield Finding(message, file.page.span("file_name"), "file_name")
