"""The fields of a page that a model writes, as reviewers see and edit them: every value is a text."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from qtgen.generation.provenance import answer_group
from qtgen.page import Page, Value
from qtgen.page.layout import Layout
from qtgen.page.profile import FieldSpec, Kind
from qtgen.page.text import to_single_line

FieldForm = Literal["answer", "text", "list", "choice"]
"""How a field is edited: as Markdown, as a text, as a list with one item on each line, or as one of some values."""


@dataclass(frozen=True, slots=True)
class EditableField:
    """A field that a reviewer may edit.

    Args:
        path: The field.
        form: How it is edited.
        label: What reviewers read.
        name: The id of its input.
        help: One or more sentences below its input, or an empty string.
        least: The fewest characters, or None.
        most: The most characters, or None.
        choices: The values to choose from, if its form is `choice`.
        is_description: Whether search engines show it.
        has_lines: Whether its text may have line breaks.
    """

    path: str
    form: FieldForm
    label: str
    name: str
    help: str
    least: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()
    is_description: bool = False
    has_lines: bool = False

    def shown(self, value: object, layout: Layout) -> str:
        """Return a value of a page as a reviewer sees it. A missing value is an empty text."""
        if isinstance(value, list):
            return "\n".join(map(str, value))
        text = value if isinstance(value, str) else ""
        return layout.decode(text) if self.form == "answer" else text

    def options(self, value: str) -> tuple[str, ...]:
        """Return the choices, with a value that is none of them in front."""
        return self.choices if value in self.choices else (value, *self.choices)

    def value_of(self, typed: str, old: Value, layout: Layout) -> Value:
        """Return the value that a reviewer typed. Raises UnwritableText.

        Args:
            typed: The text, with line feeds.
            old: The value of the page. Items of a list that are still there keep their types.
            layout: The layout of the page.
        """
        if self.form == "answer":
            return layout.encode(typed)
        if self.form == "list":
            known = {str(item): item for item in old} if isinstance(old, list) else {}
            items = [item.strip() for item in typed.split("\n") if item.strip()]
            return [known.get(item, item) for item in items]
        return typed.strip() if self.has_lines else to_single_line(typed)


@lru_cache(maxsize=64)
def editable_fields(layout: Layout) -> tuple[EditableField, ...]:
    """Return the fields that a reviewer may edit: those that a model writes, the answer first."""
    answer = layout.roles.answer
    paths = sorted(
        (path for path in layout.model_fields if _is_editable(layout, path)), key=lambda path: path != answer
    )
    return tuple(_editable(layout, path, number) for number, path in enumerate(paths, 1))


def shown_fields(page: Page) -> dict[str, str]:
    """Return the editable fields of a page as a reviewer sees them. A missing field is empty."""
    layout = page.layout
    return {field.path: field.shown(page.values.get(field.path), layout) for field in editable_fields(layout)}


def shown_values(values: Mapping[str, object], layout: Layout) -> dict[str, str]:
    """Return those of some values that a reviewer may edit, as a reviewer sees them."""
    fields = (field for field in editable_fields(layout) if field.path in values)
    return {field.path: field.shown(values[field.path], layout) for field in fields}


def label_of(layout: Layout, path: str) -> str:
    """Return what reviewers read for a field: its label, or else its key."""
    row = layout.fields.get(path)
    return (row.spec.label if row else "") or path


def group_label_of(layout: Layout, group: str) -> str:
    """Return what reviewers read for a group of fields: the label of the map that all of them are in, or its name."""
    if group == answer_group(layout):
        return "Answer"
    sections = {layout.fields[path].section if path in layout.fields else "" for path in layout.groups[group]}
    section = layout.sections.get(sections.pop()) if len(sections) == 1 else None
    return (section.spec.label if section else "") or group


def _is_editable(layout: Layout, path: str) -> bool:
    row = layout.fields.get(path)
    return row is None or (row.kind in (Kind.TEXT, Kind.LIST) and not row.spec.fields)


def _editable(layout: Layout, path: str, number: int) -> EditableField:
    label = label_of(layout, path)
    if path == layout.roles.answer:
        formulas = " Write formulas between dollar signs." if layout.codec.math else ""
        help_text = f"Markdown. Line breaks are kept as you type them.{formulas}"
        return EditableField(path, "answer", label, "answer", help_text)
    row = layout.fields[path]
    spec = row.spec
    names = {layout.description: "description", layout.keywords: "keywords"}
    name = names.get(path, f"field-{number}")
    if row.kind is Kind.LIST:
        return EditableField(
            path, "list", label, name, _sentences("Write one item on each line.", _limits(spec, "items"))
        )
    if spec.enum and spec.separator is None:
        return EditableField(path, "choice", label, name, "", choices=tuple(map(str, spec.enum)))
    help_text = _separated(spec.separator) if spec.separator else _limits(spec, "characters")
    return EditableField(
        path,
        "text",
        label,
        name,
        help_text,
        *((None, None) if spec.separator else (spec.min, spec.max)),
        is_description=path == layout.description,
        has_lines=spec.style == "literal",
    )


def _separated(separator: str) -> str:
    words = {", ": "a comma and a space", ",": "a comma", "; ": "a semicolon and a space", ";": "a semicolon"}
    return f"Separate them by {words.get(separator, f'“{separator}”')}."


def _limits(spec: FieldSpec, unit: str) -> str:
    if spec.min is not None and spec.max is not None:
        return f"{spec.min:,} to {spec.max:,} {unit}."
    if spec.max is not None:
        return f"At most {spec.max:,} {unit}."
    return f"At least {spec.min:,} {unit}." if spec.min is not None else ""


def _sentences(*sentences: str) -> str:
    return " ".join(filter(None, sentences))
