"""Strict replay: a request gets only the recorded response of exactly the same bytes, each recording once.

vcrpy keeps the recordings. During a replay nothing reaches the network. A request without a recording of its own is an
error that shows how it differs from the most similar recorded request.
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, aclosing, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from yaml import YAMLError

from qtgen._util.extras import require
from qtgen.errors import CassetteError, ProviderError
from qtgen.llm.client import Client
from qtgen.llm.endpoint import Endpoint
from qtgen.llm.pacing import AdaptiveLimiter, Pacer
from qtgen.llm.request_differences import RecordedRequests, question_of
from qtgen.llm.sender import Request, Sender
from qtgen.llm.types import Completion

# Other headers may name an account, hold a key, or set a cookie.
_REQUEST_HEADERS = frozenset({"accept", "content-length", "content-type"})
_RESPONSE_HEADERS = frozenset({"content-type"})
_PORT = 8080  # of every recorded address, because a local endpoint has another one in each run
_CONCURRENCY = 64
_REMEDY = "record the responses again"


class CassetteMiss(ProviderError):
    """No recording of the request is left.

    Args:
        body: The request, as it would have been sent.
    """

    kind = "cassette-miss"

    def __init__(self, message: str = "", *, body: bytes = b"", remedy: str | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.body = body


def same_bytes(first: Any, second: Any) -> None:
    """Raise AssertionError if two requests differ in their bytes: a changed prompt must never get an old response."""
    first_body, second_body = (bytes(request.body or b"") for request in (first, second))
    assert first_body == second_body, "the request differs from every recorded one"  # noqa: S101  # vcrpy's interface


def without_secrets(request: Any) -> Any:
    """Return a vcrpy request with a fixed port, and without what may hold a secret: headers, a login and the query."""
    for name in [name for name in request.headers if name.lower() not in _REQUEST_HEADERS]:
        request.headers.pop(name)
    parts = urlsplit(request.uri)
    host = parts.netloc.rpartition("@")[2]
    host = f"{host.removesuffix(f':{parts.port}')}:{_PORT}" if parts.port else host
    request.uri = urlunsplit((parts.scheme, host, parts.path, "", ""))
    return request


def only_successes(response: Any) -> Any:
    """Return a vcrpy response with few headers. Failures are not recorded, because they are retried: return None."""
    if not 200 <= int(response["status"]["code"]) < 300:
        return None
    headers = {name: value for name, value in response["headers"].items() if name.lower() in _RESPONSE_HEADERS}
    return {**response, "headers": headers}


def recorder() -> Any:
    """Return a VCR that matches requests by their bytes, wherever they are sent, and keeps no secrets.

    Raises MissingExtra.
    """
    require("a recording", "evals", "vcr")
    import vcr

    recorder = vcr.VCR(
        match_on=["method", "bytes"],
        before_record_request=without_secrets,
        before_record_response=only_successes,
        decode_compressed_response=True,
    )
    recorder.register_matcher("bytes", same_bytes)
    return recorder


def cassette_problem(error: Exception) -> str:
    """Return why a file is not a cassette, on one line."""
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return f"this is not a cassette ({reason})"


class Recordings:
    """The recordings of a cassette that have not been played yet.

    Attributes:
        missed: For each request without a recording, how it differs from the most similar one, on one line.
    """

    def __init__(self, cassette: Any) -> None:
        self._left = Counter(bytes(request.body or b"") for request in cassette.requests)
        self._requests = RecordedRequests(self._left)
        self.missed: list[str] = []

    def take(self, body: bytes) -> None:
        """Use up the recording of a request. Raises CassetteMiss if there is none."""
        if not self._left[body]:
            if body in self._left:
                difference = f"it was sent more often than it was recorded: {question_of(body)}"
            else:
                difference = self._requests.difference(body)
            self.missed.append(difference)
            raise CassetteMiss(f"there is no recording of this request: {difference}", body=body, remedy=_REMEDY)
        self._left[body] -= 1

    @property
    def unused(self) -> list[str]:
        """The question of each recording that was not played."""
        return [question_of(body) for body, count in self._left.items() for _ in range(count)]


class ReplaySender:
    """Lets a request through to the transport only if it is recorded; vcrpy answers it there."""

    def __init__(self, inner: Sender, recordings: Recordings) -> None:
        self._inner, self._recordings = inner, recordings

    async def send(self, request: Request) -> Completion:
        self._recordings.take(request.body)
        return await self._inner.send(request)


@contextmanager
def replaying(path: Path) -> Iterator[Recordings]:
    """Replay a cassette until the block ends. Raises CassetteError if it is missing or cannot be read."""
    if not path.exists():
        raise CassetteError("nothing is recorded yet", path=path)
    with ExitStack() as stack:
        try:
            cassette = stack.enter_context(recorder().use_cassette(str(path), record_mode="none"))
            recordings = Recordings(cassette)
        except (ValueError, LookupError, TypeError, AttributeError, YAMLError) as error:
            raise CassetteError(cassette_problem(error), path=path) from None
        yield recordings


@contextmanager
def recording(path: Path) -> Iterator[None]:
    """Record everything that is sent until the block ends. Only a complete recording replaces an existing cassette."""
    new = path.with_suffix(".new.yaml")
    path.parent.mkdir(parents=True, exist_ok=True)
    new.unlink(missing_ok=True)
    try:
        with recorder().use_cassette(str(new), record_mode="all"):
            yield
        if new.exists():
            new.replace(path)
    finally:
        new.unlink(missing_ok=True)


@asynccontextmanager
async def strict_client(endpoint: Endpoint, recordings: Recordings) -> AsyncIterator[Client]:
    """Open a client whose requests are answered only by recordings."""
    from qtgen.llm.openai import OpenAISender

    async with aclosing(OpenAISender(endpoint)) as transport:
        yield Client(ReplaySender(transport, recordings), endpoint, Pacer(AdaptiveLimiter(_CONCURRENCY)), tries=1)
