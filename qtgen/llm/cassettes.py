"""Strict replay: a request is answered only by the recording of the very same bytes, each recording once.

vcrpy keeps the recordings. While they are replayed nothing reaches the network: a request without a recording of its
own is an error that shows in what it differs from the nearest one.
"""

import difflib
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from yaml import YAMLError

from qtgen.errors import ProviderError, UsageError
from qtgen.llm.client import Client, Sender
from qtgen.llm.endpoint import Endpoint
from qtgen.llm.pacing import Pace, Pacer
from qtgen.llm.types import Completion

_KEPT = ("content-type",)  # headers of an answer: the rest may name an account, or set a cookie
_SECRET = ("authorization", "openai-", "cookie", "host", "user-agent", "x-stainless")
_SLOTS = 64
_SHOWN = 40  # lines of a difference


class CassetteMiss(ProviderError):
    """No recording of this request is left."""

    kind = "cassette-miss"


def same_bytes(first: Any, second: Any) -> None:
    """Requests are the same if their bytes are: another prompt must never get an old answer."""
    one, other = (bytes(request.body or b"") for request in (first, second))
    assert one == other, "the request differs from every recorded one"  # noqa: S101 - how vcrpy is told


def without_secrets(request: Any) -> Any:
    """Keys, cookies, and what the client says of the machine it runs on stay off the record."""
    for name in [name for name in request.headers if name.lower().startswith(_SECRET)]:
        request.headers.pop(name)
    request.uri = request.uri.replace(f":{request.port}/", ":8080/")
    return request


def only_answers(response: Any) -> Any:
    """What failed is not recorded, since it is asked again; of an answer's headers hardly any is kept."""
    if not 200 <= int(response["status"]["code"]) < 300:
        return None
    kept = {name: value for name, value in response["headers"].items() if name.lower() in _KEPT}
    return {**response, "headers": kept}


def recorder() -> Any:
    """vcrpy as it is used here: only the body counts, for endpoints move; keys are never kept."""
    import vcr

    made = vcr.VCR(
        match_on=["method", "bytes"],
        before_record_request=without_secrets,
        before_record_response=only_answers,
        decode_compressed_response=True,
    )
    made.register_matcher("bytes", same_bytes)
    return made


class Recordings:
    """What is left to be played."""

    def __init__(self, cassette: Any) -> None:
        self._cassette = cassette
        self._left = Counter(bytes(request.body or b"") for request in cassette.requests)
        self.missed: list[str] = []

    def take(self, body: bytes) -> None:
        """Use up one recording. Raises CassetteMiss."""
        if not self._left[body]:
            said = _difference(body, self._left)
            self.missed.append(said)
            raise CassetteMiss(f"no recording of this request is left; `--record` records anew\n{said}")
        self._left[body] -= 1

    @property
    def unused(self) -> list[str]:
        """The question of every recording that was not played, as often as it was not."""
        return [_question(body) for body, times in self._left.items() for _ in range(times)]


class Strict:
    """A sender that lets only recorded requests through to the one behind it."""

    def __init__(self, sender: Sender, recordings: Recordings) -> None:
        self._sender, self._recordings = sender, recordings

    async def send(self, body: bytes) -> Completion:
        self._recordings.take(body)
        return await self._sender.send(body)


@contextmanager
def replaying(path: Path) -> Iterator[Recordings]:
    """Play a cassette. Raises UsageError where there is none, or it cannot be read."""
    if not path.exists():
        raise UsageError(f"{path}: nothing is recorded yet; `qtgen eval run --record` does it")
    with ExitStack() as stack:
        try:
            cassette = stack.enter_context(recorder().use_cassette(str(path), record_mode="none"))
            recordings = Recordings(cassette)
        except (ValueError, LookupError, TypeError, AttributeError, YAMLError) as error:
            why = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise UsageError(f"{path}: not a cassette ({why}); `qtgen eval run --record` records anew") from None
        yield recordings


@contextmanager
def recording(path: Path) -> Iterator[None]:
    """Record everything that is sent meanwhile; the old cassette goes only once the new one is whole."""
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


def _question(body: bytes) -> str:
    """What a request asks last, on one line."""
    try:
        said = str(json.loads(body)["messages"][-1]["content"])
        asked = re.search(r"<question>(.*?)</question>", said, re.DOTALL)
        return " ".join((asked[1] if asked else said).split())[:120]
    except (ValueError, LookupError, TypeError):
        return repr(body[:120])


def _difference(body: bytes, recorded: Counter[bytes]) -> str:
    """The lines in which a request differs from the nearest that was recorded."""
    if body in recorded:
        return f"it was recorded, but asked for once more than that: {_question(body)}"
    if not recorded:
        return "the cassette is empty"
    asked = _question(body)
    nearest = max(recorded, key=lambda other: difflib.SequenceMatcher(None, _question(other), asked).ratio())
    marked = difflib.unified_diff(_lines(nearest), _lines(body), n=0, lineterm="")
    lines = [f"{line[0]} {line[1:]}" for line in islice(marked, 2, None) if not line.startswith("@@")]
    more = [f"… {len(lines) - _SHOWN} more lines"] if len(lines) > _SHOWN else []
    return "\n".join(lines[:_SHOWN] + more)


def _lines(body: bytes) -> list[str]:
    """A request as a person reads it: one line each of the messages, then the parameters."""
    try:
        request = json.loads(body)
        messages = request.pop("messages")
        said = [f"{m['role']}: {line}" for m in messages for line in str(m["content"]).splitlines()]
        return said + json.dumps(request, indent=1, sort_keys=True).splitlines()
    except (ValueError, LookupError, TypeError, AttributeError):
        return body.decode("utf-8", "replace").splitlines()


@asynccontextmanager
async def strict_client(endpoint: Endpoint, recordings: Recordings) -> AsyncIterator[Client]:
    """A provider whose requests only recordings answer."""
    from qtgen.llm.openai import OpenAISender

    sender = OpenAISender(endpoint)
    try:
        yield Client(Strict(sender, recordings), endpoint, Pacer(Pace(_SLOTS)), tries=1)
    finally:
        await sender.close()
