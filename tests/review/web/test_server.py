"""The server: its socket, the lock of its folder, and how it ends."""

import http.client
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from qtgen.errors import OutputError, UsageError
from qtgen.review.web.server import address_of, is_loopback, listen, only_server

pytestmark = pytest.mark.block_network(allowed_hosts=["127.0.0.1"])

_PROGRAM = """
import sys, time
from pathlib import Path
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from qtgen.review.web.server import address_of, listen, only_server, serve

def slow(request):
    print("started", flush=True)
    time.sleep(0.5)
    return PlainTextResponse("done")

listener = listen("127.0.0.1", 0)
address = address_of(listener, "127.0.0.1")
with only_server(Path(sys.argv[1]), address):
    app = Starlette(routes=[Route("/", slow)])
    serve(app, listener, lambda: print(address, flush=True))
print("ended", flush=True)
"""


@contextmanager
def running(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_it_after_the_request_in_progress(tmp_path: Path, number: signal.Signals) -> None:
    with running(tmp_path / "a" / "b" / "c") as (process, address):
        with closing(http.client.HTTPConnection(address.removeprefix("http://"), timeout=20)) as connection:
            connection.request("GET", "/?key=secret", headers={"X-Forwarded-For": "10.0.0.1"})
            assert process.stdout is not None
            assert process.stdout.readline() == "started\n"
            process.send_signal(number)
            assert connection.getresponse().read() == b"done"
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, "ended\n", "")


def test_lock_ends_with_a_killed_process(tmp_path: Path) -> None:
    folder = tmp_path / "out" / ".qtgen" / "review"
    with running(folder) as (process, address):
        with pytest.raises(UsageError) as error, only_server(folder, "http://second"):
            pass
        assert str(error.value) == (
            f"{tmp_path}/out: another server at {address} reviews the pages of this folder; "
            "use that one, or start a read-only server"
        )
        process.kill()
        process.wait()
        with only_server(folder, "http://second"):
            assert (folder / "lock").read_text() == "http://second"


def test_port_in_use() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"port {port} is in use; choose another port"):
            listen("127.0.0.1", port)


def test_default_port_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr("qtgen.review.web.server.DEFAULT_PORT", port)
        with listen("127.0.0.1", None) as listener:
            assert listener.getsockname()[1] != port


@pytest.mark.parametrize("host", ["192.0.2.1", "no such name"])
def test_host_that_is_not_here(host: str) -> None:
    with pytest.raises(UsageError, match=r"cannot listen at .*; give an address of this machine"):
        listen(host, 0)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.1", False),
        ("localhost.example", False),
    ],
)
def test_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_address_of_version_6() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        assert address_of(listener, "::1") == f"http://[::1]:{port}"


def test_lock_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("keep")
    folder = tmp_path / ".qtgen" / "review"
    folder.mkdir(parents=True)
    (folder / "lock").symlink_to(other)
    with pytest.raises(OutputError, match="or start a read-only server"), only_server(folder, "http://127.0.0.1:1"):
        pass
    assert other.read_text() == "keep"


def test_address_of_a_server_that_listens_everywhere() -> None:
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        names = ["review.example.org", "other.example.org"]
        assert address_of(listener, "0.0.0.0", names) == f"http://review.example.org:{port}"
        assert address_of(listener, "::") == f"http://127.0.0.1:{port}"
        assert address_of(listener, "127.0.0.1", names) == f"http://127.0.0.1:{port}"
