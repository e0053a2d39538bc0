"""An HTTP server on a free loopback port that gives one scripted response and keeps the requests."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Response = tuple[int, dict[str, str], Any]


def completion(content: str | list[Any] | None = "hello", finish: str = "stop", **message: Any) -> dict[str, Any]:
    """Return the JSON document of a completion."""
    usage = {"prompt_tokens": 1_000, "completion_tokens": 100, "prompt_tokens_details": {"cached_tokens": 400}}
    choice = {"finish_reason": finish, "message": {"role": "assistant", "content": content, **message}}
    return {"id": "c-1", "model": "m-1", "choices": [choice], "usage": usage}


class FakeEndpoint:
    """Attributes:
    response: Status, headers and body (bytes, or a JSON value) of every response.
    requests: Headers and body of every request so far.
    """

    def __init__(self) -> None:
        self.response: Response = (200, {}, completion())
        self.requests: list[tuple[dict[str, str], bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                outer.requests.append(({name.lower(): value for name, value in self.headers.items()}, body))
                status, headers, payload = outer.response
                data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
                self.send_response(status)
                for name, value in {**headers, "content-length": str(len(data))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                """Print nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base_url = f"http://127.0.0.1:{self.server.server_port}/v1"


@contextmanager
def fake_endpoint() -> Iterator[FakeEndpoint]:
    """Run a fake endpoint until the block ends."""
    endpoint = FakeEndpoint()
    thread = threading.Thread(target=endpoint.server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield endpoint
    finally:
        endpoint.server.shutdown()
        thread.join()
        endpoint.server.server_close()
