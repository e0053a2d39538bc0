"""Endpoints that reject a part of each request: `generate` adapts once, says so, and remembers it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support import points_json
from support.endpoint import FakeEndpoint, Reply, fake_endpoint

pytestmark = pytest.mark.block_network(allowed_hosts=["127.0.0.1"])
Run = Callable[..., tuple[int, str, str]]


def picky(request: dict[str, Any]) -> Reply:
    """Answer like an endpoint with JSON mode only, for a reasoning model without system messages."""
    if "max_tokens" in request:
        return Reply("Unsupported parameter: 'max_tokens' is not supported with this model.", status=400)
    if "temperature" in request:
        return Reply("temperature: Extra inputs are not permitted", status=422)
    if request.get("response_format", {}).get("type") == "json_schema":
        return Reply("This response_format type is unavailable now", status=400)
    if request["messages"][0]["role"] == "system":
        return Reply("Jinja Exception: System role not supported", status=500)
    return Reply(points_json())


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEndpoint]:
    with fake_endpoint(picky) as running:
        monkeypatch.setenv("OPENAI_BASE_URL", running.address)
        yield running


def generate(qtgen: Run, question: str, *options: str, toml: str = "") -> tuple[int, str]:
    Path("qtgen.toml").write_text(f'model = "m"\n{toml}')
    Path("q.csv").write_text(f"question,subject\n{question},Biology\n")
    code, _, err = qtgen("generate", "q.csv", *options)
    return code, err


def test_a_run_adapts_step_by_step_and_the_next_one_starts_with_it(qtgen: Run, endpoint: FakeEndpoint) -> None:
    code, err = generate(qtgen, "What is osmosis?")
    assert code == 0, err
    assert len(endpoint.requests) == 5
    assert "requests to m changed: `max_completion_tokens` instead of `max_tokens` (the endpoint: Unsupported" in err
    assert "requests to m changed: no `temperature`" in err
    assert "requests to m changed: answers as `json_object` instead of `json_schema`" in err
    assert "requests to m changed: the system message in the first user message" in err

    endpoint.requests.clear()
    code, err = generate(qtgen, "How does osmosis work?")
    assert code == 0, err
    assert len(endpoint.requests) == 1
    assert "requests to m changed as before: `max_completion_tokens` instead of `max_tokens`; no `temperature`;" in err

    _, out, _ = qtgen("prompts", "show", "explain", "--question", "How does osmosis work?", "--json")
    assert json.loads(out).keys() == {"model", "messages", "max_completion_tokens", "response_format"}
    _, out, _ = qtgen("--show-settings")
    assert "learned        = `max_completion_tokens` instead of `max_tokens`; no `temperature`; answers as" in out


def test_the_same_settings_by_hand_need_no_second_request(qtgen: Run, endpoint: FakeEndpoint) -> None:
    toml = """\
answer_format = "json_object"
[dialect]
omit = ["temperature"]
rename = { max_tokens = "max_completion_tokens" }
merge_system = true
"""
    code, err = generate(qtgen, "What is osmosis?", toml=toml)
    assert code == 0, err
    assert len(endpoint.requests) == 1
    assert "changed" not in err
    _, out, _ = qtgen("prompts", "show", "explain", "--question", "What is osmosis?", "--json")
    shown = json.loads(out)
    assert shown.keys() == {"model", "messages", "max_completion_tokens", "response_format"}
    assert [message["role"] for message in shown["messages"]] == ["user"]
    _, out, _ = qtgen("--show-settings")
    assert "omit: [temperature], rename: {max_tokens = max_completion_tokens}, merge_system: true" in out
    assert "learned" not in out


def test_what_was_learned_can_be_ignored(qtgen: Run, endpoint: FakeEndpoint) -> None:
    generate(qtgen, "What is osmosis?")
    endpoint.requests.clear()
    code, err = generate(qtgen, "How does osmosis work?", toml="[dialect]\nremember = false\n")
    assert code == 0, err
    assert len(endpoint.requests) == 5
    assert "changed as before" not in err
    endpoint.requests.clear()
    generate(qtgen, "Where does osmosis happen?", "--fresh")
    assert len(endpoint.requests) == 5


def test_show_settings_creates_no_ledger(qtgen: Run) -> None:
    assert qtgen("--show-settings")[0] == 0
    assert not Path(".qtgen").exists()


def test_a_dry_run_starts_with_what_was_learned(qtgen: Run, endpoint: FakeEndpoint) -> None:
    generate(qtgen, "What is osmosis?")
    endpoint.requests.clear()
    code, out, _ = qtgen("generate", "q.csv", "--dry-run", "--json", "--out", "elsewhere")
    assert (code, endpoint.requests) == (0, [])
    assert json.loads(out)["reused"] == 1


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ('[dialect]\nomit = ["messages"]', "`dialect.omit`: must not contain `messages`"),
        ('[dialect]\nrename = { max_tokens = "model" }', "`dialect.rename`: must not contain `model`"),
        ('[dialect]\nsystem_role = "boss"', "`dialect.system_role`:"),
        ("[dialect]\ntoken_factor = 0", "`dialect.token_factor`:"),
        ("[dialect]\nommit = []", "`dialect.ommit`: is not a setting; did you mean `omit`?"),
        ("dialect = 3", "`dialect`:"),
        ('[query]\n"" = "x"', "`query`:"),
        ("[query]\napi-version = 3", "`query.api-version`:"),
    ],
)
def test_a_bad_value_is_one_line_that_names_the_field(qtgen: Run, toml: str, message: str) -> None:
    code, err = generate(qtgen, "What is osmosis?", toml=toml + "\n")
    assert code == 2
    assert message in err
    assert len(err.splitlines()) == 1
