"""The transport for OpenAI-compatible endpoints.

Each request is a JSON document that qtgen composes itself and gives to the `openai` client as bytes: `qtgen prompts
show` prints exactly what is sent, and the same prompt makes the same bytes, by which the ledger and recordings find it.
The client's own retries are off, because they would sleep while they hold a slot. The client sends through
`llm.transport`. `llm.responses` reads the response, because the client trusts what an endpoint sends.

Only this module, `openai_embeddings` and `batch.api` import `openai` (0.4 s), so they are imported only when a
connection is opened.
"""

import os
from collections.abc import Mapping
from typing import Any

import httpx2
import openai

from qtgen import __version__
from qtgen.llm import headers
from qtgen.llm.endpoint import Endpoint, with_query
from qtgen.llm.responses import Response, ResponseReader
from qtgen.llm.sender import Request
from qtgen.llm.transport import addresses
from qtgen.llm.transport.cleaning import cleaner_for
from qtgen.llm.transport.connection import ConnectedClient, Connection, Reply, Route
from qtgen.llm.transport.proxies import proxy_for
from qtgen.llm.types import Completion

_HEADERS = {
    "accept-encoding": "gzip, deflate",
    "content-type": "application/json",
    "user-agent": f"qtgen/{__version__}",
}


class OpenAISender:
    """Sends requests to an endpoint, one attempt each. Close it after use.

    Raises SettingsError for headers, an address or a proxy that cannot be used, and MissingExtra.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint = with_query(endpoint, os.environ)
        url = addresses.endpoint_url(endpoint.base_url, endpoint.query)
        # Requests to this machine must not leave it through a proxy that the environment sets.
        self._proxy = None if endpoint.is_loopback else proxy_for(url, os.environ)
        own_headers = headers.resolve(endpoint.headers, os.environ)
        self._clean = cleaner_for(endpoint, own_headers, self._proxy)
        connection = Connection(Route(url, self._proxy, endpoint.timeout), self._clean)
        base_url, _ = addresses.without_query(url)
        self._client = openai.AsyncOpenAI(
            api_key=endpoint.api_key or "none",
            base_url=base_url.removesuffix(addresses.COMPLETIONS),
            max_retries=0,
            http_client=ConnectedClient(connection),
        )
        self._url = base_url  # the whole address, so that the client need not join and parse it for each request
        # The client would copy its defaults for each request.
        self._options: Any = {
            "headers": request_headers(endpoint, own_headers),
            "timeout": self._client.timeout,
            "max_retries": 0,
        }
        self._reader = ResponseReader(endpoint, self._clean, self._proxy)

    async def send(self, request: Request) -> Completion:
        reply = await self._post(request.body)
        response = Response(reply.status, reply.body, reply.headers, reply.url, reply.failure)
        return self._reader.read(request.key.digest, response)

    async def aclose(self) -> None:
        await self._client.close()

    async def _post(self, body: bytes) -> Reply:
        """Return the reply to a request, whatever its status is. Raises ProviderError."""
        try:
            response = await self._client.post(self._url, content=body, options=self._options, cast_to=httpx2.Response)
        except openai.APIStatusError as error:
            response = error.response
        reply: Reply = response.extensions["reply"]
        return reply


def request_headers(endpoint: Endpoint, own_headers: Mapping[str, str]) -> dict[str, Any]:
    """Return the headers of each request besides the client's own. Without a key, there is no `Authorization`."""
    own_names = {name.lower() for name in own_headers}
    shared: dict[str, Any] = {name: value for name, value in _HEADERS.items() if name not in own_names}
    if not endpoint.api_key and "authorization" not in own_names:
        shared["authorization"] = openai.Omit()
    return {**shared, **own_headers}
