"""Files of a pack in folders and at URLs."""

from pathlib import Path

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from qtgen.errors import OutputError, UsageError
from qtgen.site.locations import is_url
from qtgen.site.pack.storage import join_url, open_file, open_store


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("s3://b/k", True),
        ("memory://", True),
        ("zip://a::/x.zip", True),
        ("C:/x", False),
        ("a:b", False),
        ("/a", False),
    ],
)
def test_urls_are_told_from_paths(text: str, expected: bool) -> None:
    assert is_url(text) is expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("s3://b/k", "s3://b/k/x"),
        ("s3://b/k/", "s3://b/k/x"),
        ("memory://", "memory://x"),
        ("/", "/x"),
        ("out", "out/x"),
        ("zip://a::/x.zip", "zip://a/x::/x.zip"),
    ],
)
def test_names_are_appended_to_urls(url: str, expected: str) -> None:
    assert join_url(url, "x") == expected


@pytest.mark.parametrize("kind", ["path", "file", "memory"])
def test_what_is_written_is_read(kind: str, tmp_path: Path) -> None:
    urls = {"file": f"file://{tmp_path}/a", "memory": f"memory:/{tmp_path}"}
    store = open_store(urls.get(kind, tmp_path / "a"))
    assert store.names() == []
    assert not store.has("x")
    store.write("x", b"1")
    store.write("x", b"22")
    assert (store.names(), store.read("x"), open_file(store.place_of("x"))) == (["x"], b"22", b"22")
    store.remove("x")
    assert not store.has("x")
    with pytest.raises(FileNotFoundError):
        store.read("x")
    with pytest.raises(OutputError, match=r"^.*/x: "):
        store.remove("x")


def test_a_missing_driver_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "s3fs", None)
    with pytest.raises(UsageError, match=r"^s3://bucket/site: the driver of this protocol is not installed: .*s3fs"):
        open_store("s3://bucket/site")


def test_an_unknown_protocol_is_named() -> None:
    with pytest.raises(UsageError, match=r"^nonsense://x: protocol not known: nonsense; use a folder, or a URL"):
        open_store("nonsense://x")


def test_errors_of_a_driver_are_one_line_without_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    class DriverError(Exception):
        pass

    def fail(*_: object, **__: object) -> None:
        raise DriverError("access denied")

    store = open_store("memory://me:secret@host/site?key=secret")
    for name in ("ls", "exists", "cat_file", "pipe_file"):
        monkeypatch.setattr(MemoryFileSystem, name, fail)
    for call, error in (
        (store.names, UsageError),
        (lambda: store.has("x"), UsageError),
        (lambda: store.read("x"), OSError),
        (lambda: store.write("x", b""), OutputError),
    ):
        with pytest.raises(error, match=r"DriverError: access denied") as caught:
            call()
        assert "secret" not in str(caught.value)


def test_a_path_that_is_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match=r"file/x: "):
        open_store(tmp_path / "file").write("x", b"")
