"""Batch runs of `generate` against a Batch API with faults."""

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.batch_endpoint import BatchEndpoint, answer_about, batch_endpoint
from support.pages import LONG_DESCRIPTION, write_site
from support.rewriting import DESCRIPTION, seo_json

pytestmark = pytest.mark.block_network(allowed_hosts=["127.0.0.1"])
Run = Callable[..., tuple[int, str, str]]
WORDS = ("osmosis", "gravity", "erosion", "friction", "entropy", "inertia", "mitosis", "tension", "voltage", "magma")
PRICE = "[prices.m]\ninput = 10\noutput = 20\nbatch = 0.5\n"


@pytest.fixture
def provider(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[BatchEndpoint]:
    with batch_endpoint(tmp_path / "provider") as endpoint:
        monkeypatch.setenv("OPENAI_BASE_URL", endpoint.address)
        monkeypatch.setenv("QTGEN_MODEL", "m")
        monkeypatch.setenv("QTGEN_SUBJECT", "Physics")
        monkeypatch.setenv("QTGEN_IGNORE", "QT6")
        yield endpoint


def ask(*words: str) -> str:
    Path("q.txt").write_text("".join(f"What is {word}?\n" for word in words))
    return "q.txt"


def outcomes(out: str) -> list[str]:
    return [json.loads(line)["status"] for line in out.splitlines()]


def rows(query: str) -> list[Any]:
    connection = sqlite3.connect(".qtgen/ledger.sqlite")
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def test_pages_are_written_from_a_batch(qtgen: Run, provider: BatchEndpoint) -> None:
    Path("qtgen.toml").write_text(PRICE)
    provider.faults.validating = 1
    code, out, err = qtgen("generate", ask(*WORDS), "--batch", "--json")
    assert code == 0, err
    assert outcomes(out) == ["written"] * len(WORDS)
    assert provider.repeats == 0
    assert not provider.live
    lines = [json.loads(line) for line in out.splitlines()]
    cost = sum(line["usage"]["cost_usd"] for line in lines)
    assert rows("SELECT state, collected, answered, round(cost_usd, 9) FROM batches") == [
        ("collected", len(WORDS), len(WORDS), round(cost, 9))
    ]
    tokens = sum(line["usage"]["prompt_tokens"] * 10 + line["usage"]["completion_tokens"] * 20 for line in lines)
    assert cost == pytest.approx(tokens / 1e6 / 2)
    assert not list(Path(".qtgen/batches").iterdir())
    assert qtgen("generate", "q.txt", "--batch", "--json")[0] == 0
    assert len(provider.batches()) == 1


def test_bodies_are_those_of_live_requests(qtgen: Run, provider: BatchEndpoint) -> None:
    assert qtgen("generate", ask(*WORDS[:3]), "--out", "live", "--concurrency", "1")[0] == 0
    Path(".qtgen/ledger.sqlite").unlink()
    code, _, err = qtgen("generate", "q.txt", "--batch", "--out", "batch")
    assert code == 0, err
    lines = provider.file("file-000001").splitlines()
    bodies = [line[line.index(b'"body":') + 7 : -1] for line in lines]
    assert sorted(bodies) == sorted(provider.live)
    keys = {bytes.fromhex(json.loads(line)["custom_id"]) for line in lines}
    assert keys == {row[0] for row in rows("SELECT key FROM requests")}


def test_a_run_that_does_not_wait_is_finished_by_the_same_command(qtgen: Run, provider: BatchEndpoint) -> None:
    provider.faults.seconds = 3_600
    code, out, err = qtgen("generate", ask(*WORDS), "--batch", "--no-wait", "--json")
    assert (code, outcomes(out)) == (0, ["pending"] * len(WORDS)), err
    assert "10 of 10 questions pending" in err
    code, out, err = qtgen("generate", "q.txt", "--batch", "--no-wait", "--json")
    assert (code, outcomes(out), len(provider.batches())) == (0, ["pending"] * len(WORDS), 1)
    # A live run neither waits nor sends them.
    code, out, err = qtgen("generate", "q.txt", "--json")
    assert (code, outcomes(out), provider.live) == (1, ["pending"] * len(WORDS), [])
    assert "`qtgen batch collect` records finished ones, and the same command then writes the pages" in err
    finish(provider)
    code, out, _ = qtgen("batch", "collect", "--json")
    document = json.loads(out)
    assert code == 0
    assert [batch["new_answers"] for batch in document["batches"]] == [len(WORDS)]
    assert document["stale_answers"] == 0
    assert json.loads(qtgen("batch", "collect", "--json")[1]) == {"batches": [], "stale_answers": 0}
    code, out, _ = qtgen("generate", "q.txt", "--json")
    assert (code, outcomes(out), provider.repeats) == (0, ["written"] * len(WORDS), 0)


def finish(provider: BatchEndpoint) -> None:
    """Let all batches be finished at the next look."""
    provider.faults.seconds = 0
    for batch in provider.batches():
        provider._save({**batch, "_due": 0})


@pytest.mark.parametrize(
    ("behaviour", "status", "kind"),
    [
        (["refused"], "failed", "refused"),
        (["filtered"], "failed", "filtered"),
        (["cut"], "failed", "truncated"),
        (["400"], "failed", "bad-request"),
        (["429", "ok"], "written", None),
        (["500", "0", "ok"], "written", None),
        (["expired", "ok"], "written", None),
        (["cancelled", "missing", "ok"], "written", None),
        (["500"], "failed", "unavailable"),
        (["missing"], "failed", None),
        (["repeated"], "written", None),
        (["unknown"], "written", None),
        (["garbage"], "written", None),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else "",
)
def test_every_kind_of_line(
    qtgen: Run, provider: BatchEndpoint, behaviour: list[str], status: str, kind: str | None
) -> None:
    Path("qtgen.toml").write_text("tries = 3\nrepairs = 0\n")
    provider.faults.lines = {"gravity": behaviour}
    code, out, err = qtgen("generate", ask(*WORDS[:4]), "--batch", "--json")
    expected = ["written", status, "written", "written"]
    if behaviour == ["missing"]:  # nothing says which request it is about
        assert code == 1
        assert "had no result" in err
        return
    assert outcomes(out) == expected, err
    assert code == int(status == "failed")
    if kind:
        assert json.loads(out.splitlines()[1])["error"]["kind"] == kind
    if behaviour[0] in ("repeated", "unknown", "garbage"):
        words = {"repeated": "is repeated", "unknown": "belongs to no request", "garbage": "not a JSON object"}
        assert words[behaviour[0]] in err
    assert rows("SELECT count(*) FROM requests WHERE state IN ('batched', 'open')") == [(0,)]
    if behaviour[0] != "cut":
        assert provider.repeats == 0


def test_repairs_are_requests_of_the_next_round(qtgen: Run, provider: BatchEndpoint) -> None:
    answers: dict[str, int] = {}

    def answer(body: dict[str, Any]) -> str:
        text = body["messages"][-1]["content"]
        is_first = "gravity" in text and not answers.setdefault("gravity", 0)
        answers["gravity"] = answers.get("gravity", 0) + ("gravity" in text)
        return "{}" if is_first else answer_about(body)

    provider.answer = answer
    code, out, err = qtgen("generate", ask(*WORDS[:3]), "--batch", "--json")
    assert (code, outcomes(out)) == (0, ["written"] * 3), err
    assert [batch["request_counts"]["total"] for batch in provider.batches()] == [3, 1]
    assert [json.loads(line)["attempts"] for line in out.splitlines()] == [1, 2, 1]


def test_states_in_any_case_unknown_states_and_empty_file_ids(qtgen: Run, provider: BatchEndpoint) -> None:
    provider.faults.upper = provider.faults.empty_ids = True
    provider.faults.state = "POLISHING"
    provider.faults.validating = 2
    code, _, err = qtgen("generate", ask(*WORDS[:2]), "--batch")
    assert code == 0, err
    assert "polishing" in err


def test_limits_make_several_files(qtgen: Run, provider: BatchEndpoint) -> None:
    Path("qtgen.toml").write_text("[batch]\nlines = 4\n")
    assert qtgen("generate", ask(*WORDS), "--batch")[0] == 0
    assert sorted(batch["request_counts"]["total"] for batch in provider.batches()) == [2, 4, 4]
    size = len(provider.file("file-000001").splitlines()[0])
    Path("qtgen.toml").write_text(f"[batch]\nbytes = {2 * size + 100}\n")
    Path(".qtgen/ledger.sqlite").unlink()
    assert qtgen("generate", "q.txt", "--batch", "--out", "more")[0] == 0
    assert [batch["request_counts"]["total"] for batch in provider.batches()[3:]] == [2] * 5
    Path("qtgen.toml").write_text("[batch]\nbytes = 1000\n")
    Path(".qtgen/ledger.sqlite").unlink()
    code, out, _ = qtgen("generate", "q.txt", "--batch", "--out", "none", "--json")
    assert (code, outcomes(out)) == (1, ["failed"] * len(WORDS))
    assert "raise `bytes` under [batch]" in out


def test_enqueued_tokens_are_kept_to(qtgen: Run, provider: BatchEndpoint) -> None:
    assert qtgen("generate", ask(*WORDS), "--batch")[0] == 0
    tokens = len(provider.file("file-000001")) // 4
    Path("qtgen.toml").write_text(f"[batch]\nlines = 4\nenqueued_tokens = {tokens // 2}\n")
    Path(".qtgen/ledger.sqlite").unlink()
    provider.faults.token_limit = tokens * 6 // 10
    code, _, err = qtgen("generate", "q.txt", "--batch", "--out", "again")
    assert code == 0, err
    assert [batch["status"] for batch in provider.batches()] == ["completed"] * 4


def test_the_providers_token_limit_is_waited_for(qtgen: Run, provider: BatchEndpoint) -> None:
    assert qtgen("generate", ask(*WORDS), "--batch")[0] == 0
    Path("qtgen.toml").write_text("[batch]\nlines = 4\n")
    Path(".qtgen/ledger.sqlite").unlink()
    provider.faults.token_limit = len(provider.file("file-000001")) // 4 * 6 // 10
    provider.faults.seconds = 0.3
    code, _, err = qtgen("generate", "q.txt", "--batch", "--out", "again")
    assert code == 0, err
    assert {batch["status"] for batch in provider.batches()} == {"completed", "failed"}
    assert len(list(Path("again").rglob("*.md"))) == len(WORDS)


def test_a_batch_that_is_too_large_alone_is_divided(qtgen: Run, provider: BatchEndpoint) -> None:
    assert qtgen("generate", ask(*WORDS), "--batch")[0] == 0
    Path(".qtgen/ledger.sqlite").unlink()
    provider.faults.token_limit = len(provider.file("file-000001")) // 4 * 4 // 10
    code, _, err = qtgen("generate", "q.txt", "--batch", "--out", "again")
    assert code == 0, err


def test_a_named_bad_line_fails_its_row_and_the_rest_is_sent_again(qtgen: Run, provider: BatchEndpoint) -> None:
    provider.faults.bad_line = "gravity"
    code, out, err = qtgen("generate", ask(*WORDS[:4]), "--batch", "--json")
    assert (code, outcomes(out)) == (1, ["written", "failed", "written", "written"]), err
    assert "This line is not valid" in out
    assert [batch["status"] for batch in provider.batches()] == ["failed", "completed"]


def test_any_other_failure_is_a_clear_end(qtgen: Run, provider: BatchEndpoint) -> None:
    provider.faults.max_lines = 2
    code, out, err = qtgen("generate", ask(*WORDS[:4]), "--batch", "--json")
    assert (code, outcomes(out)) == (1, ["skipped"] * 4)
    assert "The file has too many lines" in err.splitlines()[-1]
    assert rows("SELECT state FROM batches") == [("failed",)]
    assert rows("SELECT count(*) FROM requests") == [(0,)]


def test_a_budget_is_set_aside_and_settled(qtgen: Run, provider: BatchEndpoint) -> None:
    Path("qtgen.toml").write_text(PRICE)
    assert qtgen("generate", ask(*WORDS), "--batch")[0] == 0
    (aside, cost), *_ = rows("SELECT set_aside_usd, cost_usd FROM batches")
    assert aside > cost > 0
    Path(".qtgen/ledger.sqlite").unlink()
    budget = aside / 2
    code, out, err = qtgen("generate", "q.txt", "--batch", "--out", "b", "--json", "--budget", f"{budget:f}")
    spent = rows("SELECT sum(cost_usd) FROM batches")[0][0]
    assert spent <= budget
    assert len(provider.batches()) > 2, "money that was not needed is used again"
    assert set(outcomes(out)) <= {"written", "skipped", "pending"}
    assert outcomes(out).count("written") >= 5
    assert (code, "budget" in err) == ((0, False) if outcomes(out).count("written") == len(WORDS) else (1, True))


def test_without_a_batch_price_the_cost_is_unknown(qtgen: Run, provider: BatchEndpoint) -> None:
    Path("qtgen.toml").write_text(PRICE.replace("batch = 0.5\n", ""))
    code, out, _ = qtgen("generate", ask("osmosis"), "--batch", "--json")
    assert (code, json.loads(out)["usage"]["cost_usd"]) == (0, None)
    code, _, err = qtgen("generate", "q.txt", "--batch", "--budget", "1")
    assert code == 2
    assert 'needs the price of `m` in batches; set `batch` in [prices."m"]' in err


def test_a_dialect_is_learned_from_rejected_lines(qtgen: Run, provider: BatchEndpoint) -> None:
    original = provider._outcome

    def outcome(body: dict[str, Any], *arguments: Any, **named: Any) -> tuple[int, Any]:
        if "max_tokens" in body:
            words = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
            error = {
                "message": words,
                "type": "invalid_request_error",
                "param": "max_tokens",
                "code": "unsupported_parameter",
            }
            return 400, {"error": error}
        return original(body, *arguments, **named)

    provider._outcome = outcome  # type: ignore[method-assign]
    code, out, err = qtgen("generate", ask(*WORDS[:3]), "--batch", "--json")
    assert (code, outcomes(out)) == (0, ["written"] * 3), err
    assert len(provider.batches()) == 2
    assert b"max_completion_tokens" in provider.file("file-000003")
    assert qtgen("generate", ask("vacuum"), "--batch")[0] == 0
    assert len(provider.batches()) == 3, "the next run begins with it"


def test_files_for_another_service(qtgen: Run, provider: BatchEndpoint, tmp_path: Path) -> None:
    code, out, err = qtgen("generate", ask(*WORDS[:4]), "--batch-files", "files", "--json")
    assert (code, outcomes(out), provider.batches()) == (0, ["pending"] * 4, []), err
    (file,) = Path("files").glob("*.jsonl")
    assert len(file.read_text().splitlines()) == 4
    code, out, err = qtgen("generate", "q.txt", "--batch", "--json")
    assert (code, outcomes(out), provider.batches()) == (1, ["pending"] * 4, [])
    listed = json.loads(qtgen("batch", "list", "--json")[1])
    assert [(batch["state"], batch["requests"]) for batch in listed] == [("written", 4)]
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    results = []
    for number, line in enumerate(lines):
        status, document = provider._outcome(line["body"], b"{}", "ok")
        response: Any = {"status_code": status, "body": document} if number else document
        results.append({"id": "x", "custom_id": line["custom_id"], "response": response, "error": None})
    Path("part.jsonl").write_text("".join(json.dumps(row) + "\n" for row in results[:3]) + "nonsense\n")
    code, out, err = qtgen("batch", "collect", "--from", "part.jsonl")
    assert code == 1
    assert "3 answered, 1 unusable line" in out
    assert "part.jsonl:4: this is not a JSON object" in err
    Path("rest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in results))
    code, out, _ = qtgen("batch", "collect", "--from", "rest.jsonl", "--json")
    document = json.loads(out)
    assert (code, document["files"][0]["new_answers"], document["batches"][0]["state"]) == (0, 1, "collected")
    code, out, _ = qtgen("generate", "q.txt", "--json")
    assert (code, outcomes(out)) == (0, ["written"] * 4)
    assert not provider.live


def test_batches_are_listed_watched_and_cancelled(qtgen: Run, provider: BatchEndpoint) -> None:
    assert qtgen("batch", "list")[0] == 0
    provider.faults.seconds = 3_600
    assert qtgen("generate", ask(*WORDS), "--batch", "--no-wait")[0] == 0
    (batch,) = json.loads(qtgen("batch", "list", "--json")[1])
    assert (batch["state"], batch["requests"], batch["model"]) == ("submitted", 10, "m")
    code, out, _ = qtgen("batch", "status", batch["id"][:8])
    assert code == 0
    assert "in_progress" in out
    code, out, _ = qtgen("batch", "collect")
    assert (code, "not finished" in out) == (0, True)
    code, out, err = qtgen("batch", "cancel", batch["provider_id"], "--json")
    assert code == 0, err
    assert json.loads(out)[0]["provider_state"] in ("cancelling", "cancelled")
    code, out, _ = qtgen("batch", "collect")
    assert "5 answered, 5 not executed" in out
    code, out, _ = qtgen("generate", "q.txt", "--json")
    assert (code, outcomes(out), len(provider.live), provider.repeats) == (0, ["written"] * 10, 5, 0)
    code, _, err = qtgen("batch", "status", "nosuch")
    assert (code, "no batch has the id `nosuch`" in err) == (2, True)
    assert json.loads(qtgen("batch", "list", "--all", "--json")[1])[0]["state"] == "collected"


def test_a_deadline_cancels_batches_and_sends_the_rest_live(qtgen: Run, provider: BatchEndpoint) -> None:
    provider.faults.seconds = 3_600
    code, out, err = qtgen("generate", ask(*WORDS), "--batch", "--deadline", "6s", "--json")
    assert (code, outcomes(out)) == (0, ["written"] * len(WORDS)), err
    assert [batch["status"] for batch in provider.batches()] == ["cancelled"]
    assert (len(provider.live), provider.repeats) == (5, 0)


def test_with_a_deadline_the_last_requests_are_sent_live(qtgen: Run, provider: BatchEndpoint) -> None:
    provider.faults.lines = {"gravity": ["429", "ok"]}
    code, out, err = qtgen("generate", ask(*WORDS), "--batch", "--deadline", "1h", "--json")
    assert (code, outcomes(out)) == (0, ["written"] * len(WORDS)), err
    assert (len(provider.batches()), len(provider.live)) == (1, 1)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--no-wait"], "--no-wait needs --batch"),
        (["--deadline", "6h"], "--deadline needs --batch"),
        (["--batch", "--deadline", "soon"], "`soon` is not a duration"),
        (["--batch", "--no-wait", "--deadline", "6h"], "--deadline needs a run that waits"),
        (["--batch-files", "x", "--no-wait"], "--batch-files only writes files"),
        (["--batch", "--share"], "--share cannot be combined with --batch"),
        (["--batch", "--provider", "local"], "the provider `local` has no Batch API"),
    ],
)
def test_wrong_calls(qtgen: Run, provider: BatchEndpoint, arguments: list[str], words: str) -> None:
    code, _, err = qtgen("generate", ask("osmosis"), *arguments)
    assert (code, words in err) == (2, True), err


def test_changed_questions_and_prompts_leave_paid_answers(qtgen: Run, provider: BatchEndpoint) -> None:
    provider.faults.seconds = 3_600
    assert qtgen("generate", ask(*WORDS[:4]), "--batch", "--no-wait")[0] == 0
    finish(provider)
    code, _, err = qtgen("generate", ask(*WORDS[2:4]), "--batch")
    assert code == 0
    assert "2 paid answers from these batches belong to no page of this run" in err
    provider.faults.seconds = 3_600
    assert qtgen("generate", ask(*WORDS[5:8]), "--batch", "--no-wait", "--max-tokens", "900")[0] == 0
    finish(provider)
    code, out, err = qtgen("batch", "collect")
    assert (code, "3 answered" in out) == (0, True)
    assert "3 paid answers of these batches belong to prompts that have changed since" in err


def test_stale_pages_are_rewritten_in_rounds(
    qtgen: Run, provider: BatchEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QTGEN_IGNORE", "QT609,QT610")
    before = write_site(osmosis={DESCRIPTION: LONG_DESCRIPTION}, diffusion={DESCRIPTION: LONG_DESCRIPTION}, gravity={})
    provider.answer = lambda body: (
        "{}" if "diffusion" in json.dumps(body) and "fault" not in json.dumps(body).lower() else seo_json()
    )
    code, out, err = qtgen("regenerate", "site", "--batch", "--json")
    assert outcomes(out) == ["written", "written"], err
    assert code == 0
    assert not provider.live
    assert len(provider.batches()) >= 1
    changed = [path for path, text in before.items() if Path(path).read_bytes() != text]
    assert len(changed) == 2


def test_judges_are_asked_in_batches_too(qtgen: Run, provider: BatchEndpoint) -> None:
    choice = json.dumps({"reasons": "Both are right.", "better": "second"})
    provider.answer = lambda body: choice if body["model"] == "j" else answer_about(body)
    code, out, err = qtgen("generate", ask(*WORDS[:2]), "--batch", "--candidates", "2", "--judge", "j", "--json")
    assert (code, outcomes(out)) == (0, ["written"] * 2), err
    assert not provider.live
    assert {
        json.loads(provider.file(batch["input_file_id"]).splitlines()[0])["body"]["model"]
        for batch in provider.batches()
    } == {"m", "j"}


def test_a_fresh_batch_run_replaces_answers_once(qtgen: Run, provider: BatchEndpoint) -> None:
    assert qtgen("generate", ask(*WORDS[:3]), "--batch")[0] == 0
    code, out, err = qtgen("generate", "q.txt", "--batch", "--fresh", "--out", "fresh", "--json")
    assert (code, outcomes(out)) == (0, ["written"] * 3), err
    assert [batch["request_counts"]["total"] for batch in provider.batches()] == [3, 3]


def test_a_dry_run_estimates_the_cost_of_batches(qtgen: Run, provider: BatchEndpoint) -> None:
    Path("qtgen.toml").write_text(PRICE)
    live, batch = (
        json.loads(qtgen("generate", ask(*WORDS), "--dry-run", "--json", *more)[1]) for more in ([], ["--batch"])
    )
    assert batch["cost_usd"]["expected"] == pytest.approx(live["cost_usd"]["expected"] / 2, rel=1e-3)
    assert not provider.batches()


def test_a_wrong_key_and_a_missing_api_end_the_run(qtgen: Run, provider: BatchEndpoint) -> None:
    provider.faults.broken = {"POST /files": [401]}
    code, _, err = qtgen("generate", ask("osmosis"), "--batch")
    assert (code, "the endpoint rejected the key" in err) == (2, True), err
    provider.faults.broken = {"POST /files": [404]}
    code, _, err = qtgen("generate", "q.txt", "--batch")
    assert (code, "no Batch API" in err) == (2, True), err
    assert rows("SELECT count(*) FROM requests") == [(0,)]


def test_a_batch_at_another_endpoint_is_left_alone(
    qtgen: Run, provider: BatchEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider.faults.seconds = 3_600
    assert qtgen("generate", ask("osmosis"), "--batch", "--no-wait")[0] == 0
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    code, _, err = qtgen("batch", "collect")
    assert (code, "is at another endpoint; set `base_url` to the address that it was submitted to" in err) == (1, True)


def test_files_that_nobody_uses_are_given_up(qtgen: Run, provider: BatchEndpoint) -> None:
    assert qtgen("generate", ask(*WORDS[:2]), "--batch-files", "files")[0] == 0
    code, out, _ = qtgen("batch", "cancel", "--json")
    assert (code, [batch["state"] for batch in json.loads(out)]) == (0, ["cancelled"])
    assert qtgen("generate", "q.txt")[0] == 0
    assert len(provider.live) == 2


def test_an_unfinished_submission_at_a_provider_that_lists_no_batches(qtgen: Run, provider: BatchEndpoint) -> None:
    provider.faults.no_list = True
    provider.faults.lost = {"POST /batches": 1}
    code, _, err = qtgen("generate", ask("osmosis"), "--batch")
    assert code == 1, err
    assert rows("SELECT state FROM batches") == [("prepared",)]
    Path("qtgen.toml").write_text("tries = 1\n")
    connection = sqlite3.connect(".qtgen/ledger.sqlite")
    connection.execute("UPDATE runs SET beat = 0")
    connection.commit()
    connection.close()
    code, _, err = qtgen("batch", "status")
    assert (code, "it is unknown whether batch" in err) == (1, True), err
    code, _, err = qtgen("batch", "cancel")
    assert code == 0, err
    assert rows("SELECT state FROM batches") == [("cancelled",)]


def test_a_request_that_exceeds_the_token_limit_alone_ends_the_run(qtgen: Run, provider: BatchEndpoint) -> None:
    provider.faults.token_limit = 10
    code, _, err = qtgen("generate", ask(*WORDS[:2]), "--batch")
    assert code == 1
    assert "with one request: Enqueued token limit reached.; run again once other batches" in err.splitlines()[-1]
    assert len(provider.batches()) == 2
    assert rows("SELECT count(*) FROM requests") == [(0,)]


def test_a_token_limit_that_others_use_up_makes_no_smaller_batches(qtgen: Run, provider: BatchEndpoint) -> None:
    provider.faults.seconds = 3_600
    assert qtgen("generate", ask("osmosis"), "--batch", "--no-wait")[0] == 0
    tokens = len(provider.file("file-000001")) // 4
    provider.faults.token_limit = len(WORDS[1:]) * (tokens + 10)
    provider.faults.seconds = 0
    for batch in provider.batches():
        provider._save({**batch, "_polls": 0, "_due": time.time() + 2})
    code, _, err = qtgen("generate", ask(*WORDS), "--batch")
    assert code == 0, err
    assert [batch["request_counts"]["total"] for batch in provider.batches()] == [1, 9, 9]
    assert [batch["status"] for batch in provider.batches()] == ["completed", "failed", "completed"]


def test_a_batch_that_cannot_be_collected_holds_up_no_other(qtgen: Run, provider: BatchEndpoint) -> None:
    assert qtgen("generate", ask(*WORDS[:2]), "--batch", "--no-wait")[0] == 0
    Path("qtgen.toml").write_text(f"{PRICE}[batch]\nenqueued_tokens = 1_500\n")
    provider.hooks["before GET /files/ID/content"] = lambda: provider.edit("file-000002", b"")
    code, _, err = qtgen("generate", ask(*WORDS[2:4]), "--batch")
    assert code == 0, err
    assert "hold 0 of the 2 responses" in err


def test_money_that_is_set_aside_for_written_files_is_not_waited_for(qtgen: Run, provider: BatchEndpoint) -> None:
    Path("qtgen.toml").write_text(PRICE)
    assert qtgen("generate", ask(*WORDS[:6]), "--batch-files", "files")[0] == 0
    ((aside,),) = rows("SELECT set_aside_usd FROM batches")
    code, out, err = qtgen("generate", ask(*WORDS[6:]), "--batch", "--json", "--budget", f"{aside + 0.01:f}")
    assert (code, outcomes(out)) == (1, ["pending"] * 4)
    assert "warning: 4 requests cannot be submitted: the budget is set aside for batches" in err
    assert not provider.batches()


def test_cancelling_keeps_answers_that_cannot_be_downloaded_now(qtgen: Run, provider: BatchEndpoint) -> None:
    Path("qtgen.toml").write_text("tries = 1\n")
    assert qtgen("generate", ask(*WORDS[:2]), "--batch", "--no-wait")[0] == 0
    provider.faults.broken = {"GET /files/ID/content": [500]}
    code, _, err = qtgen("batch", "cancel")
    ((batch,),) = rows("SELECT id FROM batches")
    assert (code, f"qtgen: batch {batch[:12]}: HTTP 500" in err) == (1, True), err
    assert qtgen("generate", "q.txt", "--batch")[0] == 0
    assert (provider.repeats, len(provider.batches())) == (0, 1)


def test_a_key_that_stops_working_ends_the_run_and_frees_nothing(qtgen: Run, provider: BatchEndpoint) -> None:
    provider.faults.seconds = 3_600
    assert qtgen("generate", ask(*WORDS[:2]), "--batch", "--no-wait")[0] == 0
    provider.faults.broken = {"GET /batches/ID": [401]}
    code, _, err = qtgen("generate", "q.txt", "--batch")
    assert (code, "the endpoint rejected the key" in err) == (2, True), err
    # With a wrong key, nobody knows whether the provider has a batch that was being submitted.
    connection = sqlite3.connect(".qtgen/ledger.sqlite")
    connection.execute("UPDATE batches SET state = 'prepared', remote_id = NULL")
    connection.execute("UPDATE runs SET beat = 0")
    connection.commit()
    connection.close()
    provider.faults.broken = {"GET /batches": [401]}
    code, _, err = qtgen("batch", "cancel")
    assert (code, "the endpoint rejected the key" in err) == (1, True), err
    assert rows("SELECT state FROM batches") == [("prepared",)]
    finish(provider)
    assert qtgen("generate", "q.txt", "--batch")[0] == 0
    assert (provider.repeats, len(provider.batches())) == (0, 1)


def test_files_that_are_gone_are_named_with_a_remedy(qtgen: Run, provider: BatchEndpoint) -> None:
    assert qtgen("generate", ask(*WORDS[:2]), "--batch", "--no-wait")[0] == 0
    provider.faults.broken = {"GET /files/ID/content": [404] * 2}
    code, _, err = qtgen("batch", "collect")
    assert code == 1
    assert "the provider does not have file file-000002 (HTTP 404)" in err
    assert "cancel the batch to free its requests" in err
    assert qtgen("batch", "cancel")[0] == 0
    assert rows("SELECT state FROM batches") == [("cancelled",)]


def test_a_provider_that_cannot_cancel_keeps_its_batch(qtgen: Run, provider: BatchEndpoint) -> None:
    provider.faults.seconds = 3_600
    assert qtgen("generate", ask(*WORDS[:2]), "--batch", "--no-wait")[0] == 0
    provider.faults.broken = {"POST /batches/ID/cancel": [404]}
    assert qtgen("batch", "cancel")[0] == 1
    assert rows("SELECT state FROM batches") == [("submitted",)]


def test_a_web_page_instead_of_a_batch_is_waited_out(qtgen: Run, provider: BatchEndpoint) -> None:
    retrieve, pages = provider.retrieve, [b"<html>maintenance</html>"]
    provider.retrieve = lambda name: (200, pages.pop()) if pages else retrieve(name)  # type: ignore[method-assign]
    code, _, err = qtgen("generate", ask(*WORDS[:2]), "--batch")
    assert code == 0, err


def test_a_rejected_request_is_sent_again_by_the_next_run(qtgen: Run, provider: BatchEndpoint) -> None:
    provider.faults.lines = {"gravity": ["400", "ok"]}
    code, out, _ = qtgen("generate", ask(*WORDS[:2]), "--batch", "--json")
    assert (code, outcomes(out)) == (1, ["written", "failed"])
    code, out, err = qtgen("generate", "q.txt", "--batch", "--json")
    assert (code, outcomes(out)) == (0, ["exists", "written"]), err
    assert provider.repeats == 0


def test_collecting_does_not_wait_for_written_files(qtgen: Run, provider: BatchEndpoint) -> None:
    assert qtgen("generate", ask(*WORDS[:2]), "--batch-files", "files")[0] == 0
    assert qtgen("generate", ask(*WORDS[2:4]), "--batch", "--no-wait")[0] == 0
    code, out, err = qtgen("batch", "collect", "--wait")
    assert code == 0, err
    written, collected = out.splitlines()
    assert "written to a file; --from reads its results" in written
    assert "collected, 2 answered" in collected


@pytest.mark.parametrize("command", ["status", "collect", "cancel"])
def test_a_batch_that_is_named_without_a_ledger_is_an_error(qtgen: Run, command: str) -> None:
    code, out, err = qtgen("batch", command, "b1")
    assert (code, out) == (2, "")
    assert "there is no batch `b1`; use the folder or the ledger of the run" in err
    assert qtgen("batch", command)[0] == 0
