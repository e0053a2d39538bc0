"""Batch runs in processes that are killed, on machines that share a ledger."""

import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from support.batch_endpoint import BatchEndpoint, batch_endpoint
from support.batch_lab import Lab
from support.postgresql import postgresql_server

pytestmark = [
    pytest.mark.block_network(allowed_hosts=["127.0.0.1"]),
    pytest.mark.skipif(sys.platform == "win32", reason="kills processes"),
]
WORDS = ["osmosis", "gravity", "erosion", "friction", "entropy", "inertia"]


def written(folder: Path) -> int:
    return len(list(folder.glob("outputs/physics/*.md")))


def finish(provider: BatchEndpoint) -> None:
    provider.faults.seconds = 0
    for batch in provider.batches():
        provider._save({**batch, "_due": 0})


MOMENTS = [
    "before POST /files",
    "after POST /files",
    "before POST /batches",
    "after POST /batches",
    "before GET /batches/ID",
    "after GET /batches/ID",
    "before GET /files/ID/content",
    "half GET /files/ID/content",
]


@pytest.mark.parametrize(
    ("url", "moment"),
    [("sqlite", moment) for moment in MOMENTS] + [("postgresql", moment) for moment in MOMENTS[1::2]],
    indirect=["url"],
)
def test_a_run_that_is_killed_pays_for_nothing_twice(lab: Lab, moment: str) -> None:
    machine = lab.machine(WORDS)
    process = machine.start("generate", "q.txt", "--batch")
    lab.provider.hooks[moment] = lambda: os.kill(process.pid, signal.SIGKILL)
    assert process.wait(60) == -signal.SIGKILL
    code, out, err = machine.run("generate", "q.txt", "--batch", "--json")
    assert code == 0, err
    assert [json.loads(line)["status"] for line in out.splitlines()] == ["written"] * len(WORDS)
    assert lab.provider.repeats == 0
    assert len(lab.provider.batches()) == 1
    assert lab.query("SELECT count(*) FROM attempts WHERE kind = 'ok'") == [(len(WORDS),)]
    assert lab.query("SELECT count(*) FROM requests WHERE state <> 'done'") == [(0,)]


def test_another_machine_collects_and_writes(lab: Lab) -> None:
    lab.provider.faults.seconds = 3_600
    first, second = lab.machine(WORDS), lab.machine(WORDS)
    assert first.run("generate", "q.txt", "--batch", "--no-wait")[0] == 0
    finish(lab.provider)
    code, out, err = second.run("batch", "collect")
    assert (code, f"{len(WORDS)} answered" in out) == (0, True), err
    assert second.run("generate", "q.txt")[0] == 0
    assert first.run("generate", "q.txt", "--batch")[0] == 0
    assert (written(first.folder), written(second.folder)) == (len(WORDS), len(WORDS))
    assert (lab.provider.repeats, lab.provider.live, len(lab.provider.batches())) == (0, [], 1)


def test_two_runs_at_once_submit_each_request_once(lab: Lab) -> None:
    lab.provider.faults.seconds = 1
    machines = [lab.machine(WORDS), lab.machine(WORDS)]
    processes = [machine.start("generate", "q.txt", "--batch") for machine in machines]
    assert [process.wait(60) for process in processes] == [0, 0]
    assert [written(machine.folder) for machine in machines] == [len(WORDS)] * 2
    assert lab.provider.repeats == 0
    assert sum(batch["request_counts"]["total"] for batch in lab.provider.batches()) == len(WORDS)


