"""The output folder: pages appear whole or not at all, and deleted pages stay deleted."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from qtgen.errors import Failure, OutputError, UsageError
from qtgen.generation.decisions import Action, Decision
from qtgen.generation.output import OutputFolder
from qtgen.generation.page_scores import write_scores
from qtgen.generation.types import Draft, Outcome, Question, Status
from qtgen.page.compile import default_layout
from qtgen.page.profile import default_profile
from qtgen.validation.rules.example import EXAMPLE_PAGE

URL = "/learn/biology/questions/what-is-osmosis"
DRAFT = Draft("out/biology/what-is-osmosis.md", URL, EXAMPLE_PAGE, {"url": URL, "id": 41})
MARKER = Path("out/.qtgen/publishing/biology/what-is-osmosis.json")


@pytest.fixture
def output() -> OutputFolder:
    return OutputFolder(Path("out"))


def write(output: OutputFolder, draft: Draft) -> bool:
    """Write one page. Raises its error."""
    [result] = output.write_all([draft])
    if isinstance(result, OutputError):
        raise result
    return result


def files(folder: Path = Path("out")) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def provenance() -> list[Any]:
    return [json.loads(line) for line in Path("out/.qtgen/provenance.jsonl").read_text().splitlines()]


def is_deleted(output: OutputFolder) -> bool:
    return output.deleted_pages()(DRAFT.path, DRAFT.url)


def test_a_page_is_written_with_its_provenance(output: OutputFolder) -> None:
    assert write(output, DRAFT)
    assert Path(DRAFT.path).read_text() == EXAMPLE_PAGE
    assert provenance() == [DRAFT.provenance]
    assert files() == [".qtgen/provenance.jsonl", "biology/what-is-osmosis.md"]


def test_an_existing_page_is_never_overwritten(output: OutputFolder) -> None:
    Path("out/biology").mkdir(parents=True)
    Path(DRAFT.path).write_text("mine")
    assert not write(output, DRAFT)
    assert Path(DRAFT.path).read_text() == "mine"
    assert not output.provenance_file.exists()


def test_a_full_disk_leaves_neither_page_nor_provenance(output: OutputFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=r"what-is-osmosis\.md: No space left on device"):
        write(output, DRAFT)
    assert files() == []


def test_a_folder_that_cannot_be_written_is_a_wrong_setting(output: OutputFolder) -> None:
    Path("out").write_text("a file, not a folder")
    with pytest.raises(UsageError, match=r"out cannot be written \(Not a directory\)") as caught:
        output.check_writable()
    assert caught.value.setting == "out"


def test_checking_leaves_nothing_behind(output: OutputFolder) -> None:
    output.check_writable()
    assert files() == []


def test_only_empty_folders_of_markers_are_removed(output: OutputFolder) -> None:
    assert write(output, DRAFT)
    killed = MARKER.parent.parent / "physics" / "why.json"
    killed.parent.mkdir()
    killed.touch()
    output.remove_empty_folders()
    assert not MARKER.parent.exists()
    assert killed.exists()
    killed.unlink()
    output.remove_empty_folders()
    assert not killed.parent.parent.exists()
    output.remove_empty_folders()


# --- ids --------------------------------------------------------------------------------------------------------------


def test_the_highest_id_is_looked_for_in_pages_and_provenance(output: OutputFolder) -> None:
    assert output.highest_id(None, layout=default_layout()) == 0
    write(output, DRAFT)
    assert output.highest_id(None, layout=default_layout()) == 41
    Path("corpus/biology").mkdir(parents=True)
    Path("corpus/biology/x.md").write_text(EXAMPLE_PAGE.replace("\nid: ", "\nid: 9"))
    assert output.highest_id(Path("corpus"), layout=default_layout()) > 41


def test_a_line_that_a_crash_cut_short_is_skipped(output: OutputFolder) -> None:
    write(output, DRAFT)
    with output.provenance_file.open("a") as file:
        file.write('{"url": "/v", "id": 9')
    assert output.highest_id(None, layout=default_layout()) == 41
    assert list(output.provenance_index(default_layout()).records) == [URL]


# --- deleted pages ----------------------------------------------------------------------------------------------------


def test_a_page_is_deleted_if_it_was_written_and_is_gone(output: OutputFolder) -> None:
    assert not is_deleted(output)
    write(output, DRAFT)
    assert not is_deleted(output)
    Path(DRAFT.path).unlink()
    assert is_deleted(output)
    assert not output.deleted_pages()("out/biology/other.md", "/learn/biology/questions/other")


def test_a_rewrite_elsewhere_is_no_page_of_this_folder(output: OutputFolder) -> None:
    Path("site").mkdir()
    Path("site/x.md").write_text("old")
    line = {"url": URL, "replaced_digests": {"answer": "0"}}
    output.rewrite(Draft("site/x.md", URL, "new", line, b"old"))
    assert not is_deleted(output)


_WRITE = """
import os, sys
from pathlib import Path
from qtgen.generation import output
from qtgen.generation.types import Draft

