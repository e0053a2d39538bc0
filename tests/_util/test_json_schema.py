"""Tests of the strict JSON Schemas of answers."""

from typing import Annotated, Any, Literal

import jsonschema
from pydantic import BaseModel, Field

from qtgen._util.json_schema import strict_schema


class Row(BaseModel):
    """A description, which must not reach the request."""

    kind: Literal["row"]
    title: str = Field(description="Not sent either.", min_length=2)


class Note(BaseModel):
    kind: Literal["note"]
    description: str | None = None


class Answer(BaseModel):
    default: int = 3
    rows: list[Row] = Field(min_length=1)
    best: Row
    parts: list[Annotated[Row | Note, Field(discriminator="kind")]]


SCHEMA = strict_schema(Answer)


def nodes(node: Any) -> list[dict[str, Any]]:
    """Return all schemas inside a schema."""
    if isinstance(node, list):
        return [inner for item in node for inner in nodes(item)]
    if not isinstance(node, dict):
        return []
    inside = [value for key, value in node.items() if key != "properties"]
    return [node, *nodes(inside), *nodes(list(node.get("properties", {}).values()))]


def test_every_key_is_required_and_no_other_allowed() -> None:
    objects = [node for node in nodes(SCHEMA) if node.get("type") == "object"]
    assert len(objects) == 5
    for node in objects:
        assert node["additionalProperties"] is False
        assert node["required"] == list(node["properties"])


def test_definitions_are_inlined_and_alternatives_are_any_of() -> None:
    for node in nodes(SCHEMA):
        assert not {"$ref", "$defs", "oneOf", "discriminator"} & node.keys()
    assert len(SCHEMA["properties"]["parts"]["items"]["anyOf"]) == 2


def test_docstrings_titles_and_defaults_are_left_out_but_not_fields_of_these_names() -> None:
    for node in nodes(SCHEMA):
        assert not {"title", "description", "default"} & node.keys()
    assert "default" in SCHEMA["properties"]
    assert "title" in SCHEMA["properties"]["best"]["properties"]


def test_the_schema_accepts_what_the_model_does() -> None:
    row = {"kind": "row", "title": "ab"}
    good = {"default": 1, "rows": [row], "best": row, "parts": [{"kind": "note", "description": None}, row]}
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    validator = jsonschema.Draft202012Validator(SCHEMA)
    assert validator.is_valid(good)
    assert not validator.is_valid({**good, "rows": []}), "limits are kept"
    assert not validator.is_valid({**good, "best": {"kind": "row", "title": "a"}})
