"""A profile as schemas: JSON Schema, the subset that editors support, and CloudCannon's configuration."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from qtgen.page.compile import layouts_of, main_layout
from qtgen.page.fields import Field, Row, Section
from qtgen.page.layout import Layout
from qtgen.page.profile import FieldSpec, Kind, Profile, SiteFile

_JSON_SCHEMA = "https://json-schema.org/draft/2020-12/schema"
_DAY = r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$"
_TYPES: dict[Kind, dict[str, Any]] = {
    Kind.TEXT: {"type": "string", "minLength": 1},
    Kind.INT: {"type": "integer"},
    Kind.FLOAT: {"type": "number"},
    Kind.DATE: {"type": "string", "format": "date"},
    Kind.DATETIME: {"type": "string", "format": "date-time"},
    Kind.BOOL: {"type": "boolean"},
    Kind.LIST: {"type": "array"},
    Kind.MAP: {"type": "object"},
}
_INPUT_TYPES = {
    Kind.TEXT: "text",
    Kind.INT: "number",
    Kind.FLOAT: "number",
    Kind.DATE: "date",
    Kind.DATETIME: "datetime",
    Kind.BOOL: "checkbox",
    Kind.LIST: "array",
}


def json_schema(profile: Profile) -> dict[str, Any]:
    """Return the JSON Schema 2020-12 of the front matter of a page, with dates as YYYY-MM-DD strings."""
    return {"$schema": _JSON_SCHEMA, **_one_of([_page(layout) for layout in layouts_of(profile)])}


def _page(layout: Layout) -> dict[str, Any]:
    return {**_object(layout.rows, layout), "title": layout.spec.name}


def _one_of(schemas: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return a schema that allows each of several schemas."""
    return schemas[0] if len(schemas) == 1 else {"anyOf": [*schemas]}


def profile_schema() -> dict[str, Any]:
    """Return the JSON Schema 2020-12 of `site.toml`."""
    return {"$schema": _JSON_SCHEMA, **msgspec.json.schema(SiteFile)}


def editor_schema(profile: Profile) -> dict[str, Any]:
    """Return the schema in draft 07, which every YAML language server supports.

    Language servers read a date as a string and ignore `format`, so a pattern checks it. Long descriptions are common
    on live pages; there is no limit for them here, because `qtgen validate` warns about them instead of failing.
    """
    pages = [_without_what_editors_lack(_page(layout)) for layout in layouts_of(profile)]
    return {"$schema": "http://json-schema.org/draft-07/schema#", **_one_of(pages)}


def _object(rows: Sequence[Row], layout: Layout) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [row.key for row in rows if row.required],
        "properties": {row.key: _property(row, layout) for row in rows},
    }


def _property(row: Row, layout: Layout) -> dict[str, Any]:
    if isinstance(row, Section):
        return {"description": row.doc, **_object(row.fields, layout)}
    described = {"description": row.doc} if row.doc else {}
    if row.constant is not None:
        return {**described, "const": row.spec.const}
    if len(row.spec.kinds) > 1:
        return {**described, "anyOf": [_TYPES[kind] for kind in row.spec.kinds]}
    return {**described, **_TYPES[row.kind], **_limits(row, layout)}


def _limits(row: Field, layout: Layout) -> dict[str, Any]:
    """Return the part of the schema that restricts the value besides its type."""
    spec = row.spec
    if row.kind is Kind.LIST:
        return {**_bounds(spec, "Items"), "items": _items(spec)}
    limits: dict[str, Any] = _bounds(spec, "") if row.kind in (Kind.INT, Kind.FLOAT) else {}
    if spec.allow and limits:
        limits = {"anyOf": [*({"const": _number(value)} for value in spec.allow), limits]}
    if row.kind is Kind.TEXT:
        limits = _text_limits(row, layout)
    if spec.enum:
        limits["enum"] = [*spec.enum]
    return limits


def _text_limits(row: Field, layout: Layout) -> dict[str, Any]:
    spec = row.spec
    if spec.pattern:
        return {"pattern": _whole(spec)}
    if pattern := _template_pattern(row.path, layout):
        return {"pattern": pattern}
    is_answer = row.path == layout.roles.answer
    return {"maxLength": spec.max} if spec.max is not None and not (spec.separator or is_answer) else {}


def _whole(spec: FieldSpec) -> str:
    """Return the pattern of a whole value, or of the items that a text contains with their separators."""
    separator = re.sub(r"([\\^$.|?*+()\[\]{}])", r"\\\1", spec.separator or "")
    more = f"(?:{separator}(?:{spec.pattern}))*" if separator else ""
    return f"^(?:{spec.pattern}){more}$"


