"""Live runs of `qtgen eval run` against an endpoint on this machine: recordings, interruption, budget, judges."""

import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from support import points_json

RunEval = Callable[..., tuple[int, str, str]]
pytestmark = pytest.mark.block_network(allowed_hosts=["127.0.0.1"])
MARKS = json.dumps({"reasons": "It is right.", "correctness": 5, "completeness": 5, "clarity": 5})
PRICES = '[prices."m"]\ninput = 1000.0\noutput = 1000.0\n[prices."j"]\ninput = 1000.0\noutput = 1000.0\n'


class Endpoint:
    """An endpoint that answers every question, and interrupts this process while it answers one of them."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.tokens = 100
        self.interrupt_at: int | None = None
        self.interrupted = threading.Event()

    def reset(self) -> None:
        """Forget the requests, and interrupt no more."""
        self.bodies.clear()
        self.interrupt_at = None

    def respond(self, body: dict[str, Any]) -> dict[str, Any]:
        self.bodies.append(body)
        if len(self.bodies) == self.interrupt_at:
            os.kill(os.getpid(), signal.SIGINT)
            self.interrupted.wait(0.3)  # the signal arrives before the response does
        message = {"role": "assistant", "content": self._content(body)}
        usage = {"prompt_tokens": self.tokens, "completion_tokens": self.tokens}
        choices = [{"index": 0, "finish_reason": "stop", "message": message}]
        return {"id": "c", "object": "chat.completion", "model": body["model"], "choices": choices, "usage": usage}

    @staticmethod
    def _content(body: dict[str, Any]) -> str:
        text = body["messages"][-1]["content"]
        if text.startswith("claims:"):
            lines = text.partition("\n>>>")[0].splitlines()[2:]  # without `claims:` and the mark
            return json.dumps({"verdicts": ["made"] * len(lines)})
        return MARKS if body["model"] == "j" else points_json()


@pytest.fixture
def endpoint(smoke: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    """The endpoint that the suite `smoke` asks, with a price for its models. It answers about osmosis."""
    monkeypatch.setenv("QTGEN_IGNORE", "QT609")
    endpoint = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            response = json.dumps(endpoint.respond(body)).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(response)))
            self.end_headers()
            self.wfile.write(response)

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        address = f"http://127.0.0.1:{server.server_port}/v1"
        (smoke / "suite.toml").write_text(
            f'provider = "openai"\nmodel = "m"\nprompt = "explain"\nbase_url = "{address}"\n'
        )
        (smoke / "baseline.json").unlink()
        (tmp_path / "qtgen.toml").write_text(PRICES)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield endpoint
        server.shutdown()
        thread.join(5)


@pytest.fixture
def cassette(smoke: Path) -> Path:
    return smoke / "cassettes" / "completions.yaml"


def test_a_live_run_keeps_no_recordings(endpoint: Endpoint, cassette: Path, run_eval: RunEval, tmp_path: Path) -> None:
    before = cassette.read_bytes()
    code, out, err = run_eval("run", "smoke", "--live", "--json")
    report = json.loads(out)
    assert code == 0, err
    assert (report["provider"], report["model"], len(endpoint.bodies)) == ("openai", "m", 8)
    assert report["usage"] == {"prompt_tokens": 800, "completion_tokens": 800, "cost_usd": pytest.approx(1.6)}
    assert "8 written" in err
    assert cassette.read_bytes() == before
    assert list((tmp_path / ".qtgen" / "eval").iterdir()) == []


def test_every_live_run_and_every_repeat_asks_again(endpoint: Endpoint, run_eval: RunEval) -> None:
    report = json.loads(run_eval("run", "smoke", "--live", "--repeats", 2, "--json")[1])
    assert [item["repeat"] for item in report["items"]] == [1] * 8 + [2] * 8
    assert len(endpoint.bodies) == 16
    run_eval("run", "smoke", "--live")
    assert len(endpoint.bodies) == 24


def test_a_recorded_run_can_be_replayed(endpoint: Endpoint, run_eval: RunEval, cassette: Path) -> None:
    code, _, err = run_eval("run", "smoke", "--record", "--save-baseline")
    assert code == 0, err
    code, out, err = run_eval("run", "smoke", "--json")
    report = json.loads(out)
    assert code == 0, err
    assert report["recordings"] == {"unused": [], "missed": []}
    assert report["gate"]["verdict"] == "no change shown"
    assert len(endpoint.bodies) == 8
    assert sorted(path.name for path in cassette.parent.iterdir()) == ["completions.yaml"]


@pytest.mark.parametrize("mode", ["--live", "--record"])
def test_an_interrupted_run_is_resumed_where_it_was(
    endpoint: Endpoint, run_eval: RunEval, cassette: Path, mode: str
) -> None:
    before = cassette.read_bytes()
    endpoint.interrupt_at = 3
    code, out, err = run_eval("run", "smoke", mode, "--concurrency", 1)
    assert (code, out) == (130, "")
    sent = len(endpoint.bodies)
    assert 3 <= sent < 8
    assert f"interrupted with {8 - sent} of 8 pages left; run the same command with --resume to continue" in err
    assert cassette.read_bytes() == before
    endpoint.reset()
    code, out, err = run_eval("run", "smoke", mode, "--concurrency", 1, "--resume", "--json")
    assert code == 0, err
    assert f"resuming with {sent} recorded responses" in err
    assert len(endpoint.bodies) == 8 - sent
    assert all(item["score"] is not None for item in json.loads(out)["items"])
    if mode == "--record":
        report = json.loads(run_eval("run", "smoke", "--json")[1])
        assert report["recordings"] == {"unused": [], "missed": []}


@pytest.mark.parametrize(
    ("options", "message", "left"),
    [
        (("--record",), "responses of an unfinished recording reused; --fresh requests all of them again", True),
        (("--record", "--fresh"), "the responses of an interrupted run are discarded\n", False),
        (("--live",), "the responses of an interrupted run are discarded; --resume would have used them", False),
    ],
)
def test_the_run_after_an_interrupted_one(
    endpoint: Endpoint, run_eval: RunEval, options: tuple[str, ...], message: str, left: bool
) -> None:
    endpoint.interrupt_at = 3
    assert run_eval("run", "smoke", options[0], "--concurrency", 1)[0] == 130
    sent = len(endpoint.bodies)
    endpoint.reset()
    code, _, err = run_eval("run", "smoke", *options)
    assert code == 0, err
    assert message in err
    assert len(endpoint.bodies) == (8 - sent if left else 8)


def test_without_an_interrupted_run_there_is_nothing_to_resume(endpoint: Endpoint, run_eval: RunEval) -> None:
    assert "no interrupted run to resume" in run_eval("run", "smoke", "--live", "--resume")[2]
    assert len(endpoint.bodies) == 8


def test_responses_that_a_resumed_recording_does_not_use_are_dropped(
    endpoint: Endpoint, run_eval: RunEval, smoke: Path
) -> None:
    endpoint.interrupt_at = 3
    assert run_eval("run", "smoke", "--record", "--concurrency", 1)[0] == 130
    first = min(smoke.glob("references/*.md"))
    first.unlink()
    first.with_suffix(".nuggets.toml").unlink()
    assert run_eval("run", "smoke", "--record", "--resume")[0] == 0
    code, out, err = run_eval("run", "smoke", "--json")
    assert code == 0, err
    assert json.loads(out)["recordings"] == {"unused": [], "missed": []}


def test_a_budget_ends_the_run_and_it_can_be_resumed(endpoint: Endpoint, run_eval: RunEval, cassette: Path) -> None:
    before = cassette.read_bytes()
    endpoint.tokens = 1_000  # a page costs $2
    code, out, err = run_eval("run", "smoke", "--record", "--concurrency", 1, "--budget", 9, "--json")
    kinds = [item["error"] and item["error"]["kind"] for item in json.loads(out)["items"]]
    sent = len(endpoint.bodies)
    assert code == 1
    assert 0 < sent < 8
    assert kinds.count("budget") == 8 - sent
    assert "raise --budget and run the same command with --resume to continue" in err
    assert cassette.read_bytes() == before
    endpoint.reset()
    assert run_eval("run", "smoke", "--record", "--resume")[0] == 0
    assert len(endpoint.bodies) == 8 - sent


def test_a_budget_needs_a_price(endpoint: Endpoint, run_eval: RunEval, tmp_path: Path) -> None:
    (tmp_path / "qtgen.toml").write_text("")
    code, _, err = run_eval("run", "smoke", "--live", "--budget", 5)
    assert code == 2
    assert "--budget" in err
    assert endpoint.bodies == []


def test_judges_keep_to_the_budget(endpoint: Endpoint, run_eval: RunEval, tmp_path: Path) -> None:
    endpoint.tokens = 1_000  # a request costs $2
    code, _, err = run_eval("run", "smoke", "--pages", "evals/smoke/references", "--judge", "j", "--budget", 9)
    assert code in (0, 1), err
    assert 0 < len(endpoint.bodies) <= 9


def test_a_budget_needs_the_prices_of_judges(endpoint: Endpoint, run_eval: RunEval) -> None:
    code, _, err = run_eval("run", "smoke", "--live", "--judge", "unpriced", "--budget", 5)
    assert code == 2
    assert "--budget: needs the price of `unpriced`" in err
    assert endpoint.bodies == []


def test_a_dry_run_sends_nothing(endpoint: Endpoint, run_eval: RunEval) -> None:
    code, out, err = run_eval("run", "smoke", "--live", "--dry-run", "--repeats", 3, "--budget", 5, "--json")
    estimate = json.loads(out)
    assert code == 0, err
    assert (estimate["suite"], estimate["models"], estimate["budget_usd"]) == ("smoke", ["m"], 5.0)
    assert estimate["requests"]["expected"] == 24
    assert estimate["cost_usd"]["expected"] > 0
    assert endpoint.bodies == []


def test_a_dry_run_of_a_resumed_run_counts_what_is_left(endpoint: Endpoint, run_eval: RunEval, smoke: Path) -> None:
    endpoint.interrupt_at = 3
    run_eval("run", "smoke", "--record", "--concurrency", 1)
    sent = len(endpoint.bodies)
    min(smoke.glob("references/*.md")).write_text("no page")
    code, out, _ = run_eval("run", "smoke", "--record", "--resume", "--dry-run", "--budget", 9)
    assert code == 1  # one reference cannot be used
    text = " ".join(out.split())
    assert text.startswith("suite smoke provider openai: m at ")
    assert f"requests {8 - sent}" in text
    assert f"{sent - 1} recorded responses will be reused." in text
    assert "no request 1 failed" in text
    assert len(endpoint.bodies) == sent


def test_the_cost_of_a_model_without_a_price_is_unknown(endpoint: Endpoint, run_eval: RunEval, tmp_path: Path) -> None:
    (tmp_path / "qtgen.toml").write_text("")
    assert "cost unknown: no price" in " ".join(run_eval("run", "smoke", "--live", "--dry-run")[1].split())


def test_judges_are_recorded_and_replayed(endpoint: Endpoint, run_eval: RunEval, smoke: Path) -> None:
    code, out, err = run_eval("run", "smoke", "--record", "--judge", "j", "--json", "--repeats", 2)
    recorded = json.loads(out)
    assert code == 0, err
    assert recorded["judges"] == ["j"]
    assert recorded["metrics"]["judge"]["mean"] == 1.0
    assert recorded["metrics"]["judge_must_recall"]["mean"] == 1.0
    sent = len(endpoint.bodies)
    code, out, err = run_eval("run", "smoke", "--judge", "j", "--json", "--repeats", 2)
    assert code == 0, err
    replayed = json.loads(out)
    assert replayed["metrics"]["judge"] == recorded["metrics"]["judge"]
    assert replayed["recordings"] == {"unused": [], "missed": []}
    assert len(endpoint.bodies) == sent


def test_judges_of_pages_answer_from_the_ledger_the_second_time(endpoint: Endpoint, run_eval: RunEval) -> None:
    for _ in range(2):
        code, out, err = run_eval("run", "smoke", "--pages", "evals/smoke/references", "--judge", "j", "--json")
        assert code == 0, err
        assert json.loads(out)["metrics"]["judge"]["mean"] == 1.0
    assert len(endpoint.bodies) == 24


def test_an_interrupted_judgement_keeps_the_pages(endpoint: Endpoint, run_eval: RunEval) -> None:
    endpoint.interrupt_at = 10
    code, out, err = run_eval("run", "smoke", "--record", "--judge", "j", "--concurrency", 1)
    assert (code, out) == (130, "")
    assert "pages not judged; run the same command with --resume to continue" in err
    endpoint.reset()
    code, out, err = run_eval("run", "smoke", "--record", "--judge", "j", "--resume", "--json")
    assert code == 0, err
    assert json.loads(out)["metrics"]["judge"]["items"] == 8
    assert {body["model"] for body in endpoint.bodies} <= {"j"}
