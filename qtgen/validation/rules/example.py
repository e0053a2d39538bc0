"""The example site of a profile: a valid page that the examples of the rules change, and a second page beside it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path

import qtgen.page
from qtgen.page import Page, Value, emit, splice
from qtgen.page.compile import default_layout, main_layout
from qtgen.page.fields import Field, Section
from qtgen.page.layout import Layout
from qtgen.page.profile import Kind, Profile, default_profile
from qtgen.page.reader import read_as
from qtgen.validation.rules.conditions import meets
from qtgen.validation.rules.example_values import (
    DefaultTexts,
    example_values,
    filled,
    key_field,
    link_values,
    other_value,
    plain_value,
)
from qtgen.validation.rules.types import AnyExample, Example

_FOLDER = "outputs"  # of the example pages of a profile that belongs to no folder
_SWAPPED = {"7": "8", "8": "7", "smosis": "iffusion", "iffusion": "smosis", "O": "D", "o": "d", "D": "O", "d": "o"}


def _swapped(text: str) -> str:
    """Return a text of the example page with osmosis and diffusion swapped, as its neighbour has it."""
    return re.sub(
        "([OoDd])(smosis|iffusion)|7|8",
        lambda match: "".join(_SWAPPED[part] for part in (match.groups() if match.group(1) else [match.group()])),
        text,
    )


@dataclass(frozen=True, eq=False)
class ExampleSite:
    """The two example pages of a site, which link to each other.

    Attributes:
        layout: The layout of both pages.
        text: The page that the examples of the rules change.
        neighbour: The page that it links to, and that links back.
    """

    layout: Layout
    text: str
    neighbour: str

    @property
    def profile(self) -> Profile:
        """The profile of the site."""
        return self.layout.profile

    @cached_property
    def page(self) -> Page:
        """The page, read."""
        return read_as(self.text.encode(), self.layout)

    @cached_property
    def neighbour_page(self) -> Page:
        """The neighbour, read."""
        return read_as(self.neighbour.encode(), self.layout)

    @cached_property
    def path(self) -> str:
        """The path of the page."""
        return self.path_of(self.page.values)

    @cached_property
    def neighbour_path(self) -> str:
        """The path of the neighbour."""
        return self.path_of(self.neighbour_page.values)

    def path_of(self, values: Mapping[str, Value]) -> str:
        """Return the path of a page with the given values."""
        path = self.layout.page_path(values) or "page.md"
        return path if self.profile.root else f"{_FOLDER}/{path}"

    def change(self, changes: Mapping[str, Value]) -> Example:
        """Return the example in which fields have other values, and all else is unchanged. None removes a field."""
        return Example(text=splice(self.page, changes))

    def lines_of(self, path: str) -> str:
        """Return the lines of a field of the page, or of a map."""
        start, end = self._lines(path)
        return self.text[start:end]

    def rewrite(self, path: str, lines: str) -> Example:
        """Return the example in which the lines of a field, or of a map, are other ones."""
        start, end = self._lines(path)
        return Example(text=self.text[:start] + lines + self.text[end:])

    def _lines(self, path: str) -> tuple[int, int]:
        page = self.page
        inner = [other for other in page.values if other == path or other.startswith(f"{path}.")]
        start = self.text.rfind("\n", 0, page.key_span(path).start) + 1
        return start, self.text.index("\n", max(page.span(other).end for other in inner)) + 1

    def indent_of(self, path: str) -> str:
        """Return the spaces before the key of a field of the page."""
        return " " * (self.page.position(self.page.key_span(path).start).column - 1)

    def values_of(self, section: Section) -> dict[str, Value]:
        """Return values of the fields of a map that the page does not have."""
        inner = [field for field in section.fields if isinstance(field, Field) and field.required]
        return {field.path: plain_value(field.kind, field.spec) for field in inner}

    def with_unmet(self, path: str) -> Example:
        """Return the example that has a field although the conditions of its `only_when` are not met."""
        row = self.layout.fields.get(path) or self.layout.sections[path]
        added = self.values_of(row) if isinstance(row, Section) else {path: plain_value(row.kind, row.spec)}
        conditions = row.spec.only_when or {}
        unmet = meets(self.page.values, conditions, self.layout)
        other = next(iter(conditions), None) if unmet else None
        changed = {other: other_value(self.layout, other, self.page.values[other])} if other else {}
        return self.change({**added, **changed})

    def change_neighbour(self, changes: Mapping[str, Value]) -> Example:
        """Return the example in which fields of the neighbour have other values."""
        return Example(neighbour=(self.neighbour, splice(self.neighbour_page, changes)))

    def change_source(self, changes: Mapping[str, Value]) -> Example:
        """Return the example in which fields have other values, and so have the fields and the path that follow."""
        values = filled(self.layout, {**self.page.values, **changes})
        style = replace(self.page.style, body=None) if self.layout.has_text_body else self.page.style
        return Example(text=emit(values, self.layout, style), path=self.path_of(values))

    def with_question(self, question: str) -> Example:
        """Return the example in which the page has another question, and the path that follows from it."""
        role = self.layout.roles.question
        path = self.change_source({role: question}).path
        return replace(self.replace(str(self.page.values[role]), question), path=path)

    @property
    def link_target(self) -> str:
        """The field of another page that links contain."""
        return key_field(self.layout)

    def link_changes(self, page: Page, *targets: Mapping[str, Value]) -> dict[str, Value]:
        """Return the changes that make a page link to others, and to no more."""
        paths = [path for path in page.values if path in self.layout.link_paths]
        return {**dict.fromkeys(paths), **link_values(self.layout, *targets)} if targets else dict.fromkeys(paths)

    def change_links(self, *targets: Mapping[str, Value]) -> Example:
        """Return the example in which the page links to others, whose values are given."""
        return self.change(self.link_changes(self.page, *targets))

    def as_value(self, path: str, text: str) -> Value:
        """Return a text as the value of a field, which may be a list."""
        return [text] if self.layout.fields[path].kind is Kind.LIST else text

    def replace(self, old: str, new: str) -> Example:
        """Return the example in which a text is replaced, with the line breaks of the site.

        Args:
            old: The text to replace; each line break is the two characters `\\n`.
            new: Its replacement.
        """
        if self.profile.is_default:
            return Example(text=self.text.replace(old, new))
        real = self.profile.file.renderer.newline == "real"
        before, after = (text.replace("\\n", "\n") if real else text for text in (old, new))
        changes = {
            path: value.replace(before, after)
            for path, value in self.page.values.items()
            if isinstance(value, str) and before in value and path not in self.layout.link_paths
        }
        return self.change_source(changes) if changes else Example(text=self.text.replace(old, new))


@cache
def example_site_of(profile: Profile) -> ExampleSite:
    """Return the example site of a profile, whose pages have the fields of the profile."""
    default = Path(qtgen.page.__file__).with_name("default_example.md").read_text(encoding="utf-8")
    if profile.is_default:
        return ExampleSite(default_layout(), default, _swapped(default))
    layout = main_layout(profile)
    own, other = (DefaultTexts(read_as(text.encode(), default_layout())) for text in (default, _swapped(default)))
    values, neighbour = example_values(layout, own), example_values(layout, other)
    return ExampleSite(
        layout,
        emit(example_values(layout, own, target=neighbour), layout),
        emit(example_values(layout, other, target=values), layout),
    )


def resolve_example(example: AnyExample, site: ExampleSite) -> Example:
    """Return an example of a rule as it is on a site."""
    return example if isinstance(example, Example) else example(site)


def apply_example(example: AnyExample, site: ExampleSite) -> tuple[str, bytes]:
    """Return the path and the bytes of the page that an example describes."""
    change = resolve_example(example, site)
    if change.raw is not None:
        return change.path or site.path, change.raw
    if change.text is not None:
        return change.path or site.path, change.text.encode()
    if not change.old:
        return change.path or site.path, site.text.encode()
    replaced = site.replace(change.old, change.new)
    return change.path or replaced.path or site.path, (replaced.text or "").encode()


def neighbour_of(example: AnyExample, site: ExampleSite) -> str:
    """Return the text of the other page of the example site, as an example changes it."""
    return site.neighbour.replace(*resolve_example(example, site).neighbour)


def example_pages(example: AnyExample, site: ExampleSite) -> list[tuple[str, bytes]]:
    """Return the paths and bytes of both pages of the example site."""
    return [apply_example(example, site), (site.neighbour_path, neighbour_of(example, site).encode())]


_DEFAULT = example_site_of(default_profile())
EXAMPLE_PATH, EXAMPLE_PAGE = _DEFAULT.path, _DEFAULT.text
NEIGHBOUR_PATH, NEIGHBOUR_PAGE = _DEFAULT.neighbour_path, _DEFAULT.neighbour
