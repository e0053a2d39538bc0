"""Read the lines of a batch's results, and decide what each means for its request.

Result files may be edited, truncated or written by another service. So the reader trusts nothing in them, and a line
that cannot be read is a value like others.
"""

import json
from collections.abc import AsyncIterator
from enum import StrEnum
from typing import Any, NamedTuple

from qtgen.errors import BadRequest, ErrorReply, ProviderError
from qtgen.llm.endpoint import Endpoint
from qtgen.llm.responses import Response, ResponseReader
from qtgen.llm.transport.decoding import MAX_BODY
from qtgen.llm.types import NO_USAGE, Completion, Usage

_NOT_EXECUTED = frozenset({"batch_expired", "batch_cancelled", "batch_canceled"})
_UNKNOWN_STATUS = 0
_ID_LENGTH = 64  # hexadecimal digits


class Meaning(StrEnum):
    """What a line means for its request."""

    ANSWER = "answer"
    """The model's final response."""
    REJECTED = "rejected"
    """The endpoint rejects this request. Sending it again would change nothing."""
    AGAIN = "again"
    """The attempt failed; the request is sent again."""
    FREE = "free"
    """The request was not executed. Any run may send it."""


class ResultLine(NamedTuple):
    """A line of a result file.

    Attributes:
        custom_id: The id in the line, empty if there is none.
        response: The endpoint's response, None if there is none.
        code: The code of an error of the batch itself.
    """

    custom_id: str
    response: Response | None
    code: str = ""

    @property
    def digest(self) -> bytes | None:
        """The ledger's key for the id. None if the id is not one of qtgen's."""
        if len(self.custom_id) != _ID_LENGTH:
            return None
        try:
            return bytes.fromhex(self.custom_id)
        except ValueError:
            return None


class Result(NamedTuple):
    """The meaning of a line, and what to record about it.

    Attributes:
        kind: Kind of the attempt, empty if the request was not executed.
        completion: The final response.
        reply: The endpoint's error, if it rejects the request.
    """

    meaning: Meaning
    kind: str = ""
    usage: Usage = NO_USAGE
    completion: Completion | None = None
    reply: ErrorReply | None = None


FREE = Result(Meaning.FREE)


def read_line(raw: bytes) -> ResultLine | None:
    """Return a line of a result file, or None if it is not a JSON object."""
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    custom_id, response, error = (document.get(name) for name in ("custom_id", "response", "error"))
    code = error.get("code") if isinstance(error, dict) else ""
    return ResultLine(
        custom_id if isinstance(custom_id, str) else "",
        _response(response, error),
        code if isinstance(code, str) else "",
    )


def _response(response: Any, error: Any) -> Response | None:
    if not isinstance(response, dict):
        return None
    if "choices" in response and "body" not in response:  # some services write the completion itself
        return Response(200, response)
    status, body = response.get("status_code"), response.get("body")
    if not isinstance(status, int) or isinstance(status, bool):
        status = _UNKNOWN_STATUS
    if body is None and error is not None:  # vLLM puts the endpoint's error beside the response
        body = {"error": error}
    return Response(status, body.encode() if isinstance(body, str) else body)


def interpret(line: ResultLine, digest: bytes, reader: ResponseReader, endpoint: Endpoint) -> Result:
    """Return what a line means for the request with a digest.

    Args:
        line: The line.
        digest: The request's key.
        reader: Reads the endpoint's responses.
        endpoint: Determines what a failed attempt may have cost.
    """
    if line.response is None or line.response.status == _UNKNOWN_STATUS:
        return FREE if line.code.lower() in _NOT_EXECUTED else Result(Meaning.AGAIN, "unavailable")
    try:
        completion = reader.read(digest, line.response)
    except BadRequest as error:
        return Result(Meaning.REJECTED, error.kind, endpoint.usage_of(error), reply=error.reply or ErrorReply(400))
    except ProviderError as error:
        return Result(Meaning.AGAIN, error.kind, endpoint.usage_of(error))
    return Result(Meaning.ANSWER, completion.kind, completion.usage, completion)


async def split_lines(chunks: AsyncIterator[bytes], max_line: int = 2 * MAX_BODY) -> AsyncIterator[bytes]:
    """Yield the lines of a stream without their ends. Leave out empty lines, and cut off lines that are too long."""
    rest = bytearray()
    async for chunk in chunks:
        *lines, last = chunk.split(b"\n")
        for line in lines:
            rest += line[: max(0, max_line - len(rest))]
            if rest.strip():
                yield bytes(rest)
            rest.clear()
        rest += last[: max(0, max_line - len(rest))]
    if rest.strip():
        yield bytes(rest)
