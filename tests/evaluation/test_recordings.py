"""Recordings: kept until they are published, and used first when a run is resumed."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from qtgen.evaluation.recordings import (
    ResumedProvider,
    discard_recording,
    partial_path,
    publish_recording,
    record_cassette,
)
from qtgen.llm.cassettes import CassetteMiss
from qtgen.llm.types import AnswerFormat, PromptStyle
from support import Scripted

PROMPT: Any = "prompt"  # a scripted provider takes anything


def test_a_resumed_provider_asks_the_live_one_for_what_is_not_recorded() -> None:
    recorded, live = Scripted("recorded", CassetteMiss("none left")), Scripted("live")
    provider = ResumedProvider(recorded, live)
    texts = [asyncio.run(provider.complete(PROMPT)).text for _ in range(2)]
    assert texts == ["recorded", "live"]
    assert (provider.name, provider.model) == ("scripted", "scripted-1")
    live.style = PromptStyle(AnswerFormat.MARKDOWN)
    assert provider.style == live.style


def test_a_resumed_provider_reports_faults_to_the_live_one() -> None:
    recorded, live = Scripted("recorded"), Scripted()
    provider = ResumedProvider(recorded, live)
    completion = asyncio.run(provider.complete(PROMPT))
    provider.reject(completion)
    provider.forget(completion)
    assert (live.rejected, live.forgotten) == (1, ["recorded"])
    assert (recorded.rejected, recorded.forgotten) == (0, [])


def test_a_recording_without_responses_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "cassettes" / "completions.yaml"
    with record_cassette(path) as recording:
        with pytest.raises(CassetteMiss):
            recording.take(b"request")
        assert not recording.holds(b"request")
    publish_recording(path)
    discard_recording(path)
    assert list(path.parent.iterdir()) == []


def test_a_new_recording_replaces_an_interrupted_one_only_without_resume(tmp_path: Path) -> None:
    path = tmp_path / "completions.yaml"
    response = "{body: {string: r}, headers: {}, status: {code: 200, message: OK}}"
    request = "{body: request, headers: {}, method: POST, uri: http://x/}"
    text = f"version: 1\ninteractions:\n- request: {request}\n  response: {response}\n"
    partial_path(path).write_text(text)
    with record_cassette(path, resume=True) as recording:
        assert recording.resumed == 1
        assert recording.holds(b"request")
        recording.take(b"request")
        assert not recording.holds(b"request")
    assert partial_path(path).read_text() == text
    with record_cassette(path) as recording:
        assert recording.resumed == 0
    assert not partial_path(path).exists()