def killed(*_, **__):
    os._exit(9)

setattr(output, sys.argv[1], killed)
output.OutputFolder(Path("out")).write_all([Draft(sys.argv[2], sys.argv[3], "text", {"url": sys.argv[3], "id": 1})])
"""


@pytest.mark.parametrize("step", ["append_line", "publish_if_absent"])
def test_a_page_that_a_killed_run_did_not_finish_is_not_deleted(output: OutputFolder, step: str) -> None:
    """The process ends as by SIGKILL: no exception is raised, and nothing is cleaned up."""
    command = [sys.executable, "-c", _WRITE, step, DRAFT.path, DRAFT.url]
    assert subprocess.run(command, check=False).returncode == 9
    assert not Path(DRAFT.path).exists()
    assert not is_deleted(output)
    assert write(output, DRAFT)
    assert not MARKER.exists()
    Path(DRAFT.path).unlink()
    assert is_deleted(output), "once it was finished, deleting it counts"


@pytest.mark.parametrize("step", ["append_line", "publish_if_absent"])
def test_a_page_of_a_killed_run_has_one_line_in_the_end(output: OutputFolder, step: str) -> None:
    subprocess.run([sys.executable, "-c", _WRITE, step, DRAFT.path, DRAFT.url], check=False)
    assert write(output, DRAFT)
    assert len(provenance()) == 1
    write(output, replace(DRAFT, path="out/biology/other.md", url="/other"))
    assert len(provenance()) == 2


def test_a_line_about_another_text_does_not_count(output: OutputFolder) -> None:
    subprocess.run([sys.executable, "-c", _WRITE, "publish_if_absent", DRAFT.path, DRAFT.url], check=False)
    assert write(output, replace(DRAFT, provenance={"url": URL, "id": 1, "text_digests": {"answer": "1"}}))
    assert len(provenance()) == 2


_WRITE_MANY = """
import time
from pathlib import Path
from qtgen.generation.output import OutputFolder
from qtgen.generation.types import Draft

output = OutputFolder(Path("out"))
Path(f"ready-{time.time_ns()}").touch()
while len(list(Path().glob("ready-*"))) < 3:
    time.sleep(0.001)
