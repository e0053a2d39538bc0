"""Family 4xx: do the pages of the site agree with each other?"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from qtgen.page import Page, Value
from qtgen.page.fields import RELATED_MAX, SECTIONS
from qtgen.page.splicer import Changes
from qtgen.site.index import NO_ID, SiteIndex
from qtgen.site.similarity import near_duplicate_pairs
from qtgen.validation.diagnostics import Severity
from qtgen.validation.rules.base import Example, FixFactory, SiteFinding, changing, site_rule

_FINE = Example()


def _link(id_: int, title: str, name: str) -> str:
    place = f"    subject: Biology\n    url: /learn/biology/questions/{name}\n"
    return f"related_article1:\n    id: {id_}\n    title: >-\n        {title}\n{place}"


_LINK = _link(8, "What is diffusion?", "what-is-diffusion")
_BACK = _link(7, "What is osmosis?", "what-is-osmosis")


def _removed(page: Page, path: str, safe: bool) -> FixFactory | None:
    """Without the link at `path`; those behind it move up, so that no number is missing."""
    number = int(path.removeprefix("related_article"))
    changes: dict[str, Value] = {}
    for place in range(number, RELATED_MAX + 1):
        for field in SECTIONS[f"related_article{place}"].fields:
            key = field.path.rpartition(".")[2]
            value = page.values.get(f"related_article{place + 1}.{key}")
            if value is not None or field.path in page.values:
                changes[field.path] = value
    return changing(page, f"remove {path} and number the links again", changes, safe=safe)


def _remove_safely(page: Page, path: str, _: Page | None) -> FixFactory | None:
    return _removed(page, path, safe=True)


def _remove(page: Page, path: str, _: Page | None) -> FixFactory | None:
    return _removed(page, path, safe=False)


def _copy_from_target(page: Page, path: str, target: Page | None) -> FixFactory | None:
    if target is None:
        return None
    changes: Changes = {
        f"{path}.{key}": target.values[key] for key in ("id", "title", "subject") if key in target.values
    }
    return changing(page, f"{path}: id, title and subject of its target", changes)


@site_rule(
    "QT401",
    "duplicate-url",
    Severity.ERROR,
    bad=Example("\nurl: /learn/biology/questions/what-is-osmosis", "\nurl: /learn/biology/questions/what-is-diffusion"),
    good=_FINE,
)
def duplicate_url(site: SiteIndex) -> Iterator[SiteFinding]:
    """Two pages have the same `url`.

    Why it is bad: the url is the key of a page; one of the two is never seen, and links lead to either.
    Fix: usually a copy of one page under another name: remove it. No automatic fix: only a person knows which to keep.
    """
    urls, by_url = site.urls, site.row_by_url
    if len(by_url) < len(site.page_rows):
        second = {urls[row] for row in site.page_rows if by_url[urls[row]] != row}
        yield SiteFinding("another page has this `url` too", [row for row in site.page_rows if urls[row] in second])


@site_rule("QT402", "shared-id", Severity.WARNING, bad=Example("id: 7\n", "id: 8\n"), good=_FINE)
def shared_id(site: SiteIndex) -> Iterator[SiteFinding]:
    """Two pages have the same `id`.

    Why it is bad: whatever looks a page up by its id finds one of them at random. Usually the same question was posted
    under two subjects.
    Fix: remove one of the pages, or give it an id of its own. No automatic fix: other systems may know the id.
    """
    ids = [site.ids[row] for row in site.page_rows]
    shared = {number: count for number, count in Counter(ids).items() if count > 1 and number != NO_ID}
    of_count: dict[int, list[int]] = defaultdict(list)
    for row, number in zip(site.page_rows, ids, strict=True):
        if number in shared:
            of_count[shared[number]].append(row)
    for count, rows in of_count.items():
        yield SiteFinding(f"{count} pages have this `id`", rows, "id")


@site_rule(
    "QT403",
    "dangling-link",
    Severity.ERROR,
    bad=Example("questions/what-is-diffusion", "questions/what-is-confusion"),
    good=_FINE,
    fix="unsafe",
    repair=_remove,
)
def dangling_link(site: SiteIndex) -> Iterator[SiteFinding]:
    """A related article's `url` is no page's.

    Why it is bad: the reader who follows it meets an error page.
    Fix: name another page. `--fix --unsafe` removes the link and numbers the others again; unsafe, for the target may
    only be missing from what was checked.
    """
    rows = [row for row, target in zip(site.link_rows, site.link_targets, strict=True) if target < 0]
    yield SiteFinding("no page has this url", rows)


@site_rule(
    "QT404",
    "link-id-mismatch",
    Severity.ERROR,
    bad=Example("id: 8", "id: 9"),
    good=_FINE,
    fix="safe",
    repair=_copy_from_target,
)
def link_id_mismatch(site: SiteIndex) -> Iterator[SiteFinding]:
    """A related article's `id` is not that of the page its `url` names.

    Why it is bad: the link is followed by url, and counted by id: two pages get what belongs to one.
    Fix: the id of the target; `--fix` copies it, and that is safe: the link leads where it led.
    """
    yield SiteFinding("the page that this leads to has another `id`", _differing(site, site.ids), "id")


@site_rule(
    "QT405",
    "link-title-mismatch",
    Severity.ERROR,
    bad=Example("        What is diffusion?", "        What is confusion?"),
    good=_FINE,
    fix="safe",
    repair=_copy_from_target,
)
def link_title_mismatch(site: SiteIndex) -> Iterator[SiteFinding]:
    """A related article's `title` or `subject` is not that of the page its `url` names.

    Why it is bad: the reader clicks on one question and gets another.
    Fix: title and subject of the target; `--fix` copies them, and that is safe: the link leads where it led.
    """
    message = "the page that this leads to has another `title` or `subject`"
    yield SiteFinding(message, _differing(site, site.titles), "title")


def _differing(site: SiteIndex, column: Sequence[int]) -> list[int]:
    """The links whose number in a column is not that of the page they lead to."""
    pairs = zip(site.link_rows, site.link_targets, strict=True)
    return [row for row, target in pairs if column[row] != column[target] and target >= 0 and column[target] != NO_ID]


@site_rule(
    "QT406",
    "link-to-no-index",
    Severity.WARNING,
    bad=Example(neighbour=("answer:", "no_index: True\nanswer:")),
    good=_FINE,
    fix="unsafe",
    repair=_remove,
)
def link_to_no_index(site: SiteIndex) -> Iterator[SiteFinding]:
    """A related article is a page that says `no_index`.

    Why it is bad: a page that is not good enough to be found should not be recommended either.
    Fix: name another page. `--fix --unsafe` removes the link; unsafe, for a reader loses it.
    """
    hidden = {site.row_by_url[site.urls[row]] for row in site.page_rows if site.is_hidden(row)}
    if hidden:
        rows = [row for row, target in zip(site.link_rows, site.link_targets, strict=True) if target in hidden]
        yield SiteFinding("the page at this url says `no_index`", rows)


@site_rule(
    "QT407", "link-to-self", Severity.ERROR, bad=Example(_LINK, _BACK), good=_FINE, fix="safe", repair=_remove_safely
)
def link_to_self(site: SiteIndex) -> Iterator[SiteFinding]:
    """A page names itself as a related article.

    Why it is bad: the reader who clicks it sees the same page again.
    Fix: `--fix` removes the link and numbers the others again; safe, for nobody loses a page by it.
    """
    yield SiteFinding("this is the page's own url", sorted(site.self_links))


@site_rule(
    "QT408",
    "repeated-link",
    Severity.WARNING,
    bad=Example(_LINK, _LINK + _LINK.replace("article1", "article2")),
    good=_FINE,
    fix="safe",
    repair=_remove_safely,
)
def repeated_link(site: SiteIndex) -> Iterator[SiteFinding]:
    """A page names the same related article twice.

    Why it is bad: one of five places is wasted.
    Fix: `--fix` removes the second and numbers the others again; safe, for nobody loses a page by it.
    """
    repeated: list[int] = []
    for start, end in site.row_ranges():
        links = site.urls[start + 1 : end]
        if len(set(links)) < len(links):
            repeated += (start + 1 + at for at, url in enumerate(links) if url in links[:at])
    yield SiteFinding("this page is linked to already", repeated)


@site_rule("QT409", "orphan-page", Severity.INFO, bad=Example(neighbour=(_BACK, "")), good=_FINE)
def orphan_page(site: SiteIndex) -> Iterator[SiteFinding]:
    """No other page names this one as a related article.

    Why it is bad: readers and search engines find it only through lists.
    Fix: name it as a related article of a page near to it. No automatic fix.
    """
    links = zip(site.link_rows, site.link_targets, strict=True)
    from_others = {target for row, target in links if row not in site.self_links}
    linked = {site.urls[row] for row in from_others if row >= 0}
    yield SiteFinding("no page links to this one", [row for row in site.page_rows if site.urls[row] not in linked])


@site_rule(
    "QT410",
    "near-duplicate-question",
    Severity.WARNING,
    bad=Example(
        "What is osmosis?", "What is the osmosis of water?", neighbour=("What is diffusion?", "What is water osmosis?")
    ),
    good=_FINE,
    on_request=True,
)
def near_duplicate_question(site: SiteIndex) -> Iterator[SiteFinding]:
    """Two pages ask nearly the same question: their words, without the small ones, overlap by 80% or more.

    Why it is bad: the two compete with each other in search results, and one of them was paid for twice.
    Fix: keep the better one. No automatic fix. Runs only when it is selected (`--select QT410`), for it reads every
    question's words; pairs are found by their rarest words, not by comparing all with all.
    """
    for pair in near_duplicate_pairs(site.question_words, 0.8):
        first, second = pair if site.selected is None or pair[1] < site.selected else reversed(pair)
        yield SiteFinding("nearly the question of {other}", [site.starts[second]], "title", first)
