"""Tests of atomic writes: nothing is half written, overwritten or lost."""

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest

from qtgen._util import files
from qtgen._util.files import (
    append_line,
    as_output_error,
    check_replaceable,
    publish_if_absent,
    replace_file,
    replace_files,
    staged_file,
)
from qtgen.errors import OutputError, PageConflict

PAGE = Path("page.md")


def names(folder: Path = Path()) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def full_disk(*_: object) -> None:
    raise OSError(28, "No space left on device")


def replace_by_a_folder() -> None:
    PAGE.unlink()
    PAGE.mkdir()


# --- new files --------------------------------------------------------------------------------------------------------


def test_a_staged_file_is_published_with_the_mode_of_a_new_file() -> None:
    Path("plain").touch()
    with staged_file(Path("new/folder/page.md"), "é") as temporary:
        assert temporary.parent.samefile("new/folder"), "the same file system, so that it can be moved"
        assert publish_if_absent(temporary, Path("new/folder/page.md"))
    assert names(Path("new/folder")) == ["page.md"]
    assert Path("new/folder/page.md").read_bytes() == "é".encode()
    assert Path("new/folder/page.md").stat().st_mode == Path("plain").stat().st_mode


def test_a_staged_file_that_is_not_used_is_removed() -> None:
    with staged_file(PAGE, "text") as temporary:
        assert names() == [temporary.name]
    assert names() == []


def test_staging_on_a_full_disk_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OutputError) as caught, staged_file(PAGE, "text"):
        pass
    assert (caught.value.path, caught.value.message) == (PAGE, "No space left on device")
    assert names() == []


def test_staging_below_a_file_is_an_output_error() -> None:
    Path("file").touch()
    with pytest.raises(OutputError, match=r"page\.md: "), staged_file(Path("file/page.md"), "text"):
        pass


def test_publishing_never_overwrites() -> None:
    PAGE.write_text("mine")
    with staged_file(PAGE, "new") as temporary:
        assert not publish_if_absent(temporary, PAGE)
    assert (PAGE.read_text(), names()) == ("mine", ["page.md"])


def test_publishing_without_hard_links_moves_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", unsupported)
    with staged_file(PAGE, "first") as temporary:
        assert publish_if_absent(temporary, PAGE)
    with staged_file(PAGE, "second") as temporary:
        assert not publish_if_absent(temporary, PAGE)
    assert (PAGE.read_text(), names()) == ("first", ["page.md"])


def test_an_os_error_without_a_reason_is_reported_in_its_own_words() -> None:
    with pytest.raises(OutputError, match=r"^page\.md: broken$"), as_output_error(PAGE):
        raise OSError("broken")


# --- replacing --------------------------------------------------------------------------------------------------------


def test_replacing_keeps_the_permissions() -> None:
    PAGE.write_bytes(b"before")
    PAGE.chmod(0o640)
    replace_file(PAGE, b"before", b"after")
    assert (PAGE.read_bytes(), stat.S_IMODE(PAGE.stat().st_mode), names()) == (b"after", 0o640, ["page.md"])


@pytest.mark.parametrize("replace", [replace_file, lambda *page: replace_files([page])])
def test_replacing_through_a_symbolic_link_changes_its_target(replace: object) -> None:
    Path("elsewhere").mkdir()
    target = Path("elsewhere/target.md")
    target.write_bytes(b"before")
    PAGE.symlink_to(target)
    assert callable(replace)
    replace(PAGE, b"before", b"after")
    assert PAGE.is_symlink()
    assert target.read_bytes() == b"after"
    assert names(Path("elsewhere")) == ["target.md"]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda: PAGE.write_bytes(b"by hand"), "changed while it was being edited"),
        (lambda: PAGE.chmod(0o444), "is read-only"),
        (PAGE.unlink, "was deleted in the meantime"),
        (replace_by_a_folder, "Is a directory"),
    ],
)
def test_a_page_that_changed_is_left_alone(spoil: object, message: str) -> None:
    PAGE.write_bytes(b"before")
    assert callable(spoil)
    spoil()
    with pytest.raises(PageConflict, match=rf"^page\.md: {message}") as caught:
        replace_file(PAGE, b"before", b"after")
    assert caught.value.path == PAGE
    with pytest.raises(PageConflict, match=message):
        check_replaceable(PAGE, b"before")
    (error,) = replace_files([(PAGE, b"before", b"after")])
    assert isinstance(error, PageConflict)
    assert not [name for name in names() if name != "page.md"]
    if PAGE.is_file():
        assert PAGE.read_bytes() != b"after"


def test_the_callback_runs_when_only_the_replacement_remains() -> None:
    PAGE.write_bytes(b"before")
    seen: list[tuple[bytes, int]] = []
    replace_file(PAGE, b"before", b"after", lambda: seen.append((PAGE.read_bytes(), len(names()))))
    assert seen == [(b"before", 2)], "the new contents are beside the old ones"
    with pytest.raises(PageConflict):
        replace_file(PAGE, b"before", b"again", lambda: seen.append((b"", 0)))
    assert len(seen) == 1, "and not at all if there is nothing to replace"


def test_without_locks_pages_are_replaced_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "fcntl", None)
    PAGE.write_bytes(b"before")
    replace_file(PAGE, b"before", b"after")
    assert PAGE.read_bytes() == b"after"


