"""Embeddings by an OpenAI-compatible endpoint. Only this module and `openai` import the `openai` package (0.4 s)."""

import os
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import httpx2
import openai

from qtgen._util.extras import require
from qtgen.errors import BadRequest, ProviderError, Retryable, SettingsError, Unreachable
from qtgen.llm import headers
from qtgen.llm.endpoint import Endpoint, with_query
from qtgen.llm.transport import addresses, waits
from qtgen.llm.transport.classification import classify
from qtgen.llm.transport.cleaning import cleaner_for
from qtgen.llm.transport.error_replies import Failure, read_error
from qtgen.llm.transport.network_errors import reason_of
from qtgen.llm.transport.proxies import Proxy, proxy_for

if TYPE_CHECKING:
    from qtgen.embeddings.static import Vectors

_EMBEDDING_BATCH = 256


class OpenAIEmbeddings:
    """Turns texts into one vector each. Raises ProviderError; the underlying client retries by itself."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint = with_query(endpoint, os.environ)
        own_headers = headers.resolve(endpoint.headers, os.environ)
        base_url, query = addresses.without_query(endpoint.base_url or addresses.OPENAI)
        proxy = None if endpoint.is_loopback else proxy_for(base_url, os.environ)
        self._clean = cleaner_for(endpoint, own_headers, proxy)
        self._url = base_url
        self._client = openai.OpenAI(
            api_key=endpoint.api_key or "none",
            base_url=base_url,
            default_headers=own_headers or None,
            default_query={**endpoint.query, **query},
            timeout=endpoint.timeout,
            http_client=_embedding_client(proxy),
        )

    def __call__(self, texts: Sequence[str]) -> "Vectors":
        import numpy as np

        starts = range(0, len(texts), _EMBEDDING_BATCH)
        batches = [texts[start : start + _EMBEDDING_BATCH] for start in starts]
        try:
            vectors = np.array([row.embedding for batch in batches for row in self._embed(batch)], np.float32)
        except openai.APIStatusError as error:
            raise self._status_error(error) from None
        except openai.APIConnectionError as error:
            raise self._connection_error(error) from None
        except (AttributeError, TypeError, ValueError):  # fields are missing, or rows are not numbers of one length
            raise Retryable("the endpoint's response contains no vectors", kind="malformed") from None
        if len(vectors) != len(texts):
            raise Retryable(f"the endpoint returned {len(vectors)} vectors for {len(texts)} texts", kind="malformed")
        if len(texts) and not (vectors.ndim == 2 and np.isfinite(vectors).all() and vectors.any(axis=1).all()):
            raise Retryable("the endpoint's response contains no vectors", kind="malformed")
        return vectors

    def _embed(self, batch: Sequence[str]) -> list[Any]:
        response = self._client.embeddings.create(
            model=self._endpoint.model, input=list(batch), encoding_format="float"
        )
        return sorted(response.data, key=lambda row: row.index)

    def _status_error(self, error: openai.APIStatusError) -> ProviderError:
        response_headers = {name.lower(): value for name, value in error.response.headers.items()}
        body = read_error(error.status_code, error.response.text, self._clean)
        wait = waits.requested_wait(response_headers, body.document, body.words, time.time())
        meaning = classify(Failure(body, wait, self._url), self._endpoint)
        if isinstance(meaning, ProviderError):
            return meaning
        return BadRequest(meaning.text or body.reply.message, reply=body.reply)

    def _connection_error(self, error: openai.APIConnectionError) -> ProviderError:
        reason = self._clean.message(reason_of(error.__cause__ or error))
        if isinstance(error.__cause__, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.UnsupportedProtocol):
            return Unreachable(f"nothing answers at {addresses.shown(self._url)} ({reason})")
        if isinstance(error.__cause__, httpx2.TimeoutException):
            message = f"no answer within {self._endpoint.timeout:g} s"
            return Retryable(message, kind="timeout", remedy="raise `timeout`")
        return Retryable(f"the connection was lost ({reason})", kind="dropped")


def _embedding_client(proxy: Proxy | None) -> openai.DefaultHttpxClient:
    """Return the HTTP client for embeddings. Raises MissingExtra, and SettingsError for a proxy that it cannot use."""
    if proxy is None:
        return openai.DefaultHttpxClient(trust_env=False, verify=httpx2.create_ssl_context())
    if proxy.socks_version:
        require(f"a SOCKS proxy ({proxy.variable})", "socks", "socksio")
    login = (proxy.user, proxy.password or "") if proxy.user else None
    scheme = {"socks": "socks5"}.get(proxy.scheme, proxy.scheme)
    try:
        address = httpx2.Proxy(proxy.url.replace(proxy.scheme, scheme, 1), auth=login)
        return openai.DefaultHttpxClient(trust_env=False, proxy=address, verify=httpx2.create_ssl_context())
    except ValueError:
        raise SettingsError(
            f"embeddings cannot be requested through a proxy with the scheme `{scheme}`",
            field=proxy.variable,
            remedy="set it to an http, https or socks5 address",
        ) from None
