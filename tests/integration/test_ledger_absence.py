"""Whole runs whose ledger goes away: a server that restarts or stays away, and a disk that is full."""

import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from support.mock_endpoint import MockEndpoint, mock_endpoint
from support.postgresql import postgresql_server

pytestmark = [pytest.mark.block_network(allowed_hosts=["127.0.0.1"]), pytest.mark.xdist_group("scale")]
QUESTIONS = 120
# The command line, with less patience than five minutes.
IMPATIENT = """
import sys, qtgen.commands._run as run, qtgen.llm.ledger.writer as writer
from functools import partial
run.open_writer = partial(writer.open_writer, patience=1.0)
from qtgen.cli import main
main()
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MockEndpoint]:
    with mock_endpoint(tmp_path_factory.mktemp("mock")) as endpoint:
        yield endpoint


@pytest.fixture
def mock(server: MockEndpoint, monkeypatch: pytest.MonkeyPatch) -> MockEndpoint:
    server.use(monkeypatch)
    server.behave(lat_ms=100)
    lines = (f"What is the meaning of number {number}?" for number in range(QUESTIONS))
    Path("q.txt").write_text("\n".join(lines))
    return server


@pytest.fixture
def postgresql(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    with postgresql_server() as database:
        monkeypatch.setenv("QTGEN_LEDGER", database.get_uri())
        yield database


@contextmanager
def started(*arguments: str, program: str = "") -> Iterator["subprocess.Popen[str]"]:
    """Start `qtgen generate`, and kill it at the end if it is still running."""
    command = [sys.executable, *(("-c", program) if program else ("-m", "qtgen"))]
    command += ["generate", "q.txt", "--json", "--concurrency", "8", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        try:
            yield run
        finally:
            run.kill()


def wait_for_answers(mock: MockEndpoint, count: int) -> None:
    deadline = time.monotonic() + 30
    while len(mock.answered()) < count:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def wait_until_none_comes(mock: MockEndpoint) -> None:
    """Wait until no request has been answered for a second."""
    count, since = -1, time.monotonic()
    while time.monotonic() < since + 1:
        if len(mock.answered()) != count:
            count, since = len(mock.answered()), time.monotonic()
        time.sleep(0.02)


def statuses(out: str) -> Counter[str]:
    return Counter(json.loads(line)["status"] for line in out.splitlines())


def test_two_runs_survive_a_restart_and_pay_for_nothing_twice(mock: MockEndpoint, postgresql: Any) -> None:
    begun = len(mock.answered())
    with started("--out", "a") as first, started("--out", "b") as second:
        wait_for_answers(mock, begun + 20)
        postgresql.stop()
        wait_until_none_comes(mock)
        assert len(mock.answered()) - begun < QUESTIONS, "nothing new is sent"
        time.sleep(2)  # a short absence is not reported
        postgresql.start()
        for run in (first, second):
            out, err = run.communicate(timeout=90)
            assert (run.returncode, statuses(out)) == (0, {"written": QUESTIONS}), err
            assert "qtgen sends no new request until it responds" in err
            assert "the ledger responds again" in err
    paid = Counter(mock.answered()[begun:])
    assert (len(paid), max(paid.values())) == (QUESTIONS, 1)


def test_responses_in_hand_are_saved_and_the_next_run_records_them(mock: MockEndpoint, postgresql: Any) -> None:
    begun = len(mock.answered())
    with started(program=IMPATIENT) as run:
        wait_for_answers(mock, begun + 20)
        postgresql.stop()
        out, err = run.communicate(timeout=60)
    assert run.returncode == 1
    assert re.search(r"\d+ responses? saved in .*/\.qtgen; the next run records them", err), err
    assert Path(".qtgen/unsettled.jsonl").exists()
    assert statuses(out)["skipped"] > 0
    postgresql.start()
    with started() as again:
        out, err = again.communicate(timeout=60)
    assert again.returncode == 0, err
    assert not [*Path(".qtgen").glob("unsettled*")]
    paid = Counter(mock.answered()[begun:])
    assert (len(paid), max(paid.values())) == (QUESTIONS, 1)


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="mounting a small disk needs a superuser")
def test_a_full_disk_ends_the_run_with_one_line(
    mock: MockEndpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", small], check=False)
    if mounted.returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        ledger = str(small / "ledger.sqlite")
        monkeypatch.setenv("QTGEN_LEDGER", ledger)
        with started(program=IMPATIENT) as run:
            _, err = run.communicate(timeout=60)
        assert run.returncode == 1
        assert f"{ledger}: database or disk is full" in err
        assert "Traceback" not in err
        assert Path(".qtgen/unsettled.jsonl").exists(), "the project is on another disk"
    finally:
        subprocess.run(["umount", small], check=True)
