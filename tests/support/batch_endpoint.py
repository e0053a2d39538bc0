"""A Batch API with its faults, for tests and benchmarks. It keeps everything on disk, so it can be restarted.

    python -m support.batch_endpoint FOLDER [PORT]     prints its address; runs until it is killed

`Faults` says what goes wrong. A line's behaviour follows from words in its body: the first one of `lines` that occurs
in it decides, and its list is used up from one time to the next; the last entry stays.

    ok, refused, cut, filtered        status 200, with an answer or without one
    400, 429, 500, 0                  a line of the error file with this status
    expired, cancelled, missing       not executed; `missing` has no line at all
    repeated, unknown, garbage        an answer, and a further line that makes no sense
"""

import contextlib
import hashlib
import json
import re
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from support import points_about

_WORD = re.compile(r"What is (?:an? )?([A-Za-z]+)")
_FINAL = ("completed", "failed", "expired", "cancelled")


@dataclass
class Faults:
    """What goes wrong.

    Attributes:
        seconds: How long a batch takes.
        validating: How often a batch is reported as `validating` first.
        lines: Behaviour of lines, by a word in their body.
        lost: Operations whose reply is lost after they were done, and how often: `{"POST /batches": 1}`.
        broken: Operations that fail before they are done: status and how often.
        cut_uploads: Uploads to break off in the middle.
        short_uploads: Uploads to store without their last bytes.
        short_downloads: Downloads to break off in the middle.
        token_limit: Prompt tokens that may be enqueued at once; a batch beyond it fails.
        max_lines: Lines of a batch beyond which it fails.
        bad_line: A word; a batch fails on each line that contains it.
        upper: Report states in capitals.
        empty_ids: Report a missing file as an empty id instead of null.
        no_list: Answer the list of batches with 404.
        no_metadata: Forget the metadata.
        page: Batches in a page of the list.
        state: Report this state instead of the real one while a batch runs.
        purpose: The purpose that uploads need.
    """

    seconds: float = 0.0
    validating: int = 0
    lines: dict[str, list[str]] = field(default_factory=dict)
    lost: dict[str, int] = field(default_factory=dict)
    broken: dict[str, list[int]] = field(default_factory=dict)
    cut_uploads: int = 0
    short_uploads: int = 0
    short_downloads: int = 0
    token_limit: int | None = None
    max_lines: int | None = None
    bad_line: str = ""
    upper: bool = False
    empty_ids: bool = False
    no_list: bool = False
    no_metadata: bool = False
    page: int = 100
    state: str = ""
    purpose: str = "batch"


Answerer = Callable[[dict[str, Any]], str]


def answer_about(body: dict[str, Any]) -> str:
    """Return a faultless answer about the word of the question."""
    words = _WORD.findall(body["messages"][-1]["content"])
    return points_about(words[-1].lower() if words else "osmosis")


