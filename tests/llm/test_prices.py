"""Prices of models."""

from pathlib import Path

import pytest

from qtgen.errors import SettingsError
from qtgen.llm.prices import price_of, read, shipped
from qtgen.settings import Price


def test_the_exact_name_counts_first_and_the_projects_own_price_before_the_shipped_one() -> None:
    prices = shipped().models
    own = {"mine": Price(input=1, output=2), "gpt-4o": Price(input=3, output=4)}
    assert price_of("gpt-4o-mini-2024-07-18", {}) == prices["gpt-4o-mini"]
    assert price_of("gpt-4o-2024-05-13", own) == prices["gpt-4o-2024-05-13"] != prices["gpt-4o"]
    assert price_of("gpt-4o-2024-08-06", own) == own["gpt-4o"]
    assert price_of("mine-2025-01-02", own) == own["mine"]
    assert price_of("mine-20b", own) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('as_of = "x"\nsource = "y"\n[models]\nm = { input = "a", output = 1 }', "prices.toml: `models.m.input`: "),
        ("models = {}", "prices.toml: `as_of`: field required"),
        ("x = [", "prices.toml: "),
    ],
)
def test_a_price_file_that_is_wrong_names_the_field(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "prices.toml").write_text(text)
    with pytest.raises(SettingsError) as caught:
        read(tmp_path / "prices.toml")
    assert words in str(caught.value)


def test_a_missing_price_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"no\.toml: "):
        read(tmp_path / "no.toml")
