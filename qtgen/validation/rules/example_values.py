"""The values of a valid example page of any layout."""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import re2

from qtgen.page import Page, Value
from qtgen.page.compile import typed
from qtgen.page.fields import Field
from qtgen.page.layout import Layout
from qtgen.page.profile import BODY_FIELD, FieldSpec, Kind, Scalar
from qtgen.validation.rules.conditions import meets

_DAY = dt.date(2026, 1, 31)
_WORDS = ("example", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


@dataclass(frozen=True)
class DefaultTexts:
    """The texts of the default profile's example page, which every example page has: the examples change them.

    Attributes:
        page: The page, read with the default layout.
    """

    page: Page

    def of_role(self, role: str) -> Value:
        """Return the value of the field that has a role."""
        return self.page.values.get(getattr(self.page.layout.roles, role) or "")

    @property
    def description(self) -> str:
        """The description."""
        return self.page.text_of(self.page.layout.description or "") or ""

    @property
    def keywords(self) -> list[str]:
        """The keywords."""
        return (self.page.text_of(self.page.layout.keywords or "") or "").split(", ")


def example_values(layout: Layout, texts: DefaultTexts, target: Mapping[str, Value] | None = None) -> dict[str, Value]:
    """Return the values of a valid page, in the order of the layout.

    Args:
        texts: The texts of the page.
        target: The values of the page that it links to, or None for a page without links.
    """
    values: dict[str, Value] = {}
    roles = {path: role for role in ("question", "answer", "subject", "id") if (path := getattr(layout.roles, role))}
    for path, field in layout.fields.items():
        if path in layout.link_paths or path in layout.templates or not _is_present(layout, field, values):
            continue
        value = _own_value(layout, field, roles.get(path), texts)
        if value is not None:
            values[path] = value
    if layout.has_text_body:
        values[BODY_FIELD] = _answer(layout, texts) if layout.roles.answer == BODY_FIELD else "The text of the page."
    values |= link_values(layout, target) if target else {}
    return filled(layout, values)


def filled(layout: Layout, values: Mapping[str, Value]) -> dict[str, Value]:
    """Return the values with those that follow from others, in the order of the layout."""
    known = {path: value for path, value in values.items() if value is not None}
    for _ in layout.templates:  # a template can name a field that follows from another template
        for path, field in layout.fields.items():
            if path in layout.templates and (field.required or path in values or not field.section):
                value = layout.fill(path, known)
                known |= {path: value} if value is not None else {}
    order = layout.order
    return {path: known[path] for path in sorted(known, key=lambda path: order.get(path, len(order)))}


def _is_present(layout: Layout, field: Field, values: Mapping[str, Value]) -> bool:
    """Return whether the page has the field: if it is required, or optional with a default value."""
    spec = field.spec
    if spec.only_when is not None and not meets(values, spec.only_when, layout):
        return False
    if spec.required_when is not None and meets(values, spec.required_when, layout):
        return True
    sections = [layout.sections[path] for path in _outer(field.section)]
    if not all(section.required for section in sections):
        return False
    return field.required or spec.default is not None or field.path in layout.spec.when


def _outer(section: str) -> Iterator[str]:
    while section:
        yield section
        section = section.rpartition(".")[0]


def _own_value(layout: Layout, field: Field, role: str | None, texts: DefaultTexts) -> Value:
    spec = field.spec
    if field.path in layout.spec.when:
        return typed(layout.spec.when[field.path], field.kind)
    if field.constant is not None:
        return field.constant
    if spec.enum and field.kind is not Kind.LIST:
        return typed(spec.enum[0], field.kind)
    if role == "answer":
        return _answer(layout, texts)
    if role == "id":
        return texts.of_role("id")
    if role is not None:
        return fitted(str(texts.of_role(role)), spec)
    if field.path == layout.description:
        return fitted(texts.description, spec)
    if field.path == layout.keywords:
        words = keywords(spec, texts.keywords)
        return spec.separator.join(map(str, words)) if spec.separator else [*words]
    return plain_value(field.kind, spec)


def _answer(layout: Layout, texts: DefaultTexts) -> str:
    answer = str(texts.of_role("answer"))
    return answer.replace("\\n", "\n") if layout.profile.file.renderer.newline == "real" else answer


def fitted(text: str, spec: FieldSpec) -> str:
    """Return a text, cut or lengthened to the bounds of its field."""
    least, most = int(spec.min or 0), int(spec.max or 1_000_000)
    while len(text) < least:
        text = f"{text} {text}"
    return text if len(text) <= most else text[:most].rstrip()


def keywords(spec: FieldSpec, words: Iterable[str]) -> list[Scalar]:
    """Return as many words as a list needs at least, or a few more, of those that it allows."""
    least, most = int(spec.min or 1), int(spec.max or 5)
    allowed = spec.enum or tuple(word for word in (*words, *_WORDS) if _matches(spec, word))
    return [*allowed[: min(most, max(least, 5))]]


def _matches(spec: FieldSpec, text: str) -> bool:
    return spec.pattern is None or re2.fullmatch(spec.pattern, text) is not None


def plain_value(kind: Kind, spec: FieldSpec) -> Value:
    """Return a value that a field allows, as far as it can be told."""
    given = spec.example if spec.default is None else spec.default
    if given is not None:
        return [*given] if isinstance(given, tuple) else typed(given, kind)
    if kind is Kind.LIST:
        keys = [inner for inner in spec.fields if inner.required is not False]
        maps: list[object] = [{inner.key: plain_value(inner.kinds[0], inner) for inner in keys}]
        return maps if keys else [*keywords(spec, ())]
    return typed(spec.enum[0], kind) if spec.enum else _plain_scalar(kind, spec)


def _plain_scalar(kind: Kind, spec: FieldSpec) -> Value:
    least = spec.min if spec.min is not None else min(1, spec.max if spec.max is not None else 1)
    match kind:
        case Kind.INT:
            return int(least)
        case Kind.FLOAT:
            return float(least)
        case Kind.BOOL:
            return False
        case Kind.DATE:
            return _DAY
        case Kind.DATETIME:
            return dt.datetime.combine(_DAY, dt.time(12), dt.UTC)
        case _:
            candidates = ("An example.", *_WORDS, "1", "2026", "A", "a")
            return fitted(next((text for text in candidates if _matches(spec, text)), "example"), spec)


def other_value(layout: Layout, path: str, value: Value) -> Value:
    """Return another value that a field allows."""
    spec, kind = layout.fields[path].spec, layout.fields[path].kind
    for other in spec.enum or ():
        if (allowed := typed(other, kind)) != value:
            return allowed
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int | float) else f"other {value}"


