"""Lines of result files: whatever they hold, they mean something, and nothing in them is fatal."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qtgen.llm.batch.results import Meaning, interpret, read_line
from qtgen.llm.batch.states import read_batch
from qtgen.llm.endpoint import Endpoint
from qtgen.llm.responses import ResponseReader
from qtgen.llm.transport.cleaning import Cleaner

ENDPOINT = Endpoint("openai", "m", price_input=10.0, price_output=20.0, price_batch=0.5).in_batches()
READER = ResponseReader(ENDPOINT, Cleaner([]))
KEY = "ab" * 32
COMPLETION: dict[str, Any] = {
    "id": "c",
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "yes"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 100, "completion_tokens": 50},
}
FILTER = {"error": {"message": "flagged by content_filter", "code": "content_filter"}}


def line(response: Any, error: Any = None) -> bytes:
    return json.dumps({"id": "b", "custom_id": KEY, "response": response, "error": error}).encode()


def answer(status: int, body: Any) -> bytes:
    return line({"status_code": status, "request_id": "r", "body": body})


@pytest.mark.parametrize(
    ("raw", "meaning", "kind"),
    [
        (answer(200, COMPLETION), Meaning.ANSWER, "ok"),
        (line(COMPLETION), Meaning.ANSWER, "ok"),  # without a status
        (answer(200, json.dumps(COMPLETION)), Meaning.ANSWER, "ok"),  # as text
        (answer(400, FILTER), Meaning.ANSWER, "filtered"),
        (answer(200, {}), Meaning.AGAIN, "malformed"),
        (answer(200, None), Meaning.AGAIN, "malformed"),
        (answer(200, "<html>"), Meaning.AGAIN, "malformed"),
        (answer(400, {"error": {"message": "bad"}}), Meaning.REJECTED, "bad-request"),
        (answer(404, {"error": {"message": "no model"}}), Meaning.REJECTED, "denied"),
        (answer(429, {"error": {"message": "slow down"}}), Meaning.AGAIN, "rate-limited"),
        (answer(500, None), Meaning.AGAIN, "unavailable"),
        (answer(0, None), Meaning.AGAIN, "unavailable"),
        (line({"body": COMPLETION}), Meaning.AGAIN, "unavailable"),
        (
            line({"status_code": 400, "body": None}, {"message": "too long", "code": 400}),
            Meaning.REJECTED,
            "bad-request",
        ),
        (line(None, {"code": "batch_expired", "message": "late"}), Meaning.FREE, ""),
        (line(None, {"code": "BATCH_CANCELLED"}), Meaning.FREE, ""),
        (line(None, {"code": "server_error"}), Meaning.AGAIN, "unavailable"),
        (line(None), Meaning.AGAIN, "unavailable"),
    ],
)
def test_what_a_line_means(raw: bytes, meaning: Meaning, kind: str) -> None:
    read = read_line(raw)
    assert read is not None
    assert read.digest == bytes.fromhex(KEY)
    result = interpret(read, bytes.fromhex(KEY), READER, ENDPOINT)
    assert (result.meaning, result.kind) == (meaning, kind)
    assert (result.completion is not None) == (meaning is Meaning.ANSWER)
    assert (result.reply is not None) == (meaning is Meaning.REJECTED)


def test_the_cost_is_that_of_batches() -> None:
    read = read_line(answer(200, COMPLETION))
    assert read is not None
    result = interpret(read, b"k", READER, ENDPOINT)
    assert result.usage.cost_usd == pytest.approx((100 * 10 + 50 * 20) / 1e6 / 2)
    unknown = Endpoint("openai", "m", price_input=10.0, price_output=20.0).in_batches()
    assert interpret(read, b"k", ResponseReader(unknown, Cleaner([])), unknown).usage.cost_usd is None
    free = Endpoint("local", "m", price_input=0.0, price_output=0.0).in_batches()
    assert free.cost(10, 10, 0) == 0


@pytest.mark.parametrize("raw", [b"", b"{", b"[1]", b"null", b"\xff\xfe", b"7", b"[" * 100_000])
def test_what_is_no_object_is_no_line(raw: bytes) -> None:
    assert read_line(raw) is None


@pytest.mark.parametrize("custom_id", ["", "x" * 64, "ab", 7, None, "AB" * 33])
def test_an_id_that_is_none_of_qtgens(custom_id: Any) -> None:
    read = read_line(json.dumps({"custom_id": custom_id}).encode())
    assert read is not None
    assert read.digest is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.floats(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["status_code", "body", "choices", "message", "content", "error", "code", "usage", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(response=JSON, error=JSON)
def test_no_line_is_fatal(response: Any, error: Any) -> None:
    read = read_line(line(response, error))
    assert read is not None
    assert interpret(read, bytes.fromhex(KEY), READER, ENDPOINT).meaning in Meaning


@given(document=st.dictionaries(st.sampled_from(["id", "status", "errors", "request_counts", "metadata", "job"]), JSON))
def test_no_description_of_a_batch_is_fatal(document: dict[str, Any]) -> None:
    try:
        batch = read_batch(document)
    except ValueError:
        return
    assert batch.id
    assert batch.state == batch.state.lower()
    assert isinstance(batch.problem(), str)
    assert all(batch.result_files)


def test_what_services_report_about_a_batch() -> None:
    batch = read_batch(
        {
            "job": {
                "id": "b-1",
                "status": "COMPLETED",
                "output_file_id": "",
                "error_file_id": "file-2",
                "request_counts": {"total": 2, "completed": 1, "failed": 1},
            }
        }
    )
    assert (batch.state, batch.is_final, batch.result_files, batch.completed) == ("completed", True, ("file-2",), 1)
    assert not read_batch({"id": "b", "status": "polishing"}).is_final
    failed = read_batch(
        {
            "id": "b",
            "status": "failed",
            "errors": {"data": [{"code": "token_limit_exceeded", "message": "m", "line": None}]},
        }
    )
    assert failed.exceeds_token_limit
    assert read_batch({"id": "b", "status": "failed", "errors": "no"}).problem() == "no"
