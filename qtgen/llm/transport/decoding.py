"""Turn the bytes of a response into a document, however a server or a proxy has written them."""

import codecs
import contextlib
import json
import re
import zlib
from collections.abc import Mapping
from typing import Any

import msgspec

from qtgen.llm.transport.cleaning import one_line
from qtgen.llm.transport.streams import completion_of_stream, is_ended, is_stream
from qtgen.llm.transport.web_pages import is_web_page, title_of

MAX_BODY = 16 * 2**20
"""The most bytes of a response, before and after decompression."""
_GZIP_MAGIC = b"\x1f\x8b"
_WINDOWS = {"gzip": 31, "x-gzip": 31, "deflate": 15}
_RAW_DEFLATE = -15
_MAX_MEMBERS = 100
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_COMMENTS = re.compile(
    r"(?:[\s\ufeff]++|:[^\r\n]*+(?:[\r\n]|$))*+"
)  # keep-alive lines, and comments of an event stream
_MAX_EXCERPT = 80  # characters
_json = json.JSONDecoder(strict=False)


class BodyError(ValueError):
    """A response that cannot be read. Its message continues "the endpoint's response …".

    Attributes:
        is_web_page: Whether it is a web page, which no model wrote.
    """

    def __init__(self, message: str, *, is_web_page: bool = False) -> None:
        super().__init__(message)
        self.is_web_page = is_web_page


def read_document(body: bytes, headers: Mapping[str, str], *, is_complete: bool = True) -> Any:
    """Return the document of a response: JSON, or a stream of events joined to one completion. Raises BodyError.

    Args:
        body: The bytes of the response.
        headers: The response's headers, with names in lower case.
        is_complete: False if the connection was lost. Then a stream has to show that the answer had ended.
    """
    data = _decompressed(body, headers.get("content-encoding", ""))
    if data.startswith(b"{"):  # nearly every response; what msgspec refuses may still be good enough
        with contextlib.suppress(msgspec.MsgspecError, UnicodeError, RecursionError):
            return msgspec.json.decode(data)
    return parse_document(_as_text(data, headers), is_complete=is_complete)


def read_text(body: bytes, headers: Mapping[str, str]) -> str:
    """Return the text of a response. Raises BodyError if it cannot be decompressed."""
    return _as_text(_decompressed(body, headers.get("content-encoding", "")), headers)


def _as_text(data: bytes, headers: Mapping[str, str]) -> str:
    try:
        return data.decode()  # nearly every response
    except UnicodeDecodeError:
        return _decoded(data, headers.get("content-type", ""))


def parse_document(text: str, *, is_complete: bool = True) -> Any:
    """Return the document in a text, without what surrounds it. Raises BodyError."""
    start = _COMMENTS.match(text)
    begin = start.end() if start else 0
    if begin == len(text):
        raise BodyError("is empty")
    if is_stream(text, begin):
        completion = completion_of_stream(text[begin:])
        if not is_complete and not is_ended(text, completion):
            raise BodyError("is incomplete")
        return completion
    if is_web_page(text):
        title = title_of(text)
        raise BodyError("is a web page" + (f" with the title `{title}`" if title else ""), is_web_page=True)
    try:
        document, end = _json.raw_decode(text, begin)
        if isinstance(document, str) and document.lstrip().startswith("{"):
            return _json.raw_decode(document.lstrip())[0]
        if not isinstance(document, dict | list) and text[end:].strip():
            raise ValueError("words that begin with a number")
    except (ValueError, RecursionError):
        is_cut = text[begin] in "{["
        excerpt = one_line(text[begin : begin + _MAX_EXCERPT])
        raise BodyError(f"is not JSON{', or is incomplete' if is_cut else ''}: `{excerpt}`") from None
    if isinstance(document, list) and len(document) == 1 and isinstance(document[0], dict):
        return document[0]
    return document


def _decompressed(body: bytes, encodings: str) -> bytes:
    """Undo the content encodings. A wrong label does not matter if the bytes show what they are."""
    labels = [label.strip().lower() for label in encodings.split(",") if label.strip()]
    data = body
    for label in reversed(labels):
        if label in _WINDOWS and not _looks_plain(data):
            data = _inflated(data, _WINDOWS[label])
        elif label not in _WINDOWS and label != "identity" and not _looks_plain(data):
            raise BodyError(f"has the content encoding `{one_line(label)[:20]}`, which was not requested")
    return _inflated(data, _WINDOWS["gzip"]) if data.startswith(_GZIP_MAGIC) else data


def _looks_plain(data: bytes) -> bool:
    """Return True if the bytes begin as JSON, an event stream or a web page does."""
    start = data[:200].lstrip(b" \t\r\n").removeprefix(codecs.BOM_UTF8).lstrip(b" \t\r\n")
    return not start or start.startswith((b"{", b"[", b"<", b"data:", b":", b"event:", b"null"))


def _inflated(data: bytes, window: int) -> bytes:
    result = bytearray()
    try:
        for _ in range(_MAX_MEMBERS):  # gzip files may follow each other
            decompressor = zlib.decompressobj(window)
            result += decompressor.decompress(data, MAX_BODY + 1 - len(result))
            if len(result) > MAX_BODY:
                raise BodyError(f"is larger than {MAX_BODY // 2**20} MiB")
            if not decompressor.eof:
                raise BodyError("is compressed and incomplete")
            rest = decompressor.unused_data
            if not rest.startswith(_GZIP_MAGIC):
                break
            data = rest
    except zlib.error:
        if window == _WINDOWS["deflate"] and not result:  # some servers leave out zlib's header
            return _inflated(data, _RAW_DEFLATE)
        raise BodyError("cannot be decompressed") from None
    return bytes(result)


def _decoded(data: bytes, content_type: str) -> str:
    """Decode bytes that are not UTF-8: by their byte order mark, else by the declared charset, else as Windows-1252."""
    declared = _CHARSET.search(content_type)
    by_zeros = json.detect_encoding(data)
    for charset in (by_zeros if by_zeros != "utf-8" else None, declared[1] if declared else None, "cp1252"):
        try:
            if charset:
                return data.decode(charset)
        except (LookupError, ValueError):
            continue
    return data.decode("latin-1")
