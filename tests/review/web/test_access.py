"""Who may enter: the holder of the link, or whom a trusted proxy names."""

import stat
from pathlib import Path

import pytest

from qtgen.errors import OutputError, UsageError
from qtgen.review.web.access import LinkAccess, clean_name, known_secret, proxy_access, read_secret

SECRET = b"s" * 32


def scope(*headers: tuple[str, str], peer: str | None = "127.0.0.1") -> dict[str, object]:
    encoded = [(name.lower().encode(), value.encode()) for name, value in headers]
    return {"type": "http", "headers": encoded, "client": (peer, 1) if peer else None}


def cookie_of(access: LinkAccess) -> str:
    return access.cookie.partition(";")[0]


@pytest.mark.parametrize(
    ("cookie", "may_enter"),
    [
        ("{own}", True),
        ("other=1; {own}; more=2", True),
        ('other={{"a": [1, 2]}}; a[b]=c; d e=f; {own}', True),
        ("{own}x", False),
        ("{name}=", False),
        ("{name}=ä", False),
        ("{name}", False),
        ("", False),
        (";;=;\x00", False),
        ("{other}", False),
    ],
)
def test_cookie_lets_enter(cookie: str, may_enter: bool) -> None:
    access = LinkAccess("Ada", SECRET)
    other = cookie_of(LinkAccess("Ada", b"t" * 32))
    value = cookie.format(own=cookie_of(access), name=access.cookie_name, other=other)
    assert access.reviewer(scope(("cookie", value))) == ("Ada" if may_enter else None)


def test_cookie_survives_a_restart_and_the_link_does_not() -> None:
    first, second = LinkAccess("Ada", SECRET), LinkAccess("Ada", SECRET)
    assert second.reviewer(scope(("cookie", cookie_of(first)))) == "Ada"
    assert not second.accepts(first.key)
    assert first.accepts(first.key)
    assert not first.accepts("")
    assert not first.accepts("ä\ud800")


def test_cookie_is_hidden_from_scripts_and_works_from_links() -> None:
    attributes = LinkAccess("Ada", SECRET).cookie
    assert "HttpOnly" in attributes
    assert "SameSite=Lax" in attributes
    assert "Path=/" in attributes


def test_key_and_secret_are_not_in_the_representation() -> None:
    access = LinkAccess("Ada", SECRET)
    assert access.key not in repr(access)
    assert "ssss" not in repr(access)


@pytest.mark.parametrize(
    ("peer", "headers", "name"),
    [
        ("10.0.0.5", [("X-User", "ada")], "ada"),
        ("10.0.0.5", [("x-user", " Ada Lovelace ")], "Ada Lovelace"),
        ("10.0.0.5", [("x-user", "Zoë")], "Zoë"),
        ("::ffff:10.0.0.5", [("x-user", "ada")], "ada"),
        ("fd00::7", [("x-user", "ada")], "ada"),
        ("10.0.0.6", [("x-user", "ada")], None),
        ("10.0.0.6", [("x-user", "ada"), ("x-forwarded-for", "10.0.0.5")], None),
        ("10.0.0.5", [("x-user", "ada"), ("x-user", "eve")], None),
        ("10.0.0.5", [("x-user", "")], None),
        ("10.0.0.5", [("x-user", "a\nb")], None),
        ("10.0.0.5", [("x-user", "a" * 101)], None),
        ("10.0.0.5", [("x-other", "ada")], None),
        ("10.0.0.5", [], None),
        ("unix:", [("x-user", "ada")], None),
        (None, [("x-user", "ada")], None),
    ],
)
def test_only_the_proxy_says_who_it_is(peer: str | None, headers: list[tuple[str, str]], name: str | None) -> None:
    access = proxy_access("X-User", ["10.0.0.5", "fd00::/8"])
    assert access.reviewer(scope(*headers, peer=peer)) == name


@pytest.mark.parametrize("address", ["proxy.example", "", "10.0.0.0/99", "10.0.0.5/8"])
def test_address_of_a_proxy_must_be_one(address: str) -> None:
    with pytest.raises(UsageError, match=r"is not an IP address; give an address such as"):
        proxy_access("X-User", [address])


@pytest.mark.parametrize("header", ["", "X User", "X-User:", "X\r\n", "Über"])
def test_name_of_the_header_must_be_one(header: str) -> None:
    with pytest.raises(UsageError, match=r"is not the name of a header; give a name such as X-Forwarded-User"):
        proxy_access(header, ["10.0.0.5"])


def test_latin_1_name_of_a_proxy() -> None:
    access = proxy_access("X-User", ["10.0.0.5"])
    raw = {"type": "http", "headers": [(b"x-user", b"Zo\xeb")], "client": ("10.0.0.5", 1)}
    assert access.reviewer(raw) == "Zoë"


def test_name_without_letters_is_none() -> None:
    assert clean_name(" \t") is None
    assert clean_name("\u202eada") is None


def test_secret_is_kept_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / ".qtgen" / "review"
    secret = read_secret(folder)
    assert len(secret) == 32
    assert stat.S_IMODE((folder / "secret").stat().st_mode) == 0o600
    assert (folder / ".gitignore").read_text() == "*\n"
    (folder / "secret").chmod(0o644)
    assert read_secret(folder) == secret
    assert stat.S_IMODE((folder / "secret").stat().st_mode) == 0o600


def test_secret_that_a_crash_cut_short_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"short")
    assert len(read_secret(tmp_path)) == 32


def test_known_secret_is_read_and_nothing_is_written(tmp_path: Path) -> None:
    folder = tmp_path / "review"
    assert len(known_secret(folder)) == 32
    assert known_secret(folder) != known_secret(folder)
    assert not folder.exists()
    secret = read_secret(folder)
    assert known_secret(folder) == secret
    assert sorted(path.name for path in folder.iterdir()) == [".gitignore", "secret"]


def test_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        read_secret(tmp_path / "file" / "review")


@pytest.mark.parametrize(
    ("peer", "headers", "sentence"),
    [
        ("10.0.0.6", [(b"x-user", b"Ann")], "This request did not come from a trusted proxy; open the page through"),
        ("10.0.0.5", [], "The proxy did not send `X-User`; set this header to the reviewer's name in the proxy."),
        ("10.0.0.5", [(b"x-user", b"Ann"), (b"x-user", b"Bob")], "The proxy sent `X-User` 2 times; remove the header"),
        ("10.0.0.5", [(b"x-user", b" ")], "The name in `X-User` is empty, too long or not printable"),
    ],
)
def test_a_refusal_names_its_cause_and_no_address(
    peer: str, headers: list[tuple[bytes, bytes]], sentence: str, caplog: pytest.LogCaptureFixture
) -> None:
    access = proxy_access("X-User", ["10.0.0.5"])
    request = {"client": (peer, 1), "headers": headers}
    assert access.reviewer(request) is None
    refusal = access.refusal(request)
    assert refusal.startswith(sentence)
    assert "10.0.0." not in refusal
    assert ("refused a request from 10.0.0.6" in caplog.text) == (peer == "10.0.0.6")
