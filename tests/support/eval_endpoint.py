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
DROP, GARBAGE, REFUSED, INVALID, HANG, NO_LIMIT, NO_SCHEMA = range(7)
"""Reactions beside HTTP statuses: drop the connection; with status 200, send no JSON, a refusal, or an answer without
its fields; send nothing until the test ends; reject `max_tokens`, as newer models of OpenAI do; and reject
JSON Schemas."""
_REJECTION = {
    "message": "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens'.",
    "type": "invalid_request_error",
    "param": "max_tokens",
    "code": "unsupported_parameter",
}
_WORDS = [
    "slow",
    "quick",
    "gentle",
    "steady",
    "simple",
    "forward",
    "reverse",
    "natural",
    "passive",
    "ordinary",
    "visible",
    "gradual",
    "local",
    "minor",
    "major",
    "early",
    "late",
    "warm",
    "cold",
    "deep",
    "shallow",
    "inner",
    "outer",
    "upper",
    "lower",
    "left",
    "right",
    "open",
    "closed",
    "wide",
    "narrow",
    "plain",
    "common",
    "rare",
    "direct",
]


def question_of(body: dict[str, Any]) -> str:
    """Return the question that a request for a page asks, empty for a request to a judge."""
    found = re.search(r"<question>\s*(.*?)\s*</question>", body["messages"][1]["content"], re.DOTALL)
    return found[1] if found else ""


class EvalEndpoint:
    """Answers requests for pages and for judgements.

    Attributes:
        bodies: The requests that arrived.
        paths: The paths of their addresses.
        react: Returns how to fail for a request, None to answer it.
    """

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.react: Callable[[dict[str, Any]], int | None] = lambda _: None
        self.answered = 0
        self.ended = threading.Event()
        self._lock = threading.Lock()

    def fail_questions(self, pattern: str, reaction: int) -> None:
        """Fail for questions that match a pattern, answer all other requests."""
        self.react = lambda body: reaction if re.search(pattern, question_of(body)) else None

    def fail_models(self, model: str, reaction: int) -> None:
        """Fail for requests to a model, answer all other requests."""
        self.react = lambda body: reaction if body["model"] == model else None

    def fail_first(self, words: str, reaction: int) -> None:
        """Fail for every request with these words the first time it arrives."""
        seen: set[str] = set()

        def react(body: dict[str, Any]) -> int | None:
            text = json.dumps(body)
            is_new = text not in seen
            seen.add(text)
            return reaction if is_new and words in text else None

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
            self.answered += reaction in (None, NO_LIMIT, NO_SCHEMA)
            number = self.answered
        if reaction == HANG:
            self.ended.wait(60)
            return DROP, b""
        if reaction == NO_LIMIT and "max_tokens" in body:
            return 400, json.dumps({"error": _REJECTION}).encode()
        if reaction == NO_SCHEMA and body["response_format"]["type"] == "json_schema":
            error = {"message": "response_format: json_schema is not supported by this model", "type": "e"}
            return 400, json.dumps({"error": {**error, "param": "response_format"}}).encode()
        if reaction == GARBAGE:
            return 200, b"<html>busy</html>"
        if reaction is not None and reaction not in (REFUSED, INVALID, NO_LIMIT, NO_SCHEMA):
            return reaction, json.dumps({"error": {"message": "not now", "type": "e"}}).encode()
        message: dict[str, Any] = {"role": "assistant", "content": self._content(body, number)}
        if reaction == REFUSED:
            message = {"role": "assistant", "content": None, "refusal": "I cannot help with that."}
        if reaction == INVALID:
            message["content"] = "{}"
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
            endpoint.paths.append(self.path)
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
            endpoint.ended.set()
            server.shutdown()
            thread.join(5)


def use_endpoint(suite: Path, address: str) -> None:
    """Let a suite send its requests to an address, without a baseline."""
    settings = f'provider = "openai"\nmodel = "m"\nprompt = "explain"\nbase_url = "{address}"\n'
    (suite / "suite.toml").write_text(settings)
    (suite / "baseline.json").unlink(missing_ok=True)
