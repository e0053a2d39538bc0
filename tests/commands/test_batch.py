"""Batch runs of `generate` against a Batch API with faults."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.batch_endpoint import BatchEndpoint, batch_endpoint

pytestmark = pytest.mark.block_network(allowed_hosts=["127.0.0.1"])
Run = Callable[..., tuple[int, str, str]]
WORDS = ("osmosis", "gravity", "erosion", "friction", "entropy", "inertia", "mitosis", "tension", "voltage", "magma")
PRICE = '[prices.m]\ninput = 10\noutput = 20\nbatch = 0.5\n'


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