def link_values(layout: Layout, *targets: Mapping[str, Value]) -> dict[str, Value]:
    """Return the values of links to pages."""
    links = layout.links
    if links is None:
        return {}
    keys = [target.get(key_field(layout)) for target in targets]
    if links.form == "keys":
        return {links.field: [*keys]}
    pairs = list(zip(keys, targets, strict=True))
    if links.form == "numbered":
        return {
            field.path: _link_value(layout, field.key, field.spec, *pair)
            for section, pair in zip(layout.repeats[links.field], pairs, strict=False)
            for field in section.fields
            if isinstance(field, Field)
        }
    specs = layout.fields[links.field].spec.fields
    return {
        links.field: [{inner.key: _link_value(layout, inner.key, inner, *pair) for inner in specs} for pair in pairs]
    }


def key_field(layout: Layout) -> str:
    """Return the field of the target that a link names."""
    links = layout.links
    if links is None:
        return ""
    specs = [links_field.spec for path, links_field in layout.fields.items() if path in layout.link_paths]
    inner = [spec for outer in specs for spec in (outer, *outer.fields)]
    return next((spec.ref for spec in inner if spec.ref), layout.roles.key or layout.roles.question)


def _link_value(layout: Layout, key: str, spec: FieldSpec, target_key: Value, target: Mapping[str, Value]) -> Value:
    links = layout.links
    if links and key == links.key:
        return target_key
    if links and key in links.copies:
        copied = links.copies[key]
        return target.get(getattr(layout.roles, copied, None) or copied)
    return typed(spec.const, spec.kinds[0]) if spec.const is not None else plain_value(spec.kinds[0], spec)
