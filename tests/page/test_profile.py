"""Reading `site.toml`, and what is said about files that cannot be used."""

import pickle
from pathlib import Path

import pytest

from qtgen.errors import SettingsError
from qtgen.page.compile import layouts_of, main_layout
from qtgen.page.profile import (
    Profile,
    default_profile,
    find_profile,
    load_profile,
    parse_profile,
)
from qtgen.page.profile_check import check_profile
from support import ROOT
from support.lookalikes import LOOKALIKES

SITES = ROOT / "tests" / "fixtures" / "sites"
HOSTILE = sorted((SITES / "hostile").glob("*.toml"))


@pytest.mark.parametrize("file", HOSTILE, ids=lambda file: file.stem)
def test_an_invalid_file_gives_one_line_with_its_place(file: Path) -> None:
    text, _, expected = file.read_text(encoding="utf-8").rpartition("\n# expected: ")
    with pytest.raises(SettingsError) as caught:
        parse_profile(text.encode(), Path("site.toml"))
    assert str(caught.value) == expected.strip()


def test_there_are_hostile_files() -> None:
    assert len(HOSTILE) > 50


@pytest.mark.parametrize("name", LOOKALIKES)
def test_the_layouts_of_other_sites_are_accepted(name: str) -> None:
    profile = parse_profile(LOOKALIKES[name].site_toml.encode(), Path("/site/site.toml"))
    assert layouts_of(profile)
    assert main_layout(profile).roles.question


def test_the_default_profile_satisfies_the_checks() -> None:
    check_profile(default_profile())
    assert default_profile().is_default
    assert default_profile().root is None


def test_the_error_contains_an_unreadable_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read: No such file"):
        load_profile(tmp_path / "site.toml")
    (tmp_path / "site.toml").write_bytes(b"name = '\xff'")
    with pytest.raises(SettingsError, match="is not UTF-8: byte 8; save the file as UTF-8"):
        load_profile(tmp_path / "site.toml")


def test_the_nearest_file_upwards_is_found(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "site.toml").touch()
    assert find_profile(inner) == tmp_path / "site.toml"
    (inner / "site.toml").touch()
    assert find_profile(inner) == inner / "site.toml"


def test_a_profile_is_pickled_as_its_bytes() -> None:
    profile = load_profile(SITES / "workshop" / "site.toml")
    travelled: Profile = pickle.loads(pickle.dumps(profile))
    assert travelled == profile
    assert hash(travelled) == hash(profile)
    assert len(pickle.dumps(profile)) < len(profile.raw) + 500
    layout = main_layout(profile)
    assert pickle.loads(pickle.dumps(layout)) is layout
    assert profile != default_profile()


def test_a_date_may_be_written_with_or_without_quotes() -> None:
    text = (SITES / "workshop" / "site.toml").read_text(encoding="utf-8")
    constants = []
    for date in ("2026-01-31", '"2026-01-31"'):
        changed = text.replace('type="date", source="today"', f'type="date", const={date}')
        constants.append(main_layout(parse_profile(changed.encode(), Path("site.toml"))).constants["published"])
    assert constants[0] == constants[1]
    assert str(constants[0]) == "2026-01-31"
