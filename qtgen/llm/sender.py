"""Requests, attempts, and the interface of the layers that send them.

A client is a stack of senders, each wrapped around the next: ledger, retry, pacing, and the transport that talks to the
endpoint. Each layer can be tested with a scripted sender below it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from qtgen.llm.types import Completion, Usage


class RequestKey(NamedTuple):
    """Identifies a request in the ledger, with the facts that statistics need.

    Attributes:
        digest: Digest of the endpoint and the exact bytes that are sent.
        model: Name of the model that is requested.
        prompt: Name of the prompt.
        template: Digest of the prompt without the question.
        size: Bytes of the request.
    """

    digest: bytes
    model: str
    prompt: str
    template: str
    size: int


@dataclass(frozen=True, slots=True)
class Request:
    """A request, ready to be sent.

    Attributes:
        body: The JSON document, encoded.
        parameters: Parameters of the prompt, for traces.
        max_answer_tokens: The most tokens that the answer can have; 0 if the request sets no limit.
        finish: Returns the request as it has to be when it is sent, because the endpoint's dialect may have changed
            while the request waited for its turn. Raises StyleRejected. None if the request is finished.
        goes_first: Whether it overtakes requests that wait, because its response shows what they need.
    """

    key: RequestKey
    body: bytes
    parameters: Mapping[str, Any]
    max_answer_tokens: int
    finish: "Callable[[], Request] | None" = None
    goes_first: bool = False


class Attempt(NamedTuple):
    """One time that a request was sent.

    Attributes:
        started: When it was sent, in seconds since 1970.
        seconds: How long the response took.
        kind: `ok`, or the kind of the failure.
        usage: What it used, as far as that is known.
    """

    key: RequestKey
    started: float
    seconds: float
    kind: str
    usage: Usage


class Sender(Protocol):
    """One layer of the client."""

    async def send(self, request: Request) -> Completion:
        """Return the model's final response, which may be a refusal: see `Completion.kind`.

        Raises ProviderError if the endpoint gave no final response.
        """
