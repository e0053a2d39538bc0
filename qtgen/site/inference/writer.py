"""Write the inferred layout as a `site.toml` that people read."""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qtgen._util.text import one_line, pluralize
from qtgen.page.profile import FORMAT, Slug
from qtgen.site.inference.drafts import Candidate, Draft, LayoutDraft
from qtgen.site.inference.findings import MIN_PAGES, Finding, Standing
from qtgen.site.inference.links import SiteLinks

_HEAD = """\
# The page layout of this site, which `qtgen init --from` inferred from {pages}.
# {conforming}
"""
_FEW_PAGES = """\
#
# There are only {pages}: nothing is asserted with fewer than {least}, except for the templates of the path and the key.
# They are in force if they hold on all pages, so that qtgen can generate pages.
"""
_KEPT = """\
#
# These settings are in force although some pages disagree. `qtgen validate` reports those pages:
"""
_NEXT = """\
#
# What to do next:
# 1. Read the file line by line. Comments show how many pages agree. The report of `qtgen init --from` lists the others.
# 2. A line `# add: …` is a candidate for the field above it. If it is true, write it before the closing brace of that
#    field. A line `# replace: …` replaces the setting with the same name in the field, or the line, above it.
# 3. Check the roles, and the fields with source="model", which a model writes.
# 4. Run `qtgen validate` on the pages.
"""
_MOST_KEPT = 12  # settings that the head lists
_ORDER = (
    "type", "style", "indent", "text_indent", "repeat", "required", "const", "value", "default", "source", "group",
    "separator", "known", "copy", "ref",
)  # fmt: skip
_LAYOUT_ORDER = ("files", "when", "path", "body", "text_indent", "quote", "booleans")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}


@dataclass(frozen=True, slots=True)
class SiteDraft:
    """The content of the file.

    Attributes:
        name: The name of the site.
        layouts: Its layouts.
        slug: How a text becomes a part of an address.
        links: The links of its pages, or None.
        renderer: The settings of the renderer.
        pages: The number of pages.
        outside: The pages that do not conform.
    """

    name: str
    layouts: Sequence[LayoutDraft]
    slug: Slug
    links: SiteLinks | None
    renderer: Mapping[str, Any]
    pages: int
    outside: set[int]


def write_site(site: SiteDraft) -> str:
    """Return the text of the file."""
    return "\n".join(_lines(site)) + "\n"


def _lines(site: SiteDraft) -> Iterator[str]:
    yield from _head_lines(site)
    yield f"format = {FORMAT}"
    yield "# This is the name of the folder. Replace it by the name of the site."
    yield f"name = {toml(site.name.replace('-', ' ').replace('_', ' ').strip().title() or 'Site')}"
    slug = site.slug
    settings = {"keep": slug.keep, "space": slug.space, "collapse": slug.collapse, "ascii": slug.ascii}
    yield f"slug = {_inline(settings)}"
    for layout in site.layouts:
        yield from _layout_lines(layout, site.outside)
    if site.links:
        yield from _links_lines(site.links)
    yield from ["", "[renderer]", *(f"{key} = {toml(value)}" for key, value in site.renderer.items())]
    if not all(layout.order_is_asserted for layout in site.layouts):
        yield from ["", "[rules]", "# Some pages have another order of keys. Remove this line to report them."]
        yield 'QT204 = "off"'


def _head_lines(site: SiteDraft) -> Iterator[str]:
    pages, outside = pluralize(site.pages, "page"), len(site.outside)
    conforming = f"{site.pages - outside:,} of them conform to it." if outside else "All of them conform to it."
    yield from _HEAD.format(pages=pages, conforming=conforming).splitlines()
    if site.pages < MIN_PAGES:
        yield from _FEW_PAGES.format(pages=pages, least=MIN_PAGES).splitlines()
    if kept := list(_kept(site.layouts)):
        yield from _KEPT.splitlines()
        yield from (f"#   {line}" for line in kept[:_MOST_KEPT])
        if len(kept) > _MOST_KEPT:
            yield f"#   … and {len(kept) - _MOST_KEPT:,} more"
    yield from _NEXT.splitlines()


def _kept(layouts: Sequence[LayoutDraft]) -> Iterator[str]:
    """Yield the statements in force with which some pages disagree."""
    for layout in layouts:
        where = f"layout {layout.number + 1}, " if len(layouts) > 1 else ""
        for finding in layout.findings:
            if finding.standing is Standing.ASSERTED and finding.against:
                counts = _counts(finding.agree, len(finding.against))
                yield one_line(f"{where}{finding.field or 'keys'}: {finding.kind} ({counts})")


