"""Join and compare the addresses of endpoints."""

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

OPENAI = "https://api.openai.com/v1"
COMPLETIONS = "/chat/completions"
REDIRECTS = frozenset({301, 302, 307, 308})
"""Statuses after which the same request is sent to another address. After 303 it would be another request."""
_VERSION = re.compile(r"/v\d+[a-z0-9]*(?=/|$)")
_PORTS = {"http": 80, "https": 443}


def endpoint_url(base_url: str | None, query: Mapping[str, str], path: str = COMPLETIONS) -> str:
    """Return the address of an operation. A query of the base URL stays at the end, before the further parameters."""
    url = urlsplit(base_url or OPENAI)
    root = url.path.rstrip("/").removesuffix(path)
    parameters = [*parse_qsl(url.query, keep_blank_values=True)]
    given = {name for name, _ in parameters}
    more = [(name, value) for name, value in query.items() if name not in given]
    joined = "&".join(part for part in (url.query, urlencode(more)) if part)
    return urlunsplit((url.scheme, url.netloc, root + path, joined, ""))


def without_query(address: str) -> tuple[str, dict[str, str]]:
    """Return an address without its query, and the query's parameters."""
    url = urlsplit(address)
    return urlunsplit((url.scheme, url.netloc, url.path, "", "")), dict(parse_qsl(url.query, keep_blank_values=True))


def shown(url: str) -> str:
    """Return an address without its login and its query, which may hold secrets."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def base_of(url: str) -> str:
    """Return the base URL that an operation's address belongs to."""
    return shown(url).rstrip("/").removesuffix(COMPLETIONS)


def redirected(url: str, location: str) -> str | None:
    """Return the address that a redirect leads to, None if it is no address. A query stays if the new one has none."""
    try:
        target = urlsplit(urljoin(url, location.strip()))
        if target.scheme not in _PORTS or not target.hostname:
            return None
        query = target.query or urlsplit(url).query
        return urlunsplit((target.scheme, target.netloc, target.path, query, ""))
    except ValueError:
        return None


def is_same_server(url: str, other: str) -> bool:
    """Return True if requests for one address, with their keys, may be sent to the other one.

    The host has to be the same. The port and the scheme too, except that `http` may become `https`.
    """
    first, second = urlsplit(url), urlsplit(other)
    try:
        if first.hostname != second.hostname or second.username or second.password:
            return False
        if (first.scheme, second.scheme) == ("http", "https"):
            return True
        ports = [parts.port or _PORTS.get(parts.scheme) for parts in (first, second)]
        return first.scheme == second.scheme and ports[0] == ports[1]
    except ValueError:
        return False


def versioned(base_url: str | None) -> str | None:
    """Return the base URL with `/v1` if its path names no version and no deployment, else None."""
    if base_url is None:
        return None
    url = urlsplit(base_url)
    if _VERSION.search(url.path) or "/deployments/" in url.path:
        return None
    return shown(urlunsplit((url.scheme, url.netloc, url.path.rstrip("/") + "/v1", "", "")))


def deployment(url: str) -> str:
    """Return the form of an Azure deployment's base URL on the same host."""
    parts = urlsplit(shown(url))
    return urlunsplit((parts.scheme, parts.netloc, "/openai/deployments/NAME", "", ""))
