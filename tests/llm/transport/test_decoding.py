"""From bytes to a document, however a server or a proxy has written them."""

import contextlib
import gzip
import json
import zlib
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qtgen.llm.transport import decoding
from qtgen.llm.transport.decoding import BodyError, read_document

DOCUMENT = {"choices": [{"message": {"content": "café"}}], "n": 1}
JSON = json.dumps(DOCUMENT, ensure_ascii=False)
BODY = JSON.encode()
gzipped = partial(gzip.compress, mtime=0)  # without the time, so that all workers collect the same tests


def raw_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush()


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (BODY, {}),
        (b"\xef\xbb\xbf" + BODY, {}),
        (b"\n\n \r\n" + BODY, {}),
        (b": OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\n\n" + BODY, {}),
        (b": keep-alive\r\r\n\xef\xbb\xbf" + BODY, {}),
        (JSON.encode("latin-1"), {"content-type": "application/json; charset=iso-8859-1"}),
        (JSON.encode("latin-1"), {}),
        (BODY, {"content-type": "application/json; charset=iso-8859-1"}),
        (JSON.encode("latin-1"), {"content-type": "text/plain; charset=utf-8"}),
        (BODY, {"content-type": 'application/json; charset="no-such"'}),
        (JSON.encode("utf-16"), {}),
        (JSON.encode("utf-16-le"), {}),
        (gzipped(BODY), {"content-encoding": "gzip"}),
        (gzipped(BODY), {}),
        (gzipped(BODY[:20]) + gzipped(BODY[20:]), {"content-encoding": "x-gzip"}),
        (gzipped(gzipped(BODY)), {"content-encoding": "gzip, gzip"}),
        (BODY, {"content-encoding": "gzip"}),
        (BODY, {"content-encoding": "br"}),
        (BODY, {"content-encoding": "identity"}),
        (zlib.compress(BODY), {"content-encoding": "deflate"}),
        (raw_deflate(BODY), {"content-encoding": "deflate"}),
        (BODY + b"\x00\x00junk", {}),
        (BODY + b"\n{}", {}),
        (b"[" + BODY + b"]", {}),
        (json.dumps(JSON).encode(), {}),
    ],
)
def test_a_document_is_found(body: bytes, headers: dict[str, str]) -> None:
    assert read_document(body, headers) == DOCUMENT


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8) | st.just("\ud83d"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=4), _VALUES, max_size=4), st.booleans(), st.text(max_size=3))
def test_a_document_is_what_json_reads(document: dict[str, Any], is_ascii: bool, rest: str) -> None:
    text = json.dumps(document, ensure_ascii=is_ascii) + rest
    body = text.encode("utf-8", "replace")
    assert repr(read_document(body, {})) == repr(json.JSONDecoder(strict=False).raw_decode(body.decode())[0])


PART = 'data: {"choices": [{"delta": {"content": "half [DONE]"}}]}'
FINISH = 'data: {"choices": [{"delta": {}, "finish_reason": "length"}]}'
FAULT = 'data: {"error": {"message": "no"}}'


@pytest.mark.parametrize(
    "text",
    [
        f"{PART}\n\n{FINISH}\n\n", f"{PART}\n\ndata: [DONE]\n\n", f"{PART}\n\ndata:[DONE]", f"{PART}\n\n{FAULT}\n\n",
        f"{PART}\r\rdata: [DONE]\r\r: bye\r", f"{PART}\r\n\r\ndata: [DONE]\r\n\r\n", FINISH, FAULT, JSON,
    ],
)  # fmt: skip
def test_a_lost_connection_does_not_matter_after_the_end(text: str) -> None:
    assert read_document(text.encode(), {}, is_complete=False) == read_document(text.encode(), {})


@pytest.mark.parametrize("text", [f"{PART}\n\n", PART, f"{PART}\n\n{FINISH[:-3]}", f"{PART}\n\ndata: [DON", "data:"])
def test_a_stream_without_an_end_is_incomplete_if_the_connection_was_lost(text: str) -> None:
    assert isinstance(read_document(text.encode(), {}), dict)
    with pytest.raises(BodyError, match=r"^is incomplete$"):
        read_document(text.encode(), {}, is_complete=False)


