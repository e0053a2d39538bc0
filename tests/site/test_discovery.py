"""Tests of finding and reading the pages of a site."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from qtgen.errors import UsageError
from qtgen.page import MAX_BYTES, default_profile, load_profile
from qtgen.site.discovery import (
    PageBatch,
    batches_for_paths,
    exclude_pages,
    highest_id,
    iter_batches,
    iter_folder_pages,
    iter_page_paths,
    load_page,
    read_page,
    read_page_bytes,
)
from qtgen.site.locations import MANIFEST_NAME
from qtgen.validation.rules.example import EXAMPLE_PAGE

WORKSHOP = Path(__file__).parents[1] / "fixtures" / "sites" / "workshop"


def touch(*paths: str) -> None:
    for path in paths:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text("x")


def found(*paths: str) -> list[str]:
    return list(iter_page_paths(map(Path, paths)))


def batches(*paths: str) -> list[PageBatch]:
    return list(iter_batches(map(Path, paths)))


# --- finding ----------------------------------------------------------------------------------------------------------


def test_the_pages_of_a_folder_are_sorted_as_whole_paths() -> None:
    touch("site/b.md", "site/a/z.md", "site/a.md", "site/a-b.md", "site/a/deep/er/x.md", "site/c.txt")
    expected = ["site/a-b.md", "site/a.md", "site/a/deep/er/x.md", "site/a/z.md", "site/b.md"]
    assert found("site") == expected == sorted(expected)


def test_hidden_files_and_folders_are_skipped() -> None:
    touch("site/a.md", "site/.b.md", "site/.git/c.md", "site/d/.e/f.md")
    assert found("site") == ["site/a.md"]


def test_the_current_folder_has_no_prefix() -> None:
    touch("a.md", "b/c.md")
    assert found(".") == ["a.md", "b/c.md"]


def test_a_file_is_a_page_whatever_its_name() -> None:
    touch("notes.txt", ".hidden.md")
    assert found("notes.txt", ".hidden.md") == [".hidden.md", "notes.txt"]


@pytest.mark.parametrize(
    "paths", [("site", "site/a"), ("site/a", "site"), ("site", "site/a/x.md"), ("site", "./site"), ("site", "link")]
)
def test_each_page_is_found_once(paths: tuple[str, ...]) -> None:
    touch("site/a/x.md", "site/y.md")
    Path("link").symlink_to("site")
    assert found(*paths) == ["site/a/x.md", "site/y.md"]


def test_a_cycle_of_links_ends() -> None:
    touch("site/a.md")
    Path("site/loop").symlink_to("..")
    assert found("site") == ["site/a.md"]


def test_a_folder_and_files_beside_it_come_in_order() -> None:
    touch("a/x.md", "b.md", "c/y.md", "c/z.md")
    assert found("c/z.md", "b.md", "a") == ["a/x.md", "b.md", "c/z.md"]


@pytest.mark.parametrize(
    ("path", "message"), [("gone", "gone: no such file or folder"), ("empty", r"empty: no pages \(\*\.md\)")]
)
def test_a_path_without_pages_is_an_error(path: str, message: str) -> None:
    Path("empty").mkdir()
    with pytest.raises(UsageError, match=message) as caught:
        found(path)
    assert str(caught.value.path) == path


def test_an_empty_folder_is_reported_when_it_is_reached() -> None:
    touch("a/x.md")
    Path("b").mkdir()
    pages = iter_page_paths([Path("a"), Path("b")])
    assert next(pages) == "a/x.md"
    with pytest.raises(UsageError, match="b: no pages"):
        next(pages)


def test_a_folder_that_cannot_be_listed_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("site").mkdir()

    def refuse(_: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(UsageError, match="site/: Permission denied"):
        found("site")


def test_a_folder_without_pages_is_no_error_where_that_is_normal() -> None:
    Path("empty").mkdir()
    touch("site/b.md", "site/a.md")
    assert list(iter_folder_pages(Path("empty"))) == list(iter_folder_pages(Path("gone"))) == []
    assert list(iter_folder_pages(Path("site"))) == ["site/a.md", "site/b.md"]


# --- batches ----------------------------------------------------------------------------------------------------------


def test_a_batch_has_the_size_and_the_time_of_each_page() -> None:
    touch("site/a.md", "site/b.md")
    Path("site/b.md").write_text("longer")
    (batch,) = batches("site")
    assert (batch.folder, batch.names, batch.complete) == ("site/", ["a.md", "b.md"], True)
    status = Path("site/b.md").stat()
    assert batch.states[1] == (6, max(status.st_mtime_ns, status.st_ctime_ns))
    assert list(batch.paths()) == ["site/a.md", "site/b.md"]


def test_a_large_folder_is_divided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qtgen.site.listing.BATCH_SIZE", 2)
    touch("a.md", "b.md", "c.md")
    assert [batch.names for batch in batches(".")] == [["a.md", "b.md"], ["c.md"]]


def test_a_batch_of_single_files_is_not_complete() -> None:
    touch("site/a.md", "site/b.md", "site/c.md")
    (batch,) = batches("site/a.md", "site/c.md")
    assert (batch.folder, batch.names, batch.complete) == ("site/", ["a.md", "c.md"], False)
    assert [size for size, _ in batch.states] == [1, 1]


def test_what_is_no_regular_file_has_no_size() -> None:
    touch("site/a.md")
    Path("site/gone.md").symlink_to("nowhere")
    Path("site/link.md").symlink_to("a.md")
    os.mkfifo("site/pipe.md")
    (batch,) = batches("site")
    states = dict(zip(batch.names, batch.states, strict=True))
    assert states["gone.md"] == states["pipe.md"] == (-1, 0)
    assert states["link.md"][0] == 1


def test_pages_can_be_excluded_by_what_they_lead_to() -> None:
    touch("site/a.md", "site/b.md", "site/c/d.md", "other.md")
    Path("site/link.md").symlink_to("../other.md")
    real = {os.path.realpath(path) for path in ("site/b.md", "site/c/d.md", "other.md")}
    (batch,) = exclude_pages(iter_batches([Path("site")]), real)
    assert (batch.names, len(batch.states), batch.complete) == (["a.md"], 1, False)
    unchanged = batches("site")
    assert list(exclude_pages(unchanged, set())) == unchanged


def test_batches_for_paths_do_not_need_files() -> None:
    assert batches_for_paths(["a/b.md", "c.md"]) == [
        PageBatch("a/", ["b.md"], [(-1, 0)]),
        PageBatch("", ["c.md"], [(-1, 0)]),
    ]


# --- reading ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [-1, 0, 4, 5, 6, MAX_BYTES + 1])
def test_the_contents_are_read_even_if_the_size_changed(size: int) -> None:
    Path("a.md").write_bytes(b"12345")
    assert read_page_bytes("a.md", size) == b"12345"


@pytest.mark.parametrize("size", [-1, 10, MAX_BYTES])
def test_at_most_one_byte_more_than_a_page_may_have_is_read(size: int) -> None:
    Path("a.md").write_bytes(bytes(MAX_BYTES + 5))
    assert len(read_page_bytes("a.md", size)) == MAX_BYTES + 1


def test_a_pipe_is_not_opened() -> None:
    os.mkfifo("pipe.md")
    with pytest.raises(OSError, match="not a regular file"):
        read_page_bytes("pipe.md")


def problems(path: str, size: int = -1) -> list[tuple[str, str]]:
    return [(problem.kind, problem.message) for problem in read_page(path, size, default_profile()).problems]


def test_a_page_that_cannot_be_read_carries_the_reason() -> None:
    os.mkfifo("pipe.md")
    assert problems("gone.md") == [("unreadable-file", "No such file or directory")]
    assert problems("pipe.md") == [("unreadable-file", "not a regular file")]
    assert problems("huge.md", MAX_BYTES + 1)[0][0] == "too-large", "without looking at the file"


def test_the_highest_id_is_found_among_pages_of_all_sorts() -> None:
    def with_id(value: str) -> str:
        return re.sub(r"^id: .*$", f"id: {value}", EXAMPLE_PAGE, count=1, flags=re.MULTILINE)

    pages: Iterable[tuple[str, str]] = [("a.md", "7"), ("b.md", "19"), ("c.md", "nineteen"), ("d.md", "'99'")]
    for name, value in pages:
        Path(name).write_text(with_id(value))
    Path("e.md").write_text("no page")
    assert highest_id(["a.md", "b.md", "c.md", "d.md", "e.md", "gone.md"], default_profile()) == 19
    assert highest_id(["e.md"], default_profile()) == 0


def test_a_page_of_another_site_is_read_with_its_layout() -> None:
    profile = load_profile(WORKSHOP / "site.toml")
    Path("page.md").write_text("---\ntitle: Rope\n---\n\nHemp\tand sisal.\n")
    assert read_page("page.md", -1, profile).text_of("body") == "Hemp\tand sisal."
    assert load_page("page.md", -1, {}, profile) == read_page("page.md", -1, profile)
    assert load_page("gone.md", -1, {"gone.md": Path("page.md").read_bytes()}, profile).text_of("title") == "Rope"
    assert read_page("gone.md", -1, profile).layout.profile == profile
    assert read_page("huge.md", MAX_BYTES + 1, profile).layout.profile == profile
    assert highest_id(["page.md"], profile) == 0, "the site has no ids"


def test_a_pack_is_not_mistaken_for_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / MANIFEST_NAME).write_text("{}")
    with pytest.raises(UsageError, match="this folder is a pack, which this command cannot read; unpack it first"):
        list(iter_batches([tmp_path]))
