"""JSON Schemas of pydantic models in the strict form that endpoints accept."""

from typing import Any

from pydantic import BaseModel


def strict_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return the strict JSON Schema of a model: every key required, no others allowed, definitions inlined.

    Titles, descriptions and defaults are left out, so editing a docstring does not change a request.
    """
    raw = model.model_json_schema()
    strict: dict[str, Any] = _strict(raw, raw.pop("$defs", {}))
    return strict


def _strict(node: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_strict(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _strict(definitions[node["$ref"].rsplit("/", 1)[1]], definitions)
    if "oneOf" in node:  # strict mode accepts only `anyOf`
        node = {"anyOf": node["oneOf"]}
    return {
        key: {name: _strict(sub, definitions) for name, sub in value.items()}
        if key == "properties"
        else _strict(value, definitions)
        for key, value in node.items()
        if key not in ("title", "description", "default")
    }
