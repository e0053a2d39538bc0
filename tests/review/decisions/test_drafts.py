"""Drafts of edits: kept for each reviewer and page, whatever is typed, and through a kill."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from qtgen.errors import OutputError
from qtgen.review.decisions.drafts import Drafts

FOLDER = Path("out/.qtgen/review")
URL = "/learn/biology/questions/what-is-osmosis"


def test_a_draft_belongs_to_a_reader_and_a_page() -> None:
    drafts = Drafts(FOLDER)
    drafts.save("ada", URL, {"answer": "first"}, "d1")
    drafts.save("ada", URL, {"answer": "sec\nond"}, "d2", note="why", at="2026-11-27T09:30:00.000Z")
    draft = drafts.get("ada", URL)
    assert draft
    assert (draft.fields, draft.file_digest, draft.note) == ({"answer": "sec\nond"}, "d2", "why")
    assert drafts.get("bob", URL) is None
    assert drafts.get("ada", f"{URL}2") is None


def test_the_drafts_of_a_reader_are_listed_latest_first() -> None:
    drafts = Drafts(FOLDER)
    assert drafts.of("ada") == []
    for number in range(3):
        drafts.save("ada", f"{URL}{number}", {}, "d", at=f"2026-11-27T09:3{number}:00.000Z")
    drafts.save("../bob/\0😀", URL, {}, "d")
    assert [draft.url[-1] for draft in drafts.of("ada")] == ["2", "1", "0"]
    drafts.discard("ada", f"{URL}1")
    drafts.discard("ada", f"{URL}1")
    assert [draft.url[-1] for draft in drafts.of("ada")] == ["2", "0"]
    assert [draft.who for draft in drafts.of("../bob/\0😀")] == ["../bob/\0😀"]


def test_git_ignores_drafts() -> None:
    Drafts(FOLDER).save("ada", URL, {}, "d")
    subprocess.run(["git", "init", "-q", "out"], check=True)
    status = subprocess.run(["git", "status", "--porcelain", "-uall"], check=True, capture_output=True, cwd="out")
    assert status.stdout == b""


def test_a_damaged_draft_is_no_draft() -> None:
    drafts = Drafts(FOLDER)
    drafts.save("ada", URL, {"answer": "text"}, "d")
    (path,) = FOLDER.rglob("drafts/*/*.json")
    path.write_bytes(path.read_bytes()[:20])
    assert drafts.get("ada", URL) is None
    assert drafts.of("ada") == []


def test_a_draft_that_cannot_be_saved_is_an_error_and_the_last_one_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    drafts = Drafts(FOLDER)
    drafts.save("ada", URL, {"answer": "first"}, "d")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="No space left on device"):
        drafts.save("ada", URL, {"answer": "second"}, "d")
    draft = drafts.get("ada", URL)
    assert draft
    assert draft.fields == {"answer": "first"}


_SAVE = """
import sys
from pathlib import Path
from qtgen.review.decisions.drafts import Drafts

drafts = Drafts(Path(sys.argv[1]))
number = 0
while True:
    drafts.save("ada", sys.argv[2], {"answer": str(number) * 5_000}, "d")
    print(number, flush=True)
    number += 1
"""


def test_the_last_draft_survives_a_kill() -> None:
    command = [sys.executable, "-c", _SAVE, str(FOLDER), URL]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        saved = [process.stdout.readline().strip() for _ in range(3)]
        process.send_signal(signal.SIGKILL)
        saved += process.stdout.read().split()
    draft = Drafts(FOLDER).get("ada", URL)
    assert draft
    number = int(saved[-1])
    assert draft.fields["answer"] in (str(number) * 5_000, str(number + 1) * 5_000)