drafts = [Draft(f"out/b/{n}.md", f"/{n}", "text", {"url": f"/{n}", "id": n}) for n in range(150)]
written = [output.write_all([draft]) == [True] for draft in drafts]
output.remove_empty_folders()
print(sum(written))
"""


def test_processes_that_write_the_same_pages_write_one_line_for_each() -> None:
    command = [sys.executable, "-c", _WRITE_MANY]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    counts = [int(process.communicate(timeout=60)[0]) for process in processes]
    assert sum(counts) == 150
    assert sorted(line["id"] for line in provenance()) == list(range(150))
    assert len(files()) == 151


def test_a_marker_of_a_page_that_appeared_is_removed(output: OutputFolder) -> None:
    """The run was killed between the page and the removal of the marker."""
    write(output, DRAFT)
    MARKER.touch()
    assert not is_deleted(output)
    assert not MARKER.exists()
    Path(DRAFT.path).unlink()
    assert is_deleted(output)


# --- attempts ---------------------------------------------------------------------------------------------------------


def test_a_failed_answer_is_kept_until_the_page_is_written(output: OutputFolder) -> None:
    failure = Failure("answer", "bad")
    outcome = Outcome(Question("Q?", "B"), Status.FAILED, DRAFT.path, URL, 3, error=failure, last_answer="nonsense")
    kept = output.keep_failed(outcome)
    assert kept == Path("out/.qtgen/failed/biology/what-is-osmosis.json")
    assert json.loads(kept.read_text())["last_answer"] == "nonsense"
    assert output.attempt_lookup()(DRAFT.path)
    write(output, DRAFT)
    assert not kept.exists()
    assert not output.attempt_lookup()(DRAFT.path)
    assert output.keep_failed(replace(outcome, path=None)) is None


def test_a_rejected_rewrite_is_kept_until_the_page_is_rewritten(output: OutputFolder) -> None:
    write(output, DRAFT)
    assert output.rejected(DRAFT.path) is None
    output.keep_rejected(DRAFT.path, '{"key": "k"}')
    assert output.rejected(DRAFT.path) == {"key": "k"}
    fixes = replace(DRAFT, text="fixed", provenance={}, before=EXAMPLE_PAGE.encode())
    output.rewrite(fixes)
    assert output.rejected(DRAFT.path), "safe fixes alone are no new attempt"
    output.rewrite(replace(DRAFT, text="new", before=b"fixed"))
    assert output.rejected(DRAFT.path) is None
    assert len(provenance()) == 2


@pytest.mark.parametrize("record", ["[1]", "{"])
def test_a_damaged_record_is_ignored(output: OutputFolder, record: str) -> None:
    output.keep_rejected(DRAFT.path, record)
    assert output.rejected(DRAFT.path) is None


def test_a_new_page_cannot_be_rewritten(output: OutputFolder) -> None:
    with pytest.raises(ValueError, match="a new page"):
        output.rewrite(DRAFT)


@pytest.mark.parametrize(
    ("page", "kept"),
    [("site/biology/x.md", "biology/x"), ("../x.md", "x"), ("out/../../x.md", "x"), ("/x.md", "x"), ("x.md", "x")],
)
def test_records_about_pages_elsewhere_stay_in_the_folder(output: OutputFolder, page: str, kept: str) -> None:
    path = output.keep_failed(Outcome(Question("Q?", "B"), Status.FAILED, page))
    assert path == Path(f"out/.qtgen/failed/{kept}.json")


def test_scores_are_written_without_changing_another_byte() -> None:
    page = Path("page.md")
    page.write_text(EXAMPLE_PAGE)
    assert write_scores({page: 0.12345}, profile=default_profile()) == 1
    assert page.read_text() == EXAMPLE_PAGE.replace("score: -1.0", "score: 0.123")
    assert write_scores({page: 0.1234}, profile=default_profile()) == 0, "the same after rounding"


def test_markers_that_another_run_removes_at_the_same_time_do_no_harm(
    output: OutputFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = Path("out/.qtgen/publishing/gone")
    gone.mkdir(parents=True)
    scandir = os.scandir

    def racing(path: Any) -> Any:
        found = scandir(path)
        gone.rmdir() if gone.exists() else None
        return found

    monkeypatch.setattr(os, "scandir", racing)
    output.remove_empty_folders()
    assert not is_deleted(output)
    assert not Path("out/.qtgen/publishing").exists()


def test_records_of_rewrites_can_move_and_keep_their_time(output: OutputFolder) -> None:
    output.keep_rejected(DRAFT.path, "{}")
    os.utime(output.rejected_records.path_of(DRAFT.path), (5, 5))
    moment = output.rejected_records.saved_at(DRAFT.path)
    output.taken_records.restore(DRAFT.path, output.rejected_records.text(DRAFT.path), moment)
    output.rejected_records.restore(DRAFT.path, None)
    assert (output.rejected(DRAFT.path), output.taken_records.read(DRAFT.path)) == (None, {})
    assert (moment, output.taken_records.saved_at(DRAFT.path)) == (5, 5)
    assert (output.rejected_records.saved_at(DRAFT.path), output.rejected_records.text(DRAFT.path)) == (None, None)
    assert not output.attempt_lookup()(DRAFT.path), "a rewrite that was accepted is no failed attempt"


def test_git_ignores_rewrites_that_were_accepted_and_commits_decisions(output: OutputFolder) -> None:
    output.keep_taken(DRAFT.path, "{}")
    fields: dict[str, Any] = {"id": "1", "at": "2026-11-27T09:30:00.000Z", "who": "ada", "url": URL, "texts": {}}
    output.append_decision(Decision(action=Action.APPROVE, **fields))
    subprocess.run(["git", "init", "-q", "out"], check=True)
    command = ["git", "status", "--porcelain", "-uall"]
    status = subprocess.run(command, check=True, capture_output=True, text=True, cwd="out").stdout
    assert status.split() == ["??", ".qtgen/.gitattributes", "??", ".qtgen/decisions.jsonl"]


def test_attributes_of_the_users_stay(output: OutputFolder) -> None:
    attributes = Path("out/.qtgen/.gitattributes")
    attributes.parent.mkdir(parents=True)
    attributes.write_text("mine\n")
    fields: dict[str, Any] = {"id": "1", "at": "2026-11-27T09:30:00.000Z", "who": "ada", "url": URL, "texts": {}}
    output.append_decision(Decision(action=Action.APPROVE, **fields))
    assert attributes.read_text() == "mine\n"
