"""The table of fields as schemas: JSON Schema, the editors' dialect of it, and CloudCannon's configuration."""

from typing import Any

from qtgen.page.fields import DESCRIPTION_MAX, LAYOUT, SUBJECTS, Field, Kind, Section

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


def json_schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of a page's front matter, dates as YYYY-MM-DD strings."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **_object(LAYOUT), "title": "Question page"}


def editor_schema() -> dict[str, Any]:
    """Draft 07, which every YAML language server knows. It reads a day as a string and checks it by pattern; long
    descriptions, of which live pages have many, are left to `qtgen validate`, which can warn."""
    schema = _for_editors(_object(LAYOUT))
    return {"$schema": "http://json-schema.org/draft-07/schema#", **schema, "title": "Question page"}


def _object(rows: tuple[Field | Section, ...] | tuple[Field, ...]) -> dict[str, Any]:
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


def _for_editors(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    out = {key: _for_editors(value) for key, value in node.items() if key != "maxLength"}
    if out.pop("format", None) == "date":
        out |= {"pattern": _DAY, "patternErrorMessage": "write a day as YYYY-MM-DD"}
    return out


def cloudcannon() -> dict[str, Any]:
    """The part of cloudcannon.config.yml that concerns pages. Its own schema is a page template (see docs/page.md);
    what it checks are inputs. A key is matched at any depth there, so a key of the top level is written `$.key`."""
    inputs: dict[str, Any] = {}
    for row in LAYOUT:
        if isinstance(row, Section):
            inputs[row.path] = {"type": "object", "comment": _plain(row.doc), "options": {"subtype": "object"}}
            inputs |= {field.path: _input(field) for field in row.fields}
        else:
            inputs[f"$.{row.path}"] = _input(row)
    schema = {"path": ".cloudcannon/schemas/default.md", "name": "Question", "remove_extra_inputs": False}
    return {
        "collections_config": {
            "learn": {
                "path": "content/learn",
                "schema_key": "_schema",
                "schemas": {"default": schema},
                "_inputs": inputs,
            }
        }
    }


def _input(field: Field) -> dict[str, Any]:
    if field.constant is not None:
        return {"type": "text", "hidden": True}
    made: dict[str, Any] = {"type": _INPUT_TYPES[field.kind], "comment": _plain(field.doc)}
    if field.path == "answer":
        made["type"] = "textarea"  # its `markdown` input would write line breaks, which the site does not read
    options: dict[str, Any] = {"required": True} if field.required else {}
    if field.kind is Kind.INT:
        options["step"] = 1
    if field.path == "score":
        options |= {"min": -1, "max": 1, "step": 0.01}
    if field.path == "subject":
        made["type"] = "select"
        options |= {"values": list(SUBJECTS), "allow_create": True}
    if field.path == "seo.page_description":
        made["type"] = "textarea"
        options |= {"max_length": DESCRIPTION_MAX, "show_count": True}
    pattern = _LIMITS.get(field.path, {}).get("pattern")
    if pattern:
        options["pattern"] = pattern
    return {**made, "options": options} if options and field.kind is not Kind.FLAG else made


_INPUT_TYPES = {
    Kind.TEXT: "text",
    Kind.INT: "number",
    Kind.FLOAT: "number",
    Kind.DATE: "date",
    Kind.FLAG: "checkbox",
}


def _plain(doc: str) -> str:
    return doc.replace("`", "")
