"""The connection to an endpoint: one request, and the bytes of its response.

Whatever the network and the server do, `Connection.post` returns a reply or raises a ProviderError. The size of the
body and the time of the whole request are limited, even if the body arrives one byte at a time. `ConnectedClient` lets
the `openai` client send through a connection.
"""

import asyncio
import logging
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import aiohttp
import httpx2

from qtgen._util.extras import require
from qtgen.errors import Denied, ErrorReply, ProviderError, Retryable, SettingsError
from qtgen.llm.transport import addresses
from qtgen.llm.transport.cleaning import Cleaner
from qtgen.llm.transport.decoding import MAX_BODY
from qtgen.llm.transport.proxies import Proxy
from qtgen.llm.transport.wire_errors import WIRE_ERRORS, wire_error

_MAX_REDIRECTS = 5
_MAX_CONNECT = 30.0  # seconds
_CONNECT_SHARE = 0.9  # of the whole time, so that the two timeouts can be told apart
_IDLE = 5.0  # seconds for which an unused connection is kept
_MAX_LINE = 64 * 1024  # bytes of the status line or of a header
_MAX_HEADERS = 1_000
_READ_BUFFER = 256 * 1024
_NO_HOST = re.compile(r"[\s<>\"{}|\\^`]")
_HEADERS_OF_THE_CONNECTION = frozenset({"connection", "content-length", "host"})
_NO_BODY = httpx2.ByteStream(b"")
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reply:
    """A response.

    Attributes:
        url: The address that responded.
        headers: Headers with names in lower case.
        failure: Why the body may be incomplete, None if it is complete.
    """

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    failure: ProviderError | None = None


class Route(NamedTuple):
    """How to reach an address.

    Attributes:
        url: The address.
        proxy: The proxy on the way, or None.
        timeout: Seconds that one request may take, with its response.
    """

    url: str
    proxy: Proxy | None
    timeout: float


