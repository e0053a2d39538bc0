"""`qtgen eval score`: line by line, with errors in their place, and with the embeddings of an endpoint."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

RunEval = Callable[..., tuple[int, str, str]]
SAME = {"id": 1, "question": "Why?", "reference": "Water boils at 100 °C.", "candidate": "Water boils at 100 °C."}


def test_scores_are_in_the_order_of_the_lines(run_eval: RunEval) -> None:
    lines = [
        {"id": "a", "question": "Why?", "reference": ["Water boils at 100 °C."], "candidate": "Water boils at 100 °C."},
        {"id": "b", "question": "Why?", "reference": "Water boils at 100 °C.", "candidate": ""},
        {"id": "c", "question": "Why?", "candidate": "x"},
        [],
    ]
    Path("in.jsonl").write_text("\n\n".join(map(json.dumps, lines)) + "\nnot json\n")
    code, out, err = run_eval("score", "in.jsonl", "--metrics", "rouge_l")
    results = [json.loads(line) for line in out.splitlines()]
    assert code == 1
    assert [result["id"] for result in results] == ["a", "b", "c", None, None]
    assert results[0]["score"] > 0.99
    assert results[0]["metrics"]["rouge_l"] == 1.0
    kinds = [result["error"] and result["error"]["kind"] for result in results]
    assert kinds == [None, "empty-candidate", "malformed", "malformed", "malformed"]
    assert err.strip() == "3 malformed, 1 scored, 1 empty-candidate"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_line_with_a_number_that_json_lacks_is_malformed(run_eval: RunEval, number: str) -> None:
    Path("in.jsonl").write_text(f'{{"id": {number}, "reference": "Water boils.", "candidate": "Water boils."}}')
    code, out, _ = run_eval("score", "in.jsonl")
    result = json.loads(out)
    assert (code, result["id"], result["error"]["kind"]) == (1, None, "malformed")
    assert "is not a finite number" in result["error"]["message"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["in.jsonl", "--metrics", "zzz"], "--metrics: unknown metric `zzz`; choose from score, similarity, "),
        (["none.jsonl"], "none.jsonl: No such file or directory"),
        (["in.jsonl"], "in.jsonl: contains no line"),
    ],
)
def test_a_wrong_call_is_one_line(run_eval: RunEval, arguments: list[str], message: str) -> None:
    Path("in.jsonl").write_text("\n")
    code, out, err = run_eval("score", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"qtgen: {message}")


class _Embeddings(BaseHTTPRequestHandler):
    """An endpoint that counts letters, so that equal texts have equal vectors."""

    def do_POST(self) -> None:
        texts = json.loads(self.rfile.read(int(self.headers["content-length"])))["input"]
        rows = [[text.count(letter) for letter in "abcdefghijklmnopqrstuvwxyz"] for text in texts]
        data = [{"object": "embedding", "index": n, "embedding": row} for n, row in enumerate(rows)]
        usage = {"prompt_tokens": 1, "total_tokens": 1}
        body = json.dumps({"object": "list", "model": "e", "data": data, "usage": usage}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def _embeddings_endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with HTTPServer(("127.0.0.1", 0), _Embeddings) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{server.server_port}/v1")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield
        server.shutdown()
        thread.join(5)


@pytest.mark.block_network(allowed_hosts=["127.0.0.1"])
@pytest.mark.usefixtures("_embeddings_endpoint")
def test_an_endpoint_s_embeddings_replace_the_built_in_ones(run_eval: RunEval) -> None:
    Path("in.jsonl").write_text(json.dumps(SAME))
    code, out, err = run_eval("score", "in.jsonl", "--embeddings", "e", "--metrics", "similarity")
    assert code == 0, err
    assert json.loads(out)["metrics"]["similarity"] == 1.0


@pytest.mark.block_network(allowed_hosts=["127.0.0.1"])
def test_without_the_embeddings_endpoint_there_is_no_score(run_eval: RunEval, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    Path("in.jsonl").write_text(json.dumps(SAME))
    code, out, _ = run_eval("score", "in.jsonl", "--embeddings", "e")
    result = json.loads(out)
    assert (code, result["score"], result["error"]["kind"]) == (1, None, "unreachable")
