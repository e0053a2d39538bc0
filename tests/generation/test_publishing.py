"""Many new pages at once: each one appears whole or not at all, and an error fails its own page."""

import json
import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import IO, Any
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qtgen._util import leftovers
from qtgen._util.markers import lock_marker
from qtgen.errors import OutputError
from qtgen.generation import output as output_module
from qtgen.generation import publishing
from qtgen.generation.output import OutputFolder
from qtgen.generation.records import RecordFolder
from qtgen.generation.types import Draft
from qtgen.page.compile import default_layout

DRAFTS = [Draft(f"out/biology/{n}.md", f"/{n}", f"text {n}\n", {"url": f"/{n}", "id": n}) for n in range(5)]


@pytest.fixture
def output() -> OutputFolder:
    return OutputFolder(Path("out"))


def files() -> list[str]:
    return sorted(str(path.relative_to("out")) for path in Path("out").rglob("*") if path.is_file())


def ids() -> list[int]:
    return [json.loads(line)["id"] for line in Path("out/.qtgen/provenance.jsonl").read_text().splitlines()]


def contents(descriptor: int) -> bytes:
    os.lseek(descriptor, 0, os.SEEK_SET)
    return os.read(descriptor, 100)


def test_pages_and_their_lines_are_written(output: OutputFolder) -> None:
    assert output.write_all(DRAFTS) == [True] * 5
    assert files() == [".qtgen/provenance.jsonl", *(f"biology/{n}.md" for n in range(5))]
    assert [Path(draft.path).read_text() for draft in DRAFTS] == [draft.text for draft in DRAFTS]
    assert ids() == [0, 1, 2, 3, 4]
    assert output.write_all(DRAFTS) == [False] * 5
    assert output.write_all([]) == []
    assert ids() == [0, 1, 2, 3, 4]


def test_a_page_has_the_permissions_of_other_files(output: OutputFolder) -> None:
    output.write_all(DRAFTS)
    Path("out/other").touch()
    assert Path(DRAFTS[0].path).stat().st_mode == Path("out/other").stat().st_mode


def test_pages_that_exist_stay(output: OutputFolder) -> None:
    Path("out/biology").mkdir(parents=True)
    Path(DRAFTS[2].path).write_text("mine")
    assert output.write_all(DRAFTS) == [True, True, False, True, True]
    assert Path(DRAFTS[2].path).read_text() == "mine"
    assert ids() == [0, 1, 3, 4]


def test_the_same_page_twice_is_written_once(output: OutputFolder) -> None:
    assert output.write_all([DRAFTS[0], DRAFTS[1], DRAFTS[0], DRAFTS[0]]) == [True, True, False, False]
    assert ids() == [0, 1]


def test_pages_with_the_same_marker_do_not_wait_for_each_other(output: OutputFolder) -> None:
    outside = [replace(DRAFTS[n], path=f"site/{n}/biology/page.md") for n in range(3)]
    assert output.write_all(outside) == [True, True, True]
    assert ids() == [0, 1, 2]


_WRITE = """
import sys
from pathlib import Path
from qtgen.generation.output import OutputFolder
from qtgen.generation.types import Draft

paths = sys.argv[1:]
drafts = [Draft(path, f"/{n}", "text", {"url": f"/{n}", "id": n}) for n, path in enumerate(paths)]
print(OutputFolder(Path("out")).write_all(drafts))
"""


def write_in_process(*paths: str) -> str:
    command = [sys.executable, "-c", _WRITE, *paths]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout.strip()


def test_markers_that_are_one_file_do_not_wait_for_each_other() -> None:
    Path("out/.qtgen/publishing/biology").mkdir(parents=True)
    Path("out/.qtgen/publishing/linked").symlink_to("biology")
    assert write_in_process("out/biology/page.md", "out/linked/page.md") == "[True, True]"
    assert ids() == [0, 1]


def test_a_page_under_two_paths_is_written_once() -> None:
    Path("out/biology").mkdir(parents=True)
    Path("out/linked").symlink_to("biology")
    assert write_in_process("out/biology/page.md", "out/linked/page.md", "out/linked/other.md") == "[True, False, True]"
    assert ids() == [0, 2]


@pytest.mark.parametrize("names", [("page", "Page"), ("é", "e\u0301")])
def test_pages_whose_names_may_be_equal_are_apart(output: OutputFolder, names: tuple[str, str]) -> None:
    """File systems differ in whether such names are the same."""
    drafts = [replace(DRAFTS[n], path=f"out/biology/{name}.md") for n, name in enumerate(names)]
    results = output.write_all(drafts)
    assert ids() == [n for n, result in enumerate(results) if result is True]