def test_collecting_twice_or_at_once_or_after_a_kill_changes_nothing(lab: Lab) -> None:
    words = [
        f"{word}{letter}{other}" for word in WORDS for letter in "abcdefghijkl" for other in "abcdefghijklmnopqrst"
    ]
    lab.provider.faults.seconds = 3_600
    machine = lab.machine(words)
    assert machine.run("generate", "q.txt", "--batch", "--no-wait")[0] == 0
    finish(lab.provider)
    collector = machine.start("batch", "collect")

    def kill() -> None:
        for _ in range(200):
            if lab.query("SELECT collected FROM batches") != [(0,)]:
                break
            time.sleep(0.05)
        os.kill(collector.pid, signal.SIGKILL)

    lab.provider.hooks["half GET /files/ID/content"] = kill
    assert collector.wait(60) == -signal.SIGKILL
    (partly,) = lab.query("SELECT collected FROM batches")
    assert 0 < int(str(partly[0])) < len(words)
    collectors = [machine.start("batch", "collect") for _ in range(2)]
    assert [process.wait(60) for process in collectors] == [0, 0]
    assert machine.run("batch", "collect")[0] == 0
    assert lab.query("SELECT state, collected, answered FROM batches") == [("collected", len(words), len(words))]
    assert lab.query("SELECT count(*) FROM attempts") == [(len(words),)]
    assert lab.query("SELECT count(*) FROM requests WHERE state = 'done'") == [(len(words),)]


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_lost_reply_does_not_submit_twice(lab: Lab) -> None:
    lab.provider.faults.lost = {"POST /batches": 1, "POST /files": 1, "GET /batches": 1, "GET /files/ID/content": 1}
    lab.provider.faults.cut_uploads = lab.provider.faults.short_uploads = lab.provider.faults.short_downloads = 1
    lab.provider.faults.broken = {"GET /batches/ID": [500, 503], "POST /batches": [500]}
    machine = lab.machine(WORDS)
    code, _, err = machine.run("generate", "q.txt", "--batch")
    assert code == 0, err
    assert (len(lab.provider.batches()), lab.provider.repeats, written(machine.folder)) == (1, 0, len(WORDS))


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_edited_results_are_named(lab: Lab) -> None:
    lab.provider.faults.seconds = 3_600
    machine = lab.machine(WORDS)
    assert machine.run("generate", "q.txt", "--batch", "--no-wait")[0] == 0
    finish(lab.provider)
    (batch,) = lab.provider.batches()
    lab.provider.retrieve(batch["id"])
    (batch,) = lab.provider.batches()
    lines = lab.provider.file(batch["output_file_id"]).splitlines(keepends=True)
    foreign = b"".join(lines[1:3]).replace(b'"custom_id": "', b'"custom_id": "x')
    lab.provider.edit(batch["output_file_id"], b"\xff\xfe\n[1]\n" + foreign + b"".join(lines[2:]) * 2)
    code, _, err = machine.run("batch", "collect")
    assert code == 1
    assert "unknown custom_id `x" in err
    assert "hold 4 of the 6 responses" in err
    # What is missing stays pending until somebody decides.
    assert machine.run("generate", "q.txt")[0] == 1
    assert (written(machine.folder), lab.provider.live) == (4, [])
    assert machine.run("batch", "cancel")[0] == 0
    assert machine.run("generate", "q.txt")[0] == 0
    assert (written(machine.folder), len(lab.provider.live)) == (6, 2)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_an_edited_batch_file_is_not_submitted(lab: Lab) -> None:
    machine = lab.machine(WORDS)

    def edit() -> None:
        (file,) = (machine.folder / ".qtgen" / "batches").iterdir()
        file.write_bytes(file.read_bytes().replace(b"gravity", b"granite"))

    lab.provider.hooks["before POST /files"] = edit
    code, _, err = machine.run("generate", "q.txt", "--batch")
    assert code == 1
    assert "the batch file was changed while it was uploaded" in err
    assert lab.provider.batches() == []
    assert machine.run("generate", "q.txt", "--batch")[0] == 0


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_signal_ends_the_waiting_and_the_batch_goes_on(lab: Lab) -> None:
    lab.provider.faults.seconds = 3_600
    machine = lab.machine(WORDS)
    process = machine.start("generate", "q.txt", "--batch", "--json")
    while not lab.provider.calls["GET /batches/ID"]:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert "interrupted with 6 questions pending; run the same command again to resume" in err
    assert [json.loads(line)["status"] for line in out.splitlines()] == ["pending"] * len(WORDS)
    finish(lab.provider)
    assert machine.run("generate", "q.txt", "--batch")[0] == 0
    assert (lab.provider.repeats, len(lab.provider.batches())) == (0, 1)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_a_clear_end(lab: Lab, tmp_path: Path) -> None:
    machine = lab.machine(WORDS)
    (machine.folder / "sitecustomize.py").write_text(
        "import os\nreal = os.open\n"
        "os.open = lambda path, *a, **k: real('/dev/full', os.O_WRONLY) if str(path).endswith('.jsonl') and "
        "'batches' in str(path) else real(path, *a, **k)\n"
    )
    import subprocess

    from support import ROOT

    environment = {**os.environ, **machine.environment, "PYTHONPATH": f"{machine.folder}{os.pathsep}{ROOT}"}
    command = [sys.executable, "-m", "qtgen", "generate", "q.txt", "--batch"]
    done = subprocess.run(
        command, cwd=machine.folder, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1, done.stderr
    assert "No space left on device" in done.stderr.splitlines()[-1]
    assert lab.provider.batches() == []
    assert machine.run("generate", "q.txt", "--batch")[0] == 0
    assert written(machine.folder) == len(WORDS)


def test_the_ledgers_server_restarts_while_a_run_waits(tmp_path: Path) -> None:
    with (
        postgresql_server() as server,
        batch_endpoint(tmp_path / "provider") as provider,
    ):
        lab = Lab(provider, server.get_uri(), tmp_path)
        provider.faults.seconds = 3_600
        machine = lab.machine(WORDS)
        process = machine.start("generate", "q.txt", "--batch")
        while not provider.calls["GET /batches/ID"]:
            time.sleep(0.05)
        server.stop()
        finish(provider)
        time.sleep(1.5)
        server.start()
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        assert (written(machine.folder), provider.repeats, len(provider.batches())) == (len(WORDS), 0, 1)
