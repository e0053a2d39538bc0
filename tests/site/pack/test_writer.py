"""Packing folders."""

import errno
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from qtgen.errors import OutputError, PackExists, UsageError
from qtgen.site.locations import MANIFEST_NAME
from qtgen.site.pack import open_pack, pack_folder, read_shard, unpack_pages
from support.packs import read_tree, use_small_shards, write_tree

PAGES = {f"{folder}/{number}.md": f"{folder} {number}".encode() for folder in "ab" for number in range(5)}


@pytest.fixture(autouse=True)
def _site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    use_small_shards(monkeypatch)
    write_tree(Path("site"), PAGES)


def test_shards_hold_the_pages_in_order() -> None:
    seen: list[int] = []
    report = pack_folder(Path("site"), Path("out"), on_packed=seen.append)
    assert (report.pages, report.shards, report.bytes, seen) == (10, 3, 30, [4, 4, 2])
    pack = open_pack(Path("out"))
    assert [page for shard in pack.shards for page in read_shard(shard)] == sorted(PAGES.items())
    assert sorted(read_tree(Path("out"))) == [f"pages-0000{number}.parquet" for number in range(3)] + [MANIFEST_NAME]
    assert report.packed_bytes == sum(len(raw) for name, raw in read_tree(Path("out")).items() if name != MANIFEST_NAME)


def test_the_same_folder_gives_the_same_bytes() -> None:
    for out in ("one", "two"):
        pack_folder(Path("site"), Path(out))
    assert read_tree(Path("one")) == read_tree(Path("two"))


@pytest.mark.parametrize(
    ("folder", "cwd", "expected"),
    [
        ("site", ".", "site"),
        ("./site/", ".", "site"),
        (".", "site", "site"),
        ("../../site", "site/a", "../../site"),
        ("..", "site/a", "site"),
    ],
)
def test_the_manifest_has_the_folder_as_reports_name_it(
    folder: str, cwd: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(cwd)
    report = pack_folder(Path(folder), tmp_path / "out")
    pack = open_pack(tmp_path / "out")
    assert (report.pages, pack.manifest.folder) == (10, expected)
    assert next(iter(read_shard(pack.shards[0])))[0] == "a/0.md"


def test_only_pages_are_packed() -> None:
    write_tree(Path("site"), {"x.png": b"", ".hidden.md": b"", ".qtgen/provenance.jsonl": b"", "a/.x/y.md": b""})
    assert pack_folder(Path("site"), Path("out")).pages == 10


@pytest.mark.skipif(sys.platform == "win32", reason="makes a pipe")
def test_what_cannot_be_packed_is_listed_and_the_rest_is_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo("site/a/pipe.md")
    Path("site/b/gone.md").symlink_to("nowhere")
    Path("site/c").mkdir()
    Path("site/c/large.md").write_bytes(b"x" * 200)
    monkeypatch.setattr("qtgen.site.pack.writer.PAGE_BYTES", 100)
    scandir = os.scandir

    def refuse(path: Any) -> Any:
        if str(path).startswith("site/b"):
            raise PermissionError(errno.EACCES, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    report = pack_folder(Path("site"), Path("out"))
    assert report.pages == 5
    assert [tuple(item) for item in report.not_packed] == [
        ("site/a/pipe.md", "not a regular file"),
        ("site/b/", "Permission denied"),
        ("site/c/large.md", "larger than 0 MiB"),
    ]


def test_folders_that_cannot_be_packed_leave_no_pack() -> None:
    Path("empty").mkdir()
    Path("broken").mkdir()
    Path("broken/x.md").symlink_to("nowhere")
    for name, words in (("empty", "no pages"), ("gone", "no such folder"), ("broken", "no page of this folder")):
        with pytest.raises(UsageError, match=f"^{name}: {words}"):
            pack_folder(Path(name), Path("out"))
    assert not Path("out").exists()


def test_an_older_pack_is_replaced_only_if_that_is_asked_for() -> None:
    pack_folder(Path("site"), Path("out"))
    before = read_tree(Path("out"))
    with pytest.raises(PackExists, match=r"^out: there is a pack already$"):
        pack_folder(Path("site"), Path("out"))
    assert read_tree(Path("out")) == before
    for path in Path("site/b").iterdir():
        path.unlink()
    assert pack_folder(Path("site"), Path("out"), replace=True).pages == 5
    assert len(read_tree(Path("out"))) == 3, "no shard of the older pack is left"


def test_a_folder_with_other_files_is_refused() -> None:
    write_tree(Path("out"), {"notes.txt": b""})
    for replace in (False, True):
        with pytest.raises(UsageError, match=r"^out: the folder is not empty \(notes.txt\); choose another folder"):
            pack_folder(Path("site"), Path("out"), replace=replace)


def test_an_interrupted_pack_is_recognized_and_can_be_repeated() -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pack_folder(Path("site"), Path("out"), on_packed=interrupt)
    with pytest.raises(UsageError, match=r"so packing was interrupted; pack the folder again"):
        open_pack(Path("out"))
    assert pack_folder(Path("site"), Path("out")).pages == 10
    with pytest.raises(KeyboardInterrupt):
        pack_folder(Path("site"), Path("out"), on_packed=interrupt, replace=True)
    with pytest.raises(UsageError, match=r"so packing was interrupted"):
        open_pack(Path("out"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_ends_the_pack_without_a_manifest() -> None:
    Path("out").mkdir()
    Path("out/pages-00001.parquet").symlink_to("/dev/full")
    with pytest.raises(OutputError, match=r"^out/pages-00001.parquet: No space left on device"):
        pack_folder(Path("site"), Path("out"))
    assert not Path("out", MANIFEST_NAME).exists()


def test_a_pack_in_memory(tmp_path: Path) -> None:
    url = f"memory:/{tmp_path}"
    pack_folder(Path("site"), url)
    with pytest.raises(PackExists):
        pack_folder(Path("site"), url)
    unpack_pages(open_pack(url), Path("copy"))
    assert read_tree(Path("copy")) == PAGES
    assert MemoryFileSystem().exists(f"{tmp_path}/{MANIFEST_NAME}")