@pytest.mark.skipif(sys.platform == "win32", reason="no locks")
def test_a_page_that_another_run_is_publishing_does_not_hold_up_the_others(output: OutputFolder) -> None:
    marker = lock_marker("out/.qtgen/publishing/biology/2.json", wait=True)
    assert marker is not None
    results: list[bool | OutputError] = []
    writer = threading.Thread(target=lambda: results.extend(output.write_all(DRAFTS)))
    with marker[0]:
        writer.start()
        for _ in range(1_000):
            if len(list(Path("out").rglob("*.md"))) == 4:
                break
            writer.join(0.01)
        assert len(list(Path("out").rglob("*.md"))) == 4
        Path(DRAFTS[2].path).write_text("theirs")
    writer.join(30)
    assert results == [True, True, False, True, True]
    assert ids() == [0, 1, 3, 4]


def test_a_page_that_cannot_be_written_does_not_hold_up_the_others(output: OutputFolder) -> None:
    Path("out/physics").parent.mkdir()
    Path("out/physics").write_text("a file, not a folder")
    failing = replace(DRAFTS[1], path="out/physics/1.md")
    results = output.write_all([DRAFTS[0], failing, DRAFTS[2]])
    assert results[::2] == [True, True]
    assert str(results[1]).startswith("out/physics/1.md: ")
    assert ids() == [0, 2]
    assert files() == [".qtgen/provenance.jsonl", "biology/0.md", "biology/2.md", "physics"]


