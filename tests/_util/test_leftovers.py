"""Temporary files that a killed process left behind are removed, and no other file is."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from qtgen._util import leftovers
from qtgen._util.files import replace_file, staged_file
from qtgen._util.leftovers import remove_leftovers, temporary_prefix
from qtgen._util.machine import machine_id
from qtgen.generation.output import OutputFolder

FOLDER = Path("site/biology")
PAGE = FOLDER / "what-is-osmosis.md"
_STAGE = """
import sys
from pathlib import Path
from qtgen._util.files import staged_file
with staged_file(Path(sys.argv[1]), "half"):
    print("ready", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def writer() -> Iterator["subprocess.Popen[bytes]"]:
    """A process that is about to write the page."""
    command = [sys.executable, "-c", _STAGE, str(PAGE)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield process
        process.kill()


def names(folder: Path = FOLDER) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def forget_folders() -> None:
    """Search every folder again, as the next process would."""
    leftovers._searched.clear()


def kill(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGKILL)
    process.wait(10)


def test_the_next_write_into_the_folder_removes_what_a_killed_process_left(writer: "subprocess.Popen[bytes]") -> None:
    (left,) = names()
    assert left.startswith(".what-is-osmosis.md.qtgen-")
    with staged_file(FOLDER / "other.md", "text"):
        assert left in names(), "its process is alive"
    kill(writer)
    assert names() == [left]
    forget_folders()
    with staged_file(FOLDER / "other.md", "text") as temporary:
        assert names() == [temporary.name]
    assert names() == []


def test_replacing_a_page_removes_leftovers_too(writer: "subprocess.Popen[bytes]") -> None:
    kill(writer)
    PAGE.write_bytes(b"old")
    forget_folders()
    replace_file(PAGE, b"old", b"new")
    assert (names(), PAGE.read_bytes()) == ([PAGE.name], b"new")


def test_a_run_cleans_its_whole_output_folder(writer: "subprocess.Popen[bytes]") -> None:
    kill(writer)
    forget_folders()
    OutputFolder(Path("site")).check_writable()
    assert names() == []


def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait(10)
    return process.pid


def put(name: str, *, age: float = 0) -> Path:
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / name
    path.write_bytes(b"x")
    os.utime(path, (time.time() - age,) * 2)
    return path


DAY = 24 * 3600.0
OTHER = "0" * 16


@pytest.mark.parametrize(
    ("name", "age", "is_removed"),
    [
        (".a.md.qtgen-{machine}-{dead}-abcd_123.tmp", 0.0, True),
        (".a\nb.md.qtgen-{machine}-{dead}-abcd_123.tmp", 0.0, True),
        (".a.md.qtgen-{machine}-{own}-abcd_123.tmp", 9 * DAY, False),
        (".a.md.qtgen-{other}-{dead}-abcd_123.tmp", DAY / 2, False),
        (".a.md.qtgen-{other}-{own}-abcd_123.tmp", 2 * DAY, True),
        (".a.md.abcd_123.tmp", 9 * DAY, False),
        ("a.md.qtgen-{machine}-{dead}-abcd_123.tmp", 9 * DAY, False),
        (".a.md.qtgen-{machine}-{dead}-abcd_123.tmp.md", 9 * DAY, False),
        (".a.md.qtgen-notes-{dead}-abcd_123.tmp", 9 * DAY, False),
    ],
)
def test_only_files_of_dead_processes_are_removed(name: str, age: float, is_removed: bool) -> None:
    path = put(name.format(machine=machine_id(), other=OTHER, own=os.getpid(), dead=dead_pid()), age=age)
    remove_leftovers(FOLDER)
    assert path.exists() is not is_removed


def test_folders_are_removed_and_links_are_not() -> None:
    target = put("target.md")
    prefix = f".fetch.qtgen-{machine_id()}-{dead_pid()}-"
    (FOLDER / f"{prefix}aaaaaaaa.tmp" / "unpacked").mkdir(parents=True)
    link = FOLDER / f"{prefix}bbbbbbbb.tmp"
    link.symlink_to(target.name)
    remove_leftovers(FOLDER)
    assert names() == [link.name, target.name]


def test_the_age_decides_if_a_process_cannot_be_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    young = put(f".a.md.qtgen-{machine_id()}-{dead_pid()}-aaaaaaaa.tmp")
    old = put(f".a.md.qtgen-{machine_id()}-{dead_pid()}-bbbbbbbb.tmp", age=2 * DAY)
    monkeypatch.setattr(sys, "platform", "win32")
    remove_leftovers(FOLDER)
    assert (young.exists(), old.exists()) == (True, False)


def test_a_folder_that_cannot_be_listed_is_left_alone() -> None:
    remove_leftovers("nowhere")
    assert temporary_prefix("x" * 500).startswith(f".{'x' * 40}.qtgen-{machine_id()}-{os.getpid()}-")
