"""What an exception of the HTTP library means: the endpoint is not reached, or the attempt failed."""

import ssl
from typing import TYPE_CHECKING

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError

from qtgen.errors import Denied, ErrorReply, ProviderError, Retryable, Unreachable
from qtgen.llm.transport import addresses
from qtgen.llm.transport.cleaning import Cleaner
from qtgen.llm.transport.network_errors import reason_of
from qtgen.llm.transport.proxies import Proxy

if TYPE_CHECKING:
    from qtgen.llm.transport.connection import Route

WIRE_ERRORS = (
    aiohttp.ClientError,
    HttpProcessingError,
    OSError,  # with TimeoutError and ssl.SSLError
    EOFError,
    ValueError,  # with UnicodeError
    LookupError,
    ArithmeticError,
    RuntimeError,
    AssertionError,
)
"""What aiohttp, and the modules below it, raise while a request is sent and its response is read."""
_NO_HTTP = (HttpProcessingError, aiohttp.ClientResponseError, ValueError)


def wire_error(error: Exception, route: "Route", clean: Cleaner, *, has_responded: bool) -> ProviderError:
    """Return the ProviderError for an exception that sending a request, or reading its response, raised.

    Args:
        has_responded: Whether the endpoint has begun to respond.
    """
    reason = clean.message(_reason(error))
    if proxied := _proxy_error(error, route, reason):
        return proxied
    address = addresses.base_of(route.url)
    if isinstance(error, aiohttp.ClientConnectorCertificateError | ssl.CertificateError):
        remedy = "set SSL_CERT_FILE to a file with the certificates that your network uses"
        return Unreachable(f"the certificate of {address} cannot be verified ({reason})", remedy=remedy)
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        remedy = "check whether the address begins with http or https"
        return Unreachable(f"no secure connection to {address} is possible ({reason})", remedy=remedy)
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError | aiohttp.InvalidURL):
        return Unreachable(f"nothing answers at {address} ({reason})")
    if isinstance(error, _NO_HTTP) and not has_responded:
        message = f"the endpoint's response is not valid HTTP ({reason})"
        remedy = "check the port, and whether the address begins with http or https"
        return Retryable(message, kind="malformed", remedy=remedy)
    return Retryable(f"the connection was lost ({reason})", kind="dropped")


def _proxy_error(error: Exception, route: "Route", reason: str) -> ProviderError | None:
    """Return the error that the proxy caused, None if it did not."""
    proxy = route.proxy
    if proxy is None:
        return None
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return _proxy_reply(error, route, proxy, reason)
    socks = type(error).__module__.startswith(("aiohttp_socks", "python_socks"))
    if socks or isinstance(error, aiohttp.ClientProxyConnectionError | aiohttp.ClientConnectorError):
        return Unreachable(
            f"{proxy} does not connect to {addresses.base_of(route.url)} ({reason})",
            remedy=f"check {proxy.variable}, or exclude the endpoint with NO_PROXY",
        )
    return None


def _proxy_reply(error: aiohttp.ClientHttpProxyError, route: "Route", proxy: Proxy, reason: str) -> ProviderError:
    """Return the error for a proxy that refuses to open a tunnel."""
    host = addresses.base_of(route.url)
    if error.status == 407:
        return login_required(proxy, reason)
    reply = ErrorReply(error.status, reason)
    if error.status >= 500:
        return Retryable(f"{proxy} cannot reach {host} (HTTP {error.status}: {reason})", reply=reply)
    remedy = f"check {proxy.variable}, or exclude the endpoint with NO_PROXY"
    return Denied(f"{proxy} refuses to connect to {host} (HTTP {error.status}: {reason})", remedy=remedy, reply=reply)


def login_required(proxy: Proxy | None, reason: str) -> Denied:
    """Return the error for a response 407."""
    place = str(proxy) if proxy else "a proxy"
    variable = proxy.variable if proxy else "HTTPS_PROXY"
    return Denied(
        f"{place} requires a login (HTTP 407: {reason})",
        remedy=f"put the login into {variable}, as in http://USER:PASSWORD@HOST:PORT",
        reply=ErrorReply(407, reason),
    )


def _reason(error: Exception) -> str:
    """Return what an exception says in a few words."""
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "the server closed it before it answered"
    if isinstance(error, aiohttp.ClientResponseError | HttpProcessingError):
        return error.message.strip().split("\n")[0].rstrip(":") or type(error).__name__
    if isinstance(error, aiohttp.ClientPayloadError):
        return "the response is incomplete"
    if isinstance(error, aiohttp.InvalidURL):  # its message contains the query
        return "the address is invalid"
    return reason_of(error)
