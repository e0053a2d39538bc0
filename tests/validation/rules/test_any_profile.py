"""Every profile is refused with a line of its file, or usable: no combination of types and limits raises."""

import datetime as dt
import random
from pathlib import Path

import pytest

from qtgen.errors import SettingsError
from qtgen.page.compile import layouts_of
from qtgen.page.profile import Profile, parse_profile
from qtgen.page.reader import read
from qtgen.page.schema import cloudcannon_config, editor_schema, json_schema
from qtgen.validation.rules import PageFile, check_page, rules_of
from qtgen.validation.rules.example import example_site_of
from qtgen.validation.rules.value_limits import faults_of

_TYPES = ["text", "int", "float", "bool", "date", "datetime", "list"]
_VALUES = ['"soon"', '"2026-01-31"', "1", "1.5", "true", '["a", "b"]', "2026-01-31", "nan", "inf", "-1"]
_WRITTEN = ["soon", "2026-01-31", "2026-02-30", "[a, b]", "[1, {a: 2}]", "true", "1.5", "", "7", "{a: 1}", "'7'"]
_READ = ["soon", dt.date(2026, 1, 31), dt.datetime(2026, 1, 31, 9, tzinfo=dt.UTC), 1, 1.5, True, None, ["a"], [1], {}]
_FILE = Path("/srv/site/site.toml")


def _field(rng: random.Random, number: int) -> str:
    types = rng.sample(_TYPES, rng.choice([1, 2, 3]))
    settings = {"type": str(types).replace("'", '"')}
    for key in ("const", "default", "example"):
        settings[key] = rng.choice(_VALUES)
    for key in ("enum", "allow"):
        settings[key] = f"[{', '.join(rng.sample(_VALUES, 2))}]"
    settings |= {"min": rng.choice(["0", "1", "5"]), "max": rng.choice(["5", "40", "1.5"])}
    settings["pattern"] = rng.choice(['"[a-z]+"', '".*"', '"[0-9]+"'])
    settings["separator"] = rng.choice(['", "', '"a"'])
    settings["source"] = rng.choice(['"model"', '"today"', '"question"', '"sequence"', '"subject"'])
    settings["value"] = rng.choice(['"{title}"', '"{k1|slug}"', '"x"'])
    settings["required_when"] = f"{{k1={rng.choice(_VALUES)}}}"
    settings["style"] = rng.choice(['"flow"', '"block"', '"folded"', '"double"'])
    kept = [key for key in settings if key == "type" or rng.random() < 0.15]
    return f'  {{key="k{number}", {", ".join(f"{key}={settings[key]}" for key in kept)}}},\n'


def _profile(rng: random.Random) -> Profile | SettingsError:
    """Return a random profile, or why it is refused."""
    fields = "".join(_field(rng, number) for number in (1, 2))
    head = 'format = 1\nname = "S"\n[[layout]]\npath = "{title|slug}.md"\nroles = {question="title", answer="body"}\n'
    try:
        return parse_profile(f'{head}fields = [\n  {{key="title"}},\n{fields}]\n'.encode(), _FILE)
    except SettingsError as error:
        return error


@pytest.mark.parametrize("seed", range(4))
def test_a_profile_that_is_accepted_is_usable(seed: int) -> None:
    rng = random.Random(seed)
    results = [_profile(rng) for _ in range(100)]
    refusals = [result for result in results if isinstance(result, SettingsError)]
    assert all(str(error.path).rpartition(":")[2].isdecimal() and error.remedy for error in refusals)
    accepted = [result for result in results if isinstance(result, Profile)]
    assert len(accepted) > 15
    for profile in accepted:
        [layout] = layouts_of(profile)
        faults = [fault(value) for fault in faults_of(layout).values() for value in _READ]
        assert all(fault is None or fault.startswith("must ") for fault in faults)
        assert json_schema(profile)
        assert editor_schema(profile)
        assert cloudcannon_config(profile)
        assert example_site_of(profile).layout is layout
        page = f"---\ntitle: T\nk1: {rng.choice(_WRITTEN)}\nk2: {rng.choice(_WRITTEN)}\n---\nText.\n".encode()
        for finding in check_page(PageFile("/srv/site/t.md", read(page, profile, "/srv/site/t.md")), rules_of(profile)):
            assert finding.message
