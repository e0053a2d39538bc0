"""Who sends a request: the holder of the link that the server printed, or the user in the header of a trusted proxy."""

import hashlib
import hmac
import ipaddress
import logging
import re
import secrets
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from starlette.requests import cookie_parser
from starlette.types import Scope

from qtgen._util.files import as_output_error, hide_from_git, staged_bytes
from qtgen.errors import UsageError

_COOKIE_DAYS = 90
_SECRET_SIZE = 32  # bytes
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_NAME_MAX = 100  # characters of a reviewer's name

_logger = logging.getLogger(__name__)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Access(Protocol):
    """How the server knows who sends a request."""

    def refusal(self, scope: Scope) -> str:
        """Return why a request is refused, and the remedy, in one sentence."""

    def reviewer(self, scope: Scope) -> str | None:
        """Return who sends a request, or None if it is refused."""


@dataclass(frozen=True, slots=True)
class LinkAccess:
    """Access for whoever opens the link with `key`. It sets a cookie that stays valid when the server is restarted.

    Args:
        name: The reviewer. Every holder of the link decides under this name.
        secret: The secret of the output folder, which the cookie is derived from.
        key: The key of the link. It is valid until the server stops.
    """

    name: str
    secret: bytes = field(repr=False)
    key: str = field(repr=False, default_factory=lambda: secrets.token_urlsafe(24))

    def refusal(self, _scope: Scope) -> str:
        return "This browser is not signed in; open the link that the server printed when it started."

    @property
    def cookie_name(self) -> str:
        """Name of the cookie. Browsers send cookies to every port of a host, so each output folder has its own."""
        return f"qtgen-review-{hashlib.sha256(self.secret).hexdigest()[:8]}"

    @property
    def cookie(self) -> str:
        """The value of the `Set-Cookie` header. Links from other sites must work, so it is not `Strict`."""
        age = _COOKIE_DAYS * 24 * 60 * 60
        return f"{self.cookie_name}={self._token()}; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax"

    def accepts(self, key: str) -> bool:
        """Return whether a link has the right key."""
        return hmac.compare_digest(key.encode("utf-8", "replace"), self.key.encode())

    def reviewer(self, scope: Scope) -> str | None:
        token = self._token().encode()
        for cookies in map(cookie_parser, _header_values(scope, "cookie")):
            if hmac.compare_digest(cookies.get(self.cookie_name, "").encode("utf-8", "replace"), token):
                return self.name
        return None

    def _token(self) -> str:
        return hmac.new(self.secret, b"cookie", hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class ProxyAccess:
    """Access for the users that a proxy sends in a header. Only the proxy itself is trusted.

    Args:
        header: Name of the header.
        proxies: Addresses of the proxy, as the socket knows them.
    """

    header: str
    proxies: tuple[Network, ...]

    def refusal(self, scope: Scope) -> str:
        client = scope.get("client")
        if not client or not self._is_proxy(client[0]):
            # The reply must not reveal addresses of the network to strangers.
            sender = client[0] if client else "an unknown address"
            _logger.warning("refused a request from %s, which is not a trusted proxy", sender)
            return "This request did not come from a trusted proxy; open the page through the proxy."
        count = len(_header_values(scope, self.header))
        if count == 0:
            return f"The proxy did not send `{self.header}`; set this header to the reviewer's name in the proxy."
        if count > 1:
            return f"The proxy sent `{self.header}` {count} times; remove the header that browsers send in the proxy."
        return f"The name in `{self.header}` is empty, too long or not printable; sign in under another one."

    def reviewer(self, scope: Scope) -> str | None:
        client = scope.get("client")
        if not client or not self._is_proxy(client[0]):
            return None
        values = _header_values(scope, self.header)
        return clean_name(values[0]) if len(values) == 1 else None  # a second header may be the client's own

    def _is_proxy(self, peer: str) -> bool:
        try:
            address = ipaddress.ip_address(peer.partition("%")[0])
        except ValueError:
            return False
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        return any(address in network for network in self.proxies)


def proxy_access(header: str, proxies: Iterable[str]) -> ProxyAccess:
    """Return the access through a proxy. Raises UsageError for an address or a name of a header that is none."""
    if not _HEADER.fullmatch(header):
        remedy = "give a name such as X-Forwarded-User"
        raise UsageError(f"{header!r} is not the name of a header", setting="auth_header", remedy=remedy)
    networks = []
    for proxy in proxies:
        try:
            networks.append(ipaddress.ip_network(proxy))
        except ValueError:
            remedy = "give an address such as 10.0.0.5 or a network such as 10.0.0.0/24"
            raise UsageError(f"`{proxy}` is not an IP address", setting="trusted_proxy", remedy=remedy) from None
    return ProxyAccess(header, tuple(networks))


def clean_name(text: str) -> str | None:
    """Return a name without white space around it, or None if it is empty, too long or not printable."""
    name = text.strip()
    return name if name and len(name) <= _NAME_MAX and name.isprintable() else None


def read_secret(folder: Path) -> bytes:
    """Return the secret in a folder, and create both if needed. Only the owner may read the file.

    Raises OutputError if the folder cannot be written.
    """
    file = folder / "secret"
    hide_from_git(folder)
    with as_output_error(file):
        if (secret := _secret_in(file)) is not None:
            file.chmod(0o600)
            return secret
        secret = secrets.token_bytes(_SECRET_SIZE)
        with staged_bytes(file, secret, is_private=True) as temporary:  # another server never reads a part of it
            temporary.replace(file)
        return secret


def known_secret(folder: Path) -> bytes:
    """Return the secret in a folder, or a new one that is not kept. Nothing is written."""
    with suppress(OSError):
        if secret := _secret_in(folder / "secret"):
            return secret
    return secrets.token_bytes(_SECRET_SIZE)


def _secret_in(file: Path) -> bytes | None:
    try:
        secret = file.read_bytes()
    except FileNotFoundError:
        return None
    return secret if len(secret) == _SECRET_SIZE else None


def _header_values(scope: Scope, name: str) -> list[str]:
    wanted = name.lower().encode("latin-1", "replace")
    return [_decoded(value) for header, value in scope["headers"] if header == wanted]


def _decoded(value: bytes) -> str:
    """Return a header's value. Proxies send names as UTF-8, although the standard header is Latin-1."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
