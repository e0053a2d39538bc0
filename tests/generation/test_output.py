"""Pages appear whole or not at all, and nothing that was there is lost."""

import json
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from qtgen._util.files import publish_if_absent, replace_file, replace_files, staged_file
from qtgen.errors import Failure, OutputError, PageConflict, UsageError
from qtgen.generation.output import OutputFolder
from qtgen.generation.types import Draft, Outcome, Question, Status
from qtgen.validation.rules.example import EXAMPLE_PAGE

DRAFT = Draft("out/biology/what-is-osmosis.md", "/u", EXAMPLE_PAGE, {"url": "/u", "id": 41})


def provenance(output: OutputFolder) -> list[Any]:
    return [json.loads(line) for line in output.provenance_file.read_text().splitlines()]


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_page_and_its_provenance() -> None:
    store = OutputFolder(Path("out"))
    assert store.write(DRAFT)
    assert Path(DRAFT.path).read_text() == EXAMPLE_PAGE
    assert provenance(store) == [DRAFT.provenance]
    assert store.highest_id(None) == 41
    assert files(Path("out")) == [".qtgen/provenance.jsonl", "biology/what-is-osmosis.md"]


def test_an_existing_page_is_never_overwritten() -> None:
    store = OutputFolder(Path("out"))
    Path("out/biology").mkdir(parents=True)
    Path(DRAFT.path).write_text("mine")
    assert not store.write(DRAFT)
    assert Path(DRAFT.path).read_text() == "mine"
    assert not store.provenance_file.exists()


def test_of_two_writers_one_wins_and_the_other_learns_it() -> None:
    path = Path("page.md")
    with staged_file(path, "first") as one, staged_file(path, "second") as two:
        assert publish_if_absent(one, path)
        assert not publish_if_absent(two, path)
    assert path.read_text() == "first"
    assert files(Path()) == ["page.md"]


def test_a_full_disk_leaves_neither_page_nor_provenance(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    store = OutputFolder(Path("out"))
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=r"what-is-osmosis\.md: No space left on device"):
        store.write(DRAFT)
    assert files(Path("out")) == []


def test_a_folder_that_cannot_be_written_is_said_before_anything_is_asked() -> None:
    Path("out").write_text("a file, not a folder")
    with pytest.raises(UsageError, match="out cannot be written"):
        OutputFolder(Path("out")).check_writable()


def test_a_line_cut_short_by_a_crash_is_passed_over() -> None:
    store = OutputFolder(Path("out"))
    store.write(DRAFT)
    with store.provenance_file.open("a") as file:
        file.write('{"url": "/v", "id": 9')
    assert store.highest_id(None) == 41


def test_what_failed_is_kept_until_it_succeeds() -> None:
    store = OutputFolder(Path("out"))
    outcome = Outcome(
        Question("Q?", "B"), Status.FAILED, DRAFT.path, "/u", 3, error=Failure("answer", "bad"), last_answer="nonsense"
    )
    kept = store.keep_failed(outcome)
    assert kept == Path("out/.qtgen/failed/biology/what-is-osmosis.json")
    assert json.loads(kept.read_text())["last_answer"] == "nonsense"
    store.write(DRAFT)
    assert not kept.exists()


@pytest.mark.parametrize(
    ("page", "kept"),
    [("site/biology/x.md", "biology/x"), ("../x.md", "x"), ("out/../../x.md", "x"), ("/x.md", "x"), ("x.md", "x")],
)
def test_what_is_kept_of_a_page_from_elsewhere_stays_in_the_folder(page: str, kept: str) -> None:
    where = OutputFolder(Path("out")).keep_failed(Outcome(Question("Q?", "B"), Status.FAILED, page))
    assert where == Path(f"out/.qtgen/failed/{kept}.json")


def test_pages_written_by_many_threads_have_the_mode_that_one_has(tmp_path: Path) -> None:
    """Asking for the process's mask changes it for a moment, which another thread must not see."""
    mask = os.umask(0o022)
    os.umask(mask)

    def write(number: int) -> int:
        path = tmp_path / f"{number}.md"
        with staged_file(path, "x") as temporary:
            publish_if_absent(temporary, path)
        return path.stat().st_mode & 0o777

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(write, range(200))) == {0o666 & ~mask}
    assert os.umask(mask) == mask


def test_one_page_that_cannot_be_replaced_does_not_hold_up_the_others() -> None:
    names = ("fine", "edited", "read-only", "gone", "also fine")
    for name in names[:3] + names[4:]:
        Path(name).write_bytes(b"before")
    Path("edited").write_bytes(b"by hand")
    Path("read-only").chmod(0o444)
    Path("also fine").chmod(0o640)
    errors = replace_files([(Path(name), b"before", b"after") for name in names])
    assert [str(error or "") for error in errors] == [
        "",
        "edited: changed while it was being edited; nothing was written to it",
        "read-only: is read-only; nothing was written to it",
        "gone: was deleted in the meantime; nothing was written to it",
        "",
    ]
    assert {name: Path(name).read_bytes() for name in files(Path())} == {
        "fine": b"after",
        "edited": b"by hand",
        "read-only": b"before",
        "also fine": b"after",
    }
    assert Path("also fine").stat().st_mode & 0o777 == 0o640


def test_no_page_takes_its_place_before_all_are_on_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = [Path(f"{number}") for number in range(3)]
    for page in pages:
        page.write_bytes(b"before")

    def power_cut() -> None:
        assert len(files(Path())) == 6
        raise KeyboardInterrupt

    monkeypatch.setattr("qtgen._util.files._SYNCS_ALL", True)
    monkeypatch.setattr(os, "sync", power_cut)
    with pytest.raises(KeyboardInterrupt):
        replace_files([(page, b"before", b"after") for page in pages])
    assert [page.read_bytes() for page in pages] == [b"before"] * 3
    assert files(Path()) == ["0", "1", "2"]


def test_a_page_edited_while_others_are_prepared_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("page").write_bytes(b"before")
    monkeypatch.setattr("qtgen._util.files._SYNCS_ALL", True)
    monkeypatch.setattr(os, "sync", lambda: Path("page").write_bytes(b"by hand") and None)
    (error,) = replace_files([(Path("page"), b"before", b"after")])
    assert "changed while" in str(error)
    assert Path("page").read_bytes() == b"by hand"


def test_of_many_that_replace_a_page_with_the_same_text_one_does() -> None:
    page = Path("page")
    page.write_bytes(b"before")
    all_here = threading.Barrier(8)

    def replaces(_: int) -> bool:
        all_here.wait()
        try:
            replace_file(page, b"before", b"after", before_replacing=lambda: time.sleep(0.02))
        except PageConflict:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(replaces, range(8))) == 1
    assert (page.read_bytes(), files(Path())) == (b"after", ["page"])
