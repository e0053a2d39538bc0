"""`qtgen check-endpoint` against scripted endpoints on this machine."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.endpoint import Reply, fake_endpoint

pytestmark = pytest.mark.block_network(allowed_hosts=["127.0.0.1"])
Run = Callable[..., tuple[int, str, str]]
Answer = Callable[[dict[str, Any]], Reply]


def good(body: dict[str, Any]) -> Reply:
    return Reply('{"state": "ready"}' if "response_format" in body else "ready")


def settings_in(out: str) -> dict[str, Any]:
    """Return the settings that the output recommends."""
    return tomllib.loads(out.partition("above the first [table]:\n")[2])


def check(qtgen: Run, monkeypatch: pytest.MonkeyPatch, answer: Answer, *arguments: str) -> tuple[int, str, str, int]:
    """Return the exit code, both outputs, and how many requests arrived."""
    with fake_endpoint(answer) as endpoint:
        monkeypatch.setenv("OPENAI_BASE_URL", endpoint.address)
        code, out, err = qtgen("check-endpoint", "--model", "m", *arguments)
        return code, out.replace(endpoint.address, "ADDRESS"), err, len(endpoint.requests)


def test_a_good_endpoint_takes_three_requests(qtgen: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, err, requests = check(qtgen, monkeypatch, good)
    assert (code, requests) == (0, 3)
    facts = dict(line.split(maxsplit=1) for line in out.partition("\n\n")[0].splitlines())
    assert facts | {"answers": ""} == {
        "endpoint": "ADDRESS",
        "model": "m",
        "answers": "",
        "price": "unknown, so `budget` cannot be used",
        "usage": "reported",
        "limits": "none reported",
        "json_schema": "yes",
        "json_object": "not tried",
        "markdown": "yes",
        "streaming": "yes",
    }
    assert "sent 3 requests; 450 tokens, cost unknown" in err
    settings = settings_in(out)
    assert settings == {"base_url": "ADDRESS", "model": "m"}


def test_the_settings_name_what_has_to_be_changed(qtgen: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fussy(body: dict[str, Any]) -> Reply:
        if "temperature" in body:
            return Reply("Unsupported parameter: 'temperature' is not supported with this model.", status=400)
        if body.get("response_format", {}).get("type") == "json_schema":
            return Reply("This response_format type is unavailable now", status=400)
        return good(body)

    code, out, err, _ = check(qtgen, monkeypatch, fussy)
    assert code == 0, err
    settings = settings_in(out)
    assert settings["answer_format"] == "json_object"
    assert settings["dialect"] == {"omit": ["temperature"]}
    (tmp_path / "qtgen.toml").write_text(out.partition("[table]:\n")[2])
    shown = qtgen("--show-settings")[1]
    assert "omit: [temperature]" in shown
    code, out, _, requests = check(qtgen, monkeypatch, fussy, "--json")
    assert requests == 4, "the first request is already in the right form"
    assert json.loads(out)["formats"]["json_object"] == {"works": True, "reason": ""}


def test_an_endpoint_that_ignores_formats_and_rejects_streams(qtgen: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def plain(body: dict[str, Any]) -> Reply:
        return Reply("streaming is not supported", status=400) if body.get("stream") else Reply("I am ready.")

    code, out, _, _ = check(qtgen, monkeypatch, plain, "--json")
    facts = json.loads(out)
    assert (code, facts["works"], facts["settings"]["answer_format"]) == (0, True, "markdown")
    assert facts["formats"]["json_schema"] == {"works": False, "reason": "the answer is not JSON: I am ready."}
    assert facts["streaming"]["works"] is False
    assert "streaming is not supported" in facts["streaming"]["reason"]


@pytest.mark.parametrize(
    ("status", "words"),
    [(401, "the key"), (404, "`m`"), (500, "HTTP 500"), (403, "HTTP 403")],
)
def test_an_endpoint_that_cannot_work_is_exit_2_with_its_reason(
    qtgen: Run, monkeypatch: pytest.MonkeyPatch, status: int, words: str
) -> None:
    code, out, err, _ = check(
        qtgen, monkeypatch, lambda _: Reply("model_not_found: not today", status=status), "--json"
    )
    assert code == 2
    error = json.loads(out)["error"]
    assert words in error["message"]
    assert err.strip().endswith(error["message"])
    assert "not today" in err


def test_an_address_without_a_server(qtgen: Run) -> None:
    code, out, err = qtgen("check-endpoint", "--base-url", "http://127.0.0.1:9/v1", "--model", "m")
    assert (code, out) == (2, "")
    assert "--base-url: nothing answers at http://127.0.0.1:9" in err
