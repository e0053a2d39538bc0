"""From a question file to a page, against responses that were recorded from the embedded model.

`make record` records them again. Requests are matched by their bytes: a changed prompt has no recording and fails.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from qtgen.llm.local import server as local
from support import ROOT, SENT_KEYS

EMBEDDED = local.endpoint(None).model
CANARY = "sk-canary-5f0c3b"
CASSETTES = ROOT / "tests" / "integration" / "cassettes"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def address(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of the embedded model while recording, else one at which nothing listens."""
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    monkeypatch.setenv("QTGEN_TRIES", "1")  # vcrpy reports a miss as a lost connection, which would be retried
    if request.config.getoption("--record-mode") == "none":
        yield "http://127.0.0.1:8080/v1"
        return
    with local.serve(None, slots=1) as endpoint:
        yield str(endpoint.base_url)


def generate(run: Run, address: str, question: str, subject: str, *more: str) -> tuple[int, dict[str, Any], str]:
    fields = "".join(f"{name} = {value}\n" for name, value in local.endpoint(None).extra.items())
    Path("qtgen.toml").write_text(f"short_prompts = true\ngrammar = true\n[request]\n{fields}")
    Path("q.jsonl").write_text(json.dumps({"question": question, "subject": subject}))
    code, out, err = run(
        "generate",
        "q.jsonl",
        "--json",
        "--base-url",
        address,
        "--model",
        EMBEDDED,
        "--concurrency",
        "1",
        *more,
    )
    return code, json.loads(out), err


@pytest.mark.vcr
def test_an_explanation(qtgen: Run, address: str) -> None:
    code, line, err = generate(qtgen, address, "Why does salt melt ice on a road?", "Chemistry")
    assert (code, line["status"], line["error"]) == (0, "written", None), err
    assert line["usage"]["completion_tokens"] > 100
    assert line["usage"]["cost_usd"] is None, "without a price the cost is unknown, not zero"
    assert qtgen("validate", "outputs")[0] == 0
    text = Path(line["path"]).read_text()
    page = yaml.safe_load(text.split("\n---\n")[0])
    assert page["title"] == page["question"] == "Why does salt melt ice on a road?"
    assert page["url"] == line["url"]
    assert "\\n\\n1. **" in page["answer"]
    provenance = json.loads(Path("outputs/.qtgen/provenance.jsonl").read_text())
    assert provenance["request_id"].startswith("chatcmpl-")


@pytest.mark.vcr
def test_a_second_run_requests_nothing(qtgen: Run, address: str) -> None:
    first = generate(qtgen, address, "What is opportunity cost?", "Economics")[1]
    before = Path(first["path"]).read_bytes()
    code, again, _ = generate(qtgen, address, "What is opportunity cost?", "Economics")
    assert (code, again["status"], again["attempts"]) == (0, "exists", 0)
    assert Path(first["path"]).read_bytes() == before


@pytest.mark.vcr
def test_a_truncated_answer_is_requested_again_and_fails_in_the_end(
    qtgen: Run, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QTGEN_REPAIRS", "1")
    code, line, err = generate(
        qtgen, address, "What happens in a neutralisation reaction?", "Chemistry", "--max-tokens", "40"
    )
    assert (code, line["status"], line["error"]["kind"], line["attempts"]) == (1, "failed", "truncated", 2)
    assert "outputs/.qtgen/failed/" in err
    kept = json.loads(
        Path("outputs/.qtgen/failed/chemistry/what-happens-in-a-neutralisation-reaction.json").read_text()
    )
    assert kept["question"] == "What happens in a neutralisation reaction?"
    assert not list(Path("outputs/chemistry").glob("*.md") if Path("outputs/chemistry").exists() else [])


def test_recordings_contain_no_key() -> None:
    files = list(CASSETTES.rglob("*.yaml"))
    assert files
    for file in files:
        text = file.read_text()
        assert "sk-canary" not in text, file
        assert "authorization" not in text.lower(), file
        assert str(Path.home()) not in text, file


@pytest.mark.leaves_unplayed
@pytest.mark.vcr(str(CASSETTES / "test_recorded" / "test_an_explanation.yaml"))
def test_the_key_is_sent(qtgen: Run, address: str) -> None:
    """Otherwise its absence from the recordings would prove nothing."""
    SENT_KEYS.clear()
    generate(qtgen, address, "Why does salt melt ice on a road?", "Chemistry")
    assert {f"Bearer {CANARY}"} == SENT_KEYS


def test_every_cassette_belongs_to_a_test() -> None:
    tests = {
        (file.stem, line.split("def ")[1].split("(")[0])
        for file in (ROOT / "tests" / "integration").glob("test_*.py")
        for line in file.read_text().splitlines()
        if line.startswith("def test_")
    }
    orphans = [file for file in CASSETTES.rglob("*.yaml") if (file.parent.name, file.stem) not in tests]
    assert orphans == []


@pytest.mark.leaves_unplayed
@pytest.mark.vcr(str(CASSETTES / "test_recorded" / "test_an_explanation.yaml"))
def test_a_request_without_a_recording_ends_the_run(qtgen: Run, address: str, request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--record-mode") != "none":
        pytest.skip("every request is recorded now")
    with pytest.raises(json.JSONDecodeError):  # nothing is printed, because the run ends at once
        generate(qtgen, address, "Why does sugar melt ice on a road?", "Chemistry")
    code, out, err = qtgen("generate", "q.jsonl", "--base-url", address, "--model", EMBEDDED)
    assert (code, out) == (3, "")
    assert "CannotOverwriteExistingCassetteException" in err
    assert not list(Path("outputs").rglob("*.md"))
