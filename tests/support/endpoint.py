"""A small OpenAI-compatible endpoint on the loopback interface, for tests that need a real HTTP response."""

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Reply(NamedTuple):
    """What the endpoint answers: the text of the message, or a refusal, or an HTTP error."""

    text: str = ""
    finish_reason: str = "stop"
    refusal: str | None = None
    status: int = 200


Answerer = Callable[[dict[str, Any]], Reply]


class FakeEndpoint:
    """The address of a running endpoint, and the bodies of the requests that it received."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.requests: list[dict[str, Any]] = []


@contextlib.contextmanager
def fake_endpoint(answer: Answerer) -> Iterator[FakeEndpoint]:
    """Serve chat completions until the block ends; `answer` maps the body of a request to a reply."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:  # the name that http.server calls
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            endpoint.requests.append(body)
            reply = answer(body)
            content = _completion(body, reply) if reply.status == 200 else _error(reply)
            data = json.dumps(content).encode()
            self.send_response(reply.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Print nothing: stderr belongs to the command under test."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        endpoint = FakeEndpoint(f"http://127.0.0.1:{server.server_port}/v1")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield endpoint
        finally:
            server.shutdown()
            thread.join()


def _completion(body: dict[str, Any], reply: Reply) -> dict[str, Any]:
    message = {"role": "assistant", "content": None if reply.refusal else reply.text, "refusal": reply.refusal}
    return {
        "id": "chatcmpl-test",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": body["model"],
        "choices": [{"index": 0, "finish_reason": reply.finish_reason, "message": message, "logprobs": None}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150},
    }


def _error(reply: Reply) -> dict[str, Any]:
    return {"error": {"message": reply.text or "no", "type": "invalid_request_error", "param": None, "code": None}}
