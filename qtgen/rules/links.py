"""Family 4xx: do the pages of the site agree with each other?"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from qtgen.page import Page, Value
from qtgen.page.fields import RELATED_MAX, SECTIONS
from qtgen.page.splice import Changes
from qtgen.records import Severity
from qtgen.rules.base import Example, Mend, SiteFinding, changing, site_rule
from qtgen.rules.similar import near_duplicates
from qtgen.site import Site

_FINE = Example()


def _link(id_: int, title: str, name: str) -> str:
    place = f"    subject: Biology\n    url: /learn/biology/questions/{name}\n"
    return f"related_article1:\n    id: {id_}\n    title: >-\n        {title}\n{place}"


_LINK = _link(8, "What is diffusion?", "what-is-diffusion")
_BACK = _link(7, "What is osmosis?", "what-is-osmosis")


def _removed(page: Page, path: str, safe: bool) -> Mend | None:
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


def _remove_safely(page: Page, path: str, _: Page | None) -> Mend | None:
    return _removed(page, path, safe=True)


def _remove(page: Page, path: str, _: Page | None) -> Mend | None:
    return _removed(page, path, safe=False)


def _copy_from_target(page: Page, path: str, target: Page | None) -> Mend | None:
    if target is None:
        return None
    changes: Changes = {
        f"{path}.{key}": target.values[key] for key in ("id", "title", "subject") if key in target.values
    }
    return changing(page, f"{path}: id, title and subject of its target", changes)


def _objections(rows: Iterable[int], message: str, key: str = "url") -> Iterator[SiteFinding]:
    return (SiteFinding(message, row, key) for row in rows)


@site_rule(
    "QT401",
    "duplicate-url",
    Severity.ERROR,
    bad=Example("\nurl: /learn/biology/questions/what-is-osmosis", "\nurl: /learn/biology/questions/what-is-diffusion"),
    good=_FINE,
)
def duplicate_url(site: Site) -> Iterator[SiteFinding]:
    """Two pages have the same `url`.

    Why it is bad: the url is the key of a page; one of the two is never seen, and links lead to either.
    Fix: usually a copy of one page under another name: remove it. No automatic fix: only a person knows which to keep.
    """
    second = {site.urls[row] for row in site.pages() if site.by_url[site.urls[row]] != row}
    if second:
        rows = (row for row in site.pages() if site.urls[row] in second)
        yield from _objections(rows, "another page has this `url` too")


@site_rule("QT402", "shared-id", Severity.WARNING, bad=Example("id: 7\n", "id: 8\n"), good=_FINE)
def shared_id(site: Site) -> Iterator[SiteFinding]:
    """Two pages have the same `id`.

    Why it is bad: whatever looks a page up by its id finds one of them at random. Usually the same question was posted
    under two subjects.
    Fix: remove one of the pages, or give it an id of its own. No automatic fix: other systems may know the id.
    """
    count = Counter(site.ids[row] for row in site.pages())
    rows = (row for row in site.pages() if count[site.ids[row]] > 1)
    for row in rows:
        yield SiteFinding(f"{count[site.ids[row]]} pages have this `id`", row, "id")


@site_rule(
    "QT403",
    "dangling-link",
    Severity.ERROR,
    bad=Example("questions/what-is-diffusion", "questions/what-is-confusion"),
    good=_FINE,
    fix="unsafe",
    repair=_remove,
)
def dangling_link(site: Site) -> Iterator[SiteFinding]:
    """A related article's `url` is no page's.

    Why it is bad: the reader who follows it meets an error page.
    Fix: name another page. `--fix --unsafe` removes the link and numbers the others again; unsafe, for the target may
    only be missing from what was checked.
    """
    known = site.by_url
    yield from _objections((row for row, url in site.links() if url not in known), "no page has this url")


@site_rule(
    "QT404",
    "link-id-mismatch",
    Severity.ERROR,
    bad=Example("id: 8", "id: 9"),
    good=_FINE,
    fix="safe",
    repair=_copy_from_target,
)
def link_id_mismatch(site: Site) -> Iterator[SiteFinding]:
    """A related article's `id` is not that of the page its `url` names.

    Why it is bad: the link is followed by url, and counted by id: two pages get what belongs to one.
    Fix: the id of the target; `--fix` copies it, and that is safe: the link leads where it led.
    """
    yield from _objections(_differing(site, site.ids), "the page that this leads to has another `id`", "id")


@site_rule(
    "QT405",
    "link-title-mismatch",
    Severity.ERROR,
    bad=Example("        What is diffusion?", "        What is confusion?"),
    good=_FINE,
    fix="safe",
    repair=_copy_from_target,
)
def link_title_mismatch(site: Site) -> Iterator[SiteFinding]:
    """A related article's `title` or `subject` is not that of the page its `url` names.

    Why it is bad: the reader clicks on one question and gets another.
    Fix: title and subject of the target; `--fix` copies them, and that is safe: the link leads where it led.
    """
    message = "the page that this leads to has another `title` or `subject`"
    yield from _objections(_differing(site, site.texts), message, "title")


def _differing(site: Site, column: Sequence[int]) -> Iterator[int]:
    find = site.by_url.get
    for row, url in site.links():
        target = find(url)
        if target is not None and column[target] != column[row]:
            yield row


@site_rule(
    "QT406",
    "link-to-no-index",
    Severity.WARNING,
    bad=Example(neighbour=("answer:", "no_index: True\nanswer:")),
    good=_FINE,
    fix="unsafe",
    repair=_remove,
)
def link_to_no_index(site: Site) -> Iterator[SiteFinding]:
    """A related article is a page that says `no_index`.

    Why it is bad: a page that is not good enough to be found should not be recommended either.
    Fix: name another page. `--fix --unsafe` removes the link; unsafe, for a reader loses it.
    """
    hidden = {site.urls[row] for row in site.pages() if site.is_hidden(row)}
    if hidden:
        rows = (row for row, url in site.links() if url in hidden)
        yield from _objections(rows, "the page at this url says `no_index`")


@site_rule(
    "QT407", "link-to-self", Severity.ERROR, bad=Example(_LINK, _BACK), good=_FINE, fix="safe", repair=_remove_safely
)
def link_to_self(site: Site) -> Iterator[SiteFinding]:
    """A page names itself as a related article.

    Why it is bad: the reader who clicks it sees the same page again.
    Fix: `--fix` removes the link and numbers the others again; safe, for nobody loses a page by it.
    """
    own = 0
    starts = iter((*site.starts, len(site.urls)))
    begin = next(starts)
    for row, url in enumerate(site.urls):
        if row == begin:
            own, begin = url, next(starts)
        elif url == own:
            yield SiteFinding("this is the page's own url", row)


@site_rule(
    "QT408",
    "repeated-link",
    Severity.WARNING,
    bad=Example(_LINK, _LINK + _LINK.replace("article1", "article2")),
    good=_FINE,
    fix="safe",
    repair=_remove_safely,
)
def repeated_link(site: Site) -> Iterator[SiteFinding]:
    """A page names the same related article twice.

    Why it is bad: one of five places is wasted.
    Fix: `--fix` removes the second and numbers the others again; safe, for nobody loses a page by it.
    """
    for start, end in zip(site.starts, (*site.starts[1:], len(site.urls)), strict=True):
        links = site.urls[start + 1 : end]
        if len(set(links)) == len(links):
            continue
        seen: set[int] = set()
        for row, url in enumerate(links, start + 1):
            if url in seen:
                yield SiteFinding("this page is linked to already", row)
            seen.add(url)


@site_rule("QT409", "orphan-page", Severity.INFO, bad=Example(neighbour=(_BACK, "")), good=_FINE)
def orphan_page(site: Site) -> Iterator[SiteFinding]:
    """No other page names this one as a related article.

    Why it is bad: readers and search engines find it only through lists.
    Fix: `qtgen link` chooses related articles over the whole site, orphans first.
    """
    linked = {url for _, url in site.links()}
    yield from _objections((row for row in site.pages() if site.urls[row] not in linked), "no page links to this one")


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
def near_duplicate_question(site: Site) -> Iterator[SiteFinding]:
    """Two pages ask nearly the same question: their words, without the small ones, overlap by 80% or more.

    Why it is bad: the two compete with each other in search results, and one of them was paid for twice.
    Fix: keep the better one. No automatic fix. Runs only when it is selected (`--select QT410`), for it reads every
    question's words; pairs are found by their rarest words, not by comparing all with all.
    """
    for first, second in near_duplicates(site.words, 0.8):
        yield SiteFinding("nearly the question of {other}", site.starts[second], "title", first)
