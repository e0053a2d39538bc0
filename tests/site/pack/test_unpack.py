"""Unpacking: what comes out is what went in, and nothing is written where it must not be."""

import errno
import sys
import tempfile
from pathlib import Path
from typing import IO

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from qtgen._util import leftovers
from qtgen.errors import OutputError, UsageError
from qtgen.site.pack import UnpackReport, open_pack, pack_folder, unpack_pages
from qtgen.site.pack.format import PackedPage
from support.packs import read_tree, rows_of, shard_of, use_small_shards, write_pack, write_rows, write_tree

PAGES = {f"{folder}/{number}.md": f"{folder} {number}".encode() for folder in "ab" for number in range(5)}


@pytest.fixture(autouse=True)
def _site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    use_small_shards(monkeypatch)
    write_tree(Path("site"), PAGES)


def unpack(pack: str = "out", folder: str = "copy", *, replace: bool = False) -> UnpackReport:
    return unpack_pages(open_pack(Path(pack)), Path(folder), replace=replace)


def failures(report: UnpackReport) -> list[str]:
    return [str(error) for error in report.failed]


_NAMES = st.text(
    st.characters(exclude_characters="/\0", categories=("L", "M", "N", "P", "S", "Z", "Cc", "Cf", "Co", "Cn"))
    | st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF),
    min_size=1,
    max_size=8,
).filter(lambda name: not name.startswith(".") and len(name.encode("utf-8", "surrogateescape")) < 200)
_TREES = st.dictionaries(
    st.lists(_NAMES, min_size=1, max_size=3).map(lambda names: "/".join(names) + ".md"),
    st.binary(max_size=200) | st.sampled_from([b"", b"\xef\xbb\xbf---\r\n", b"\xff\xfe", b"a\r\nb\r", b"x" * 5_000]),
    min_size=1,
    max_size=12,
)


