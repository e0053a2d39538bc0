"""Tests of `qtgen schema`."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
import yaml

from qtgen.page import schema
from qtgen.page.profile import default_profile
from support.lookalikes import LOOKALIKES
from support.lookalikes.conformance import values_of

Run = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize(
    ("options", "expected"),
    [((), schema.json_schema(default_profile())), (("--for", "editor"), schema.editor_schema(default_profile()))],
)
def test_the_schema_is_printed_as_json(qtgen: Run, options: tuple[str, ...], expected: dict[str, object]) -> None:
    code, out, err = qtgen("schema", *options)
    assert (code, json.loads(out), err) == (0, expected, "")


def test_cloudcannon_offers_the_projects_own_subjects(qtgen: Run) -> None:
    Path("qtgen.toml").write_text('subjects = ["Astronomy", "Études"]\n', encoding="utf-8")
    code, out, _ = qtgen("schema", "--for", "cloudcannon")
    assert code == 0
    assert yaml.safe_load(out) == schema.cloudcannon_config(default_profile(), ["Astronomy", "Études"])


def test_settings_that_cannot_be_read_matter_only_if_they_are_used(qtgen: Run) -> None:
    Path("qtgen.toml").write_text("tries = 0\n", encoding="utf-8")
    assert qtgen("schema")[0] == 0
    code, out, err = qtgen("schema", "--for", "cloudcannon")
    assert (code, out) == (2, "")
    assert "`tries`: must be at least 1" in err


def test_a_site_has_its_own_schema(qtgen: Run) -> None:
    Path("shop").mkdir()
    for folder, name in ((".", "products"), ("shop", "workshop")):
        Path(folder, "site.toml").write_text(LOOKALIKES[name].site_toml, encoding="utf-8")
    nearest, other = (json.loads(qtgen("schema", *options)[1]) for options in ((), ("--site", "shop/site.toml")))
    assert (list(nearest["properties"])[:2], list(other["properties"])[:2]) == (
        ["title", "category"],
        ["title", "permalink"],
    )
    Path("qtgen.toml").write_text('site = "shop/site.toml"\n', encoding="utf-8")
    assert json.loads(qtgen("schema")[1]) == other
    config = yaml.safe_load(qtgen("schema", "--for", "cloudcannon")[1])
    assert "$.withdrawn_because" in config["collections_config"]["pages"]["_inputs"]


@pytest.mark.parametrize("target", ["json", "editor"])
@pytest.mark.parametrize("name", LOOKALIKES)
def test_the_pages_of_a_site_are_valid_and_others_are_not(qtgen: Run, name: str, target: str) -> None:
    Path("site.toml").write_text(LOOKALIKES[name].site_toml, encoding="utf-8")
    document = json.loads(qtgen("schema", "--for", target)[1])
    validator = jsonschema.validators.validator_for(document)
    validator.check_schema(document)
    for page in LOOKALIKES[name].generate(1, 20):
        data = json.loads(json.dumps(values_of(page), default=str))
        assert [error.message for error in validator(document).iter_errors(data)] == []
        assert [*validator(document).iter_errors({**data, "unknown": "x"})]


@pytest.mark.parametrize("name", ["default", *LOOKALIKES])
def test_the_schema_of_the_profile_accepts_profiles(qtgen: Run, name: str) -> None:
    code, out, _ = qtgen("schema", "--for", "profile")
    document = json.loads(out)
    validator = jsonschema.validators.validator_for(document)
    validator.check_schema(document)
    raw = default_profile().raw.decode() if name == "default" else LOOKALIKES[name].site_toml
    site = json.loads(json.dumps(tomllib.loads(raw), default=str))  # a date is a text for language servers
    assert (code, [error.message for error in validator(document).iter_errors(site)]) == (0, [])
    assert [*validator(document).iter_errors({**site, "formt": 1})]
    site["layout"][0]["fields"][0]["stile"] = "plain"
    assert [*validator(document).iter_errors(site)]


def test_an_unreadable_site_gives_one_line(qtgen: Run) -> None:
    Path("site.toml").write_text("format = 2\n", encoding="utf-8")
    code, out, err = qtgen("schema")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "site.toml:1: `format`: is not 1" in err
    assert qtgen("schema", "--site", "gone.toml")[0] == 2
    assert qtgen("schema", "--for", "profile")[0] == 0