def _links_lines(links: SiteLinks) -> Iterator[str]:
    lines = ["[links]", f"field = {toml(links.field)}", f"max = {links.max}"]
    yield ""
    if links.is_asserted:
        yield from lines
    else:
        yield f"# If `{links.field}` contains links, add its `ref` above, and add these lines."
        yield from (f"# add: {line}" for line in lines)


def _layout_lines(layout: LayoutDraft, outside: set[int]) -> Iterator[str]:
    count = len(layout.pages)
    conforming = count - len(outside.intersection(layout.pages))
    yield from ["", "[[layout]]", f"# {conforming:,} of {pluralize(count, 'page')} conform to this layout."]
    for note in layout.notes:
        yield f"# {one_line(note)}"
    for key in _LAYOUT_ORDER:
        if key in layout.settings:
            yield f"{key} = {toml(layout.settings[key])}"
        for candidate in layout.candidates:
            if key in candidate.settings:
                yield _candidate_line(candidate, layout.settings)
    yield f"roles = {_inline(layout.roles)}"
    yield "fields = ["
    findings: dict[str, list[Finding]] = {}
    for finding in layout.findings:
        findings.setdefault(finding.field, []).append(finding)
    for draft in layout.fields:
        yield from _field_lines(draft, findings, "  ")
    yield "]"


def _field_lines(draft: Draft, findings: Mapping[str, list[Finding]], indent: str) -> Iterator[str]:
    settings = {"key": draft.key, **{key: draft.settings[key] for key in _ORDER if key in draft.settings}}
    comment = _comment(draft, findings.get(draft.path, ()))
    if draft.fields:
        yield f"{indent}{_inline(settings)[:-1]}, fields=[  # {comment}"
        for inner in draft.fields:
            yield from _field_lines(inner, findings, indent + "  ")
        yield f"{indent}]}},"
    else:
        yield f"{indent}{_inline(settings)},  # {comment}"
    for note in draft.notes:
        yield f"{indent}# {one_line(note)}"
    for candidate in draft.candidates:
        yield indent + _candidate_line(candidate, draft.settings)


def _candidate_line(candidate: Candidate, settings: Mapping[str, Any]) -> str:
    verb = "replace" if candidate.settings.keys() & settings.keys() else "add"
    text = ", ".join(f"{key}={toml(value)}" for key, value in candidate.settings.items())
    return f"# {verb}: {text}  # {candidate.comment or _counts(candidate.agree, candidate.against)}"


def _counts(agree: int, against: int) -> str:
    return f"{agree:,} {'agrees' if agree == 1 else 'agree'}, {against:,} {'disagrees' if against == 1 else 'disagree'}"


def _comment(draft: Draft, findings: Iterable[Finding]) -> str:
    """Return how many pages have a field, and how many disagree with its line."""
    thing = "map" if draft.in_list or "." in draft.path else "page"
    count = len(draft.values)
    if "repeat" in draft.settings:
        parts = [pluralize(count, "map")]
    elif count == draft.of:
        parts = [f"all {pluralize(count, thing)}" if count > 1 else f"the only {thing}"]
    else:
        parts = [f"{count:,} of {pluralize(draft.of, thing)}"]
    for finding in findings:
        is_said = finding.standing is Standing.ASSERTED or finding.kind == "copy"
        if is_said and finding.against:
            parts.append(f"{finding.kind}: {_counts(finding.agree, len(finding.against))}")
    return "; ".join(parts)


def _inline(table: Mapping[str, Any]) -> str:
    return "{" + ", ".join(f"{_key(key)}={toml(value)}" for key, value in table.items()) + "}"


def _key(key: str) -> str:
    is_bare = key.isascii() and all(char.isalnum() or char in "-_" for char in key) and key
    return key if is_bare else toml(key)


def toml(value: object) -> str:
    """Return a value as TOML writes it."""
    match value:
        case bool():
            return "true" if value else "false"
        case dt.datetime() | dt.date():
            return value.isoformat()
        case str():
            return '"' + "".join(_escaped(char) for char in value) + '"'
        case Mapping():
            return _inline(value)
        case int() | float():
            return repr(value)
        case Iterable():
            return "[" + ", ".join(map(toml, value)) + "]"
    raise TypeError(f"not a TOML value: {value!r}")


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    return char if char.isprintable() else f"\\U{ord(char):08x}"
