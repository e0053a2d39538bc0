"""The difference of two profiles: what has to change on the pages of each layout."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

from qtgen.page.compile import layouts_of
from qtgen.page.fields import Field, Section
from qtgen.page.layout import Layout
from qtgen.page.profile import Profile
from qtgen.page.profile_errors import profile_error
from qtgen.page.template import Reference, Template
from qtgen.site.migration.matching import Match, match_rows


class Change(NamedTuple):
    """A change of a page.

    Attributes:
        kind: `added`, `removed`, `renamed`, `moved`, `constant` or `template`.
        field: The path of the field in the new layout, or in the former one if it is removed or renamed. Numbers of
            numbered maps and of items are left out.
        to: The new path of a renamed field.
    """

    kind: str
    field: str
    to: str | None = None


@dataclass(frozen=True, eq=False)
class LayoutChange:
    """How the pages of one layout change.

    Attributes:
        old: The former layout.
        new: The layout in force.
        match: Which fields and maps of both layouts are the same.
        computed: The new paths of the fields whose constant or template gives another value now.
        required: The new paths of the fields that a page must have now, although it did not before.
        steps: `computed` and `required`. A field comes after those that its template refers to.
        retyped: The new paths of the fields that have lost a type.
    """

    old: Layout
    new: Layout
    match: Match
    computed: frozenset[str]
    required: frozenset[str]
    steps: tuple[str, ...]
    retyped: frozenset[str]

    @cached_property
    def former(self) -> Mapping[str, str]:
        """The path in the former layout, by the path in the new one."""
        return {new: old for old, new in self.match.names.items()}

    def change(self, kind: str, path: str) -> Change:
        """Return a change of a field as one of its kind on all pages."""
        layout = self.old if kind in ("removed", "renamed") else self.new
        target = _without_numbers(self.new, self.renamed_path(path)) if kind == "renamed" else None
        return Change(kind, _without_numbers(layout, path), target)

    def renamed_path(self, path: str) -> str:
        """Return the new path of a key that has another name. It can be in a map of a list: `releases.0.cycle`."""
        for items, keys in self.match.items.items():
            number, _, key = path.removeprefix(f"{items}.").partition(".")
            if path.startswith(f"{items}.") and key in keys:
                return f"{self.new_path(items)}.{number}.{keys[key]}"
        return self.new_path(path)

    @property
    def body(self) -> str | None:
        """The text after the front matter that pages must have now, or None if that has not changed."""
        return self.new.body if self.new.body != self.old.body else None

    @property
    def is_empty(self) -> bool:
        """Whether no page has to change, and none can have become invalid."""
        match = self.match
        lists = (match.renamed, match.removed, match.items, match.reordered, self.steps, self.retyped)
        return not any(lists) and self.body is None

    def new_path(self, path: str) -> str:
        """Return the path in the new layout of a former path, which need not be in the layout."""
        head, tail = path, ""
        while head and head not in self.match.names:
            head, _, last = head.rpartition(".")
            tail = f".{last}{tail}"
        return f"{self.match.names[head]}{tail}" if head else path


def _without_numbers(layout: Layout, path: str) -> str:
    keys: list[str] = []
    done = ""
    for key in path.split("."):
        done = f"{done}.{key}" if done else key
        section = layout.sections.get(done)
        if section or done in layout.fields or not key.isdecimal():
            keys.append(section.spec.key if section else key)
    return ".".join(keys)


@dataclass(frozen=True, eq=False)
class Migration:
    """The difference of two profiles of a site.

    Attributes:
        old: The former profile, in the place of the new one.
        new: The profile in force.
        changes: How pages change, by the number of their former layout. A layout that is gone has none.
    """

    old: Profile
    new: Profile
    changes: Mapping[int, LayoutChange]

    @property
    def is_empty(self) -> bool:
        """Whether no page has to change."""
        is_complete = len(self.changes) == len(layouts_of(self.old))
        return is_complete and all(change.is_empty for change in self.changes.values())


@lru_cache(maxsize=8)
def plan_migration(old: Profile, new: Profile) -> Migration:
    """Return the difference of two profiles. Each process computes it once.

    Args:
        old: The former profile, in the place of the new one.
        new: The profile in force.

    Raises:
        SettingsError: Pages cannot get from one to the other, such as for a new required field without a value.
    """
    pairs = _pairs(old, new)
    changes = {before.number: _change(before, after) for before, after in pairs}
    _refuse_mixed_up_layouts(changes)
    return Migration(old, new, changes)


def _pairs(old: Profile, new: Profile) -> list[tuple[Layout, Layout]]:
    """Pair layouts by name if each has its own, else by their pages, else by number."""
    before, after = layouts_of(old), layouts_of(new)
    pairs: dict[int, Layout] = {}
    for key_of in (_name, _pages, _number):
        former, present = ([key_of(layout) for layout in layouts] for layouts in (before, after))
        if key_of is not _number and (len(set(former)) < len(former) or len(set(present)) < len(present)):
            continue
        for layout, key in zip(before, former, strict=True):
            if layout.number not in pairs and key in present:
                other = after[present.index(key)]
                if other not in pairs.values():
                    pairs[layout.number] = other
    return [(before[number], layout) for number, layout in sorted(pairs.items(), key=lambda pair: pair[0])]


def _name(layout: Layout) -> str:
    return layout.spec.name


def _pages(layout: Layout) -> str:
    return f"{layout.spec.files} {sorted(layout.spec.when.items())}"


def _number(layout: Layout) -> str:
    return str(layout.number)


def _refuse_mixed_up_layouts(changes: Mapping[int, LayoutChange]) -> None:
    """Raise SettingsError if changed pages of one layout would look like unchanged pages of another one."""
    for change in changes.values():
        when = {change.former.get(path, path): value for path, value in change.new.spec.when.items()}
        for other in changes.values():
            if other is not change and when and when == other.old.spec.when and when != change.old.spec.when:
                profile = change.new.profile
                message = (
                    f"is what chose layout {other.old.number + 1} before, so qtgen could not distinguish changed pages"
                )
                remedy = "migrate in two steps, with another value in between"
                raise profile_error(profile.raw, profile.path, ("layout", change.new.number, "when"), message, remedy)


def _change(old: Layout, new: Layout) -> LayoutChange:
    match = match_rows(old, new)
    former = {path: other for other, path in match.names.items()}
    required = frozenset(path for path in new.fields if _is_newly_required(path, old, new, former))
    computed = _computed(old, new, match.names, former)
    return LayoutChange(
        old=old,
        new=new,
        match=match,
        computed=computed,
        required=required,
        steps=_in_order_of_dependence(new, computed | required),
        retyped=frozenset(
            path
            for path, row in new.fields.items()
            if path in former and not set(old.fields[former[path]].spec.kinds) <= set(row.spec.kinds)
        ),
    )


def _is_newly_required(path: str, old: Layout, new: Layout, former: Mapping[str, str]) -> bool:
    """Return whether a page can lack a field that it, or a map around it, must have now."""
    if not new.fields[path].required:
        return False
    while path:
        row = _row(new, path)
        before = _row(old, former[path]) if path in former else None
        if row.required and (before is None or not before.required):
            return True
        path = path.rpartition(".")[0]
    return False


def _row(layout: Layout, path: str) -> Field | Section:
    return layout.fields[path] if path in layout.fields else layout.sections[path]


def _computed(old: Layout, new: Layout, names: Mapping[str, str], former: Mapping[str, str]) -> frozenset[str]:
    changed = {path for path in new.fields if path not in former}
    given = [path for path in new.fields if path in former and (path in new.constants or path in new.templates)]
    found: set[str] = set()
    for path in given:
        if _source(new, path) != _source(old, former[path], names) or _slug_differs(old, new, path):
            found.add(path)
    while True:
        more = {path for path in given if path in new.templates and not (changed | found).isdisjoint(_uses(new, path))}
        if more <= found:
            return frozenset(found)
        found |= more


def _source(layout: Layout, path: str, names: Mapping[str, str] | None = None) -> object:
    """Return the origin of a field's value: its constant, or the parts of its template with new names."""
    if path in layout.constants:
        constant = layout.constants[path]
        return type(constant), constant
    template = layout.templates.get(path)
    return _renamed_parts(template, names or {}) if template else None


def _renamed_parts(template: Template, names: Mapping[str, str]) -> tuple[str | Reference, ...]:
    return tuple(
        part if isinstance(part, str) else Reference(names.get(part.path, part.path), part.filters)
        for part in template.parts
    )


def _uses(layout: Layout, path: str) -> set[str]:
    template = layout.templates.get(path)
    return {reference.path for reference in template.references} if template else set()


def _slug_differs(old: Layout, new: Layout, path: str) -> bool:
    template = new.templates.get(path)
    uses_slug = template is not None and any("slug" in reference.filters for reference in template.references)
    return uses_slug and old.profile.file.slug != new.profile.file.slug


def _in_order_of_dependence(layout: Layout, paths: frozenset[str]) -> tuple[str, ...]:
    done: dict[str, None] = {}

    def visit(path: str) -> None:
        for other in sorted(_uses(layout, path) & paths - {path}):
            if other not in done:
                visit(other)
        done[path] = None

    for path in sorted(paths, key=layout.order.__getitem__):
        if path not in done:
            visit(path)
    return tuple(done)