def _template_pattern(path: str, layout: Layout) -> str | None:
    """Return the pattern of a field whose template consists of literals and slugs, or None."""
    template = layout.templates.get(path)
    references = template.references if template else ()
    if template is None or not references or any(reference.filters != ("slug",) for reference in references):
        return None
    slug = f"[{layout.profile.file.slug.keep.replace(' ', '')}{re.escape(layout.profile.file.slug.space)}]+"
    slug = "[a-z0-9-]+" if slug == r"[a-z0-9\-]+" or slug == r"[a-z0-9-\-]+" else slug
    return "^" + "".join(part.replace(".", r"\.") if isinstance(part, str) else slug for part in template.parts) + "$"


def _items(spec: FieldSpec) -> dict[str, Any]:
    if spec.fields:
        inner = {field.key: _one_of([{**_TYPES[kind]} for kind in field.kinds]) for field in spec.fields}
        required = [field.key for field in spec.fields if field.required is not False]
        return {"type": "object", "additionalProperties": False, "required": required, "properties": inner}
    items: dict[str, Any] = {"enum": [*spec.enum]} if spec.enum else {"type": ["string", "number", "boolean"]}
    return items | ({"pattern": f"^(?:{spec.pattern})$"} if spec.pattern else {})


def _bounds(spec: FieldSpec, noun: str) -> dict[str, Any]:
    names = {"minimum": spec.min, "maximum": spec.max} if not noun else {f"min{noun}": spec.min, f"max{noun}": spec.max}
    return {name: value for name, value in names.items() if value is not None}


def _number(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _without_what_editors_lack(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    kept = {key: _without_what_editors_lack(value) for key, value in node.items() if key != "maxLength"}
    if kept.pop("format", None) == "date":
        kept |= {"pattern": _DAY, "patternErrorMessage": "write a day as YYYY-MM-DD"}
    return kept


def cloudcannon_config(profile: Profile, subjects: Iterable[str] = ()) -> dict[str, Any]:
    """Return the part of cloudcannon.config.yml that concerns pages.

    What CloudCannon calls a schema is a template of a page; the input types are what checks the values. An input's key
    applies at any depth, so that of a top-level field is written `$.key`.

    Args:
        profile: The layout of the site.
        subjects: Subjects that the editor offers besides those of the profile. It accepts others as well.
    """
    layout = main_layout(profile)
    inputs: dict[str, Any] = {}
    rows: list[Row] = [*layout.sections.values(), *layout.fields.values()]
    for row in rows:
        if isinstance(row, Section):
            inputs[row.path] = {"type": "object", "comment": _plain(row.doc), "options": {"subtype": "object"}}
        else:
            inputs[row.path if row.section else f"$.{row.path}"] = _input(row, layout, subjects)
    in_order = sorted(inputs, key=lambda path: layout.order[path.removeprefix("$.")])
    place = profile.file.cloudcannon
    template = {"path": ".cloudcannon/schemas/default.md", "name": place.name, "remove_extra_inputs": False}
    return {
        "collections_config": {
            place.collection: {
                "path": place.path,
                **({"schema_key": place.schema_key} if place.schema_key else {}),
                "schemas": {"default": template},
                "_inputs": {path: inputs[path] for path in in_order},
            }
        }
    }


def _input(field: Field, layout: Layout, subjects: Iterable[str]) -> dict[str, Any]:
    spec = field.spec
    if field.constant is not None:
        return {"type": "text", "hidden": True}
    config: dict[str, Any] = {"type": _INPUT_TYPES[field.kind], "comment": _plain(field.doc)}
    if field.kind is Kind.BOOL:
        return config
    options: dict[str, Any] = {"required": True} if field.required else {}
    if field.kind is Kind.INT:
        options["step"] = 1
    elif field.kind is Kind.FLOAT:
        options |= _float_range(spec)
    elif field.path == layout.roles.answer:
        config["type"] = "textarea"  # the `markdown` type writes line breaks, which not every site reads
    elif field.path == layout.roles.subject or spec.enum:
        config["type"] = "select"
        values = dict.fromkeys([*(spec.enum or spec.known or ()), *([] if spec.enum else subjects)])
        options |= {"values": list(values)} | ({} if spec.enum else {"allow_create": True})
    elif spec.source == "model" and spec.max is not None and spec.separator is None and field.kind is Kind.TEXT:
        config["type"] = "textarea"
        options |= {"max_length": spec.max, "show_count": True}
    if pattern := _limits(field, layout).get("pattern"):
        options["pattern"] = pattern
    return {**config, "options": options} if options else config


def _float_range(spec: FieldSpec) -> dict[str, Any]:
    allowed = [value for value in (*spec.allow, spec.min, spec.max) if isinstance(value, int | float)]
    if not allowed:
        return {}
    return {"min": _number(min(allowed)), "max": _number(max(allowed)), "step": 0.01}


def _plain(doc: str) -> str:
    return doc.replace("`", "")