@pytest.mark.parametrize(
    ("body", "headers", "words"),
    [
        (b"", {}, "is empty"),
        (b" \n: comment", {}, "is empty"),
        (BODY[:-5], {}, "is not JSON, or is incomplete: `{"),
        (b"Bad \x1b[31mgateway", {}, r"is not JSON: `Bad \x1b[31mgateway`"),
        (b"404 page not found", {}, "is not JSON: `404 page not found`"),
        (b"[" * 100_000, {}, "is not JSON"),
        (gzipped(BODY)[:30], {"content-encoding": "gzip"}, "is compressed and incomplete"),
        (b"\x1f\x8b\x08corrupt, and more", {}, "cannot be decompressed"),
        (b"\x0b\x02\x80{}\x03", {"content-encoding": "br"}, "the content encoding `br`, which was not requested"),
        (b"(\xb5/\xfd", {"content-encoding": "ZSTD"}, "the content encoding `zstd`"),
        (b"<!DOCTYPE html><title>Sign&nbsp;in &amp; go</title>", {}, "is a web page with the title `Sign in & go`"),
        (b"<html><body><h1>Blocked</h1>", {}, "is a web page with the title `Blocked`"),
        (b"<html><head><style>a{}</style></head><body>Please <b>log in</b></body>", {}, "`Please log in`"),
    ],
)
def test_an_unreadable_body_has_an_error_in_words(body: bytes, headers: dict[str, str], words: str) -> None:
    with pytest.raises(BodyError) as caught:
        read_document(body, headers)
    assert words in str(caught.value)
    assert caught.value.is_web_page == body.startswith(b"<")


def test_a_small_body_cannot_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "MAX_BODY", 2**20)
    bombs = gzipped(b" " * 2**22), gzipped(b" " * 2**19) * 5
    for bomb in bombs:
        with pytest.raises(BodyError, match="is larger than 1 MiB"):
            read_document(bomb, {})


@given(
    st.binary(max_size=200), st.sampled_from(["", "gzip", "deflate", "br", "gzip, br", "\xff"]), st.text(max_size=20)
)
def test_any_bytes_give_a_document_or_an_error(body: bytes, encoding: str, charset: str) -> None:
    with contextlib.suppress(BodyError):
        read_document(body, {"content-encoding": encoding, "content-type": f"x; charset={charset}"})


def stream(*events: Any, end: str = "data: [DONE]\n\n", separator: str = "\n\n") -> bytes:
    return ("".join(f"data: {json.dumps(event)}{separator}" for event in events) + end).encode()


def delta(finish: str | None = None, **message: Any) -> dict[str, Any]:
    return {"id": "s-1", "model": "m-1", "choices": [{"index": 0, "delta": message, "finish_reason": finish}]}


@pytest.mark.parametrize("end", ["data: [DONE]\n\n", "", "data: [DONE]", 'data: {"choices": [{"del'])
@pytest.mark.parametrize("separator", ["\n\n", "\r\n\r\n", "\r\r", "\n"])
def test_a_stream_becomes_one_completion(end: str, separator: str) -> None:
    usage = {"prompt_tokens": 7, "completion_tokens": 3}
    body = stream(
        delta(role="assistant", content=""),
        delta(reasoning_content="hm"),
        delta(content="one "),
        {"choices": [{"index": 1, "delta": {"content": "other"}}]},
        delta("stop", content="two"),
        {"choices": [], "usage": usage},
        end=end,
        separator=separator,
    )
    found = read_document(b": comment\n\n" + body, {"content-type": "text/event-stream"})
    message = {"role": "assistant", "content": "one two", "reasoning_content": "hm"}
    choice = {"message": message, "finish_reason": "stop"}
    assert found == {"choices": [choice], "id": "s-1", "model": "m-1", "usage": usage}


def test_a_stream_of_tool_calls_and_whole_messages() -> None:
    call = {"index": 0, "function": {"name": "f", "arguments": '{"a"'}}
    rest = {"index": 0, "function": {"arguments": ": 1}"}}
    found = read_document(stream(delta(tool_calls=[call]), delta("tool_calls", tool_calls=[rest, None])), {})
    assert found["choices"][0]["message"]["tool_calls"] == [{"function": {"arguments": '{"a": 1}'}}]
    whole = {"choices": [{"message": {"content": [{"type": "text", "text": "all"}]}, "finish_reason": "stop"}]}
    assert read_document(stream(whole), {})["choices"][0]["message"]["content"] == "all"


def test_an_error_within_a_stream_is_kept() -> None:
    error = {"message": "overloaded", "code": 502}
    assert read_document(stream(delta(content="one "), {"error": error}), {})["error"] == error
    assert read_document(b'event: error\ndata: {"message": "overloaded", "code": 502}\n\n', {})["error"] == error
