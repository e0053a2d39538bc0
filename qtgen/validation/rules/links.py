"""Family 4xx: do the pages of the site agree with each other?"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from qtgen.page import Page, Value
from qtgen.page.fields import RELATED_MAX, SECTIONS
from qtgen.page.invisible import differing_characters, normalize
from qtgen.page.splicer import Changes
from qtgen.site.index import NO_ID, SiteIndex
from qtgen.site.similarity import near_duplicate_pairs
from qtgen.validation.diagnostics import Severity, printable
from qtgen.validation.rules.edits import change_fields
from qtgen.validation.rules.registry import site_rule
from qtgen.validation.rules.types import Example, FixFactory, SiteFinding

_NEAR_DUPLICATE = 0.8  # share of words that two questions have in common


def _link(id_: int, title: str, name: str) -> str:
    rest = f"    subject: Biology\n    url: /learn/biology/questions/{name}\n"
    return f"related_article1:\n    id: {id_}\n    title: >-\n        {title}\n{rest}"


_LINK = _link(8, "What is diffusion?", "what-is-diffusion")
_LINK_BACK = _link(7, "What is osmosis?", "what-is-osmosis")


def _remove_link(page: Page, path: str, *, safe: bool) -> FixFactory | None:
    """Return a fix that removes the link at `path` and moves those after it up, so that no number is missing."""
    number = int(path.removeprefix("related_article"))
    changes: dict[str, Value] = {}
    for slot in range(number, RELATED_MAX + 1):
        for field in SECTIONS[f"related_article{slot}"].fields:
            key = field.path.rpartition(".")[2]
            value = page.values.get(f"related_article{slot + 1}.{key}")
            if value is not None or field.path in page.values:
                changes[field.path] = value
    return change_fields(page, f"remove `{path}` and number the links from 1", changes, safe=safe)


def _remove_safely(page: Page, path: str, _: Page | None) -> FixFactory | None:
    return _remove_link(page, path, safe=True)


def _remove_unsafely(page: Page, path: str, _: Page | None) -> FixFactory | None:
    return _remove_link(page, path, safe=False)


def _copy_from_target(page: Page, path: str, target: Page | None) -> FixFactory | None:
    if target is None:
        return None
    changes: Changes = {
        f"{path}.{key}": target.values[key] for key in ("id", "title", "subject") if key in target.values
    }
    return change_fields(page, f"copy the target's id, title and subject to `{path}`", changes)


def _explain_difference(page: Page, path: str, target: Page) -> str | None:
    """Return a message that shows how title or subject differ from the target's, if they look the same."""
    for key in ("title", "subject"):
        here, there = page.text_of(f"{path}.{key}") or "", target.text_of(key) or ""
        if here == there:
            continue
        if normalize(here) != normalize(there):
            return None
        message = f"`{key}` looks like the target's, but differs: it has {{}} where the target has {{}}"
        return message.format(*differing_characters(here, there)) + "; copy it from the target"
    return None


@site_rule(
    "QT401",
    "duplicate-url",
    Severity.ERROR,
    bad=Example("\nurl: /learn/biology/questions/what-is-osmosis", "\nurl: /learn/biology/questions/what-is-diffusion"),
)
def duplicate_url(site: SiteIndex) -> Iterator[SiteFinding]:
    """Several pages have the same `url`.

    Why it is bad: a page is identified by its url. The site shows only one of the pages.
    Fix: usually one page is a copy of another; remove it. No automatic fix: only a person knows which one to keep.
    """
    urls, by_url = site.urls, site.row_by_url
    if len(by_url) < len(site.page_rows):
        shared = {urls[row] for row in site.page_rows if by_url[urls[row]] != row}
        rows = [row for row in site.page_rows if urls[row] in shared]
        yield SiteFinding("another page has the same `url`; remove one of them", rows)