class BatchEndpoint:
    """The endpoint in a thread of this process. `answered` counts the bodies that were answered, by digest."""

    def __init__(self, folder: Path, port: int = 0, answer: Answerer = answer_about) -> None:
        self.folder, self.answer, self.faults = folder, answer, Faults()
        self.calls: Counter[str] = Counter()
        self.hooks: dict[str, Callable[[], None]] = {}
        self.live: list[bytes] = []
        self._lock = threading.RLock()
        (folder / "files").mkdir(parents=True, exist_ok=True)
        (folder / "batches").mkdir(exist_ok=True)
        self._log = folder / "answered.txt"
        self._log.touch()
        self.server = _Server(port, self)
        self.address = f"http://127.0.0.1:{self.server.server_port}/v1"

    @property
    def answered(self) -> Counter[str]:
        """How often each body was answered, in batches and live."""
        return Counter(self._log.read_text().split())

    @property
    def repeats(self) -> int:
        """How many answers were paid for again."""
        return sum(count - 1 for count in self.answered.values())

    def batches(self) -> list[dict[str, Any]]:
        files = sorted((self.folder / "batches").glob("*.json"))
        return [json.loads(file.read_text()) for file in files]

    def file(self, name: str) -> bytes:
        return (self.folder / "files" / name).read_bytes()

    def edit(self, name: str, content: bytes) -> None:
        (self.folder / "files" / name).write_bytes(content)

    # --- operations: each returns a status and a document, or bytes -------------------------------------------------

    def chat(self, raw: bytes) -> tuple[int, Any]:
        self.live.append(raw)
        body = json.loads(raw)
        status, document = self._outcome(body, raw, is_live=True)
        return (status or 500), document

    def upload(self, form: bytes, boundary: bytes) -> tuple[int, Any]:
        parts = {}
        for part in form.split(b"--" + boundary)[1:-1]:
            head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
            field_name = re.search(rb' name="([^"]*)"', head)
            parts[field_name[1].decode() if field_name else ""] = content.removesuffix(b"\r\n")
        if parts.get("purpose", b"").decode() != self.faults.purpose:
            return 400, _error(f"Invalid purpose; expected {self.faults.purpose}")
        content = parts["file"]
        if self.faults.short_uploads > 0:
            self.faults.short_uploads -= 1
            content = content[:-10]
        name = self._store(content)
        return 200, {"id": name, "object": "file", "bytes": len(content), "purpose": self.faults.purpose}

    def create(self, body: dict[str, Any]) -> tuple[int, Any]:
        if not (self.folder / "files" / body["input_file_id"]).exists():
            return 400, _error("no such file")
        number = len(self.batches()) + 1
        batch = {
            **body,
            "id": f"batch_{number:06}",
            "object": "batch",
            "created_at": int(time.time()),
            "status": "validating",
            "output_file_id": None,
            "error_file_id": None,
            "errors": None,
            "request_counts": {"total": 0, "completed": 0, "failed": 0},
            "_due": time.time() + self.faults.seconds,
            "_polls": 0,
        }
        if self.faults.no_metadata:
            batch["metadata"] = None
        self._validate(batch)
        self._save(batch)
        return 200, self._shown(batch)

    def list_batches(self, query: dict[str, list[str]]) -> tuple[int, Any]:
        if self.faults.no_list:
            return 404, _error("not found")
        newest_first = self.batches()[::-1]
        after = query.get("after", [""])[0]
        ids = [batch["id"] for batch in newest_first]
        start = ids.index(after) + 1 if after in ids else 0
        page = newest_first[start : start + self.faults.page]
        rest = start + self.faults.page < len(newest_first)
        return 200, {"object": "list", "data": [self._shown(batch) for batch in page], "has_more": rest}

    def retrieve(self, name: str) -> tuple[int, Any]:
        batch = self._load(name)
        if batch is None:
            return 404, _error("no such batch")
        batch["_polls"] += 1
        if batch["status"] not in _FINAL and time.time() >= batch["_due"] and batch["_polls"] > self.faults.validating:
            self._run(batch, cancelled=batch["status"] == "cancelling")
        elif batch["status"] == "validating" and batch["_polls"] > self.faults.validating:
            batch["status"] = "in_progress"
        self._save(batch)
        return 200, self._shown(batch)

    def cancel(self, name: str) -> tuple[int, Any]:
        batch = self._load(name)
        if batch is None:
            return 404, _error("no such batch")
        if batch["status"] in _FINAL:
            return 409, _error(f"Cannot cancel a batch with status {batch['status']}")
        batch["status"], batch["_due"] = "cancelling", time.time()
        self._save(batch)
        return 200, self._shown(batch)

    # --- what happens behind them -----------------------------------------------------------------------------------

    def _validate(self, batch: dict[str, Any]) -> None:
        lines = self.file(batch["input_file_id"]).splitlines()
        batch["request_counts"]["total"] = len(lines)
        problems = []
        for number, line in enumerate(lines, 1):
            try:
                bad = (
                    self.faults.bad_line and self.faults.bad_line in json.loads(line)["body"]["messages"][-1]["content"]
                )
            except (ValueError, KeyError):
                bad = True
            if bad:
                problems.append({"code": "invalid_request", "message": "This line is not valid.", "line": number})
        if self.faults.max_lines is not None and len(lines) > self.faults.max_lines:
            problems.append({"code": "too_many_lines", "message": "The file has too many lines.", "line": None})
        running = [other for other in self.batches() if other["status"] not in _FINAL]
        files = [other["input_file_id"] for other in [*running, batch]]
        if (
            self.faults.token_limit is not None
            and sum(len(self.file(name)) // 4 for name in files) > self.faults.token_limit
        ):
            problems = [{"code": "token_limit_exceeded", "message": "Enqueued token limit reached.", "line": None}]
        if problems:
            batch["status"], batch["errors"] = "failed", {"object": "list", "data": problems}

    def _run(self, batch: dict[str, Any], *, cancelled: bool) -> None:
        lines = self.file(batch["input_file_id"]).splitlines()
        output: list[str] = []
        errors: list[str] = []
        answered_log: list[str] = []
        done = 0
        is_expired = False
        for number, raw in enumerate(lines):
            line = json.loads(raw)
            body_bytes = raw[raw.index(b'"body":') + 7 : -1]
            behaviour = self._behaviour(raw.decode())
            if cancelled and number >= len(lines) // 2:
                behaviour = "cancelled"
            is_expired |= behaviour == "expired"
            if behaviour == "missing":
                continue
            done += self._write_line(line, body_bytes, behaviour, output, errors, answered_log)
        with self._log.open("a") as log:
            log.writelines(answered_log)
        for name, content in (("output_file_id", output), ("error_file_id", errors)):
            if content:
                batch[name] = self._store("".join(f"{line}\n" for line in reversed(content)).encode())
        batch["status"] = "cancelled" if cancelled else "expired" if is_expired else "completed"
        batch["request_counts"] |= {"completed": done, "failed": len(lines) - done}

    def _write_line(
        self, line: dict[str, Any], body: bytes, behaviour: str, output: list[str], errors: list[str], log: list[str]
    ) -> int:
        key = line["custom_id"]
        if behaviour in ("expired", "cancelled"):
            error = {"code": f"batch_{behaviour}", "message": "This request could not be executed."}
            errors.append(json.dumps({"id": "r", "custom_id": key, "response": None, "error": error}))
            return 0
        if behaviour == "0":
            response = {"status_code": 0, "request_id": "", "body": None}
            errors.append(json.dumps({"id": "r", "custom_id": key, "response": response, "error": None}))
            return 0
        status, document = self._outcome(line["body"], body, behaviour, log)
        response = {"status_code": status, "request_id": "r", "body": document}
        text = json.dumps({"id": "r", "custom_id": key, "response": response, "error": None})
        (output if status == 200 else errors).append(text)
        if behaviour == "repeated":
            output.append(text)
        elif behaviour == "unknown":
            output.append(text.replace(key, "f" * 64))
        elif behaviour == "garbage":
            output.append(text[: len(text) // 2])
        return int(status == 200)

    def _behaviour(self, text: str) -> str:
        for word, behaviours in self.faults.lines.items():
            if word in text:
                return behaviours.pop(0) if len(behaviours) > 1 else behaviours[0]
        return "ok"

    def _outcome(
        self,
        body: dict[str, Any],
        raw: bytes,
        behaviour: str = "",
        log: list[str] | None = None,
        *,
        is_live: bool = False,
    ) -> tuple[int, Any]:
        behaviour = behaviour or self._behaviour(raw.decode())
        if behaviour.isdecimal():
            return int(behaviour), _error("this line was rejected", behaviour)
        text = self.answer(body)
        message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None}
        finish = {"cut": "length", "filtered": "content_filter"}.get(behaviour, "stop")
        if behaviour == "cut":
            message["content"] = text[: len(text) // 3]
        if behaviour == "refused":
            message |= {"content": None, "refusal": "I cannot help with that."}
        line = hashlib.sha256(raw).hexdigest()[:16] + "\n"
        if log is None:
            with self._lock, self._log.open("a") as file:
                file.write(line)
        else:
            log.append(line)
        tokens = {"prompt_tokens": len(raw) // 4, "completion_tokens": len(text) // 4 + 1}
        return 200, {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1_700_000_000,
            "model": body["model"],
            "choices": [{"index": 0, "finish_reason": finish, "message": message, "logprobs": None}],
            "usage": {**tokens, "total_tokens": sum(tokens.values())},
        }

    def _shown(self, batch: dict[str, Any]) -> dict[str, Any]:
        shown = {name: value for name, value in batch.items() if not name.startswith("_")}
        if self.faults.state and shown["status"] not in _FINAL:
            shown["status"] = self.faults.state
        if self.faults.upper:
            shown["status"] = shown["status"].upper()
        if self.faults.empty_ids:
            shown |= {name: shown[name] or "" for name in ("output_file_id", "error_file_id")}
        return shown

    def _store(self, content: bytes) -> str:
        with self._lock:
            name = f"file-{len([*(self.folder / 'files').iterdir()]) + 1:06}"
            (self.folder / "files" / name).write_bytes(content)
        return name

    def _save(self, batch: dict[str, Any]) -> None:
        (self.folder / "batches" / f"{batch['id']}.json").write_text(json.dumps(batch))

    def _load(self, name: str) -> dict[str, Any] | None:
        path = self.folder / "batches" / f"{name}.json"
        return dict(json.loads(path.read_text())) if path.exists() else None

    def call_hook(self, moment: str) -> None:
        """Call what is to happen `before`, `after` or `half` way through an operation, once."""
        if hook := self.hooks.pop(moment, None):
            hook()

    def take(self, faults: dict[str, int], name: str) -> bool:
        """Use up one fault of an operation. Return whether there was one."""
        if faults.get(name, 0) <= 0:
            return False
        faults[name] -= 1
        return True


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int, endpoint: BatchEndpoint) -> None:
        self.endpoint = endpoint
        super().__init__(("127.0.0.1", port), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def endpoint(self) -> BatchEndpoint:
        assert isinstance(self.server, _Server)
        return self.server.endpoint

    def do_GET(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def do_DELETE(self) -> None:
        self._handle()

    def _handle(self) -> None:
        endpoint = self.endpoint
        url = urlsplit(self.path)
        path = url.path.removeprefix("/v1")
        operation = f"{self.command} {re.sub(r'/(file-|batch_)[0-9]+', '/ID', path)}"
        endpoint.calls[operation] += 1
        self._operation = operation
        size = int(self.headers.get("Content-Length") or 0)
        if operation == "POST /files" and endpoint.faults.cut_uploads > 0:
            endpoint.faults.cut_uploads -= 1
            self.rfile.read(size // 2)
            self._hang_up()
            return
        body = self.rfile.read(size)
        broken = endpoint.faults.broken.get(operation)
        if broken:
            self._reply(broken.pop(0), _error("the server had an error"))
            return
        endpoint.call_hook(f"before {operation}")
        with endpoint._lock:
            status, document = self._operate(operation, path, parse_qs(url.query), body)
        endpoint.call_hook(f"after {operation}")
        if endpoint.take(endpoint.faults.lost, operation):
            self._hang_up()
            return
        self._reply(status, document)

    def _operate(self, operation: str, path: str, query: dict[str, list[str]], body: bytes) -> tuple[int, Any]:
        name = path.split("/")[2] if path.count("/") > 1 else ""
        endpoint = self.endpoint
        boundary = self.headers.get("Content-Type", "").partition("boundary=")[2].strip('"').encode()
        operations: dict[str, Callable[[], tuple[int, Any]]] = {
            "POST /chat/completions": lambda: endpoint.chat(body),
            "POST /files": lambda: endpoint.upload(body, boundary),
            "POST /batches": lambda: endpoint.create(json.loads(body)),
            "GET /batches": lambda: endpoint.list_batches(query),
            "GET /batches/ID": lambda: endpoint.retrieve(name),
            "POST /batches/ID/cancel": lambda: endpoint.cancel(name),
            "GET /files/ID/content": lambda: (200, endpoint.file(name)),
            "DELETE /files/ID": lambda: (200, {"id": name, "deleted": True}),
        }
        if operation not in operations:
            return 404, _error(f"unknown operation {operation}")
        return operations[operation]()

    def _reply(self, status: int, document: Any) -> None:
        endpoint = self.endpoint
        content = document if isinstance(document, bytes) else json.dumps(document).encode()
        is_cut = isinstance(document, bytes) and endpoint.faults.short_downloads > 0
        with contextlib.suppress(ConnectionError):
            self._write(status, document, content, is_cut=is_cut)

    def _write(self, status: int, document: Any, content: bytes, *, is_cut: bool) -> None:
        endpoint = self.endpoint
        self.send_response(status)
        self.send_header("Content-Type", "application/jsonl" if isinstance(document, bytes) else "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if is_cut:
            endpoint.faults.short_downloads -= 1
            self.wfile.write(content[: len(content) // 2])
            self._hang_up()
            return
        half = len(content) // 2
        self.wfile.write(content[:half])
        if isinstance(document, bytes) and f"half {self._operation}" in endpoint.hooks:
            self.wfile.flush()
            time.sleep(0.5)
            endpoint.call_hook(f"half {self._operation}")
        self.wfile.write(content[half:])

    def _hang_up(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_: object) -> None:
        """Print nothing: stderr belongs to the command under test."""


def _error(message: str, code: str = "invalid_request") -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}}


@contextlib.contextmanager
def batch_endpoint(folder: Path, port: int = 0, answer: Answerer = answer_about) -> Iterator[BatchEndpoint]:
    """Serve until the block ends. What the folder holds of an earlier server is still there."""
    endpoint = BatchEndpoint(folder, port, answer)
    thread = threading.Thread(target=endpoint.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield endpoint
    finally:
        endpoint.server.shutdown()
        thread.join()
        endpoint.server.server_close()


def main() -> None:
    endpoint = BatchEndpoint(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
    sys.stdout.write(f"{endpoint.address}\n")
    sys.stdout.flush()
    endpoint.server.serve_forever()


if __name__ == "__main__":
    main()
