"""`qtgen check-endpoint` sends three requests, and says what an endpoint can do or why it cannot work."""

import json
from pathlib import Path
from typing import Any

import pytest

from support.quirk_registry import always
from support.quirks import KEY, Case, Endpoint, Run
from support.quirky_endpoint import USAGE, Connection, Quirk, Request, error, quirky_endpoint

pytestmark = pytest.mark.block_network(allowed_hosts=["127.0.0.1"])
_LIMITS = ("x-ratelimit-limit-requests: 500", "x-ratelimit-remaining-requests: 499")


async def good(request: Request, connection: Connection) -> None:
    """Answer each request in the form that it asks for."""
    if request.document.get("stream"):
        chunks: list[dict[str, Any]] = [
            {"model": "m", "choices": [{"index": 0, "delta": {"content": "Paris."}, "finish_reason": "stop"}]}
        ]
        chunks.append({"model": "m", "choices": [], "usage": USAGE})
        events = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
        await connection.send(200, events.encode(), content_type="text/event-stream")
    else:
        text = '{"capital": "Paris"}' if "response_format" in request.document else "It is Paris."
        await connection.json(200, request.completion(text), *_LIMITS)


async def no_schemas(request: Request, connection: Connection) -> None:
    if request.document.get("response_format", {}).get("type") == "json_schema":
        await connection.json(400, error("This response_format type is unavailable now"))
    else:
        await good(request, connection)


async def prose_without_usage(request: Request, connection: Connection) -> None:
    if request.document.get("stream"):
        await connection.json(400, error("Unsupported parameter: 'stream' is not supported", param="stream"))
    else:
        await connection.json(200, request.completion("It is Paris.", model="other", usage=None))


def check(qtgen: Run, monkeypatch: pytest.MonkeyPatch, quirk: Quirk, *options: str) -> tuple[int, str, str, Endpoint]:
    """Return what the command does with an endpoint, and the endpoint."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    Path("qtgen.toml").write_text('[prices."m"]\ninput = 1\noutput = 2\n')
    with quirky_endpoint(quirk, Case("", speed=20)) as endpoint:
        address = f"http://127.0.0.1:{endpoint.port}/v1"
        code, out, err = qtgen("check-endpoint", "--model", "m", "--base-url", address, *options)
    return code, out.replace(str(endpoint.port), "PORT"), err, endpoint


def test_a_good_endpoint(qtgen: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, err, endpoint = check(qtgen, monkeypatch, good)
    assert (code, err) == (0, "")
    rows = dict(line.split(maxsplit=1) for line in out.split("\n\n", 1)[0].splitlines())
    assert rows.pop("latency").count(" s") == 3
    assert rows == {
        "endpoint": "http://127.0.0.1:PORT/v1",
        "model": "m",
        "format": "json_schema: answers follow the schema",
        "usage": "reported",
        "price": "known",
        "streaming": "accepted",
        "limits": "500 requests per window",
        "spent": "3,000 tokens, $0.0039",
    }
    assert out.endswith('Settings for qtgen.toml:\n\nbase_url = "http://127.0.0.1:PORT/v1"\nmodel = "m"\n')
    assert len(endpoint.requests) == 3
    assert json.loads(qtgen("costs", "--json")[1])[0]["cost_usd"] == 0.0039, "the ledger knows what it cost"


def test_the_format_is_the_best_one_that_works(qtgen: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, _, endpoint = check(qtgen, monkeypatch, no_schemas, "--json")
    report = json.loads(out)
    assert code == 0
    assert report["settings"]["answer_format"] == report["answer_format"] == "json_object"
    assert ["This response_format type is unavailable now" in change for change in report["changes"]] == [True]
    assert len(endpoint.requests) == 4


def test_what_an_endpoint_cannot_do(qtgen: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, _, _ = check(qtgen, monkeypatch, prose_without_usage)
    assert code == 0
    assert "m (the endpoint calls it other)" in out
    assert "markdown: no answer in JSON came back" in out
    assert 'answer_format = "markdown"' in out
    assert "not reported, so the cost of answers is unknown" in out
    assert "limits     not reported" in out
    assert "streaming  not accepted (" in out
    assert "'stream' is not supported" in out


@pytest.mark.parametrize(
    ("quirk", "words"),
    [
        (always(401, error("Incorrect API key provided")), "Incorrect API key provided"),
        (always(404, error("The model `m` does not exist")), "The model `m` does not exist"),
        (always(402, error("Insufficient Balance")), "Insufficient Balance"),
        (always(200, b"<html><title>Sign in</title></html>", content_type="text/html"), "Sign in"),
    ],
)
def test_an_endpoint_that_cannot_work(quirk: Quirk, words: str, qtgen: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, err, _ = check(qtgen, monkeypatch, quirk)
    assert (code, out) == (2, "")
    assert words in err.splitlines()[-1]
    assert KEY not in err


def test_without_an_endpoint(qtgen: Run) -> None:
    code, _, err = qtgen("check-endpoint")
    assert (code, "set OPENAI_BASE_URL" in err) == (2, True)
