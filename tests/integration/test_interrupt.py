"""An interrupted run sends nothing more, keeps what it has paid for, and resumes.

The endpoint is the fast one of ../shared/tools, which a user's checkout does not have; the tests skip then.
"""

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support import SHARED

pytestmark = [pytest.mark.block_network(allowed_hosts=["127.0.0.1"]), pytest.mark.xdist_group("scale")]
MOCK = SHARED / "tools" / "mock_openai.py"
SLOTS, QUESTIONS = 4, 40
LONG = 4_000  # milliseconds for a response: all slots are taken for as long, and the signal comes meanwhile


class Endpoint:
    def __init__(self, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}"

    def behave(self, **behaviour: float) -> None:
        """Set the behaviour and reset the counters."""
        self._get("/_ctl?" + "&".join(f"{name}={value}" for name, value in behaviour.items()))

    def stats(self) -> dict[str, Any]:
        return dict(json.loads(self._get("/_stats")))

    def _get(self, path: str) -> bytes:
        with urllib.request.urlopen(self.address + path, timeout=10) as response:
            return bytes(response.read())


def wait_for(condition: Callable[[], bool]) -> None:
    for _ in range(600):
        if condition():
            return
        time.sleep(0.05)
    pytest.fail("it did not happen within 30 s")


@pytest.fixture
def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch, unused_port: int) -> Iterator[Endpoint]:
    if not MOCK.exists():
        pytest.skip(f"{MOCK} is not here: the endpoint for fault tests is not part of the project")
    process = subprocess.Popen([sys.executable, str(MOCK), "--port", str(unused_port)], stdout=subprocess.DEVNULL)
    endpoint = Endpoint(unused_port)

    def answers() -> bool:
        try:
            return bool(endpoint.stats())
        except OSError:
            return False

    wait_for(answers)
    monkeypatch.setenv("OPENAI_BASE_URL", f"{endpoint.address}/v1")
    monkeypatch.setenv("QTGEN_MODEL", "mock")
    monkeypatch.setenv("QTGEN_SUBJECT", "Biology")
    Path("q.txt").write_text("\n".join(f"What is osmosis number {number}?" for number in range(QUESTIONS)))
    yield endpoint
    process.terminate()
    process.wait(timeout=10)


COMMAND = [sys.executable, "-m", "qtgen", "generate", "q.txt", "--concurrency", str(SLOTS)]


def generate() -> "subprocess.Popen[str]":
    return subprocess.Popen(COMMAND, stderr=subprocess.PIPE, text=True)


def resume() -> None:
    subprocess.run(COMMAND, check=True, timeout=60, stderr=subprocess.DEVNULL)


def pages() -> int:
    return len(list(Path("outputs").glob("biology/*.md")))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_is_in_flight_finishes_and_nothing_else_is_sent(endpoint: Endpoint, number: signal.Signals) -> None:
    endpoint.behave(lat_ms=LONG)
    run = generate()
    wait_for(lambda: endpoint.stats()["inflight"] == SLOTS)
    run.send_signal(number)
    _, err = run.communicate(timeout=30)
    assert run.returncode == 130, err
    assert endpoint.stats()["served"] == SLOTS
    assert pages() == SLOTS
    assert f"{QUESTIONS - SLOTS} of {QUESTIONS} questions" in err.splitlines()[-1]
    endpoint.behave()
    resume()
    assert endpoint.stats()["served"] == QUESTIONS - SLOTS
    assert pages() == QUESTIONS


@pytest.mark.parametrize("fault", ["pbad", "ptrunc", "p500"])
def test_no_repair_no_longer_answer_and_no_retry_is_sent(endpoint: Endpoint, fault: str) -> None:
    endpoint.behave(lat_ms=LONG, **{fault: 1})
    run = generate()
    wait_for(lambda: endpoint.stats()["inflight"] == SLOTS)
    run.send_signal(signal.SIGINT)
    _, err = run.communicate(timeout=30)
    assert run.returncode == 130, err
    assert endpoint.stats()["served"] == SLOTS
    assert pages() == 0
    endpoint.behave()
    resume()
    assert endpoint.stats()["served"] == QUESTIONS, (
        "first answers that are in the ledger are not sent for again, only their repairs"
    )
    assert pages() == QUESTIONS


def test_a_second_signal_stops_at_once(endpoint: Endpoint) -> None:
    endpoint.behave(lat_ms=60_000)
    run = generate()
    wait_for(lambda: endpoint.stats()["inflight"] == SLOTS)
    run.send_signal(signal.SIGINT)
    assert run.stderr
    while "finishing" not in run.stderr.readline():
        pass
    run.send_signal(signal.SIGINT)
    _, err = run.communicate(timeout=20)
    assert run.returncode == 130, err
    assert endpoint.stats()["served"] == SLOTS


def test_a_stop_during_a_rate_limit_does_not_wait_for_its_end(endpoint: Endpoint) -> None:
    endpoint.behave(p429=1, retry_after=300)
    run = generate()
    wait_for(lambda: endpoint.stats()["r429"] >= SLOTS)
    run.send_signal(signal.SIGINT)
    _, err = run.communicate(timeout=20)
    assert run.returncode == 130, err


def test_every_row_has_a_json_line_and_no_fallback_is_asked(endpoint: Endpoint) -> None:
    endpoint.behave(lat_ms=LONG, prefuse=1)
    run = subprocess.Popen(
        [*COMMAND, "--json", "--model", "a", "--model", "b"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    wait_for(lambda: endpoint.stats()["inflight"] == SLOTS)
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=30)
    assert run.returncode == 130, err
    assert endpoint.stats()["served"] == SLOTS
    lines = [json.loads(line) for line in out.splitlines()]
    assert len(lines) == QUESTIONS
    assert {line["status"] for line in lines} == {"skipped"}
    assert {line["error"]["kind"] for line in lines} == {"interrupted"}
    assert err.splitlines()[-1] == (
        f"qtgen: interrupted with {QUESTIONS} of {QUESTIONS} questions left; run the same command again to resume"
    )