@site_rule("QT402", "shared-id", Severity.WARNING, bad=Example("id: 7\n", "id: 8\n"))
def shared_id(site: SiteIndex) -> Iterator[SiteFinding]:
    """Several pages have the same `id`.

    Why it is bad: a program that looks up a page by its id can find any of them. Usually the same question was
    published under two subjects.
    Fix: remove all but one of the pages, or give each its own id. No automatic fix: other systems may know the id.
    """
    ids = [site.ids[row] for row in site.page_rows]
    shared = {number: count for number, count in Counter(ids).items() if count > 1 and number != NO_ID}
    rows_by_count: dict[int, list[int]] = defaultdict(list)
    for row, number in zip(site.page_rows, ids, strict=True):
        if number in shared:
            rows_by_count[shared[number]].append(row)
    for count, rows in rows_by_count.items():
        yield SiteFinding(f"{count} pages have this `id`; give each its own", rows, "id")


@site_rule(
    "QT403",
    "dangling-link",
    Severity.ERROR,
    bad=Example("questions/what-is-diffusion", "questions/what-is-confusion"),
    fix="unsafe",
    fix_link=_remove_unsafely,
)
def dangling_link(site: SiteIndex) -> Iterator[SiteFinding]:
    """No page has the `url` of a related article.

    Why it is bad: a reader who follows the link gets an error page.
    Fix: link to another page. `--fix --unsafe` removes the link and numbers the others from 1. This is unsafe because
    the target may exist outside the pages that were checked.
    """
    rows = [row for row, target in zip(site.link_rows, site.link_targets, strict=True) if target < 0]
    yield SiteFinding("no page has this `url`; link to another page", rows)


@site_rule(
    "QT404",
    "link-id-mismatch",
    Severity.ERROR,
    bad=Example("id: 8", "id: 9"),
    fix="safe",
    fix_link=_copy_from_target,
)
def link_id_mismatch(site: SiteIndex) -> Iterator[SiteFinding]:
    """A related article's `id` is not the id of the page with its `url`.

    Why it is bad: readers follow a link by its url, and statistics count it by its id, so another page is counted.
    Fix: copy the target's id. `--fix` copies it. This is safe because the link leads to the same page as before.
    """
    yield SiteFinding("`id` differs from the target's; copy the target's `id`", _differing(site, site.ids), "id")


@site_rule(
    "QT405",
    "link-title-mismatch",
    Severity.ERROR,
    bad=Example("        What is diffusion?", "        What is confusion?"),
    fix="safe",
    fix_link=_copy_from_target,
    explain_link=_explain_difference,
)
def link_title_mismatch(site: SiteIndex) -> Iterator[SiteFinding]:
    """A related article's `title` or `subject` differs from that of the page with its `url`.

    Why it is bad: a reader clicks on one question and gets another.
    Fix: copy the target's title and subject. `--fix` copies them. This is safe because the link leads to the same page
    as before.
    """
    message = "`title` or `subject` differs from the target's; copy both from the target"
    yield SiteFinding(message, _differing(site, site.titles), "title")


def _differing(site: SiteIndex, column: Sequence[int]) -> list[int]:
    """Return the rows of links whose number in `column` differs from that of their target."""
    pairs = zip(site.link_rows, site.link_targets, strict=True)
    return [row for row, target in pairs if column[row] != column[target] and target >= 0 and column[target] != NO_ID]


@site_rule(
    "QT406",
    "link-to-no-index",
    Severity.WARNING,
    bad=Example(neighbour=("answer:", "no_index: True\nanswer:")),
    fix="unsafe",
    fix_link=_remove_unsafely,
)
def link_to_no_index(site: SiteIndex) -> Iterator[SiteFinding]:
    """A related article is a page with `no_index`.

    Why it is bad: a page that search engines should not show should not be recommended either.
    Fix: link to another page. `--fix --unsafe` removes the link. This is unsafe because a reader loses it.
    """
    hidden = {site.row_by_url[site.urls[row]] for row in site.page_rows if site.is_hidden(row)}
    if hidden:
        rows = [row for row, target in zip(site.link_rows, site.link_targets, strict=True) if target in hidden]
        yield SiteFinding("the page with this `url` has `no_index`; link to another page", rows)


