"""Tests of `qtgen schema`."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from qtgen.page import schema
from qtgen.page.profile import default_profile

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
