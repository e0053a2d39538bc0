"""Recordings: written as they are received, used first by the next run, and published as a whole."""

import asyncio
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from qtgen.errors import CassetteError, ProviderError, Refused, Retryable, StyleRejected
from qtgen.evaluation.suites.recordings import (
    Gaps,
    RecordingProvider,
    Reuse,
    partial_path,
    record_cassette,
    reusable_responses,
)
from qtgen.evaluation.suites.tapes import load_tape
from qtgen.llm.cassettes import CassetteMiss
from qtgen.llm.types import AnswerFormat, PromptStyle
from support import Scripted

PROMPT: Any = "prompt"  # a scripted provider takes anything
MISS = CassetteMiss("none left", body=b"request")


def interactions(*bodies: str) -> str:
    response = "{body: {string: r}, headers: {}, status: {code: 200, message: OK}}"
    entries = (
        f"- request: {{body: {body}, headers: {{}}, method: POST, uri: http://x/}}\n  response: {response}\n"
        for body in bodies
    )
    return "interactions:\n" + "".join(entries) + "version: 1\n"


def exchange(body: bytes = b"sent") -> tuple[Any, dict[str, Any]]:
    """Return a request and its response, as vcrpy records them."""
    from vcr.request import Request

    status = {"code": 200, "message": "OK"}
    return Request("POST", "http://x/", body, {}), {"body": {"string": b"r"}, "headers": {}, "status": status}


def test_a_provider_asks_the_live_one_for_what_is_not_recorded(tmp_path: Path) -> None:
    with record_cassette(tmp_path / "c.yaml") as recording:
        live = Scripted("live")
        provider = RecordingProvider(Scripted("recorded", MISS), live, recording)
        texts = [asyncio.run(provider.complete(PROMPT)).text for _ in range(2)]
    assert texts == ["recorded", "live"]
    assert (provider.name, provider.model) == ("scripted", "scripted-1")
    live.style = PromptStyle(AnswerFormat.MARKDOWN)
    assert provider.style == live.style
    assert recording.gaps == Gaps(unrecordable=1), "a response that does not come over HTTP"


def test_a_provider_reports_faults_to_the_live_one(tmp_path: Path) -> None:
    with record_cassette(tmp_path / "c.yaml") as recording:
        recorded, live = Scripted("recorded"), Scripted()
        provider = RecordingProvider(recorded, live, recording)
        completion = asyncio.run(provider.complete(PROMPT))
        provider.reject(completion)
        provider.forget(completion)
    assert (live.rejected, live.forgotten) == (1, ["recorded"])
    assert (recorded.rejected, recorded.forgotten) == (0, [])


def test_an_error_of_the_replay_itself_is_raised(tmp_path: Path) -> None:
    with record_cassette(tmp_path / "c.yaml") as recording:
        for error in (Retryable("bug"), Refused("no")):
            provider = RecordingProvider(Scripted(error), Scripted("live"), recording)
            with pytest.raises(type(error)):
                asyncio.run(provider.complete(PROMPT))


def test_a_response_is_on_the_disk_once_its_request_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "cassettes" / "completions.yaml"
    with record_cassette(path) as recording:
        for number in range(3):
            with recording.sending(b"asked %d" % number):
                recording._tape.append(*exchange())
            bodies = [bytes(request.body) for request, _ in load_tape(partial_path(path), is_unfinished=True)]
            assert bodies == [b"asked %d" % sent for sent in range(number + 1)]
    assert not path.exists()
    recording.publish()
    assert [file.name for file in path.parent.iterdir()] == ["completions.yaml"]
    assert len(load_tape(path)) == 3


@pytest.mark.parametrize(
    ("error", "gaps", "count"),
    [
        (None, Gaps(), 1),
        (Refused("no"), Gaps(), 1),
        (Retryable("busy"), Gaps(unanswered=1), 0),
        (KeyboardInterrupt(), Gaps(unanswered=1), 0),
        (StyleRejected("no JSON"), Gaps(is_restyled=True), 0),
    ],
)
def test_only_the_last_response_of_a_finished_request_is_kept(
    tmp_path: Path, error: BaseException | None, gaps: Gaps, count: int
) -> None:
    def send() -> None:
        recording._tape.append(*exchange(b"first attempt"))
        recording._tape.append(*exchange(b"second attempt"))
        if error:
            raise error

    with record_cassette(tmp_path / "c.yaml") as recording:
        expected: Any = pytest.raises(type(error)) if error else nullcontext()
        with expected, recording.sending(b"asked"):
            send()
    assert recording.gaps == gaps
    recording.publish()
    assert [bytes(request.body) for request, _ in load_tape(tmp_path / "c.yaml")] == [b"asked"] * count
    assert recording.is_empty is not bool(count)


def test_a_request_that_the_ledger_answers_gets_a_recording_of_its_own(tmp_path: Path) -> None:
    with record_cassette(tmp_path / "c.yaml") as recording:
        with recording.sending(b"asked"):
            recording._tape.append(*exchange())
        with recording.sending(b"asked"):
            pass
        with pytest.raises(ProviderError), recording.sending(b"asked"):
            raise ProviderError
    recording.publish()
    assert [bytes(request.body) for request, _ in load_tape(tmp_path / "c.yaml")] == [b"asked", b"asked"]
    assert recording.gaps == Gaps(unanswered=1)


def test_which_responses_are_used_again(tmp_path: Path) -> None:
    path = tmp_path / "completions.yaml"
    path.write_text(interactions("a", "a", "b"))
    partial_path(path).write_text(interactions("b", "b", "c"))
    counts = {reuse: reusable_responses(path, reuse) for reuse in Reuse}
    assert counts[Reuse.NOTHING] == {}
    assert counts[Reuse.UNFINISHED] == {b"b": 2, b"c": 1}
    assert counts[Reuse.CASSETTE] == {b"a": 2, b"b": 2, b"c": 1}


def test_an_unfinished_recording_stays_until_it_is_published_or_not_wanted(tmp_path: Path) -> None:
    path = tmp_path / "completions.yaml"
    partial_path(path).write_text(interactions("request"))
    with record_cassette(path, Reuse.UNFINISHED) as recording:
        assert recording.loaded == 1
        recording.take(b"request")
        with pytest.raises(CassetteMiss) as caught:
            recording.take(b"request")
        assert caught.value.body == b"request"
        recording._journal.write(*exchange(b"other"))
    assert reusable_responses(path, Reuse.UNFINISHED) == {b"request": 1, b"other": 1}
    with record_cassette(path) as recording:
        assert recording.loaded == 0
    assert not partial_path(path).exists()


def test_a_response_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    with record_cassette(path) as recording:
        for body in (b"one", b"two"):
            recording._journal.write(*exchange(body))
    text = partial_path(path).read_bytes()
    first = text.index(b"# saved\n") + len(b"# saved\n")
    for length in range(len(text) + 1):
        partial_path(path).write_bytes(text[:length])
        assert sum(reusable_responses(path, Reuse.UNFINISHED).values()) == (length >= first) + (length == len(text))


def test_a_cassette_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.mkdir()
    with pytest.raises(CassetteError, match="Is a directory"):
        reusable_responses(path, Reuse.CASSETTE)