@site_rule(
    "QT407",
    "link-to-self",
    Severity.ERROR,
    bad=Example(_LINK, _LINK_BACK),
    fix="safe",
    fix_link=_remove_safely,
)
def link_to_self(site: SiteIndex) -> Iterator[SiteFinding]:
    """A page links to itself as a related article.

    Why it is bad: a reader who clicks on the link sees the same page again.
    Fix: `--fix` removes the link and numbers the others from 1. This is safe because a reader loses no page.
    """
    yield SiteFinding("this is the page's own `url`; link to another page", sorted(site.self_links))


@site_rule(
    "QT408",
    "repeated-link",
    Severity.WARNING,
    bad=Example(_LINK, _LINK + _LINK.replace("article1", "article2")),
    fix="safe",
    fix_link=_remove_safely,
)
def repeated_link(site: SiteIndex) -> Iterator[SiteFinding]:
    """A page links to the same related article twice.

    Why it is bad: the repeated link uses one of five slots.
    Fix: `--fix` removes the second link and numbers the others from 1. This is safe because a reader loses no page.
    """
    repeated: list[int] = []
    for start, end in site.row_ranges():
        links = site.urls[start + 1 : end]
        if len(set(links)) < len(links):
            repeated += (start + 1 + index for index, url in enumerate(links) if url in links[:index])
    yield SiteFinding("an earlier related article has the same `url`; remove this one", repeated)


@site_rule("QT409", "orphan-page", Severity.INFO, bad=Example(neighbour=(_LINK_BACK, "")))
def orphan_page(site: SiteIndex) -> Iterator[SiteFinding]:
    """No other page links to this one as a related article.

    Why it is bad: readers and search engines find the page only in lists.
    Fix: add the page to the related articles of a similar page. No automatic fix.
    """
    links = zip(site.link_rows, site.link_targets, strict=True)
    linked_rows = {target for row, target in links if row not in site.self_links}
    linked_urls = {site.urls[row] for row in linked_rows if row >= 0}
    orphans = [row for row in site.page_rows if site.urls[row] not in linked_urls]
    yield SiteFinding("no page links to this `url`; link to it from a similar page", orphans)


@site_rule(
    "QT410",
    "near-duplicate-question",
    Severity.WARNING,
    bad=Example(
        "What is osmosis?", "What is the osmosis of water?", neighbour=("What is diffusion?", "What is water osmosis?")
    ),
    on_request=True,
)
def near_duplicate_question(site: SiteIndex) -> Iterator[SiteFinding]:
    """Two pages ask nearly the same question: at least 80% of their words are the same, apart from stop words.

    Why it is bad: the two pages compete in search results.
    Fix: keep the better page. No automatic fix. The rule runs only if you select it (`--select QT410`), because it
    reads the words of every question. It finds pairs by their rarest words instead of comparing all pages.
    """
    for pair in near_duplicate_pairs(site.question_words, _NEAR_DUPLICATE):
        first, second = pair if site.selected is None or pair[1] < site.selected else reversed(pair)
        message = "`title` is nearly the question of {other}; keep one of the pages"
        yield SiteFinding(message, [site.starts[second]], "title", first)


@site_rule("QT411", "case-only-twin", Severity.ERROR, bad=Example(path="outputs/biology/What-is-diffusion.md"))
def case_only_twin(site: SiteIndex) -> Iterator[SiteFinding]:
    """The name of the file or of its folder differs from another name only in case.

    Why it is bad: on Windows and macOS, both names are the same file. Git checks out only one of the two, and an edit
    there overwrites the other page. Therefore it is an error.
    Fix: rename the one whose name is not a slug, or remove it if it is a copy. No automatic fix, because `--fix` does
    not rename files. If folders differ, the first page of each is reported.
    """
    for twin in site.names.twins():
        what = f"the folder `{twin.name}`" if twin.is_folder else "the name of the file"
        message = printable(f"{what} differs from `{twin.other}` only in case; rename one of them")
        yield SiteFinding(message, [site.starts[twin.page]], "file_name")
