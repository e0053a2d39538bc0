"""The manifest of a pack, and what is wrong with damaged ones."""

import json
from typing import Any

import pytest

from qtgen.errors import UsageError
from qtgen.site.pack.format import Manifest, ShardEntry, decode_manifest, decode_path, encode_manifest, encode_path

ENTRY = ShardEntry(name="pages-00000.parquet", pages=3, bytes=10, sha256="a" * 64)
MANIFEST = Manifest(folder="outputs", pages=3, bytes=99, shards=(ENTRY,))


@pytest.mark.parametrize("folder", ["outputs", "/srv/süte", "site\udcff"])
def test_a_manifest_is_read_as_it_was_written(folder: str) -> None:
    manifest = MANIFEST.model_copy(update={"folder": folder})
    assert decode_manifest(encode_manifest(manifest), "OUT") == manifest


def test_every_truncated_manifest_is_refused() -> None:
    raw = encode_manifest(MANIFEST).rstrip()
    for length in range(len(raw)):
        with pytest.raises(UsageError, match=r"^OUT: not a manifest .*; pack the folder again$"):
            decode_manifest(raw[:length], "OUT")


def _changed(**changes: Any) -> bytes:
    return json.dumps({**json.loads(encode_manifest(MANIFEST)), **changes}).encode()


def _with_shard(**changes: Any) -> bytes:
    return _changed(shards=[{**ENTRY.model_dump(), **changes}])


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"[]", "damaged"),
        (b"null", "damaged"),
        (b"[" * 100_000, "not a manifest"),
        (b"\xff\xfe", "not a manifest"),
        (_changed(version=2), "format version 2.*install a newer qtgen"),
        (_changed(version="1x"), "`version`"),
        (_changed(format="other"), "`format`"),
        (_changed(folder=7), "`folder`"),
        (_changed(folder="a\0b"), "`folder`"),
        (_changed(pages=4), "do not add up"),
        (_with_shard(name="../pages-00000.parquet"), r"`shards\.0\.name`"),
        (_with_shard(name="/etc/passwd"), r"`shards\.0\.name`"),
        (_with_shard(sha256="short"), r"`shards\.0\.sha256`"),
        (_with_shard(pages=-3), r"`shards\.0\.pages`"),
    ],
)
def test_a_damaged_manifest_is_refused_in_one_line(raw: bytes, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        decode_manifest(raw, "OUT")
    assert str(caught.value).startswith("OUT: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("raw", [b"a/b.md", "é/ü.md".encode(), b"\xff\xfe.md", b"a\nb.md", b"\xed\xb0\x80.md"])
def test_paths_keep_their_bytes(raw: bytes) -> None:
    assert encode_path(decode_path(raw)) == raw
