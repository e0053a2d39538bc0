"""The table of fields as schemas: JSON Schema, the subset that editors support, and CloudCannon's configuration."""

from collections.abc import Sequence
from typing import Any

from qtgen.page.fields import DESCRIPTION_MAX, LAYOUT, SUBJECTS, Field, Kind, Section

_TITLE = "Question page"
_DAY = r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$"
_TYPES: dict[Kind, dict[str, Any]] = {
    Kind.TEXT: {"type": "string", "minLength": 1},
    Kind.INT: {"type": "integer"},
    Kind.FLOAT: {"type": "number"},
    Kind.DATE: {"type": "string", "format": "date"},
    Kind.FLAG: {"type": "boolean"},
}
_LIMITS: dict[str, dict[str, Any]] = {
    "seo.page_description": {"maxLength": DESCRIPTION_MAX},
    "score": {"anyOf": [{"const": -1}, {"minimum": 0, "maximum": 1}]},
    "url": {"pattern": "^/learn/[a-z0-9-]+/questions/[a-z0-9-]+$"},
    "file_name": {"pattern": r"^[a-z0-9-]+\.md$"},
}
_INPUT_TYPES = {
    Kind.TEXT: "text",
    Kind.INT: "number",
    Kind.FLOAT: "number",
    Kind.DATE: "date",
    Kind.FLAG: "checkbox",
}


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema 2020-12 of a page's front matter, with dates as YYYY-MM-DD strings."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **_object(LAYOUT), "title": _TITLE}


def editor_schema() -> dict[str, Any]:
    """Return the schema in draft 07, which every YAML language server supports.

    Language servers read a date as a string and ignore `format`, so a pattern checks it. Live pages have many long
    descriptions; there is no limit for them here, because `qtgen validate` warns about them instead of failing.
    """
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        **_without_what_editors_lack(_object(LAYOUT)),
        "title": _TITLE,
    }


def _object(rows: Sequence[Field | Section]) -> dict[str, Any]:
    names = {row: row.path if isinstance(row, Section) else row.key for row in rows}
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [name for row, name in names.items() if row.required],
        "properties": {name: _property(row) for row, name in names.items()},
    }


def _property(row: Field | Section) -> dict[str, Any]:
    if isinstance(row, Section):
        return {"description": row.doc, **_object(row.fields)}
    if row.constant is not None:
        return {"description": row.doc, "const": row.constant}
    return {"description": row.doc, **_TYPES[row.kind], **_LIMITS.get(row.path, {})}


def _without_what_editors_lack(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    kept = {key: _without_what_editors_lack(value) for key, value in node.items() if key != "maxLength"}
    if kept.pop("format", None) == "date":
        kept |= {"pattern": _DAY, "patternErrorMessage": "write a day as YYYY-MM-DD"}
    return kept


def cloudcannon_config(subjects: Sequence[str] = SUBJECTS) -> dict[str, Any]:
    """Return the part of cloudcannon.config.yml that concerns pages.

    What CloudCannon calls a schema is a template of a page; the input types are what checks the values. An input's key
    applies at any depth, so that of a top-level field is written `$.key`.

    Args:
        subjects: The subjects that the editor offers. It accepts others as well.
    """
    inputs: dict[str, Any] = {}
    for row in LAYOUT:
        if isinstance(row, Section):
            inputs[row.path] = {"type": "object", "comment": _plain(row.doc), "options": {"subtype": "object"}}
            inputs |= {field.path: _input(field, subjects) for field in row.fields}
        else:
            inputs[f"$.{row.path}"] = _input(row, subjects)
    template = {"path": ".cloudcannon/schemas/default.md", "name": "Question", "remove_extra_inputs": False}
    return {
        "collections_config": {
            "learn": {
                "path": "content/learn",
                "schema_key": "_schema",
                "schemas": {"default": template},
                "_inputs": inputs,
            }
        }
    }


def _input(field: Field, subjects: Sequence[str]) -> dict[str, Any]:
    if field.constant is not None:
        return {"type": "text", "hidden": True}
    config: dict[str, Any] = {"type": _INPUT_TYPES[field.kind], "comment": _plain(field.doc)}
    if field.kind is Kind.FLAG:
        return config
    options: dict[str, Any] = {"required": True} if field.required else {}
    if field.kind is Kind.INT:
        options["step"] = 1
    if field.path == "answer":
        config["type"] = "textarea"  # the `markdown` type writes line breaks, which the site does not read
    elif field.path == "score":
        options |= {"min": -1, "max": 1, "step": 0.01}
    elif field.path == "subject":
        config["type"] = "select"
        options |= {"values": list(dict.fromkeys(subjects)), "allow_create": True}
    elif field.path == "seo.page_description":
        config["type"] = "textarea"
        options |= {"max_length": DESCRIPTION_MAX, "show_count": True}
    if pattern := _LIMITS.get(field.path, {}).get("pattern"):
        options["pattern"] = pattern
    return {**config, "options": options} if options else config


def _plain(doc: str) -> str:
    return doc.replace("`", "")
