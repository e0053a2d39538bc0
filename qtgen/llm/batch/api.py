"""The operations of a provider's Batch API: upload a file, create, find, watch and cancel batches, stream results.

The client's own retries are off, because a request that creates a batch must not be repeated before it is known whether
the first one succeeded. Only this module, `llm.openai` and `openai_embeddings` import the `openai` package.
"""

import os
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import openai

from qtgen._util.extras import require
from qtgen._util.files import as_output_error
from qtgen.errors import BadRequest, Denied, ProviderError, Retryable, SettingsError, Unreachable
from qtgen.llm import headers
from qtgen.llm.batch.files import URL
from qtgen.llm.batch.states import RemoteBatch, read_batch
from qtgen.llm.endpoint import Endpoint, with_query
from qtgen.llm.openai import request_headers
from qtgen.llm.responses import ResponseReader
from qtgen.llm.transport import addresses, waits
from qtgen.llm.transport.classification import classify
from qtgen.llm.transport.cleaning import Cleaner, cleaner_for
from qtgen.llm.transport.decoding import BodyError, read_document
from qtgen.llm.transport.error_replies import Failure, read_error
from qtgen.llm.transport.network_errors import reason_of
from qtgen.llm.transport.proxies import Proxy, proxy_for

METADATA = "qtgen_batch"
"""Name of the metadata field that holds the ledger's id of a batch."""
_PAGE = 100  # batches
_MAX_PAGES = 200
_CHUNK = 256 * 1024
_GONE = "cancel the batch to free its requests"
_NO_API = "the endpoint may have no Batch API: write batch files for a service with another one"


class RemoteFile(NamedTuple):
    """An uploaded file. `size` is None if the provider does not report it."""

    id: str
    size: int | None


