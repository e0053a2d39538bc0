"""Family 4xx: do the pages of the site agree with each other?"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import compress
from operator import ne
from typing import TYPE_CHECKING

from qtgen.page import Page
from qtgen.page.compile import layouts_of
from qtgen.page.profile import Profile
from qtgen.site.index import NO_ID, NOT_COPIED, SiteIndex
from qtgen.site.values import place_pattern, value_fields
from qtgen.validation.diagnostics import Severity
from qtgen.validation.rules.link_fixes import copy_from_target, explain_difference, remove_link
from qtgen.validation.rules.registry import site_rule
from qtgen.validation.rules.types import Example, FixFactory, SiteFinding

if TYPE_CHECKING:
    from array import array

    from qtgen.validation.rules.example import ExampleSite


def _remove_safely(page: Page, path: str, _: Page | None) -> FixFactory | None:
    return remove_link(page, path, safe=True)


def _remove_unsafely(page: Page, path: str, _: Page | None) -> FixFactory | None:
    return remove_link(page, path, safe=False)


def _has_links(profile: Profile) -> bool:
    return any(layout.links and layout.roles.key for layout in layouts_of(profile))


def _has_references(profile: Profile) -> bool:
    return _has_links(profile) or bool(value_fields(profile).references)


def _copies_ids(profile: Profile) -> bool:
    return any(layout.links and "id" in layout.links.copies.values() for layout in layouts_of(profile))


def _copies_others(profile: Profile) -> bool:
    return any(layout.links and {*layout.links.copies.values()} - {"id"} for layout in layouts_of(profile))


def _has_hidden_targets(profile: Profile) -> bool:
    return _has_links(profile) and any(layout.roles.hidden for layout in layouts_of(profile))


def _shared_key(site: "ExampleSite") -> Example:
    return _with_value_of_neighbour(site, site.layout.roles.key or "")


def _common_id(site: "ExampleSite") -> Example:
    return _with_value_of_neighbour(site, site.layout.roles.id or "")


def _with_value_of_neighbour(site: "ExampleSite", path: str) -> Example:
    return site.change({path: site.neighbour_page.values[path]})


def _dangling(site: "ExampleSite") -> Example:
    if site.layout.links and site.layout.roles.key:
        key = site.link_target
        gone = str(site.neighbour_page.values[key])
        other = gone.replace("diffusion", "confusion") if "diffusion" in gone else f"{gone}-gone"
        return site.change_links({**site.neighbour_page.values, key: other})
    path = value_fields(site.profile).references[0][0]
    return site.change({path: site.as_value(path, "nowhere")})


def _other_id(site: "ExampleSite") -> Example:
    number = site.layout.roles.id or ""
    values = site.neighbour_page.values
    return site.change_links({**values, number: int(str(values[number])) + 1})


def _other_title(site: "ExampleSite") -> Example:
    values, links = site.neighbour_page.values, site.layout.links
    role = next((name for name in links.copies.values() if name != "id"), "question") if links else "question"
    path = getattr(site.layout.roles, role, None) or role
    other = str(values[path]).replace("diffusion", "confusion")
    return site.change_links({**values, path: other if other != values[path] else f"{other}s"})


def _hidden_target(site: "ExampleSite") -> Example:
    return site.change_neighbour({site.layout.roles.hidden or "": True})


def _unlinked(site: "ExampleSite") -> Example:
    return site.change_neighbour(site.link_changes(site.neighbour_page))


@site_rule(
    "QT401",
    "duplicate-url",
    Severity.ERROR,
    bad=_shared_key,
    applies=lambda profile: any(layout.roles.key for layout in layouts_of(profile)),
)
def duplicate_url(site: SiteIndex) -> Iterator[SiteFinding]:
    """Several pages have the same `{key}`.

    Why it is bad: a page is identified by its {key}. The site shows only one of the pages.
    Fix: usually one page is a copy of another; remove it. No automatic fix: only a person knows which one to keep.
    """
    urls, by_url = site.urls, site.row_by_url
    if len(by_url) < len(site.page_rows):
        shared = {urls[row] for row in site.page_rows if by_url[urls[row]] != row}
        rows = [row for row in site.page_rows if urls[row] in shared]
        yield SiteFinding("another page has the same `{key}`; remove one of them", rows)


@site_rule(
    "QT402",
    "shared-id",
    Severity.WARNING,
    bad=_common_id,
    applies=lambda profile: any(layout.roles.id for layout in layouts_of(profile)),
)
def shared_id(site: SiteIndex) -> Iterator[SiteFinding]:
    """Several pages have the same `{id}`.

    Why it is bad: a program that looks up a page by its {id} can find any of them. Usually the same question was
    published under two subjects.
    Fix: remove all but one of the pages, or give each its own {id}. No automatic fix: other systems may know the {id}.
    """
    ids = [site.ids[row] for row in site.page_rows]
    shared = {number: count for number, count in Counter(ids).items() if count > 1 and number != NO_ID}
    rows_by_count: dict[int, list[int]] = defaultdict(list)
    for row, number in zip(site.page_rows, ids, strict=True):
        if number in shared:
            rows_by_count[shared[number]].append(row)
    for count, rows in rows_by_count.items():
        yield SiteFinding(f"{count} pages have this `{{id}}`; give each its own", rows, "id")


@site_rule(
    "QT403",
    "dangling-link",
    Severity.ERROR,
    bad=_dangling,
    fix="unsafe",
    fix_link=_remove_unsafely,
    applies=_has_references,
)
def dangling_link(site: SiteIndex) -> Iterator[SiteFinding]:
    """No page has the `{link_key}` of {a_link}.

    Why it is bad: a reader who follows the link gets an error page.
    Fix: link to another page. `--fix --unsafe` removes the link and numbers the others from 1. This is unsafe because
    the target may exist outside the pages that were checked.
    """
    rows = [*compress(site.link_rows, map((-1).__eq__, site.link_targets))]
    yield SiteFinding("no page has this `{key}`; link to another page", rows)
    for path, target, item, pages in site.values.dangling() if site.values else ():
        message = f"no page has this value as its `{target}`; name another page"
        yield SiteFinding(message, [site.starts[page] for page in pages], place_pattern(path, item))


@site_rule(
    "QT404",
    "link-id-mismatch",
    Severity.ERROR,
    bad=_other_id,
    fix="safe",
    fix_link=copy_from_target,
    applies=_copies_ids,
)
def link_id_mismatch(site: SiteIndex) -> Iterator[SiteFinding]:
    """{A_link}'s `{link_id}` is not the {id} of the page with its `{link_key}`.

    Why it is bad: readers follow a link by its {key}, and statistics count it by its {id}, so another page is counted.
    Fix: copy the target's {id}. `--fix` copies it. This is safe because the link leads to the same page as before.
    """
    yield SiteFinding(
        "`{id}` differs from the target's; copy the target's `{target_id}`", _differing(site, site.ids), "id"
    )


@site_rule(
    "QT405",
    "link-title-mismatch",
    Severity.ERROR,
    bad=_other_title,
    fix="safe",
    fix_link=copy_from_target,
    explain_link=explain_difference,
    applies=_copies_others,
)
def link_title_mismatch(site: SiteIndex) -> Iterator[SiteFinding]:
    """{A_link}'s {copies} differs from that of the page with its `{link_key}`.

    Why it is bad: a reader clicks on one question and gets another.
    Fix: copy the target's {copied_words}. `--fix` copies them. This is safe because the link leads to the same page
    as before.
    """
    message = "{copies} differs from the target's; copy {all_copies} from the target"
    yield SiteFinding(message, _differing(site, site.titles), "question")


def _differing(site: SiteIndex, column: "array[int]") -> list[int]:
    """Return the rows of links whose number in `column` differs from that of their target."""
    targets = site.link_targets
    theirs = map(column.__getitem__, targets)  # for a link without a target, any number
    links = zip(site.link_rows, targets, strict=True)
    different = compress(links, map(ne, site.of_links(column), theirs))
    return [row for row, target in different if target >= 0 and column[target] != NO_ID and column[row] != NOT_COPIED]


@site_rule(
    "QT406",
    "link-to-no-index",
    Severity.WARNING,
    bad=_hidden_target,
    fix="unsafe",
    fix_link=_remove_unsafely,
    applies=_has_hidden_targets,
)
def link_to_no_index(site: SiteIndex) -> Iterator[SiteFinding]:
    """{A_link} is a page with `{hidden}`.

    Why it is bad: a page that search engines should not show should not be recommended either.
    Fix: link to another page. `--fix --unsafe` removes the link. This is unsafe because a reader loses it.
    """
    hidden = {site.row_by_url[site.urls[row]] for row in site.hidden_rows}
    if hidden:
        rows = [*compress(site.link_rows, map(hidden.__contains__, site.link_targets))]
        yield SiteFinding("the page with this `{key}` has `{target_hidden}`; link to another page", rows)


@site_rule(
    "QT407",
    "link-to-self",
    Severity.ERROR,
    bad=lambda site: site.change_links(site.page.values),
    fix="safe",
    fix_link=_remove_safely,
    applies=_has_links,
)
def link_to_self(site: SiteIndex) -> Iterator[SiteFinding]:
    """A page links to itself as {a_link}.

    Why it is bad: a reader who clicks on the link sees the same page again.
    Fix: `--fix` removes the link and numbers the others from 1. This is safe because a reader loses no page.
    """
    yield SiteFinding("this is the page's own `{key}`; link to another page", sorted(site.self_links))


@site_rule(
    "QT408",
    "repeated-link",
    Severity.WARNING,
    bad=lambda site: site.change_links(site.neighbour_page.values, site.neighbour_page.values),
    fix="safe",
    fix_link=_remove_safely,
    applies=_has_links,
)
def repeated_link(site: SiteIndex) -> Iterator[SiteFinding]:
    """A page links to the same {link} twice.

    Why it is bad: the repeated link uses one of {links_max_word} slots.
    Fix: `--fix` removes the second link and numbers the others from 1. This is safe because a reader loses no page.
    """
    repeated: list[int] = []
    for start, end in site.row_ranges():
        if end - start > 2:
            links = site.urls[start + 1 : end]
            if len(set(links)) < len(links):
                repeated += (start + 1 + index for index, url in enumerate(links) if url in links[:index])
    yield SiteFinding("an earlier {link_word} has the same `{key}`; remove this one", repeated)


@site_rule("QT409", "orphan-page", Severity.INFO, bad=_unlinked, applies=_has_links)
def orphan_page(site: SiteIndex) -> Iterator[SiteFinding]:
    """No other page links to this one as {a_link}.

    Why it is bad: readers and search engines find the page only in lists.
    Fix: add the page to the {link}s of a similar page. No automatic fix.
    """
    own = site.self_links
    links = zip(site.link_rows, site.link_targets, strict=True)
    linked_rows = {target for row, target in links if row not in own} if own else {*site.link_targets}
    linked_urls = {site.urls[row] for row in linked_rows if row >= 0}
    orphans = [row for row in site.page_rows if site.urls[row] not in linked_urls]
    yield SiteFinding("no page links to this `{key}`; link to it from a similar page", orphans)
