"""Recording: whatever ends a run, nothing that was received is lost, and a cassette gives the report that it made."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from qtgen.errors import OutputError
from qtgen.evaluation.suites.tapes import Journal
from support.eval_endpoint import (
    DROP,
    GARBAGE,
    HANG,
    INVALID,
    NO_LIMIT,
    NO_SCHEMA,
    REFUSED,
    EvalEndpoint,
    eval_endpoint,
    question_of,
    use_endpoint,
)

RunEval = Callable[..., tuple[int, str, str]]
pytestmark = pytest.mark.block_network(allowed_hosts=["127.0.0.1"])


@pytest.fixture
def endpoint(smoke: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EvalEndpoint]:
    monkeypatch.setenv("QTGEN_IGNORE", "QT609")
    monkeypatch.setenv("QTGEN_TRIES", "1")
    (tmp_path / "qtgen.toml").write_text("")
    with eval_endpoint() as (endpoint, address):
        use_endpoint(smoke, address)
        yield endpoint


@pytest.fixture
def cassettes(smoke: Path) -> Path:
    return smoke / "cassettes"


def comparable(out: str, *, has_usage: bool = True) -> dict[str, Any]:
    """Return what must be equal in a report and in its replay."""
    report = json.loads(out)
    for part in () if has_usage else (report, *report["items"]):
        del part["usage"]
    judging = report.get("judging") or {}
    judging.pop("source", None)
    for use in judging.get("judges", {}).values():
        del use["cost_usd"]  # a replay costs nothing
    return {key: value for key, value in report.items() if key not in ("created", "gate")}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("reaction", [500, 400, 403, DROP, GARBAGE])
def test_requests_that_fail_keep_the_old_cassette_and_only_they_are_sent_again(
    endpoint: EvalEndpoint, run_eval: RunEval, cassettes: Path, reaction: int
) -> None:
    cassette = cassettes / "completions.yaml"
    assert run_eval("run", "smoke", "--record")[0] == 0
    before = cassette.read_bytes()
    # Several dropped connections would be an outage, which qtgen waits for.
    failing = sorted({question_of(body) for body in endpoint.bodies})[: 1 if reaction in (500, DROP) else 3]
    endpoint.work()
    endpoint.fail_questions("|".join(map(re.escape, failing)), reaction)
    code, out, err = run_eval("run", "smoke", "--record", "--json", "--fresh")
    assert code == 1
    count = "1 request" if len(failing) == 1 else "3 requests"
    [reason] = json.loads(out)["recordings"]["unpublished"]
    assert reason.startswith(f"{count} got no response that can be recorded; remove references")
    assert "the suite's recordings are unchanged; --record continues and sends only the missing requests" in err
    assert cassette.read_bytes() == before
    assert run_eval("run", "smoke")[0] == 0, "the old cassette is not usable"
    endpoint.work()
    code, out, err = run_eval("run", "smoke", "--record", "--json")
    assert code == 0, err
    assert sorted(map(question_of, endpoint.bodies)) == failing
    kept = 8 - len(failing)
    loaded = 8 if reaction == GARBAGE else kept  # what cannot be read is sent for again
    assert f"{kept} of {loaded} responses of an unfinished recording reused; --fresh requests all of them again" in err
    assert names(cassettes) == ["completions.yaml"]
    assert cassette.read_bytes() != before
    assert comparable(run_eval("run", "smoke", "--json")[1]) == comparable(out)


@pytest.mark.parametrize("reaction", [500, DROP, GARBAGE, NO_LIMIT])
def test_a_report_equals_the_replay_of_its_cassette(
    endpoint: EvalEndpoint, run_eval: RunEval, cassettes: Path, monkeypatch: pytest.MonkeyPatch, reaction: int
) -> None:
    monkeypatch.setenv("QTGEN_TRIES", "3")
    if reaction == NO_LIMIT:
        endpoint.react = lambda _: NO_LIMIT
    else:
        endpoint.fail_first("opportunity cost", reaction)
    options = "--judge", "j", "--repeats", 2, "--json"
    code, out, err = run_eval("run", "smoke", "--record", *options)
    assert code == 0, err
    sent = len(endpoint.bodies)
    assert sent > 8 * 2 * 3
    assert names(cassettes) == ["completions.yaml", "judges.yaml"]
    assert len({item["candidate"] for item in json.loads(out)["items"]}) == 16
    code, replayed, err = run_eval("run", "smoke", *options)
    assert code == 0, err
    assert len(endpoint.bodies) == sent
    has_usage = reaction == NO_LIMIT  # attempts that failed may have cost something, which no recording knows
    assert comparable(replayed, has_usage=has_usage) == comparable(out, has_usage=has_usage)


@pytest.mark.parametrize(("reaction", "kind", "requests"), [(REFUSED, "refused", 8), (INVALID, "answer", 11)])
def test_answers_that_make_no_page_belong_to_a_whole_recording(
    endpoint: EvalEndpoint, run_eval: RunEval, cassettes: Path, reaction: int, kind: str, requests: int
) -> None:
    endpoint.react = lambda body: reaction if "opportunity cost" in str(body["messages"]) else None
    for _ in range(2):
        endpoint.bodies.clear()
        code, out, err = run_eval("run", "smoke", "--record", "--json")
        assert code == 1
        report = json.loads(out)
        assert "unpublished" not in report["recordings"]
        assert [item["error"]["kind"] for item in report["items"] if item["error"]] == [kind]
        assert names(cassettes) == ["completions.yaml"], err
        assert len(endpoint.bodies) == requests
    code, replayed, _ = run_eval("run", "smoke", "--json")
    assert code == 1
    assert comparable(replayed) == comparable(out)


def test_a_recording_in_another_format_than_the_settings_name_is_not_published(
    endpoint: EvalEndpoint, run_eval: RunEval, cassettes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint.react = lambda _: NO_SCHEMA
    before = (cassettes / "completions.yaml").read_bytes()
    code, out, err = run_eval("run", "smoke", "--record", "--json")
    assert code == 1, err
    [reason] = json.loads(out)["recordings"]["unpublished"]
    assert "set `answer_format`" in reason
    assert (cassettes / "completions.yaml").read_bytes() == before
    monkeypatch.setenv("QTGEN_ANSWER_FORMAT", "json_object")
    endpoint.bodies.clear()
    code, out, err = run_eval("run", "smoke", "--record", "--json")
    assert code == 0, err
    assert endpoint.bodies == []
    assert comparable(run_eval("run", "smoke", "--json")[1]) == comparable(out)


def test_judges_that_fail_keep_the_recorded_pages_for_the_next_run(
    endpoint: EvalEndpoint, run_eval: RunEval, cassettes: Path, smoke: Path
) -> None:
    cassette = cassettes / "completions.yaml"
    before = cassette.read_bytes()
    endpoint.fail_models("j", 400)
    options = "run", "smoke", "--record", "--judge", "j", "--json"
    code, out, err = run_eval(*options, "--save-baseline")
    assert code != 0, err
    assert not (smoke / "baseline.json").exists()
    assert cassette.read_bytes() == before
    endpoint.work()
    code, out, err = run_eval(*options)
    assert code == 0, err
    assert {body["model"] for body in endpoint.bodies} == {"j"}
    assert names(cassettes) == ["completions.yaml", "judges.yaml"]
    code, replayed, err = run_eval("run", "smoke", "--judge", "j", "--json")
    assert code == 0, err
    assert comparable(replayed) == comparable(out)


def test_judges_of_another_run_are_not_published(endpoint: EvalEndpoint, run_eval: RunEval, cassettes: Path) -> None:
    endpoint.react = lambda body: 500 if body["model"] == "j" and "opportunity cost" in str(body) else None
    assert run_eval("run", "smoke", "--record", "--judge", "j")[0] == 1
    assert run_eval("run", "smoke", "--record")[0] == 0
    assert names(cassettes) == ["completions.yaml", "judges.partial.yaml"]


def test_a_killed_run_keeps_every_response(
    endpoint: EvalEndpoint, run_eval: RunEval, cassettes: Path, tmp_path: Path
) -> None:
    endpoint.react = lambda _: HANG if endpoint.answered >= 5 else None
    command = [sys.executable, "-m", "qtgen", "eval", "run", "smoke", "--record", "--concurrency", "1"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while len(endpoint.bodies) < 6 and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
    finally:
        process.kill()
        process.wait(10)
    assert len(endpoint.bodies) == 6
    endpoint.work()
    partial = cassettes / "completions.partial.yaml"
    partial.write_bytes(partial.read_bytes() + b"- request:\n    body: cut off in the mid")
    code, out, err = run_eval("run", "smoke", "--record", "--json")
    assert code == 0, err
    assert "5 of 5 responses of an unfinished recording reused" in err
    assert len(endpoint.bodies) == 3
    assert comparable(run_eval("run", "smoke", "--json")[1]) == comparable(out)


def test_nothing_is_sent_whose_response_could_not_be_saved(
    endpoint: EvalEndpoint, run_eval: RunEval, cassettes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (cassettes / "completions.yaml").read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "_open", lambda *_: Path("/dev/full").open("w"))  # noqa: SIM115
        code, out, err = run_eval("run", "smoke", "--record")
    assert (code, out) == (1, "")
    assert "completions.partial.yaml: No space left on device" in err
    assert endpoint.bodies == []
    assert (cassettes / "completions.yaml").read_bytes() == before


def test_a_disk_that_is_full_at_the_end_loses_nothing(
    endpoint: EvalEndpoint, run_eval: RunEval, cassettes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (cassettes / "completions.yaml").read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr("qtgen.evaluation.suites.recordings.staged_file", _full_disk)
        code, out, _ = run_eval("run", "smoke", "--record", "--json")
    assert code == 1
    assert json.loads(out)["recordings"]["unpublished"] == [
        f"{Path('evals/smoke/cassettes/completions.yaml').resolve()}: No space left on device"
    ]
    assert (cassettes / "completions.yaml").read_bytes() == before
    endpoint.work()
    assert run_eval("run", "smoke", "--record")[0] == 0
    assert endpoint.bodies == []
    assert (cassettes / "completions.yaml").read_bytes() != before


@contextmanager
def _full_disk(path: Path, _: str) -> Iterator[Path]:
    raise OutputError("No space left on device", path=path)
    yield


def test_a_new_reference_is_recorded_alone(endpoint: EvalEndpoint, run_eval: RunEval, smoke: Path) -> None:
    options = "--judge", "j", "--repeats", 2, "--json"
    assert run_eval("run", "smoke", "--record", *options)[0] == 0
    before = (smoke / "cassettes" / "completions.yaml").read_text()
    endpoint.work()
    code, _, err = run_eval("run", "smoke", "--record-missing", *options)
    assert code == 0, err
    assert endpoint.bodies == []
    assert (smoke / "cassettes" / "completions.yaml").read_text() == before
    pages = sorted((smoke / "references").glob("*.md"))
    text = pages[0].read_text()
    title = re.search(r"title: >-\n    (.*)", text)
    assert title is not None
    (smoke / "references" / "new.md").write_text(text.replace(title[1], "Why is grass green?"))
    code, out, err = run_eval("run", "smoke", "--record-missing", "--dry-run", "--json", "--repeats", 2)
    assert code == 0, err
    assert (json.loads(out)["requests"]["expected"], json.loads(out)["reused"]) == (2, 16)
    code, out, err = run_eval("run", "smoke", "--record-missing", *options)
    assert code == 0, err
    assert "16 of 16 recorded responses reused" in err
    assert [question_of(body) for body in endpoint.bodies if body["model"] == "m"] == ["Why is grass green?"] * 2
    assert comparable(run_eval("run", "smoke", *options)[1]) == comparable(out)
    assert (smoke / "cassettes" / "completions.yaml").read_text().startswith(before.partition("version:")[0])


def test_a_removed_reference_leaves_no_recording(endpoint: EvalEndpoint, run_eval: RunEval, smoke: Path) -> None:
    assert run_eval("run", "smoke", "--record")[0] == 0
    first = min(smoke.glob("references/*.md"))
    for path in smoke.glob(f"references/{first.stem}.*"):
        path.unlink()
    endpoint.work()
    code, _, err = run_eval("run", "smoke", "--record-missing")
    assert code == 0, err
    assert "7 of 8 recorded responses reused" in err
    assert endpoint.bodies == []
    assert run_eval("run", "smoke")[0] == 0


def test_missing_responses_that_fail_are_asked_for_again(
    endpoint: EvalEndpoint, run_eval: RunEval, cassettes: Path
) -> None:
    endpoint.fail_questions("opportunity cost", 500)
    assert run_eval("run", "smoke", "--record-missing", "--model", "m")[0] == 1
    endpoint.work()
    assert run_eval("run", "smoke", "--record-missing", "--model", "m")[0] == 0
    assert len(endpoint.bodies) == 1
    assert names(cassettes) == ["completions.yaml"]


def test_an_unfinished_recording_that_cannot_be_read_is_named(
    endpoint: EvalEndpoint, run_eval: RunEval, cassettes: Path
) -> None:
    partial = cassettes / "completions.partial.yaml"
    partial.write_text("a: [")
    code, _, err = run_eval("run", "smoke", "--record")
    assert code == 2
    assert "completions.partial.yaml: this is not a cassette" in err
    assert "remove the file" in err
    assert endpoint.bodies == []
    assert run_eval("run", "smoke", "--record", "--fresh")[0] == 0
    assert not partial.exists()


@pytest.mark.parametrize("option", ["--resume", "--record-missing"])
def test_fresh_excludes_reuse(endpoint: EvalEndpoint, run_eval: RunEval, option: str) -> None:
    code, _, err = run_eval("run", "smoke", "--record", "--fresh", option)
    assert code == 2
    assert f"--fresh: cannot be combined with {option}" in err
    assert endpoint.bodies == []


def test_a_live_run_that_failed_is_resumed(endpoint: EvalEndpoint, run_eval: RunEval, tmp_path: Path) -> None:
    endpoint.fail_questions("opportunity cost", 500)
    code, out, _ = run_eval("run", "smoke", "--live", "--json")
    assert code == 1
    assert "unpublished" not in json.loads(out)["recordings"]
    endpoint.work()
    code, out, err = run_eval("run", "smoke", "--live", "--resume", "--json")
    assert code == 0, err
    assert len(endpoint.bodies) == 1
    assert list((tmp_path / ".qtgen" / "eval").iterdir()) == []


_SECRETS = ["?api-key=s3cret", "?s3cret", "?api-version=1&key=s3cret", "?=s3cret", "?x=1#s3cret", "?api-version&s3cret"]


@pytest.mark.parametrize("query", _SECRETS)
def test_a_key_in_the_query_of_an_address_is_refused_and_recorded_nowhere(
    endpoint: EvalEndpoint,
    run_eval: RunEval,
    smoke: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    query: str,
) -> None:
    suite = smoke / "suite.toml"
    text = suite.read_text()
    address = text.partition('base_url = "')[2].partition('"')[0]
    suite.write_text(text.replace(address, address + query))
    code, out, err = run_eval("run", "smoke", "--record")
    assert (code, out) == (2, "")
    assert "suite.toml: `base_url` must not contain query parameters besides `api-version`" in err
    assert "s3cret" not in err
    suite.write_text(text.replace(f'base_url = "{address}"\n', ""))
    (tmp_path / "qtgen.toml").write_text(f'base_url = "{address}{query}"\n')
    code, _, err = run_eval("run", "smoke", "--record")
    assert code == 2
    assert "qtgen.toml: `base_url`: must not contain query parameters" in err
    assert "s3cret" not in err
    (tmp_path / "qtgen.toml").write_text("")
    monkeypatch.setenv("OPENAI_BASE_URL", address + query)
    code, _, err = run_eval("run", "smoke", "--record")
    assert code == 2
    assert "environment OPENAI_BASE_URL: must not contain query parameters" in err
    assert "s3cret" not in err
    assert endpoint.bodies == []


def test_the_version_of_an_api_may_be_in_the_address(
    endpoint: EvalEndpoint, run_eval: RunEval, smoke: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite = smoke / "suite.toml"
    suite.write_text(suite.read_text().replace('/v1"', '/v1?api-version=2024-06-01"'))
    monkeypatch.setenv("A_KEY", "s3cret")
    (tmp_path / "qtgen.toml").write_text('[query]\nkey = "$A_KEY"\n')
    code, _, err = run_eval("run", "smoke", "--record", "--judge", "j")
    assert code == 0, err
    assert len(endpoint.paths) > 8
    assert set(endpoint.paths) == {"/v1/chat/completions?api-version=2024-06-01&key=s3cret"}
    for file in (smoke / "cassettes").iterdir():
        assert "s3cret" not in file.read_text()
