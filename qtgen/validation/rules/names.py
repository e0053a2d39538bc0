"""Family 3xx: do the title, the subject, and the names derived from them agree?"""

from collections.abc import Iterator

from qtgen.page import file_name, seo_title, slug, url
from qtgen.validation.diagnostics import Severity
from qtgen.validation.rules.base import Example, Finding, PageFile, changing, rule

_FINE = Example()


def _all_agree(file: PageFile) -> bool:
    """Whether none of these rules can object."""
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
    unless=_all_agree,
)
def title_mismatch(file: PageFile) -> Iterator[Finding]:
    """`title`, `article_title` and `question` are not the same string.

    Why it is bad: the list, the page and the search result show three different questions.
    Fix: decide which is right and copy it. `--fix --unsafe` copies `title` where the file's own name comes from it;
    unsafe, for another may be the better question.
    """
    page = file.page
    title = page.text_of("title")
    for path in ("article_title", "question"):
        other = page.text_of(path)
        if title and other and other != title:
            named_so = file.name == file_name(title)
            repair = changing(page, "copy `title`", {path: title}, safe=False) if named_so else None
            yield Finding(f"`{path}` differs from `title`", page.span(path), path, repair)


@rule(
    "QT302",
    "file-name-mismatch",
    Severity.ERROR,
    bad=Example("file_name: what-is", "file_name: what-was"),
    good=_FINE,
    fix="safe",
    unless=_all_agree,
)
def file_name_mismatch(file: PageFile) -> Iterator[Finding]:
    """`file_name`, the slug of the title and the file's own name are not the same.

    Why it is bad: the editor saves under one name while links and the url name another.
    Fix: `slug(title)` + `.md` for all three; slug keeps a-z, 0-9 and hyphens for spaces. `--fix` writes
    `file_name` where the file has that name already; safe. It renames no file.
    """
    page = file.page
    title, name = page.text_of("title"), page.text_of("file_name")
    if not title:
        return
    wanted = file_name(title)
    if name and name != wanted:
        repair = changing(page, f"write `{wanted}`", {"file_name": wanted}) if file.name == wanted else None
        yield Finding(f"`file_name` must be `{wanted}`, from the title", page.span("file_name"), "file_name", repair)
    elif file.name != wanted:
        yield Finding(
            f"the file is named `{file.name}`, its title makes `{wanted}`", page.span("file_name"), "file_name"
        )


@rule(
    "QT303",
    "url-mismatch",
    Severity.ERROR,
    bad=Example("url: /learn/biology/questions/what-is-osmosis", "url: /x"),
    good=_FINE,
    fix="unsafe",
    unless=_all_agree,
)
def url_mismatch(file: PageFile) -> Iterator[Finding]:
    """`url` is not `/learn/` + slug of the subject + `/questions/` + slug of the title.

    Why it is bad: the url is the key of a page; links, the sitemap and search engines look for another.
    Fix: as the message says. `--fix --unsafe` writes it; unsafe, for other pages may link to the url that stands there.
    """
    page = file.page
    title, subject, found = page.text_of("title"), page.text_of("subject"), page.text_of("url")
    if title and subject and found and found != (wanted := url(subject, title)):
        repair = changing(page, f"write `{wanted}`", {"url": wanted}, safe=False)
        yield Finding(f"`url` must be `{wanted}`", page.span("url"), "url", repair)


@rule(
    "QT304",
    "wrong-folder",
    Severity.ERROR,
    bad=Example(path="outputs/physics/what-is-osmosis.md"),
    good=_FINE,
    unless=_all_agree,
)
def wrong_folder(file: PageFile) -> Iterator[Finding]:
    """The file does not lie in the folder of its subject.

    Why it is bad: the site builds the page under the folder's path, not under the url it names.
    Fix: move the file to the folder that is the slug of its subject.
    """
    subject = file.page.text_of("subject")
    if subject and file.folder != slug(subject):
        message = f"the file lies in `{file.folder}`, its subject belongs in `{slug(subject)}`"
        yield Finding(message, file.page.span("subject"), "subject")


@rule(
    "QT305",
    "seo-title-mismatch",
    Severity.ERROR,
    bad=Example("QuickTakes | Bio", "Bio"),
    good=_FINE,
    fix="safe",
    unless=_all_agree,
)
def seo_title_mismatch(file: PageFile) -> Iterator[Finding]:
    """`seo.title` is not `QuickTakes | ` + subject.

    Why it is bad: search results show the page under the wrong heading.
    Fix: as the message says; `--fix` writes it, safe, for it follows from the subject.
    """
    page = file.page
    subject, found = page.text_of("subject"), page.text_of("seo.title")
    if subject and found and found != (wanted := seo_title(subject)):
        repair = changing(page, f"write `{wanted}`", {"seo.title": wanted})
        yield Finding(f"`seo.title` must be `{wanted}`", page.span("seo.title"), "seo.title", repair)