def test_a_page_that_does_not_fit_on_the_disk_fails_alone(
    output: OutputFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_whole = leftovers.write_whole

    def full(file: IO[bytes], contents: bytes) -> None:
        if contents == b"text 3\n":
            raise OSError(28, "No space left on device")
        write_whole(file, contents)

    monkeypatch.setattr(leftovers, "write_whole", full)
    results = output.write_all(DRAFTS)
    assert [result is True for result in results] == [True, True, True, False, True]
    assert str(results[3]) == "out/biology/3.md: No space left on device"
    assert isinstance(results[3], OutputError)
    assert results[3].is_disk_full
    assert "biology/3.md" not in files()
    assert Path(DRAFTS[4].path).read_text() == DRAFTS[4].text


def test_without_provenance_no_page_appears(output: OutputFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, *_: Any, **__: Any) -> None:
        raise OutputError("No space left on device", path=path)

    with monkeypatch.context() as patched:
        patched.setattr(output_module, "append_line", full)
        results = output.write_all(DRAFTS)
    assert {str(result) for result in results} == {"out/.qtgen/provenance.jsonl: No space left on device"}
    assert files() == [f".qtgen/publishing/biology/{n}.json" for n in range(5)], "they are written again"
    assert not any(output.deleted_pages()(draft.path, draft.url) for draft in DRAFTS)
    assert output.write_all(DRAFTS) == [True] * 5
    assert ids() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("syncs_all", [True, False])
def test_each_page_is_on_the_disk_before_it_appears(
    output: OutputFolder, monkeypatch: pytest.MonkeyPatch, syncs_all: bool
) -> None:
    synced: list[bytes] = []

    def sync(descriptor: int) -> None:
        assert not syncs_all
        assert not list(Path("out").rglob("*.md"))
        synced.append(contents(descriptor))

    def sync_all() -> None:
        assert not list(Path("out").rglob("*.md"))
        synced.extend(path.read_bytes() for path in Path("out/biology").iterdir())

    with monkeypatch.context() as patched:
        patched.setattr(publishing, "SYNCS_ALL", syncs_all)
        patched.setattr(os, "fsync", sync)
        patched.setattr(publishing, "sync_all", sync_all)
        patched.setattr(output, "_synced", float("inf"))  # the provenance is synced once a second
        assert output.write_all(DRAFTS) == [True] * 5
    assert sorted(synced) == [draft.text.encode() for draft in DRAFTS]


def test_a_page_that_does_not_reach_the_disk_fails_alone(output: OutputFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    fsync = os.fsync

    def failing(descriptor: int) -> None:
        if contents(descriptor) == b"text 3\n":
            raise OSError(5, "Input/output error")
        fsync(descriptor)

    monkeypatch.setattr(publishing, "SYNCS_ALL", False)
    monkeypatch.setattr(os, "fsync", failing)
    results = output.write_all(DRAFTS)
    assert results[:3] + results[4:] == [True] * 4
    assert str(results[3]) == "out/biology/3.md: Input/output error"
    assert files() == [".qtgen/provenance.jsonl", *(f"biology/{n}.md" for n in (0, 1, 2, 4))]


@pytest.mark.parametrize("text", ["text \ud800", "text"])
def test_a_page_with_half_a_character_fails_alone(output: OutputFolder, text: str) -> None:
    line = {"id": 1, "request_id": "\ud800" if text == "text" else ""}
    results = output.write_all([DRAFTS[0], replace(DRAFTS[1], text=text, provenance=line), DRAFTS[2]])
    assert results[::2] == [True, True]
    assert str(results[1]) == "out/biology/1.md: cannot be written as UTF-8: surrogates not allowed"
    assert ids() == [0, 2]


@pytest.mark.skipif(sys.platform == "win32", reason="no limit of open files")
def test_many_pages_hold_few_open_files(output: OutputFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    lowest = os.dup(0)
    os.close(lowest)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest + 12, limits[1]))
        results = output.write_all([replace(DRAFTS[0], path=f"out/biology/{n}.md") for n in range(50)])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert results == [True] * 50


def test_a_folder_that_was_removed_is_created_again(output: OutputFolder) -> None:
    output.write_all(DRAFTS[:2])
    for draft in DRAFTS[:2]:
        Path(draft.path).unlink()
    Path("out/biology").rmdir()
    assert output.write_all(DRAFTS[2:]) == [True] * 3


_KILLED = """
import os, sys
from pathlib import Path
from qtgen.generation import output
from qtgen.generation.records import RecordFolder
from qtgen.generation.types import Draft

def killed(*_, **__):
    os._exit(9)

setattr(os if sys.argv[1] == "fsync" else output, sys.argv[1], killed)
drafts = [Draft(f"out/biology/{n}.md", f"/{n}", f"text {n}\\n", {"url": f"/{n}", "id": n}) for n in range(5)]
output.OutputFolder(Path("out")).write_all(drafts)
"""


@pytest.mark.parametrize("step", ["fsync", "append_line", "publish_if_absent"])
def test_pages_that_a_killed_run_did_not_finish_are_written_once(output: OutputFolder, step: str) -> None:
    assert subprocess.run([sys.executable, "-c", _KILLED, step], check=False).returncode == 9
    assert not list(Path("out").rglob("*.md"))
    assert not any(output.deleted_pages()(draft.path, draft.url) for draft in DRAFTS)
    output.check_writable()
    assert output.write_all(DRAFTS) == [True] * 5
    assert sorted(ids()) == [0, 1, 2, 3, 4]
    assert files() == [".qtgen/provenance.jsonl", *(f"biology/{n}.md" for n in range(5))]
    assert len(output.provenance_index(default_layout()).records) == 5


def test_lines_of_a_killed_run_are_looked_for_once(output: OutputFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    subprocess.run([sys.executable, "-c", _KILLED, "publish_if_absent"], check=False)
    page_lines = Mock(side_effect=output._page_lines)
    monkeypatch.setattr(output, "_page_lines", page_lines)
    assert output.write_all(DRAFTS) == [True] * 5
    assert ids() == [0, 1, 2, 3, 4]
    page_lines.assert_called_once()


_MANY = """
import random, sys, time
from pathlib import Path
from qtgen.generation.output import OutputFolder
from qtgen.generation.records import RecordFolder
from qtgen.generation.types import Draft

output = OutputFolder(Path("out"))
drafts = [Draft(f"out/b/{n}.md", f"/{n}", "text", {"url": f"/{n}", "id": n}) for n in range(120)]
random.Random(int(sys.argv[1])).shuffle(drafts)
Path(f"ready-{sys.argv[1]}").touch()
while len(list(Path().glob("ready-*"))) < 3:
    time.sleep(0.001)
print(sum(sum(output.write_all(drafts[start : start + 20])) for start in range(0, 120, 20)))
"""


def test_processes_that_write_the_same_pages_together_write_one_line_for_each() -> None:
    commands = [[sys.executable, "-c", _MANY, str(number)] for number in range(3)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for command in commands]
    assert sum(int(process.communicate(timeout=60)[0]) for process in processes) == 120
    assert sorted(ids()) == list(range(120))


@given(st.lists(st.sampled_from(["out", "..", "a", "b.c", ".", "", ".md"]), max_size=4), st.text("a.md", max_size=5))
def test_the_place_of_a_record_depends_on_the_path_of_its_page(folders: list[str], name: str) -> None:
    page = "/".join([*folders, f"{name}.md"])
    records = RecordFolder(Path("out/.qtgen/failed"), Path("out"))
    assert records.place_of(page) == records.place_of(page) == str(records._place(page))