class BatchApi:
    """The Batch API of one endpoint. Close it after use. Every operation raises ProviderError.

    Raises SettingsError for headers, an address or a proxy that cannot be used, and MissingExtra.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint = with_query(endpoint, os.environ)
        own_headers = headers.resolve(endpoint.headers, os.environ)
        url = addresses.endpoint_url(endpoint.base_url, endpoint.query)
        proxy = None if endpoint.is_loopback else proxy_for(url, os.environ)
        self._clean: Cleaner = cleaner_for(endpoint, own_headers, proxy)
        base_url, query = addresses.without_query(url)
        self._url = base_url.removesuffix(addresses.COMPLETIONS)
        shared = request_headers(endpoint, own_headers)
        self._headers = {name: value for name, value in shared.items() if name.lower() != "content-type"}
        self._client = openai.AsyncOpenAI(
            api_key=endpoint.api_key or "none",
            base_url=self._url,
            default_query=query,
            max_retries=0,
            timeout=endpoint.timeout,
            http_client=httpx2.AsyncClient(
                trust_env=False,
                verify=httpx2.create_ssl_context(),
                proxy=_address(proxy),
                timeout=endpoint.timeout,
                follow_redirects=False,
            ),
        )

    def reader(self) -> ResponseReader:
        """Return a reader of the responses in result files."""
        return ResponseReader(self._endpoint, self._clean)

    async def upload(self, path: Path, purpose: str) -> RemoteFile:
        """Upload a batch file as a stream."""
        with as_output_error(path):
            file = path.open("rb")
        with file:
            async with self._errors("/files"):
                response = await self._client.files.with_raw_response.create(
                    file=(path.name, file, "application/jsonl"),
                    purpose=purpose,  # type: ignore[arg-type]  # other services have other purposes
                    extra_headers=self._headers,
                )
        document = self._document(response.http_response)
        name = document.get("id") if isinstance(document, dict) else None
        if not isinstance(name, str) or not name:
            raise Retryable("the endpoint's response to an upload names no file", kind="malformed")
        size = document.get("bytes")
        return RemoteFile(name, size if isinstance(size, int) and size > 0 else None)

    async def create(self, file: str, batch: str, window: str) -> RemoteBatch:
        """Create a batch. `batch` is the ledger's id, by which `find` finds the batch."""
        body = {
            "input_file_id": file,
            "endpoint": URL,
            "completion_window": window,
            "metadata": {METADATA: batch},
        }
        return self._batch(await self._request("POST", "/batches", body))

    async def find(self, batch: str, file: str | None) -> RemoteBatch | None:
        """Return the batch that was created for the ledger's id or from an input file, or None if there is none."""
        async for remote in self.batches():
            if (remote.metadata or {}).get(METADATA) == batch or (file is not None and remote.input_file == file):
                return remote
        return None

    async def batches(self) -> AsyncIterator[RemoteBatch]:
        """Yield all batches, usually the newest first."""
        after, seen = None, set[str]()
        for _ in range(_MAX_PAGES):
            query: dict[str, Any] = {"limit": _PAGE, **({"after": after} if after else {})}
            document = await self._request("GET", "/batches", query=query)
            rows = document.get("data") if isinstance(document, dict) else document
            if not isinstance(rows, list):
                raise Retryable("the endpoint's list of batches cannot be read", kind="malformed")
            page = [self._batch(row) for row in rows]
            new = [remote for remote in page if remote.id not in seen]
            for remote in new:
                seen.add(remote.id)
                yield remote
            has_more = isinstance(document, dict) and document.get("has_more") is True
            if not has_more or not new:
                return
            after = page[-1].id

    async def retrieve(self, name: str) -> RemoteBatch:
        return self._batch(await self._request("GET", f"/batches/{name}"))

    async def cancel(self, name: str) -> RemoteBatch:
        return self._batch(await self._request("POST", f"/batches/{name}/cancel", {}))

    async def delete_file(self, name: str) -> None:
        await self._request("DELETE", f"/files/{name}")

    async def content(self, name: str) -> AsyncIterator[bytes]:
        """Yield the content of a file in chunks."""
        async with (
            self._errors(f"/files/{name}/content"),
            self._client.files.with_streaming_response.content(name, extra_headers=self._headers) as response,
        ):
            async for chunk in response.iter_bytes(_CHUNK):
                yield chunk

    async def aclose(self) -> None:
        await self._client.close()

    async def _request(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, query: Mapping[str, Any] | None = None
    ) -> Any:
        options: Any = {"headers": self._headers, **({"params": query} if query else {})}
        async with self._errors(path):
            if method == "GET":
                response = await self._client.get(path, cast_to=httpx2.Response, options=options)
            elif method == "DELETE":
                response = await self._client.delete(path, cast_to=httpx2.Response, options=options)
            else:
                response = await self._client.post(path, cast_to=httpx2.Response, body=body, options=options)
        return self._document(response)

    def _document(self, response: httpx2.Response) -> Any:
        try:
            return read_document(response.content, _plain_headers(response))
        except BodyError as error:
            message = self._clean(f"the endpoint's response {error}")
            raise Retryable(message, kind="malformed", remedy="check `base_url`") from None

    def _batch(self, document: Any) -> RemoteBatch:
        try:
            return read_batch(document)
        except ValueError as error:
            raise Retryable(f"the endpoint's response cannot be read: {error}", kind="malformed") from None

    @asynccontextmanager
    async def _errors(self, path: str) -> AsyncIterator[None]:
        """Turn the client's errors into ProviderError."""
        try:
            yield
        except openai.APIStatusError as error:
            raise await self._status_error(error, path) from None
        except openai.APIConnectionError as error:
            raise self._connection_error(error.__cause__ or error) from None
        except (httpx2.HTTPError, httpx2.StreamError) as error:  # while a stream is read
            raise self._connection_error(error) from None

    async def _status_error(self, error: openai.APIStatusError, path: str) -> ProviderError:
        response_headers = _plain_headers(error.response)
        text = (await error.response.aread()).decode("utf-8", "replace")
        body = read_error(error.status_code, text, self._clean)
        wait = waits.requested_wait(response_headers, body.document, body.words, time.time())
        meaning = classify(Failure(body, wait, f"{self._url}{path}"), self._endpoint)
        if not isinstance(meaning, ProviderError):
            return BadRequest(meaning.text or body.reply.message, reply=body.reply)
        if not isinstance(meaning, Denied) or body.reply.status not in (404, 405):
            return meaning
        if path in ("/files", "/batches"):
            return Denied(meaning.message, setting="base_url", remedy=_NO_API, reply=body.reply)
        what, name, *_ = path.strip("/").split("/")
        kind = {"files": "file", "batches": "batch"}[what]
        message = f"the provider does not have {kind} {name} (HTTP {body.reply.status}): {body.reply.message}"
        return BadRequest(self._clean(message), remedy=_GONE, reply=body.reply)

    def _connection_error(self, error: BaseException) -> ProviderError:
        reason = self._clean.message(reason_of(error))
        if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.UnsupportedProtocol):
            return Unreachable(f"nothing answers at {addresses.shown(self._url)} ({reason})")
        if isinstance(error, httpx2.TimeoutException):
            message = f"no answer within {self._endpoint.timeout:g} s"
            return Retryable(message, kind="timeout", remedy="raise `timeout`")
        return Retryable(f"the connection was lost ({reason})", kind="dropped")


def _plain_headers(response: httpx2.Response) -> dict[str, str]:
    """Return the headers with names in lower case, without the encoding that the client has undone."""
    return {name.lower(): value for name, value in response.headers.items() if name.lower() != "content-encoding"}


def _address(proxy: Proxy | None) -> httpx2.Proxy | None:
    """Return the proxy for the HTTP client. Raises MissingExtra, and SettingsError for one that it cannot use."""
    if proxy is None:
        return None
    if proxy.socks_version:
        require(f"a SOCKS proxy ({proxy.variable})", "socks", "socksio")
    login = (proxy.user, proxy.password or "") if proxy.user else None
    scheme = {"socks": "socks5"}.get(proxy.scheme, proxy.scheme)
    try:
        return httpx2.Proxy(proxy.url.replace(proxy.scheme, scheme, 1), auth=login)
    except ValueError:
        raise SettingsError(
            f"batches cannot be submitted through a proxy with the scheme `{scheme}`",
            field=proxy.variable,
            remedy="set it to an http, https or socks5 address",
        ) from None
