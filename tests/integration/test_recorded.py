"""The whole way, from a question file to a page, against answers recorded from the embedded model.

`make record` records them anew. Matched on the request's bytes: a changed prompt is a miss, and a miss is a failure.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from qtgen.llm.local import server as local
from qtgen.llm.local.download import MODEL_NAME
from support import ROOT, SENT_KEYS

CANARY = "sk-canary-5f0c3b"
CASSETTES = ROOT / "tests" / "integration" / "cassettes"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def address(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An endpoint: the embedded model while recording; nothing, behind the recordings, else."""
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    monkeypatch.setenv("QTGEN_TRIES", "1")  # a miss passes for a lost connection; trying again would not mend it
    if request.config.getoption("--record-mode") == "none":
        yield "http://127.0.0.1:8080/v1"
        return
    with local.serve(None, slots=1) as endpoint:
        yield str(endpoint.base_url)


def ask(run: Run, address: str, question: str, subject: str, *more: str) -> tuple[int, dict[str, Any], str]:
    Path("qtgen.toml").write_text(
        "[request]\n" + "".join(f"{name} = {value}\n" for name, value in local.SAMPLING.items())
    )
    Path("q.jsonl").write_text(json.dumps({"question": question, "subject": subject}))
    code, out, err = run(
        "generate", "q.jsonl", "--json", "--base-url", address, "--model", MODEL_NAME, "--concurrency", "1", *more
    )
    return code, json.loads(out), err


@pytest.mark.vcr
def test_an_explanation(qtgen: Run, address: str) -> None:
    code, line, err = ask(qtgen, address, "Why does salt melt ice on a road?", "Chemistry")
    assert (code, line["status"], line["error"]) == (0, "written", None), err
    assert line["usage"]["completion_tokens"] > 100
    assert line["usage"]["cost_usd"] is None, "an endpoint without a price costs unknown, not nothing"
    assert qtgen("validate", "outputs")[0] == 0
    text = Path(line["path"]).read_text()
    page = yaml.safe_load(text.split("\n---\n")[0])
    assert page["title"] == page["question"] == "Why does salt melt ice on a road?"
    assert page["url"] == line["url"]
    assert "\\n\\n1. **" in page["answer"]
    provenance = json.loads(Path("outputs/.qtgen/provenance.jsonl").read_text())
    assert provenance["request_id"].startswith("chatcmpl-")


@pytest.mark.vcr
def test_a_second_run_asks_nothing(qtgen: Run, address: str) -> None:
    first = ask(qtgen, address, "What is opportunity cost?", "Economics")[1]
    before = Path(first["path"]).read_bytes()
    code, again, _ = ask(qtgen, address, "What is opportunity cost?", "Economics")
    assert (code, again["status"], again["attempts"]) == (0, "exists", 0)
    assert Path(first["path"]).read_bytes() == before


@pytest.mark.vcr
def test_an_answer_cut_off_is_asked_for_again_and_fails_in_the_end(
    qtgen: Run, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QTGEN_REPAIRS", "1")
    code, line, err = ask(
        qtgen, address, "What happens in a neutralisation reaction?", "Chemistry", "--max-tokens", "40"
    )
    assert (code, line["status"], line["error"]["kind"], line["attempts"]) == (1, "failed", "truncated", 2)
    assert "outputs/.qtgen/failed/" in err
    kept = json.loads(
        Path("outputs/.qtgen/failed/chemistry/what-happens-in-a-neutralisation-reaction.json").read_text()
    )
    assert kept["question"] == "What happens in a neutralisation reaction?"
    assert not list(Path("outputs/chemistry").glob("*.md") if Path("outputs/chemistry").exists() else [])


def test_no_key_is_on_the_record() -> None:
    files = list(CASSETTES.rglob("*.yaml"))
    assert files, "there are recordings"
    for file in files:
        text = file.read_text()
        assert "sk-canary" not in text, file
        assert "authorization" not in text.lower(), file
        assert str(Path.home()) not in text, file


@pytest.mark.leaves_unplayed
@pytest.mark.vcr(str(CASSETTES / "test_recorded" / "test_an_explanation.yaml"))
def test_the_canary_is_sent(qtgen: Run, address: str) -> None:
    """The key does go out in these tests, so its absence from the recordings says something."""
    SENT_KEYS.clear()
    ask(qtgen, address, "Why does salt melt ice on a road?", "Chemistry")
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
def test_another_question_is_a_miss_and_a_miss_is_a_failure(
    qtgen: Run, address: str, request: pytest.FixtureRequest
) -> None:
    if request.config.getoption("--record-mode") != "none":
        pytest.skip("nothing is missed while recording")
    with pytest.raises(json.JSONDecodeError):  # nothing is printed: the run ends where the recording does
        ask(qtgen, address, "Why does sugar melt ice on a road?", "Chemistry")
    code, out, err = qtgen("generate", "q.jsonl", "--base-url", address, "--model", MODEL_NAME)
    assert (code, out) == (3, "")
    assert "CannotOverwriteExistingCassetteException" in err
    assert not list(Path("outputs").rglob("*.md"))
