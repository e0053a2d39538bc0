"""Headers that refer to environment variables."""

import pytest

from qtgen.errors import SettingsError
from qtgen.llm.headers import resolve

ENVIRON = {"KEY": "k-secret\n", "TOKEN": "t-secret", "BAD": "k-secret\x00", "WIDE": "schlüssel-secret"}


def test_variables_are_replaced() -> None:
    headers = {"A": "plain", "B": "$KEY", "C": "Bearer ${TOKEN}", "D": "costs $$5"}
    assert resolve(headers, ENVIRON) == {"A": "plain", "B": "k-secret", "C": "Bearer t-secret", "D": "costs $5"}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("$NOT_SET", "`headers.X`: the environment variable NOT_SET is not set; set NOT_SET"),
        ("5$", "must begin the name of an environment variable; write `$$` for a dollar sign"),
        ("$BAD", "contains a character that no header can hold"),
        ("$WIDE", "contains a character that no header can hold"),
    ],
)
def test_what_cannot_be_resolved_names_the_header_and_shows_no_value(value: str, words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        resolve({"X": value}, ENVIRON)
    assert words in str(caught.value)
    assert "secret" not in str(caught.value)


def test_an_error_names_the_table_of_the_value() -> None:
    with pytest.raises(SettingsError, match=r"`query\.api-version`: the environment variable NOT_SET is not set"):
        resolve({"api-version": "$NOT_SET"}, ENVIRON, "query")
