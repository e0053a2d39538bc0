"""Endpoints that reject a part of each request: `generate` adapts once, says so, and remembers it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support import points_json
from support.endpoint import Answerer, FakeEndpoint, Reply, fake_endpoint

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
    changes = [line.partition(" #")[0].split(maxsplit=2)[2].rstrip() for line in learned(out)]
    assert changes == [
        "`max_completion_tokens` instead of `max_tokens`",
        "no `temperature`",
        "answers as `json_object` instead of `json_schema`",
        "the system message in the first user message",
    ]
    assert all(f"# m at {endpoint.address}, on 20" in line for line in learned(out))


def learned(shown: str) -> list[str]:
    """Return the lines of `--show-settings` about what was learned."""
    return [line for line in shown.splitlines() if line.startswith("learned ")]


def test_settings_are_shown_with_what_was_learned_for_a_model_that_an_option_names(
    qtgen: Run, endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("q.csv").write_text("question,subject\nWhat is osmosis?,Biology\n")
    code, _, err = qtgen("generate", "q.csv", "--model", "other")
    assert code == 0, err
    lines = learned(qtgen("--show-settings")[1])
    assert len(lines) == 4
    assert all(f"# other at {endpoint.address}, on 20" in line for line in lines)

    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1?api-version=secret")
    lines = learned(qtgen("--show-settings")[1])
    assert len(lines) == 4
    assert all("# other at another address, on 20" in line for line in lines)
    assert not any("secret" in line for line in lines)

    Path("qtgen.toml").write_text("[dialect]\nremember = false\n")
    assert "; ignored, because `remember` is false" in learned(qtgen("--show-settings")[1])[0]


def test_the_query_of_the_address_is_not_shown(
    qtgen: Run, endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"{endpoint.address}?api-version=hidden"
    monkeypatch.setenv("OPENAI_BASE_URL", address)
    code, err = generate(qtgen, "What is osmosis?")
    assert code == 0, err
    lines = learned(qtgen("--show-settings")[1])
    assert len(lines) == 4
    assert all(f"# m at {endpoint.address}, on 20" in line for line in lines)


def test_a_fresh_run_without_changes_forgets_the_earlier_ones(qtgen: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    answerers: list[Answerer] = [picky]
    with fake_endpoint(lambda request: answerers[-1](request)) as running:
        monkeypatch.setenv("OPENAI_BASE_URL", running.address)
        generate(qtgen, "What is osmosis?")
        assert len(learned(qtgen("--show-settings")[1])) == 4
        answerers.append(lambda _: Reply(points_json()))
        code, err = generate(qtgen, "How does osmosis work?", "--fresh")
        assert (code, len(running.requests)) == (0, 6), err
        assert learned(qtgen("--show-settings")[1]) == []
        code, err = generate(qtgen, "Where does osmosis happen?")
        assert (code, len(running.requests)) == (0, 7), err
        assert "changed" not in err
        for request in running.requests[-2:]:
            assert {"max_tokens", "temperature"} <= request.keys()
            assert request["response_format"]["type"] == "json_schema"
            assert request["messages"][0]["role"] == "system"


def test_an_error_about_one_question_changes_no_request(qtgen: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    policy = "Invalid input: 'What is the temperature of a response schema?' is not allowed by the policy"

    def answer(request: dict[str, Any]) -> Reply:
        is_odd = "How hot is it?" in request["messages"][-1]["content"]
        return Reply(policy, status=400) if is_odd else Reply(points_json())

    with fake_endpoint(answer) as running:
        monkeypatch.setenv("OPENAI_BASE_URL", running.address)
        assert generate(qtgen, "What is osmosis?")[0] == 0
        code, err = generate(qtgen, "How hot is it?")
        assert code == 1, err
        assert "changed" not in err
        code, err = generate(qtgen, "What is energy?")
        assert code == 0, err
        assert "changed" not in err
        other = running.requests[-1]
        assert "temperature" in other
        assert other["response_format"]["type"] == "json_schema"
        assert learned(qtgen("--show-settings")[1]) == []


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
        ("[dialect]\nommit = []", "`dialect.ommit`: unknown setting; did you mean `omit`?"),
        ("dialect = 3", "`dialect`:"),
        (
            '[dialect]\nomit_schema_keywords = ["foo"]',
            "`dialect.omit_schema_keywords`: unknown keyword `foo`; the keywords are additionalProperties, minLength,",
        ),
        ('[dialect]\nomit_schema_keywords = ["maxlength"]', "unknown keyword `maxlength`; did you mean `maxLength`?\n"),
        ('[dialect]\nmerge_system = "yes"', "`dialect.merge_system`: must be true or false without quotes, not 'yes'"),
        ("[dialect]\nremember = 1", "`dialect.remember`: must be true or false without quotes, not 1"),
        ('[query]\n"" = "x"', "`query`:"),
        ("[query]\napi-version = 3", "`query.api-version`:"),
    ],
)
def test_a_bad_value_is_one_line_that_names_the_field(qtgen: Run, toml: str, message: str) -> None:
    code, err = generate(qtgen, "What is osmosis?", toml=toml + "\n")
    assert code == 2
    assert message in err
    assert len(err.splitlines()) == 1
