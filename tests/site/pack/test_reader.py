"""Packs as pages of a folder: listed in batches, looked up by path."""

import shutil
from pathlib import Path

import pytest

from qtgen._util.processes import map_in_processes
from qtgen.errors import DamagedPack, QtgenError, UsageError
from qtgen.site.discovery import iter_page_paths
from qtgen.site.locations import MANIFEST_NAME, is_pack
from qtgen.site.pack import PackedSite, open_pack, pack_folder
from qtgen.site.pack.format import PackedPage
from support.packs import pages_of, shard_of, use_small_shards, write_pack, write_tree

PAGES = {
    f"{folder}/{number:02}.md": f"{folder} {number}".encode() for folder in ("a", "a-b", "c/d") for number in range(9)
}


@pytest.fixture(autouse=True)
def _site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    use_small_shards(monkeypatch)
    write_tree(Path("site"), PAGES)
    Path("site/top.md").write_bytes(b"top")


def packed(name: str = "out", **options: bool) -> tuple[PackedSite, list[str]]:
    errors: list[str] = []
    return PackedSite(open_pack(Path(name)), lambda error: errors.append(str(error)), **options), errors


def test_a_pack_lists_the_paths_of_the_folder() -> None:
    pack_folder(Path("site"), Path("out"))
    expected = list(iter_page_paths([Path("site")]))
    shutil.rmtree("site")
    site, errors = packed()
    assert list(site) == expected
    assert len(site) == 28
    assert errors == []
    assert {path.removeprefix("site/"): site[path] for path in site} == {**PAGES, "top.md": b"top"}


def test_pages_are_looked_up_in_any_order_with_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    pack_folder(Path("site"), Path("out"))
    monkeypatch.setattr("qtgen.site.pack.reader._KEPT_BYTES", 20)
    site, _ = packed()
    paths = list(site)
    for path in [*reversed(paths), *paths]:
        assert site[path] == (Path(path)).read_bytes()
        assert len(site._kept) <= 3
        assert len(site._open) <= 2


def test_worker_processes_read_shards_by_themselves() -> None:
    pack_folder(Path("site"), Path("out"))
    shards = open_pack(Path("out")).shards
    tasks = ((number, (shard,)) for number, shard in enumerate(shards))
    read = map_in_processes(pages_of, tasks, 2, spawn=True)  # importing pyarrow starts threads
    assert [page for _, pages in read for page in pages] == sorted({**PAGES, "top.md": b"top"}.items())


def test_what_is_not_in_the_pack_is_not_found() -> None:
    pack_folder(Path("site"), Path("out"))
    site, _ = packed()
    assert "site/a/00.md" not in site, "nothing was listed yet"
    list(site)
    assert "site/a/00.md" in site
    for path in ("a/00.md", "other/a/00.md", "site/a/99.md", "site/", "site/\x01.md", "site/zzz.md", 7):
        assert path not in site
    site.hide(["site/a/00.md"])
    assert "site/a/00.md" not in site


def test_damaged_shards_are_named_and_the_others_are_read() -> None:
    pack_folder(Path("site"), Path("out"))
    Path("out/pages-00001.parquet").write_bytes(b"nothing")
    Path("out/pages-00003.parquet").unlink()
    site, errors = packed()
    assert len(list(site)) == 20
    assert len(errors) == 2
    assert errors[0].startswith("out/pages-00001.parquet: not a shard (")
    assert errors[0].endswith("; 4 pages cannot be read")
    assert errors[1].startswith("out/pages-00003.parquet: cannot be read: No such file")


def test_a_page_is_not_listed_twice_over_all_shards() -> None:
    shards = [
        shard_of([PackedPage("b.md", b"1")]),
        shard_of([PackedPage(name, b"2") for name in ("a.md", "b.md", "c.md")]),
    ]
    write_pack(Path("out"), shards, [1, 3])
    site, errors = packed()
    assert list(site) == ["site/b.md", "site/c.md"]
    assert site["site/b.md"] == b"1"
    assert len(errors) == 2


def test_a_pack_without_a_usable_page() -> None:
    write_pack(Path("out"), [shard_of([PackedPage("../b.md", b"1")])], [1])
    site, errors = packed()
    assert list(site) == []
    assert errors[-1] == "out: no page of this pack can be used"


def test_a_pack_that_changes_during_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    pack_folder(Path("site"), Path("out"))
    monkeypatch.setattr("qtgen.site.pack.reader._KEPT_BYTES", 1)
    site, _ = packed()
    list(site)
    Path("out/pages-00000.parquet").unlink()
    with pytest.raises(QtgenError, match=r"cannot be read.*do not change the pack during a run") as caught:
        site["site/a-b/00.md"]
    assert not isinstance(caught.value, DamagedPack)


def test_links_to_pages_of_the_pack_can_be_left_out(tmp_path: Path) -> None:
    Path("elsewhere.md").write_bytes(b"else")
    Path("site/a/link.md").symlink_to("../top.md")
    Path("site/a/out.md").symlink_to(tmp_path / "elsewhere.md")
    pack_folder(Path("site"), Path("out"))
    assert len(list(packed()[0])) == 30
    site, _ = packed(with_links=False)
    assert "site/a/link.md" not in list(site)
    assert len(list(site)) == 29
    assert site["site/a/out.md"] == b"else"


def test_what_is_a_pack(tmp_path: Path) -> None:
    pack_folder(Path("site"), Path("out"))
    assert is_pack(Path("out"))
    assert is_pack("s3://x/y")
    assert not is_pack(Path("site"))
    assert not is_pack(Path("site/top.md"))
    Path("out", MANIFEST_NAME).unlink()
    assert is_pack(Path("out"))
    with pytest.raises(UsageError, match=r"^site: not a pack: there is no qtgen-pack.json$"):
        open_pack(Path("site"))
    with pytest.raises(UsageError, match=r"^site/top\.md/qtgen-pack\.json: cannot be read: Not a directory"):
        open_pack(Path("site/top.md"))
    with pytest.raises(UsageError, match=r"^memory://nothing: not a pack"):
        open_pack("memory://nothing")
