"""Many new pages at once: each one appears whole or not at all, and an error fails its own page."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qtgen._util import new_files
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
    write = os.write

    def full(descriptor: int, contents: Any) -> int:
        if bytes(contents) == b"text 3\n":
            raise OSError(28, "No space left on device")
        return write(descriptor, contents[:3])  # a part, as the system may do

    monkeypatch.setattr(os, "write", full)
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


def test_no_page_appears_before_all_are_on_the_disk(output: OutputFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(publishing, "sync_all", lambda: seen.append(files()))
    output.write_all(DRAFTS)
    assert len(seen) == 1
    assert len(seen[0]) == 5
    assert all(name.endswith(".tmp") for name in seen[0])


def test_elsewhere_each_file_is_synced(output: OutputFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(new_files, "_SYNCS_ALL", False)
    monkeypatch.setattr(os, "fsync", synced.append)
    output.write_all(DRAFTS)
    assert len(synced) >= len(DRAFTS)


def test_a_folder_that_was_removed_is_created_again(output: OutputFolder) -> None:
    output.write_all(DRAFTS[:2])
    for draft in DRAFTS[:2]:
        Path(draft.path).unlink()
    Path("out/biology").rmdir()
    assert output.write_all(DRAFTS[2:]) == [True] * 3


_KILLED = """
import os, sys
from pathlib import Path
from qtgen.generation import output, publishing
from qtgen.generation.records import RecordFolder
from qtgen.generation.types import Draft

def killed(*_, **__):
    os._exit(9)

setattr(publishing if sys.argv[1] == "sync_all" else output, sys.argv[1], killed)
drafts = [Draft(f"out/biology/{n}.md", f"/{n}", f"text {n}\\n", {"url": f"/{n}", "id": n}) for n in range(5)]
output.OutputFolder(Path("out")).write_all(drafts)
"""


@pytest.mark.parametrize("step", ["sync_all", "append_line", "publish_if_absent"])
def test_pages_that_a_killed_run_did_not_finish_are_written_once(output: OutputFolder, step: str) -> None:
    assert subprocess.run([sys.executable, "-c", _KILLED, step], check=False).returncode == 9
    assert not list(Path("out").rglob("*.md"))
    assert not any(output.deleted_pages()(draft.path, draft.url) for draft in DRAFTS)
    output.check_writable()
    assert output.write_all(DRAFTS) == [True] * 5
    assert sorted(ids()) == [0, 1, 2, 3, 4]
    assert files() == [".qtgen/provenance.jsonl", *(f"biology/{n}.md" for n in range(5))]
    assert len(output.provenance_index(default_layout()).records) == 5


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
