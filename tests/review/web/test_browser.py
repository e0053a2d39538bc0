"""The browser that the tests of the review app share."""

import asyncio
import http.server
import threading
from collections.abc import Iterator

import pytest

from support.browser import OpenPage


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"<!doctype html><title>Loopback</title><link rel=icon href='data:,'><p>Served.</p>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Print nothing."""


@pytest.fixture
def address() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


def test_a_page_loads_from_the_loopback_interface(open_page: OpenPage, address: str) -> None:
    narrow, dark = open_page(viewport={"width": 390, "height": 800}), open_page(color_scheme="dark")
    narrow.goto(address)
    dark.goto(address)
    assert narrow.title() == dark.title() == "Loopback"
    assert narrow.evaluate("innerWidth") == 390
    assert dark.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")


def test_event_loops_run_beside_the_browser(request: pytest.FixtureRequest) -> None:
    request.getfixturevalue("_chromium")
    assert asyncio.run(asyncio.sleep(0, "done")) == "done"
