"""The conditions of a profile on other fields of a page: `required_when` and `only_when`."""

from collections.abc import Iterator, Mapping

from qtgen.page import Page, Value
from qtgen.page.compile import typed
from qtgen.page.fields import Field, Section
from qtgen.page.layout import Layout
from qtgen.page.profile import FieldSpec, Profile, Scalar


def meets(values: Mapping[str, Value], conditions: Mapping[str, Scalar], layout: Layout) -> bool:
    """Return whether fields have the values of a condition."""
    return all(values.get(path) == _typed(layout, path, value) for path, value in conditions.items())


def _typed(layout: Layout, path: str, value: Scalar) -> Value:
    return typed(value, layout.fields[path].kind) if path in layout.fields else value


def conditional_paths(page: Page) -> Iterator[tuple[str, FieldSpec]]:
    """Yield the fields and maps of a layout that have a condition, with their definitions."""
    rows: dict[str, Field | Section] = {**page.layout.fields, **page.layout.sections}
    return ((path, row.spec) for path, row in rows.items() if row.spec.required_when or row.spec.only_when)


def describe_conditions(conditions: Mapping[str, Scalar]) -> str:
    """Return the conditions as a clause."""
    return " and ".join(f"`{path}` is `{value}`" for path, value in conditions.items())


def has_condition(profile: Profile, *names: str) -> bool:
    """Return whether a field of the profile has one of the conditions `required_when` and `only_when`."""
    return any(getattr(spec, name) for spec in every_spec(profile) for name in names)


def every_spec(profile: Profile) -> Iterator[FieldSpec]:
    """Yield the definition of every key, including those in maps."""
    specs = [spec for layout in profile.file.layout for spec in layout.fields]
    while specs:
        spec = specs.pop()
        yield spec
        specs += spec.fields