@pytest.mark.skipif(sys.platform != "linux", reason="other file systems change names, or refuse some")
@settings(max_examples=50)
@given(_TREES)
@example(
    {
        "a.md": b"",
        "a-b/x.md": b"1",
        "a/x.md": b"2",
        "a/\udcff\n\x1b.md": b"\xff",
        "C/con.md": b"\0",
        "é.md": b"",
        "e\u0301.md": b"x",
    }
)
def test_random_trees_come_out_as_they_went_in(tree: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            write_tree(folder / "in", tree)
        except OSError:  # a name is a file and a folder
            return
        report = pack_folder(folder / "in", folder / "out")
        assert (report.pages, report.not_packed) == (len(tree), [])
        unpacked = unpack_pages(open_pack(folder / "out"), folder / "copy")
        assert (unpacked.written, unpacked.failed) == (len(tree), [])
        assert read_tree(folder / "copy") == tree


def test_pages_that_are_there_stay_and_other_contents_are_kept() -> None:
    pack_folder(Path("site"), Path("out"))
    write_tree(Path("copy"), {"a/0.md": PAGES["a/0.md"], "a/1.md": b"mine", "own.md": b"own", "a/x.png": b"png"})
    report = unpack()
    assert (report.written, report.unchanged) == (8, 1)
    assert failures(report) == ["copy/a/1.md: exists with other contents; nothing was written to it"]
    assert read_tree(Path("copy")) == {**PAGES, "a/1.md": b"mine", "own.md": b"own", "a/x.png": b"png"}
    report = unpack(replace=True)
    assert (report.written, report.unchanged, report.failed) == (1, 9, [])
    assert read_tree(Path("copy")) == {**PAGES, "own.md": b"own", "a/x.png": b"png"}


def test_an_edited_row_and_a_damaged_shard_are_named_and_the_rest_is_written() -> None:
    pack_folder(Path("site"), Path("out"))
    shard = Path("out/pages-00000.parquet")
    rows = rows_of(shard)
    write_rows(shard, [rows[0], (rows[1][0], b"edited", *rows[1][2:]), *rows[2:]])
    Path("out/pages-00001.parquet").write_bytes(b"")
    report = unpack()
    assert sorted(read_tree(Path("copy"))) == ["a/0.md", "a/2.md", "a/3.md", "b/3.md", "b/4.md"]
    assert [line.partition(" (")[0] for line in failures(report)] == [
        "out/pages-00000.parquet: differs from the manifest, so it was damaged or edited; its intact pages are used",
        "out/pages-00000.parquet: `a/1.md`: not used: it does not match its checksum, so it was damaged or edited",
        "out/pages-00001.parquet: not a shard",
    ]


HOSTILE = [
    "../evil.md",
    "/tmp/evil-of-qtgen.md",
    "a/../../evil.md",
    "C:/evil.md",
    "a\0.md",
    "x" * 300 + ".md",
    ".ssh/evil.md",
]


def test_hostile_paths_are_refused_by_name_and_the_rest_is_written(tmp_path: Path) -> None:
    pages = [PackedPage(path, b"evil") for path in sorted([*HOSTILE, "good.md"])]
    write_pack(Path("deep/out"), [shard_of(pages)], [len(pages)])
    report = unpack("deep/out", "deep/copy")
    assert read_tree(Path("deep/copy")) == {"good.md": b"evil"}
    assert sorted(str(error.field) for error in report.failed) == sorted(HOSTILE)
    assert not list(tmp_path.rglob("*evil*"))
    assert not Path("/tmp/evil-of-qtgen.md").exists()


def test_links_in_the_folder_that_lead_out_of_it_are_not_followed(tmp_path: Path) -> None:
    pack_folder(Path("site"), Path("out"))
    Path("copy").mkdir()
    Path("other").mkdir()
    Path("copy/a").symlink_to(tmp_path / "other")
    report = unpack(replace=True)
    assert report.written == 5
    assert failures(report)[0] == "copy/a/0.md: a symbolic link leads out of the folder; nothing was written"
    assert read_tree(Path("other")) == {}


def test_what_is_in_the_way_is_named() -> None:
    pack_folder(Path("site"), Path("out"))
    write_tree(Path("copy"), {"b": b"a file"})
    Path("copy/a/0.md").mkdir(parents=True)
    Path("copy/a/1.md").symlink_to("nowhere")
    report = unpack()
    assert report.written == 3
    lines = failures(report)
    assert lines[:2] == [
        "copy/a/0.md: exists and is not a file; nothing was written to it",
        "copy/a/1.md: exists as a symbolic link to nothing; nothing was written to it",
    ]
    assert len(lines) == 7
    with pytest.raises(UsageError, match=r"^copy/b: not a folder"):
        unpack(folder="copy/b")


def test_symbolic_links_between_pages_are_links_again() -> None:
    Path("site/b/link.md").symlink_to("../a/0.md")
    pack_folder(Path("site"), Path("out"))
    for _ in range(2):
        report = unpack()
        assert report.failed == []
        assert Path("copy/b/link.md").readlink() == Path("../a/0.md")
    assert read_tree(Path("copy")) == {**PAGES, "b/link.md": PAGES["a/0.md"]}


@pytest.mark.parametrize("target", ["../../etc/passwd", "/etc/passwd", "b/other.md", "a.md", ".hidden.md", "gone.md"])
def test_links_out_of_a_shard_lead_only_to_the_same_contents(target: str) -> None:
    pages = [PackedPage("a.md", b"1", target), PackedPage("b/other.md", b"2")]
    write_pack(Path("out"), [shard_of(pages)], [2])
    assert unpack().written == 2
    assert not Path("copy/a.md").is_symlink()
    assert read_tree(Path("copy")) == {"a.md": b"1", "b/other.md": b"2"}


def test_a_full_disk_ends_the_run_and_keeps_what_was_written(monkeypatch: pytest.MonkeyPatch) -> None:
    pack_folder(Path("site"), Path("out"))
    monkeypatch.setattr("qtgen.site.pack.unpack._BATCH_PAGES", 2)
    write_whole, written = leftovers.write_whole, []

    def full(file: IO[bytes], contents: bytes) -> None:
        written.append(contents)
        if len(written) > 5:
            raise OSError(errno.ENOSPC, "No space left on device")
        write_whole(file, contents)

    monkeypatch.setattr(leftovers, "write_whole", full)
    with pytest.raises(OutputError, match=r"^copy/b/0.md: No space left on device$") as caught:
        unpack()
    assert caught.value.is_disk_full
    assert read_tree(Path("copy")) == {name: PAGES[name] for name in sorted(PAGES)[:4]}, "no part of a page"
    monkeypatch.setattr(leftovers, "write_whole", write_whole)
    report = unpack()
    assert (report.written, report.unchanged) == (6, 4)


def test_a_page_that_appears_in_the_meantime_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    pack_folder(Path("site"), Path("out"))
    monkeypatch.setattr("qtgen.site.pack.unpack.sync_all", lambda: write_tree(Path("copy"), {"a/0.md": b"mine"}))
    assert failures(unpack()) == ["copy/a/0.md: appeared in the meantime; nothing was written to it"]
    assert Path("copy/a/0.md").read_bytes() == b"mine"
