"""JSON Schemas of pydantic models in the strict form that endpoints accept."""

from typing import Any

from pydantic import BaseModel


def strict_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return the strict JSON Schema of a model: every key is required, no others are allowed, definitions are inlined.

    Titles, descriptions and defaults are left out, so that editing a docstring does not change a request. The model
    must not refer to itself.
    """
    raw = model.model_json_schema()
    schema: dict[str, Any] = _strict(raw, raw.pop("$defs", {}))
    return schema


def _strict(node: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_strict(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _strict(definitions[node["$ref"].rsplit("/", 1)[1]], definitions)
    if "oneOf" in node:  # strict mode accepts only `anyOf`
        node = {"anyOf": node["oneOf"]}
    strict = {
        key: {name: _strict(property_, definitions) for name, property_ in value.items()}
        if key == "properties"
        else _strict(value, definitions)
        for key, value in node.items()
        if key not in ("title", "description", "default")
    }
    if "properties" in strict:  # the keys' places stay: they are part of a recorded request
        strict |= {"additionalProperties": False, "required": list(strict["properties"])}
    return strict
