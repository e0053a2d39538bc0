"""The fast endpoint with faults and limits of ../shared/tools, which a user's checkout does not have."""

import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from support import SHARED

_PROGRAM = SHARED / "tools" / "mock_openai.py"


class MockEndpoint:
    """The endpoint in a process of its own, on a free port of this machine."""

    def __init__(self, port: int, log: Path) -> None:
        self.address, self._log = f"http://127.0.0.1:{port}", log

    def answered(self) -> list[str]:
        """Return the hash of every request that was answered, in the order in which they arrived."""
        lines = [json.loads(line) for line in self._log.read_text().splitlines(keepends=True) if line.endswith("\n")]
        return [line["body"] for line in lines if line["status"] == 200]

    def behave(self, **behaviour: float) -> None:
        """Set the behaviour and reset the counters."""
        self._get("/_ctl?" + "&".join(f"{name}={value}" for name, value in behaviour.items()))

    def stats(self) -> dict[str, Any]:
        return dict(json.loads(self._get("/_stats")))

    def use(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let `generate` send its requests here. The answers are random words, so they are never about a question."""
        monkeypatch.setenv("QTGEN_IGNORE", "QT609,QT610")
        monkeypatch.setenv("OPENAI_BASE_URL", f"{self.address}/v1")
        monkeypatch.setenv("QTGEN_MODEL", "mock")
        monkeypatch.setenv("QTGEN_SUBJECT", "Biology")

    def _get(self, path: str) -> bytes:
        with urllib.request.urlopen(self.address + path, timeout=10) as response:
            return bytes(response.read())


@contextmanager
def mock_endpoint(folder: Path) -> Iterator[MockEndpoint]:
    """Start the endpoint, which logs its requests in `folder`, and stop it at the end. Skip the test without it."""
    if not _PROGRAM.exists():
        pytest.skip(f"{_PROGRAM} is not here: the endpoint for fault tests is not part of the project")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = folder / "calls.jsonl"
    command = [sys.executable, str(_PROGRAM), "--port", str(port), "--log", str(log)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    endpoint = MockEndpoint(port, log)
    try:
        wait_until_it_answers(endpoint)
        yield endpoint
    finally:
        process.terminate()
        process.wait(timeout=10)


def wait_until_it_answers(endpoint: MockEndpoint) -> None:
    for _ in range(600):
        try:
            endpoint.stats()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("the endpoint did not start within 30 s")
