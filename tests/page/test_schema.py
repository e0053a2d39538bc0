"""Tests of the schemas that are derived from the table of fields."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from qtgen.page import schema
from qtgen.page.fields import Section
from qtgen.page.profile import default_profile, load_profile
from qtgen.validation.rules.example import EXAMPLE_PAGE
from support.default_tables import DESCRIPTION_MAX, FIELDS, LAYOUT, SUBJECTS, read_text

SCHEMAS = {"json": schema.json_schema(default_profile()), "editor": schema.editor_schema(default_profile())}


def example(**changes: object) -> dict[str, Any]:
    """Return the example page's front matter as JSON would hold it."""
    data: dict[str, Any] = json.loads(json.dumps(read_text(EXAMPLE_PAGE).data(), default=dt.date.isoformat))
    return {**data, **changes}


def faults(document: dict[str, Any], data: dict[str, Any]) -> list[str]:
    validator = jsonschema.validators.validator_for(document)
    validator.check_schema(document)
    checker = validator.FORMAT_CHECKER
    return [error.message for error in validator(document, format_checker=checker).iter_errors(data)]


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_example_page_is_valid(name: str) -> None:
    assert faults(SCHEMAS[name], example()) == []


@pytest.mark.parametrize(
    "change",
    [
        {"id": "x"},
        {"auther": "y"},
        {"date": 7},
        {"date": "2024-13-01"},
        {"score": 3},
        {"score": -0.5},
        {"_schema": "other"},
        {"title": ""},
        {"no_index": "yes"},
        {"url": "/learn/Biology"},
        {"file_name": "What.md"},
        {"seo": {}},
        {"related_article1": {"id": 1}},
    ],
)
@pytest.mark.parametrize("name", SCHEMAS)
def test_a_wrong_value_is_rejected(name: str, change: dict[str, object]) -> None:
    assert faults(SCHEMAS[name], example(**change))


@pytest.mark.parametrize("name", SCHEMAS)
def test_only_optional_keys_may_be_missing(name: str) -> None:
    data = example()
    for row in LAYOUT.rows:
        key = row.path
        without = {path: value for path, value in data.items() if path != key}
        assert bool(faults(SCHEMAS[name], without)) == (row.required and key in data), key


def test_long_descriptions_are_left_to_the_validator_in_editors() -> None:
    long = example(seo={**example()["seo"], "page_description": "x" * (DESCRIPTION_MAX + 1)})
    assert faults(SCHEMAS["json"], long)
    assert not faults(SCHEMAS["editor"], long)


def test_cloudcannon_has_an_input_for_every_key() -> None:
    config = schema.cloudcannon_config(default_profile())["collections_config"]["learn"]
    nested = {field.path for row in LAYOUT.rows if isinstance(row, Section) for field in row.fields}
    top = {f"$.{path}" for path in FIELDS if path not in nested}
    assert set(config["_inputs"]) == top | nested | {row.path for row in LAYOUT.rows if isinstance(row, Section)}
    assert config["schemas"]["default"]["remove_extra_inputs"] is False, "or saving deletes keys that it does not list"


def test_cloudcannon_gets_the_key_of_the_schema_if_pages_have_one() -> None:
    assert schema.cloudcannon_config(default_profile())["collections_config"]["learn"]["schema_key"] == "_schema"
    site = load_profile(Path(__file__).parents[1] / "fixtures" / "sites" / "workshop" / "site.toml")
    assert "schema_key" not in schema.cloudcannon_config(site)["collections_config"]["pages"]


def test_cloudcannon_inputs_have_the_fields_types_and_limits() -> None:
    inputs = schema.cloudcannon_config(default_profile())["collections_config"]["learn"]["_inputs"]
    assert inputs["$.title"] == {"type": "text", "comment": "The question.", "options": {"required": True}}
    assert inputs["$.id"]["options"] == {"required": True, "step": 1}
    assert inputs["$.author"] == {"type": "text", "hidden": True}, "a constant is not edited"
    assert inputs["$.answer"]["type"] == "textarea"
    assert inputs["$.no_index"] == {"type": "checkbox", "comment": "Intended to hide the page from search engines."}
    assert inputs["$.score"]["options"] == {"min": -1, "max": 1, "step": 0.01}
    assert inputs["$.url"]["options"]["pattern"].startswith("^/learn/")
    assert inputs["seo.page_description"]["options"] == {
        "required": True,
        "max_length": DESCRIPTION_MAX,
        "show_count": True,
    }


def test_cloudcannon_offers_each_given_subject_once() -> None:
    def values(config: dict[str, Any]) -> list[str]:
        options: dict[str, Any] = config["collections_config"]["learn"]["_inputs"]["$.subject"]["options"]
        assert options["allow_create"] is True
        offered: list[str] = options["values"]
        return offered

    assert values(schema.cloudcannon_config(default_profile())) == list(SUBJECTS)
    assert values(schema.cloudcannon_config(default_profile(), [*SUBJECTS, "Astronomy", "Biology"])) == [
        *SUBJECTS,
        "Astronomy",
    ]
