"""Tests of the checks of addresses and keys."""

import pytest

from qtgen._util.credentials import masked_address, usable_address, usable_key


@pytest.mark.parametrize("address", ["http://localhost:8000/v1", "https://example.org", "http://[::1]:80/v1"])
def test_http_addresses_are_accepted(address: str) -> None:
    assert usable_address(address) == address


@pytest.mark.parametrize(
    "address", ["", "localhost:8000", "ftp://x/v1", "http://", "http://x:99999/v1", "http://x:0/v1", "http://[::1/v1"]
)
def test_other_addresses_are_rejected(address: str) -> None:
    with pytest.raises(ValueError, match="must be an address such as"):
        usable_address(address)


@pytest.mark.parametrize("address", ["http://me:secret@x/v1", "http://me@x/v1", "http://:secret@x/v1"])
def test_an_address_with_a_password_is_rejected_without_repeating_it(address: str) -> None:
    with pytest.raises(ValueError, match="must not contain a password") as caught:
        usable_address(address)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("query", ["key=s3cret", "s3cret", "api-version=1&sig=s3cret", "a=b", "=s3cret", "API-VERSION"])
def test_a_query_that_may_hold_a_key_is_rejected_without_repeating_it(query: str) -> None:
    with pytest.raises(ValueError, match="must not contain query parameters besides `api-version`") as caught:
        usable_address(f"http://x/v1?{query}")
    assert "s3cret" not in str(caught.value)
    assert usable_address("http://x/v1?api-version=2024-06-01") == "http://x/v1?api-version=2024-06-01"


def test_white_space_around_a_key_is_removed() -> None:
    assert usable_key(" sk-1\r\n") == "sk-1"
    assert usable_key(3) == 3, "the type is not this function's concern"


@pytest.mark.parametrize("key", ["sk-\x01", "sk-é", "sk\n1"])
def test_a_key_that_no_header_can_hold_is_rejected_without_repeating_it(key: str) -> None:
    with pytest.raises(ValueError, match="contains a character that no key has") as caught:
        usable_key(key)
    assert "sk" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("http://h/v1", "http://h/v1"),
        ("http://h/v1?key=k&api-version=2024-06-01", "http://h/v1?key=***&api-version=2024-06-01"),
        ("http://h?token&a=&b=c=d", "http://h?***&a=&b=***"),
        ("http://h/v1?", "http://h/v1?"),
        ("http://me:secret@h:8/v1", "http://***@h:8/v1"),
        ("http://[::1]:8/v1@2", "http://[::1]:8/v1@2"),
        ("no address", "no address"),
    ],
)
def test_secrets_in_an_address_are_masked(address: str, shown: str) -> None:
    assert masked_address(address) == shown
