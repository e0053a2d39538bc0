"""An endpoint for live runs of suites: every answer is another one, and chosen requests fail in chosen ways."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from support import points_json

MARKS = json.dumps({"reasons": "It is right.", "correctness": 5, "completeness": 4, "clarity": 5})
DROP, GARBAGE, REFUSED = 0, 1, 2
"""Reactions beside HTTP statuses: drop the connection, send no JSON with status 200, refuse with status 200."""
_WORDS = (
    "slow quick gentle steady simple forward reverse natural passive ordinary visible gradual local minor major early "
    "late warm cold deep shallow inner outer upper lower left right open closed wide narrow plain common rare direct"
).split()


def question_of(body: dict[str, Any]) -> str:
    """Return the question that a request for a page asks, empty for a request to a judge."""
    found = re.search(r"<question>\s*(.*?)\s*</question>", body["messages"][1]["content"], re.DOTALL)
    return found[1] if found else ""


class EvalEndpoint:
    """Answers requests for pages and for judgements.

    Attributes:
        bodies: The requests that arrived.
        react: Returns how to fail for a request, None to answer it.
    """

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.react: Callable[[dict[str, Any]], int | None] = lambda _: None
        self.answered = 0
        self._lock = threading.Lock()

    def fail_questions(self, pattern: str, reaction: int) -> None:
        """Fail for questions that match a pattern, answer all other requests."""
        self.react = lambda body: reaction if re.search(pattern, question_of(body)) else None

    def fail_models(self, model: str, reaction: int) -> None:
        """Fail for requests to a model, answer all other requests."""
        self.react = lambda body: reaction if body["model"] == model else None

    def fail_first(self, reaction: int) -> None:
        """Fail for every request the first time it arrives."""
        seen: set[str] = set()

        def react(body: dict[str, Any]) -> int | None:
            text = json.dumps(body)
            is_new = text not in seen
            seen.add(text)
            return reaction if is_new else None

        self.react = react

    def work(self) -> None:
        """Answer every request, and forget those that arrived."""
        self.react = lambda _: None
        self.bodies.clear()

    def reply(self, body: dict[str, Any]) -> tuple[int, bytes]:
        """Return the status and the body of the reply, the status 0 for a dropped connection."""
        with self._lock:
            self.bodies.append(body)
            reaction = self.react(body)
            self.answered += reaction is None
            number = self.answered
        if reaction == GARBAGE:
            return 200, b"<html>busy</html>"
        if reaction is not None and reaction != REFUSED:
            return reaction, json.dumps({"error": {"message": "not now", "type": "e"}}).encode()
        message: dict[str, Any] = {"role": "assistant", "content": self._content(body, number)}
        if reaction == REFUSED:
            message = {"role": "assistant", "content": None, "refusal": "I cannot help with that."}
        usage = {"prompt_tokens": 100, "completion_tokens": 100}
        choices = [{"index": 0, "finish_reason": "stop", "message": message}]
        document = {"id": "c", "object": "chat.completion", "model": body["model"], "choices": choices, "usage": usage}
        return 200, json.dumps(document).encode()

    @staticmethod
    def _content(body: dict[str, Any], number: int) -> str:
        text = body["messages"][-1]["content"]
        if text.startswith("claims:"):
            claims = text.partition("\n>>>")[0].splitlines()[2:]  # without `claims:` and the mark
            return json.dumps({"verdicts": ["made"] * len(claims)})
        if body["model"] == "j":
            return MARKS
        word = f"{_WORDS[number // len(_WORDS) % len(_WORDS)]} {_WORDS[number % len(_WORDS)]}"
        return points_json().replace("through a", f"through a {word}")


@contextmanager
def eval_endpoint() -> Iterator[tuple[EvalEndpoint, str]]:
    """Start the endpoint on a free port of this machine; yield it and its base URL."""
    endpoint = EvalEndpoint()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            status, content = endpoint.reply(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            if status == DROP:
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield endpoint, f"http://127.0.0.1:{server.server_port}/v1"
        finally:
            server.shutdown()
            thread.join(5)


def use_endpoint(suite: Path, address: str) -> None:
    """Let a suite send its requests to an address, without a baseline."""
    settings = f'provider = "openai"\nmodel = "m"\nprompt = "explain"\nbase_url = "{address}"\n'
    (suite / "suite.toml").write_text(settings)
    (suite / "baseline.json").unlink(missing_ok=True)