@pytest.mark.skipif(sys.platform == "win32", reason="needs locks of files")
@pytest.mark.parametrize(("meanwhile", "error"), [(b"before", None), (b"by another run", PageConflict)])
def test_a_page_that_another_run_replaces_during_the_wait_is_compared_again(
    monkeypatch: pytest.MonkeyPatch, meanwhile: bytes, error: type[PageConflict] | None
) -> None:
    PAGE.write_bytes(b"before")
    locked: list[int] = []

    def wait_for_another_run(file: IO[bytes]) -> bool:
        locked.append(os.fstat(file.fileno()).st_ino)
        if len(locked) == 1:
            Path("new").write_bytes(meanwhile)
            Path("new").replace(PAGE)
        return True

    monkeypatch.setattr(files, "_lock", wait_for_another_run)
    (result,) = replace_files([(PAGE, b"before", b"after")])
    assert (type(result) if result else None) is error
    assert PAGE.read_bytes() == (meanwhile if error else b"after")
    assert len({*locked}) == 2, "the file that another run put there is locked too"
    assert names() == ["page.md"]


@pytest.mark.parametrize(("has_locks", "error"), [(True, PageConflict), (False, None)])
def test_a_file_that_never_seems_the_same_is_not_waited_for_for_ever(
    monkeypatch: pytest.MonkeyPatch, has_locks: bool, error: type[PageConflict] | None
) -> None:
    PAGE.write_bytes(b"before")
    attempts: list[IO[bytes]] = []

    def lock(file: IO[bytes]) -> bool:
        assert len(attempts) < 100
        attempts.append(file)
        return has_locks

    monkeypatch.setattr(files, "_lock", lock)
    monkeypatch.setattr(os.path, "samestat", lambda *_: False)
    (result,) = replace_files([(PAGE, b"before", b"after")])
    assert (type(result) if result else None) is error
    assert PAGE.read_bytes() == (b"before" if error else b"after")
    assert all(file.closed for file in attempts)
    assert names() == ["page.md"]


@pytest.mark.parametrize("syncs_all", [True, False])
def test_every_page_is_on_the_disk_before_one_is_replaced(monkeypatch: pytest.MonkeyPatch, syncs_all: bool) -> None:
    pages = [Path(f"{number}.md") for number in range(3)]
    for page in pages:
        page.write_bytes(b"before")
    waits: list[list[bytes]] = []
    monkeypatch.setattr(files, "SYNCS_ALL", syncs_all)
    for name in ("sync", "fsync"):
        monkeypatch.setattr(os, name, lambda *_: waits.append([page.read_bytes() for page in pages]))
    assert replace_files([(page, b"before", b"after") for page in pages]) == [None] * 3
    assert waits == [[b"before"] * 3] * (1 if syncs_all else 3)
    assert [page.read_bytes() for page in pages] == [b"after"] * 3


def test_a_page_that_cannot_be_staged_does_not_hold_up_the_others() -> None:
    PAGE.write_bytes(b"before")
    errors = replace_files([(Path("gone/page.md"), b"", b"after"), (PAGE, b"before", b"after")])
    assert [str(error) for error in errors] == ["gone/page.md: No such file or directory", "None"]
    assert PAGE.read_bytes() == b"after"


# --- appending --------------------------------------------------------------------------------------------------------


def test_lines_are_appended_and_a_torn_line_stays_apart() -> None:
    log = Path("new/log.jsonl")
    append_line(log, "é")
    append_line(log, "two", sync=False)
    with log.open("a") as file:
        file.write('{"torn')
    append_line(log, "three")
    assert log.read_text(encoding="utf-8").splitlines() == ["é", "two", '{"torn', "three"]


def test_each_line_waits_for_the_disk_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[int] = []
    monkeypatch.setattr(os, "fsync", waits.append)
    append_line(PAGE, "a", sync=False)
    assert waits == []
    append_line(PAGE, "b")
    assert len(waits) == 1
    append_line(Path("new.jsonl"), "c")
    assert len(waits) == 3, "the name of a new file is in its folder, which is another wait"


def test_appending_to_a_full_disk_is_an_output_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OutputError, match=r"page\.md: No space left on device"):
        append_line(PAGE, "a")


def test_lines_that_do_not_fit_on_the_disk_leave_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def append(log: Path, lines: str, room: int) -> None:
        """Append lines to a disk that has room for some bytes."""

        def write(file: IO[bytes], contents: bytes) -> None:
            file.write(contents[:room])
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patched:
            patched.setattr(files, "write_whole", write)
            with pytest.raises(OutputError, match="No space left on device"):
                append_line(log, lines)

    append(PAGE, "new\nfile", 5)
    assert PAGE.read_text() == ""
    append_line(PAGE, "old")
    append(PAGE, "one\ntwo", 5)
    assert PAGE.read_text() == "old\n"
    PAGE.write_text("torn")
    append(PAGE, "one\ntwo", 6)
    assert PAGE.read_text() == "torn"


def test_lines_of_another_process_are_not_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some file systems have no locks."""

    def write(file: IO[bytes], contents: bytes) -> None:
        file.write(contents[:5])
        with PAGE.open("a") as other:
            other.write("theirs\n")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "write_whole", write)
    with pytest.raises(OutputError):
        append_line(PAGE, "one\ntwo")
    assert PAGE.read_text() == "one\nttheirs\n"


_APPEND = """
import sys
from pathlib import Path
from qtgen._util.files import append_line

for number in range(100):
    append_line(Path("log.jsonl"), f"{sys.argv[1]} {number} " + "x" * 20_000, sync=False)
"""


def test_processes_append_whole_lines_to_the_same_file() -> None:
    Path("log.jsonl").write_text("torn")
    processes = [subprocess.Popen([sys.executable, "-c", _APPEND, name]) for name in "abc"]
    assert [process.wait(timeout=60) for process in processes] == [0, 0, 0]
    torn, *lines = Path("log.jsonl").read_text().splitlines()
    assert torn == "torn"
    assert {line.count("x") for line in lines} == {20_000}
    assert sorted(line.rstrip("x") for line in lines) == sorted(f"{name} {n} " for name in "abc" for n in range(100))
