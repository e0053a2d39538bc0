"""Infer the layout of a site from its pages."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qtgen.errors import UsageError
from qtgen.page.profile import BODY_FIELD, Slug, parse_profile
from qtgen.page.template import slugger
from qtgen.site.inference.collect import Observations
from qtgen.site.inference.columns import Columns, choose_slug, columns_of
from qtgen.site.inference.drafts import LayoutDraft, Member
from qtgen.site.inference.findings import Finding, Place, Standing, shown, standing_with_outliers
from qtgen.site.inference.keys import infer_fields
from qtgen.site.inference.links import LinkSearch, SiteLinks, targets_of
from qtgen.site.inference.observe import LongText, Observed, ObservedPage, Unusable
from qtgen.site.inference.relations import Relations, decide_constants
from qtgen.site.inference.roles import decide_question, decide_roles, decide_sources
from qtgen.site.inference.splits import Part, split
from qtgen.site.inference.styles import decide_styles, mean_length, renderer_of
from qtgen.site.inference.values import counts_of_texts, decide_separator, propose_conditions, propose_values
from qtgen.site.inference.writer import SiteDraft, write_site


@dataclass(frozen=True, slots=True)
class Inferred:
    """The layout of a site.

    Attributes:
        text: The text of `site.toml`.
        files: The paths of the pages, by number.
        unusable: The pages that could not be used.
        findings: What was found, in the order of the fields.
        orders: The order of the keys of each map of each layout, by the number of the layout and the path of the map.
        conforming: The number of pages that conform to `site.toml`.
    """

    text: str
    files: Sequence[str]
    unusable: Sequence[Unusable]
    findings: Sequence[Finding]
    orders: Mapping[tuple[int, str], Sequence[str]]
    conforming: int


def infer(observations: Observations, root: Path) -> Inferred:
    """Return the layout of the site whose `site.toml` is to be in the folder `root`.

    Raises UsageError if there are no usable pages, if a page is outside the folder, or if no key can be the title.
    """
    pages = observations.pages
    if not pages:
        raise _no_pages(observations)
    files = [_relative(page.path, root) for page in pages]
    layouts = [_layout(number, part, pages) for number, part in enumerate(split(pages, files))]
    columns = [columns_of(layout, [files[page] for page in layout.pages]) for layout in layouts]
    slug = choose_slug(columns)
    for layout, its in zip(layouts, columns, strict=True):
        relations = Relations(layout, its, slugger(slug))
        relations.decide_path()
        relations.decide_templates()
        decide_roles(layout, _body_length(layout, pages))
        for draft in layout.walk():
            decide_separator(layout, draft)
        decide_sources(layout)
    links = _decide_links(layouts, columns)
    texts = counts_of_texts(layouts)
    for layout, its in zip(layouts, columns, strict=True):
        for draft in layout.walk():
            propose_values(layout, draft, texts)
        propose_conditions(layout, its)
        decide_styles(layout, observations.writing)
    return _inferred(observations, root, layouts, slug, links)


def _no_pages(observations: Observations) -> UsageError:
    if not observations.unusable:
        return UsageError("no pages (*.md) to infer a layout from", remedy="select a folder with pages")
    first = observations.unusable[0]
    count = len(observations.unusable)
    message = f"none of the pages can be used ({count:,}); the first one: {first.reason}"
    return UsageError(message, path=f"{first.path}:{first.line}", remedy="correct the pages, or select other pages")


def _relative(path: str, root: Path) -> str:
    """Return the path of a page below the root, without `.md`."""
    for absolute in (os.path.abspath, os.path.realpath):
        prefix = absolute(root).rstrip(os.sep) + os.sep
        file = absolute(path)
        if file.startswith(prefix):
            return file.removeprefix(prefix).replace(os.sep, "/").removesuffix(".md")
    message = f"the page is not below {root}, the folder of site.toml"
    raise UsageError(message, path=path, remedy="create site.toml in a folder that contains all pages")


def _layout(number: int, part: Part, pages: Sequence[ObservedPage]) -> LayoutDraft:
    members = [Member(page, "", pages[page].root) for page in sorted(part.pages)]
    layout = LayoutDraft(number, sorted(part.pages), members)
    layout.settings["files"] = part.files
    if part.when:
        layout.settings["when"] = {part.when[0]: part.when[1]}
    _decide_body(layout, pages)
    layout.fields = infer_fields(layout, members, "", in_list=False)
    decide_constants(layout)
    for draft in layout.fields:
        if part.when and draft.path == part.when[0]:
            draft.settings.update(const=part.when[1])
            draft.settings.pop("required", None)
    decide_question(layout, has_body=_body_length(layout, pages) > 0)
    return layout


def _decide_body(layout: LayoutDraft, pages: Sequence[ObservedPage]) -> None:
    """Set the text after the front matter, if it is the same on every page."""
    counts = Counter(pages[page].body for page in layout.pages)
    body, agree = counts.most_common(1)[0]
    has_own = any(BODY_FIELD in member.node.keys for member in layout.members)
    standing = standing_with_outliers(agree, len(layout.pages) - agree)
    if isinstance(body, LongText) or not (standing is Standing.ASSERTED or (not body.strip() and has_own)):
        return
    layout.settings["body"] = body
    against = [Place(page, BODY_FIELD) for page in layout.pages if pages[page].body != body]
    layout.report(BODY_FIELD, "body", shown(body.strip()), agree, against, standing)


def _body_length(layout: LayoutDraft, pages: Sequence[ObservedPage]) -> float:
    return 0.0 if "body" in layout.settings else mean_length(pages[page] for page in layout.pages)


def _decide_links(layouts: Sequence[LayoutDraft], columns: Sequence[Columns]) -> SiteLinks | None:
    targets = targets_of(list(zip(layouts, columns, strict=True)))
    values: dict[str, dict[int, Observed]] = {}
    for its in columns:
        for path, column in its.columns.items():
            values.setdefault(path, {}).update(
                (page, value) for page, value in zip(its.pages, column, strict=True) if value is not None
            )
    search = LinkSearch(targets, values)
    found = [links for layout in layouts if (links := search.decide(layout))]
    return max(found, key=lambda links: (links.is_asserted, links.max), default=None)


def _inferred(
    observations: Observations, root: Path, layouts: Sequence[LayoutDraft], slug: Slug, links: SiteLinks | None
) -> Inferred:
    pages = observations.pages
    findings = [finding for layout in layouts for finding in _in_order(layout)]
    outside = {
        place.page for finding in findings if finding.standing is not Standing.CANDIDATE for place in finding.against
    }
    answers = [answer for layout in layouts for answer in _answers(layout, pages)]
    text = write_site(SiteDraft(root.absolute().name, layouts, slug, links, renderer_of(answers), len(pages), outside))
    parse_profile(text.encode(), root / "site.toml")  # the written file must load
    orders: dict[tuple[int, str], list[str]] = {}
    for layout in layouts:
        orders[layout.number, ""] = [draft.key for draft in layout.fields]
        for draft in layout.walk():
            orders[layout.number, draft.path] = [inner.key for inner in draft.fields]
    files = [page.path for page in pages]
    return Inferred(text, files, observations.unusable, findings, orders, len(pages) - len(outside))


def _in_order(layout: LayoutDraft) -> list[Finding]:
    """Return the findings of a layout: those about all of it, then those about each field, then suspects."""
    ranks = {draft.path: rank for rank, draft in enumerate(layout.walk(), 1)}
    ranks |= dict.fromkeys(("", "path", BODY_FIELD), 0) if BODY_FIELD not in ranks else dict.fromkeys(("", "path"), 0)
    return sorted(layout.findings, key=lambda finding: ranks.get(finding.field, len(ranks) + 1))


def _answers(layout: LayoutDraft, pages: Sequence[ObservedPage]) -> list[Any]:
    answer = layout.roles.get("answer")
    if answer == BODY_FIELD:
        return [pages[page].body for page in layout.pages]
    return [value.value for draft in layout.fields if draft.path == answer for value in draft.values]