class Connection:
    """Sends POST requests to one address and keeps connections open between requests. Close it after use.

    Raises MissingExtra for a SOCKS proxy without its extra, and SettingsError for an address that cannot be used.
    """

    def __init__(self, route: Route, clean: Cleaner) -> None:
        self._route, self._clean = route, clean
        self._url = route.url
        self._session: aiohttp.ClientSession | None = None
        self._ssl_context: ssl.SSLContext | None = None
        self._wire_errors: tuple[type[Exception], ...] = WIRE_ERRORS
        if route.proxy and route.proxy.socks_version:
            require(f"a SOCKS proxy ({route.proxy.variable})", "socks", "aiohttp_socks")
            import aiohttp_socks

            self._wire_errors += (
                aiohttp_socks.ProxyError,
                aiohttp_socks.ProxyConnectionError,
                aiohttp_socks.ProxyTimeoutError,
            )
        _check_address(route.url)

    async def post(self, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Send a request and return the reply, whatever its status is. Redirects on the same server are followed.

        Raises ProviderError.
        """
        begun: set[str] = set()
        try:
            async with asyncio.timeout(self._route.timeout):
                url, seen = self._url, {self._url}
                while True:
                    reply = await self._post_once(url, body, headers, begun)
                    if reply.status != 303 and reply.status not in addresses.REDIRECTS:
                        break
                    url = self._next_address(reply, seen)
        except TimeoutError:
            part = "no complete answer" if begun else "no answer"
            raise Retryable(
                f"{part} within {self._route.timeout:g} s", kind="timeout", remedy="raise `timeout`"
            ) from None
        if url != self._url and reply.status < 300 and "html" not in reply.headers.get("content-type", ""):
            _logger.info("%s redirects to %s", addresses.shown(self._url), addresses.shown(url))
            self._url = url
        return reply

    async def aclose(self) -> None:
        if self._session:
            await self._session.close()

    async def _post_once(self, url: str, body: bytes, headers: Mapping[str, str], begun: set[str]) -> Reply:
        """Send the request to one address, and add the address to `begun` as soon as it begins to respond."""
        session = self._session or self._open()
        proxy = self._route.proxy if self._route.proxy and not self._route.proxy.socks_version else None
        login = proxy.login_headers() if proxy else None
        is_tunnel = url.startswith("https:")
        try:
            response = await session.post(
                url,
                data=body,
                allow_redirects=False,
                ssl=self._context(url),
                proxy=proxy.url if proxy else None,
                # Never headers of the session: aiohttp would send those, with the key, to the proxy too.
                headers=headers if is_tunnel or not login else {**headers, **login},
                proxy_headers=login if is_tunnel else None,
            )
        except self._wire_errors as error:
            raise self._wire_error(error, url, has_responded=False) from None
        begun.add(url)
        try:
            content, failure = await self._read(response)
            received = {name.lower(): value for name, value in response.headers.items()}
            return Reply(url, response.status, received, content, failure)
        finally:
            response.release()  # closes the connection if a part of the body is not read

    async def _read(self, response: aiohttp.ClientResponse) -> tuple[bytes, ProviderError | None]:
        """Return the body as far as it arrived, and why it may be incomplete. Raises Retryable if it is too large."""
        content = bytearray()
        try:
            async for chunk in response.content.iter_any():
                content += chunk
                if len(content) > MAX_BODY:
                    break
        except self._wire_errors as error:
            return bytes(content), self._wire_error(error, str(response.url), has_responded=True)
        if len(content) > MAX_BODY:
            message = f"the endpoint's response is larger than {MAX_BODY // 2**20} MiB"
            raise Retryable(message, kind="malformed")
        return bytes(content), None

    def _wire_error(self, error: Exception, url: str, *, has_responded: bool) -> ProviderError:
        _logger.debug("request to %s: %s", addresses.shown(url), type(error).__name__)
        return wire_error(error, self._route._replace(url=url), self._clean, has_responded=has_responded)

    def _next_address(self, reply: Reply, seen: set[str]) -> str:
        """Return the address that a redirect leads to. Raises Denied if requests must not follow it."""
        location = reply.headers.get("location", "")
        url = addresses.redirected(reply.url, location) if location else None
        shown = self._clean.message(addresses.shown(url)) if url else ""
        if url and addresses.is_same_server(self._route.url, url) and reply.status != 303:
            if url not in seen and len(seen) <= _MAX_REDIRECTS:
                seen.add(url)
                return url
            message = f"the endpoint redirects in a loop, last to {shown}"
            remedy = "check the endpoint's address"
        else:
            message = f"the endpoint redirects to {shown or 'no address'}"
            base = self._clean.message(addresses.base_of(url)) if url else ""
            is_operation = url is not None and addresses.shown(url).rstrip("/").endswith(addresses.COMPLETIONS)
            remedy = (
                f"set `base_url` to {base} if you trust that address"
                if is_operation
                else "check the endpoint's address"
            )
        status = reply.status
        error_reply = ErrorReply(status, message)
        raise Denied(f"{message} (HTTP {status})", setting="base_url", remedy=remedy, reply=error_reply)

    def _context(self, url: str) -> ssl.SSLContext | bool:
        """Return the context with the trusted certificates: the system's, or those in SSL_CERT_FILE."""
        if not url.startswith("https:"):
            return True
        if self._ssl_context is None:
            self._ssl_context = httpx2.create_ssl_context()
        return self._ssl_context

    def _open(self) -> aiohttp.ClientSession:
        timeout = min(_MAX_CONNECT, _CONNECT_SHARE * self._route.timeout)
        self._session = aiohttp.ClientSession(
            connector=_connector(self._route.proxy),
            timeout=aiohttp.ClientTimeout(total=None, connect=timeout, sock_connect=timeout),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,  # `decoding` limits the size and does not trust the label
            max_line_size=_MAX_LINE,
            max_field_size=_MAX_LINE,
            max_headers=_MAX_HEADERS,
            read_bufsize=_READ_BUFFER,
        )
        return self._session


class ConnectedClient(httpx2.AsyncClient):
    """An HTTP client for the `openai` client. It sends POST requests through a connection, to the connection's address.

    The headers and the body, which must be bytes, are those that the `openai` client has chosen. The connection
    supplies the address with its query, redirects and timeouts, so requests bypass the slower code of the base class.
    """

    def __init__(self, connection: Connection) -> None:
        self._direct = _ClientTransport(connection)
        super().__init__(transport=self._direct, trust_env=False)

    def build_request(self, method: str, url: Any, **parts: Any) -> httpx2.Request:
        """Return a request with the headers and the content of `parts`. The connection adds the query."""
        content = httpx2.ByteStream(parts["content"])
        request = httpx2.Request(method, _parsed(url), headers=parts["headers"], stream=content)
        request.headers.encoding = "ascii"  # otherwise all headers would be decoded to find it
        return request

    async def send(self, request: httpx2.Request, **_: Any) -> httpx2.Response:
        """Send a request and return the response. Raises ProviderError."""
        return await self._direct.handle_async_request(request)


_parsed = lru_cache(maxsize=8)(httpx2.URL)


class _ClientTransport(httpx2.AsyncBaseTransport):
    """Sends the requests of an HTTP client through a connection, to its address.

    The response has no body. Its extension `reply` is the `Reply`.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request and return the response. Raises ProviderError."""
        headers = {name: value for name, value in request.headers.items() if name not in _HEADERS_OF_THE_CONNECTION}
        reply = await self._connection.post(request.read(), headers)
        return httpx2.Response(reply.status, request=request, stream=_NO_BODY, extensions={"reply": reply})

    async def aclose(self) -> None:
        await self._connection.aclose()


def _connector(proxy: Proxy | None) -> aiohttp.TCPConnector:
    """Return a connector without a limit, because the pacer decides how many requests are in flight."""
    if proxy is None or proxy.socks_version is None:
        return aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE)
    import aiohttp_socks

    kind = aiohttp_socks.ProxyType.SOCKS5 if proxy.socks_version == 5 else aiohttp_socks.ProxyType.SOCKS4
    return aiohttp_socks.ProxyConnector(
        host=proxy.host,
        port=proxy.port,
        proxy_type=kind,
        username=proxy.user,
        password=proxy.password,
        rdns=True,
        limit=0,
        keepalive_timeout=_IDLE,
    )


def _check_address(url: str) -> None:
    """Raise SettingsError if the HTTP library cannot send requests to an address."""
    import yarl

    try:
        host = yarl.URL(url).host or ""
        if not host or _NO_HOST.search(host):
            raise ValueError(host)
        host.encode("idna")
    except ValueError:
        message = f"nothing can be sent to the address {addresses.shown(url)!r}"
        raise SettingsError(message, setting="base_url", remedy="check the address") from None
