"""Family 2xx: does the page have the fields of the layout, each with a valid value?

`values.py` has the rules about single values.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING

from qtgen._util.text import enumeration
from qtgen.page import Page
from qtgen.page.fields import Field, Section
from qtgen.page.layout import Layout
from qtgen.page.profile import BODY_FIELD, FieldSpec, Kind, Profile, Scalar
from qtgen.validation.diagnostics import Severity
from qtgen.validation.rules.conditions import conditional_paths, describe_conditions, has_condition, meets
from qtgen.validation.rules.derived import derived_value
from qtgen.validation.rules.edits import change_fields
from qtgen.validation.rules.placeholders import PLACEHOLDERS
from qtgen.validation.rules.registry import rule
from qtgen.validation.rules.types import Example, Finding, FixFactory, PageFile

if TYPE_CHECKING:
    from qtgen.validation.rules.example import ExampleSite
    from qtgen.validation.rules.file_columns import FileColumns

_UNKNOWN_KEYS_MAX = 200  # that are compared with the known ones; a hostile page could have tens of thousands

PLACEHOLDERS |= {
    "derived": lambda layout: _describe_derived(layout),
    "crashing": lambda layout: " or ".join(f"`{path}`" for path in _crashing(layout)),
    "links_word": lambda layout: f"{layout.links.name}s" if layout.links else "maps",
}


def _crashing(layout: Layout) -> list[str]:
    """Return the parts without which no site can show a page: the answer, and a required map."""
    maps = [path for path, section in layout.sections.items() if section.required]
    return [path for path in (layout.roles.answer or layout.roles.question, *maps[:1]) if path]


def _describe_derived(layout: Layout) -> str:
    """Return the fields that `--fix` can add."""
    others = [path for path in layout.templates if path not in layout.title_copies]
    paths = [f"`{path}`" for path in (*layout.title_copies, *others)]
    return enumeration(["the constants"] * bool(layout.constants) + paths or ["none"])


def _missing_constant(site: "ExampleSite") -> Example:
    layout = site.layout
    derived = [path for path in (*layout.templates, *layout.constants) if path in site.page.values and "." not in path]
    return site.rewrite(derived[-1] if derived else layout.roles.question, "")


def _without_optional_field(site: "ExampleSite") -> Example:
    fields = site.layout.fields.items()
    path = next((path for path, field in fields if not field.required and path in site.page.values), None)
    return site.rewrite(path, "") if path else Example()


def _canonical_pages_are_complete(profile: Profile) -> bool:
    """Return whether each page that the scanner reads has every key: none is required by a condition only."""
    return not has_condition(profile, "required_when")


@rule(
    "QT201",
    "missing-key",
    Severity.ERROR,
    bad=_missing_constant,
    good=_without_optional_field,
    noncanonical_only=_canonical_pages_are_complete,
    fix="safe",
)
def missing_key(file: PageFile) -> Iterator[Finding]:
    """A required key is missing. The position is the line that the key belongs above.

    Why it is bad: the site's build crashes on a page without {crashing}. Other missing keys leave gaps.
    Fix: add the key, in the order of the layout (`qtgen schema`). `--fix` adds keys whose values follow from other
    fields: {derived}. This is safe. A key that is
    only misspelled is not added; correct its name.
    """
    page = file.page
    present = page.sections()
    unknown = islice((path for path in page.values if _is_unknown(page, path)), _UNKNOWN_KEYS_MAX)
    misspelled = {_nearest_key(page.layout, path) for path in unknown}
    for path, reason in _required(page, present):
        section = path.rpartition(".")[0]
        section_has_no_fields = section and (section not in present or section in page.values)
        if path in page.values or path in present or section_has_no_fields:
            continue
        value = None if path in misspelled else derived_value(file, path)
        fix = change_fields(page, f"add `{path}`", {path: value}) if value not in (None, "") else None
        yield Finding(f"`{path}` is missing{reason}; add it here", page.expected_span(path), path, fix)
    yield from _missing_in_lists(page)


def _required(page: Page, present: set[str]) -> Iterator[tuple[str, str]]:
    """Yield the paths that the page must have, each with the reason if it is a condition."""
    for path in page.layout.required_paths(frozenset(present)):
        yield path, ""
    for path, spec in conditional_paths(page):
        if spec.required_when and meets(page.values, spec.required_when, page.layout):
            yield path, f", because {describe_conditions(spec.required_when)}"


def _maps_in_lists(page: Page) -> Iterator[tuple[str, dict[str, object], FieldSpec]]:
    """Yield the path of each map in a list, the map, and the definition of the list."""
    for path, field in page.layout.fields.items():
        value = page.values.get(path) if field.spec.fields else None
        for number, item in enumerate(value if isinstance(value, list) else ()):
            if isinstance(item, dict):
                yield f"{path}.{number}", item, field.spec


def _missing_in_lists(page: Page) -> Iterator[Finding]:
    for path, item, spec in _maps_in_lists(page):
        for inner in spec.fields:
            is_required = inner.required is not False and not (inner.required_when or inner.only_when)
            if is_required and inner.key not in item:
                field = path.rpartition(".")[0]
                message = f"`{path}.{inner.key}` is missing; add it to this map"
                yield Finding(message, page.span(path), field)


def _misspelled(site: "ExampleSite") -> Example:
    path = next((path for path in reversed([*site.layout.constants]) if "." not in path), site.layout.roles.question)
    before, found, after = path.rpartition("o")
    other = f"{before}e{after}" if found else f"{path}x"
    return site.rewrite(path, site.lines_of(path).replace(path, other, 1))


@rule("QT202", "unknown-key", Severity.ERROR, bad=_misspelled, noncanonical_only=True)
def unknown_key(file: PageFile) -> Iterator[Finding]:
    """A key is not in the layout.

    Why it is bad: nothing reads it. It is usually a misspelled key, so the correct key is missing.
    Fix: use the known key that the message suggests, or remove the line.
    """
    page = file.page
    for path in page.values:
        if _is_unknown(page, path):
            yield Finding(_unknown_message(page, path), page.key_span(path), path)
    for path, item, spec in _maps_in_lists(page):
        known = [inner.key for inner in spec.fields]
        for key in item:
            if key not in known:
                nearest = _nearest(key, known)
                remedy = f"did you mean `{nearest}`?" if nearest and nearest not in item else "remove it"
                message = f"unknown key `{path}.{key}`; {remedy}"
                yield Finding(message, page.key_span(f"{path}.{key}"), path.rpartition(".")[0])


def _is_unknown(page: Page, path: str) -> bool:
    layout = page.layout
    return path not in layout.order and not (layout.has_text_body and path == BODY_FIELD)


def _unknown_message(page: Page, path: str) -> str:
    for key, sections in page.layout.repeats.items():
        outer = sections[0].path.rpartition(".")[0]
        if re.fullmatch(rf"{re.escape(f'{outer}.{key}'.removeprefix('.'))}\d+", path):
            links = page.layout.links
            things = f"{links.name}s" if links and links.field == key else f"`{key}`"
            return f"unknown key `{path}`; a page has at most {len(sections)} {things}, numbered from 1"
    nearest = _nearest_key(page.layout, path)
    if nearest is None:
        return f"unknown key `{path}`; remove it"
    if nearest in page.values:
        return f"unknown key `{path}`; remove it, because the page has `{nearest.rpartition('.')[2]}`"
    return f"unknown key `{path}`; did you mean `{nearest.rpartition('.')[2]}`?"


def _nearest_key(layout: Layout, path: str) -> str | None:
    """Return the path of the known key in the same map that an unknown key is most like, or None."""
    section, _, key = path.rpartition(".")
    nearest = _nearest(key, [known.rpartition(".")[2] for known in layout.order if known.rpartition(".")[0] == section])
    return f"{section}.{nearest}".lstrip(".") if nearest else None


def _nearest(key: str, known: list[str]) -> str | None:
    from difflib import get_close_matches  # rarely needed, and slow to import

    return next(iter(get_close_matches(key, known, n=1, cutoff=0.5)), None)


def _disallowed(page: Page) -> Iterator[tuple[str, Mapping[str, Scalar]]]:
    """Yield the keys that the page has although its other values do not allow them, with the conditions."""
    for path, spec in conditional_paths(page):
        if spec.only_when and not meets(page.values, spec.only_when, page.layout):
            is_present = path in page.values or (spec.type is Kind.MAP and path in page.sections())
            if is_present:
                yield path, spec.only_when


def _rows_with_conditions(files: "FileColumns") -> Iterable[int]:
    """Return all pages by column if their layout has a field that depends on others."""
    rows: list[Field | Section] = [*files.layout.fields.values(), *files.layout.sections.values()]
    return range(len(files)) if any(row.spec.only_when for row in rows) else ()


def _unwanted_key(site: "ExampleSite") -> Example:
    path = next(path for path, spec in conditional_paths(site.page) if spec.only_when)
    return site.with_unmet(path)


@rule(
    "QT208",
    "disallowed-key",
    Severity.ERROR,
    bad=_unwanted_key,
    fix="unsafe",
    skip_if=lambda file: not any(_disallowed(file.page)),
    may_break=_rows_with_conditions,
    applies=lambda profile: has_condition(profile, "only_when"),
)
def disallowed_key(file: PageFile) -> Iterator[Finding]:
    """A key is present that the values of other fields do not allow.

    Why it is bad: the two fields contradict each other, so one of them is wrong.
    Fix: remove the key, or correct the other field. `--fix --unsafe` removes the key. This is unsafe because its value
    is lost.
    """
    for path, conditions in _disallowed(file.page):
        message = f"`{path}` is only allowed if {describe_conditions(conditions)}; remove it"
        fix: FixFactory = change_fields(file.page, f"remove `{path}`", {path: None}, safe=False)
        yield Finding(message, file.page.key_span(path), path, fix)
