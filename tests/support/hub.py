"""A Hugging Face hub on the loopback interface that serves one file of a repository, and tables of test models."""

import contextlib
import hashlib
import re
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from qtgen.llm.local.table import ModelEntry, ModelTable

REPOSITORY, FILE, COMMIT = "acme/tiny-GGUF", "tiny-q4.gguf", "c0ffee" + "0" * 34
CONTENTS = bytes(range(256)) * 4_000  # about 1 MB
DIGEST = hashlib.sha256(CONTENTS).hexdigest()


class FakeHub:
    """A hub and its behavior.

    Attributes:
        contents: What is served. The metadata describes it, unless `digest` says otherwise.
        digest: The SHA-256 that the metadata names, or a short ETag of a small file.
        cut: The connection is dropped after this many bytes of a response, as often as `cuts` says.
        pause: Seconds to wait after each block.
        error: A status and an X-Error-Code to answer with.
        ranges: The Range header of each download, None for a whole one.
        tokens: The Authorization headers of the requests.
    """

    def __init__(self) -> None:
        self.address = ""
        self.contents = CONTENTS
        self.digest = DIGEST
        self.cut, self.cuts = 0, 0
        self.pause = 0.0
        self.error: tuple[int, str] | None = None
        self.ranges: list[str | None] = []
        self.tokens: list[str | None] = []


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: FakeHub

    def do_HEAD(self) -> None:  # the name that http.server calls
        self._serve(body=False)

    def do_GET(self) -> None:  # the name that http.server calls
        self._serve(body=True)

    def _serve(self, *, body: bool) -> None:
        self.hub.tokens.append(self.headers["Authorization"])
        if self.path.startswith("/blobs/"):
            self._send_file(body=body)
        elif self.hub.error:
            self._send(self.hub.error[0], {"X-Error-Code": self.hub.error[1], "Content-Length": "0"})
        elif not re.fullmatch(f"/{REPOSITORY}/resolve/({COMMIT}|main)/{FILE}", self.path):
            self._send(404, {"X-Error-Code": "EntryNotFound", "Content-Length": "0"})
        else:  # large files are on another server
            location = f"{self.hub.address}/blobs/{self.hub.digest}"
            linked = {"X-Linked-Etag": f'"{self.hub.digest}"', "X-Linked-Size": str(len(self.hub.contents))}
            self._send(302, {"Location": location, "X-Repo-Commit": COMMIT, "Content-Length": "0", **linked})

    def _send_file(self, *, body: bool) -> None:
        hub, wanted = self.hub, self.headers["Range"]
        start = int(wanted.removeprefix("bytes=").partition("-")[0]) if wanted else 0
        part = hub.contents[start:]
        headers = {"Content-Length": str(len(part)), "ETag": f'"{hub.digest}"', "Accept-Ranges": "bytes"}
        if wanted:
            headers["Content-Range"] = f"bytes {start}-{len(hub.contents) - 1}/{len(hub.contents)}"
        self._send(206 if wanted else 200, headers)
        if not body:
            return
        hub.ranges.append(wanted)
        if hub.cuts:
            hub.cuts -= 1
            part = part[: hub.cut]
            self.close_connection = True
        for position in range(0, len(part), 100_000):
            self.wfile.write(part[position : position + 100_000])
            self.wfile.flush()
            time.sleep(hub.pause)

    def _send(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):  # the client was killed
            super().handle()

    def log_message(self, *arguments: object) -> None:
        """Keep the tests' output clean."""


@contextlib.contextmanager
def fake_hub() -> Iterator[FakeHub]:
    """Serve a hub until the block ends."""
    hub = FakeHub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    server.daemon_threads = True
    hub.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def tiny_table(**changes: Any) -> ModelTable:
    """Return a table with an embedded model of 4 bytes and a model of the fake hub."""
    embedded = {
        "description": "Embedded", "parameters": "1", "size": 4, "license": "MIT",
        "sha256": hashlib.sha256(b"GGUF").hexdigest(), "source": {"requirement": "tiny==1", "file": "tiny_wheel/e.gguf"},
    }  # fmt: skip
    tiny = {
        "description": "Tiny", "parameters": "2", "size": len(CONTENTS), "license": "Apache-2.0", "sha256": DIGEST,
        "source": {"repository": REPOSITORY, "file": FILE, "revision": COMMIT}, "request": {"seed": 3}, "context": 99,
        **changes,
    }  # fmt: skip
    return ModelTable.model_validate({"default": "embedded", "models": {"embedded": embedded, "tiny": tiny}})


def tiny_entry(**changes: Any) -> ModelEntry:
    return tiny_table(**changes).entry("tiny")
