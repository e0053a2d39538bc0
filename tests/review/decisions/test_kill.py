"""A server that is killed at any write: a decision is whole or absent, and so is the change of its page."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from qtgen.generation.config import GenerationConfig
from qtgen.generation.output import OutputFolder
from qtgen.review.decisions.actions import Actions
from support.default_tables import read
from support.pages import LONG_DESCRIPTION, SHORT_DESCRIPTION, page_path, write_site
from support.reviews import DESCRIPTION, NOW, request_for, save_rewrite, url_of

# Each try is a fork of its own that ends before its n-th write, as by SIGKILL: nothing is cleaned up.
_KILL = """
import datetime as dt, json, os, shutil, sys
from pathlib import Path
from qtgen.generation.config import generation_config
from qtgen.generation.output import OutputFolder
from qtgen.review.decisions.actions import Actions
from qtgen.review.types import ActionRequest
from qtgen.generation.decisions import Action
from qtgen.page.profile import default_profile
from qtgen.settings import Settings

values = json.loads(sys.argv[1])
config = generation_config(Settings(), dt.date(2026, 11, 27), default_profile())
config.checker, config.fixer
number = 0
while True:
    number += 1
    if os.fork() == 0:
        try:
            os.mkdir(f"try{number}")
            for name in ("site", "out"):
                shutil.copytree(name, f"try{number}/{name}")
            os.chdir(f"try{number}")
            writes = 0

            def killed_before(function):
                def call(*arguments, **options):
                    global writes
                    writes += 1
                    if writes == number:
                        os._exit(9)
                    return function(*arguments, **options)
                return call

            for name in ("fsync", "replace", "link", "unlink", "chmod"):
                setattr(os, name, killed_before(getattr(os, name)))
            store = OutputFolder(Path("out"))
            actions = Actions(store, store.decision_log(), config, folders=[Path("site")])
            request = ActionRequest(**{**values, "action": Action(values["action"])})
            actions.perform(request, Path(sys.argv[2]))
        except BaseException as error:
            print(error, file=sys.stderr)
            os._exit(1)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.wait()[1])
    if status != 9:
        sys.exit(status or -number % 256)
"""


def killed_at_every_write(**values: Any) -> list[Path]:
    """Perform an action in a process that is killed at one write after the other. Return the folder of each try."""
    command = [sys.executable, "-c", _KILL, json.dumps(values), page_path()]
    process = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert process.stderr == ""
    assert process.returncode != 1
    tries = sorted(Path().glob("try*"), key=lambda path: int(path.name[3:]))
    assert len(tries) > 4
    return tries


def request_values(action: str, **values: Any) -> dict[str, Any]:
    request = request_for(action, **values)
    names = ("id", "who", "url", "file_digest", "fields", "undoes")
    return {"action": action, **{name: getattr(request, name) for name in names}}


@pytest.fixture
def store(config: GenerationConfig) -> OutputFolder:
    """A page with an edit that can be undone, and with a rewrite that can be taken."""
    write_site(osmosis={DESCRIPTION: LONG_DESCRIPTION})
    store = OutputFolder(Path("out"))
    actions = Actions(store, store.decision_log(), config, folders=[Path("site")], clock=lambda: NOW)
    edited = {DESCRIPTION: f"{LONG_DESCRIPTION[:-1]} of it."}
    actions.perform(request_for("edit", fields=edited), Path(page_path()))
    save_rewrite(store)
    return store


@pytest.mark.parametrize(
    "values", [{"action": "edit", "fields": {DESCRIPTION: SHORT_DESCRIPTION}}, {"action": "take"}, {"action": "undo"}]
)
def test_a_change_is_whole_or_absent(
    store: OutputFolder, config: GenerationConfig, monkeypatch: pytest.MonkeyPatch, values: dict[str, Any]
) -> None:
    (first,) = store.decision_log()
    before = Path(page_path()).read_bytes()
    sent = request_values(**values)
    tries = killed_at_every_write(**sent)
    after = (tries[-1] / page_path()).read_bytes()
    assert after != before
    outcomes = []
    for folder in tries:
        with monkeypatch.context() as patch:
            patch.chdir(folder)
            outcomes.append(_outcome(config, sent["id"], before, after, first.id))
    assert outcomes == sorted(outcomes), "once the page has changed, it has changed"
    assert set(outcomes) == {False, True}


def _outcome(config: GenerationConfig, id_: str, before: bytes, after: bytes, first: str) -> bool:
    """Check what a killed server left behind. Return whether the action was carried out."""
    path = Path(page_path())
    contents = path.read_bytes()
    assert contents in (before, after)
    is_done = contents == after
    store = OutputFolder(Path("out"))
    log = store.decision_log()
    assert log.problems == ()
    actions = Actions(store, log, config, folders=[Path("site")])
    page = read(contents)
    unfinished = actions.settle(lambda url: page if url == url_of() else None)
    assert {one.id for one in unfinished} <= {id_}
    assert (log.get(id_) is not None) is is_done
    current = log.current(url_of())
    if is_done:
        assert current is None or current.holds_for(actions.show(path).digests)
    else:
        assert current
        assert current.id == first
    records = store.rejected_records, store.taken_records
    assert any(record.read(page_path()) for record in records), "both versions of the rewrite are still there"
    provenance = store.provenance_index(page.layout)
    provenance.discard_unfinished(lambda _: page)
    assert is_done or url_of() not in provenance.records or not provenance.records[url_of()]
    undo = actions.perform(request_for("undo", undoes=id_ if is_done else first), path)
    assert undo.decision.after
    assert not [*Path("site").rglob("*.tmp")], "the next write removes what the killed server left"
    return is_done


def test_an_approval_is_whole_or_absent(
    store: OutputFolder, config: GenerationConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = request_values("approve")
    store.decisions_file.with_name(".gitattributes").unlink()
    for folder in killed_at_every_write(**sent):
        with monkeypatch.context() as patch:
            patch.chdir(folder)
            log = OutputFolder(Path("out")).decision_log()
            assert log.problems == ()
            assert len(log) in (1, 2)
            store = OutputFolder(Path("out"))
            actions = Actions(store, store.decision_log(), config, folders=[Path("site")])
            result = actions.perform(request_for("approve", id=sent["id"]), Path(page_path()))
            assert result.is_repeat is (len(log) == 2)
            assert len(store.decision_log()) == 2
