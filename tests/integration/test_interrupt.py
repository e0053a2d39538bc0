"""An interrupted run sends nothing more, keeps what it has paid for, and resumes.

The endpoint is the fast one of ../shared/tools, which a user's checkout does not have; the tests skip then.
"""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.mock_endpoint import MockEndpoint, mock_endpoint

pytestmark = [pytest.mark.block_network(allowed_hosts=["127.0.0.1"]), pytest.mark.xdist_group("scale")]
SLOTS, QUESTIONS = 4, 40
LONG = 4_000  # milliseconds for a response: all slots are taken for as long, and the signal comes meanwhile


def wait_for(condition: Callable[[], bool]) -> None:
    for _ in range(600):
        if condition():
            return
        time.sleep(0.05)
    pytest.fail("it did not happen within 30 s")


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MockEndpoint]:
    with mock_endpoint(tmp_path_factory.mktemp("mock")) as endpoint:
        endpoint.use(monkeypatch)
        Path("q.txt").write_text("\n".join(f"What is osmosis number {number}?" for number in range(QUESTIONS)))
        yield endpoint


COMMAND = [sys.executable, "-m", "qtgen", "generate", "q.txt", "--concurrency", str(SLOTS)]


def generate() -> "subprocess.Popen[str]":
    return subprocess.Popen(COMMAND, stderr=subprocess.PIPE, text=True)


def resume() -> None:
    subprocess.run(COMMAND, check=True, timeout=60, stderr=subprocess.DEVNULL)


def pages() -> int:
    return len(list(Path("outputs").glob("biology/*.md")))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_is_in_flight_finishes_and_nothing_else_is_sent(endpoint: MockEndpoint, number: signal.Signals) -> None:
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
def test_no_repair_no_longer_answer_and_no_retry_is_sent(endpoint: MockEndpoint, fault: str) -> None:
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


def test_a_second_signal_stops_at_once(endpoint: MockEndpoint) -> None:
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


def test_a_stop_during_a_rate_limit_does_not_wait_for_its_end(endpoint: MockEndpoint) -> None:
    endpoint.behave(p429=1, retry_after=300)
    run = generate()
    wait_for(lambda: endpoint.stats()["r429"] >= 1)
    run.send_signal(signal.SIGINT)
    _, err = run.communicate(timeout=20)
    assert run.returncode == 130, err


def test_every_row_has_a_json_line_and_no_fallback_is_asked(endpoint: MockEndpoint) -> None:
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
