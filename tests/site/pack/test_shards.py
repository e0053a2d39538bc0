"""Shards: the same pages give the same bytes, and damage is found row by row."""

import random
from pathlib import Path

import pytest

from qtgen.errors import DamagedPack, UsageError
from qtgen.site.pack import ShardRef, read_shard
from qtgen.site.pack.format import PackedPage
from qtgen.site.pack.shards import ShardWriter
from support.packs import rows_of, shard_of, use_small_shards, write_rows

PAGES = [PackedPage(f"a/{number:02}.md", b"page %d\n" % number * 50) for number in range(20)]


@pytest.fixture
def shard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shard of 20 pages in five row groups."""
    use_small_shards(monkeypatch, group=4)
    path = tmp_path / "pages-00000.parquet"
    path.write_bytes(shard_of(PAGES))
    return path


def read(path: Path | str) -> tuple[dict[str, bytes], list[str]]:
    errors: list[DamagedPack] = []
    return dict(read_shard(str(path), errors.append)), [str(error) for error in errors]


def test_a_shard_is_read_as_it_was_written(shard: Path) -> None:
    assert list(read_shard(str(shard))) == [(page.path, page.contents) for page in PAGES]
    assert len(rows_of(shard)) == 20


def test_the_same_pages_give_the_same_bytes(shard: Path) -> None:
    assert shard.read_bytes() == shard_of(PAGES)


def test_a_shard_is_full_by_bytes_or_by_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qtgen.site.pack.shards.SHARD_BYTES", 1_000)
    use_small_shards(monkeypatch, pages=3)
    writer = ShardWriter()
    assert writer.has_room_for(5_000), "a page that is larger than a shard has one of its own"
    writer.add(PackedPage("a.md", b"x" * 900))
    assert (writer.is_full, writer.has_room_for(100), writer.has_room_for(101)) == (False, True, False)
    writer.add(PackedPage("b.md", b"x" * 100))
    assert writer.is_full
    writer = ShardWriter()
    for name in "abc":
        writer.add(PackedPage(f"{name}.md", b""))
    assert writer.is_full


@pytest.mark.parametrize("column", [0, 1, 2, 3])
def test_an_edited_row_is_named_and_the_others_are_read(shard: Path, column: int) -> None:
    rows = [list(row) for row in rows_of(shard)]
    rows[7][column] = b"a/07x.md"
    write_rows(shard, map(tuple, rows))  # type: ignore[arg-type]
    pages, errors = read(shard)
    assert pages == {page.path: page.contents for page in PAGES if page.path != "a/07.md"}
    name = "a/07x.md" if column == 0 else "a/07.md"
    assert errors == [f"{shard}: `{name}`: not used: it does not match its checksum, so it was damaged or edited"]


def test_rows_without_values_are_named(shard: Path) -> None:
    rows = rows_of(shard)
    write_rows(shard, [(None, b"x", b"", None), (b"b.md", None, b"", None), (b"c.md", b"", None, None), *rows])
    pages, errors = read(shard)
    assert len(pages) == 20
    assert len(errors) == 3


def test_repeated_rows_and_rows_out_of_order_are_named(shard: Path) -> None:
    rows = rows_of(shard)
    write_rows(shard, [rows[0], rows[1], rows[1], rows[0], *rows[2:]])
    pages, errors = read(shard)
    assert len(pages) == 20
    assert [error.partition("`")[2] for error in errors] == [
        f"{name}`: not used: its path is repeated or out of order" for name in ("a/01.md", "a/00.md")
    ]


def test_hostile_paths_are_named(shard: Path) -> None:
    shard.write_bytes(shard_of([PackedPage("../x.md", b""), PackedPage("/etc/x.md", b""), PackedPage("ok.md", b"")]))
    pages, errors = read(shard)
    assert pages == {"ok.md": b""}
    assert [error.split("`")[1] for error in errors] == ["../x.md", "/etc/x.md"]


def test_a_damaged_row_group_costs_only_its_own_pages(shard: Path) -> None:
    raw = bytearray(shard.read_bytes())
    raw[4:60] = bytes(56)  # the header and the beginning of the first column
    shard.write_bytes(raw)
    pages, errors = read(shard)
    assert pages == {page.path: page.contents for page in PAGES[4:]}
    assert len(errors) == 1
    assert errors[0].startswith(f"{shard}: damaged: 4 pages cannot be read (")


@pytest.mark.parametrize("raw", [b"", b"PAR1", b"PAR1" * 10, b"text\n" * 100])
def test_a_file_that_is_no_shard(shard: Path, raw: bytes) -> None:
    shard.write_bytes(raw)
    pages, errors = read(shard)
    assert pages == {}
    assert errors[0].startswith(f"{shard}: not a shard (")
    with pytest.raises(DamagedPack):
        list(read_shard(str(shard)))


def test_other_columns_are_no_shard(shard: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"path": ["a.md"], "contents": ["x"], "sha256": [b""], "same_as": [b""]}), shard)
    assert "its columns are not path, contents, sha256, same_as in binary" in read(shard)[1][0]


def test_a_shard_that_is_not_there(shard: Path) -> None:
    ref = ShardRef(f"{shard}x", 20, "")
    errors: list[DamagedPack] = []
    assert list(read_shard(ref, errors.append)) == []
    assert str(errors[0]) == f"{shard}x: cannot be read: No such file or directory; 20 pages cannot be read"
    with pytest.raises(UsageError, match="protocol not known"):
        list(read_shard("nonsense://x"))


def test_a_shard_that_differs_from_the_manifest_is_named_and_read(shard: Path) -> None:
    errors: list[DamagedPack] = []
    assert len(list(read_shard(ShardRef(str(shard), 21, "0" * 64), errors.append))) == 20
    assert [str(error) for error in errors] == [
        f"{shard}: differs from the manifest, so it was damaged or edited; its intact pages are used; "
        "it has 20 pages, and the pack 21"
    ]


@pytest.mark.parametrize("seed", range(60))
def test_random_damage_never_changes_a_page(shard: Path, seed: int) -> None:
    rng = random.Random(seed)
    raw, expected = bytearray(shard.read_bytes()), {page.path: page.contents for page in PAGES}
    kind = seed % 3
    if kind == 0:
        for _ in range(rng.randrange(1, 8)):
            raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
    elif kind == 1:
        del raw[rng.randrange(len(raw)) :]
    else:
        start = rng.randrange(len(raw))
        del raw[start : start + rng.randrange(1, 50)]
    shard.write_bytes(raw)
    pages, errors = read(shard)
    assert pages.items() <= expected.items()
    assert errors or pages == expected
    assert all("\n" not in error for error in errors)
