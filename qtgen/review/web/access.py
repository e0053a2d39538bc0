"""Who sends a request: the holder of the link that the server printed, or the user whom a trusted proxy names."""

import hashlib
import hmac
import ipaddress
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Protocol

from starlette.types import Scope

from qtgen._util.files import as_output_error
from qtgen.errors import UsageError

_COOKIE_DAYS = 90
_SECRET_SIZE = 32  # bytes
_NAME_MAX = 100  # characters of a reviewer's name

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Access(Protocol):
    """How the server knows who sends a request."""

    @property
    def refusal(self) -> str:
        """One sentence for those who may not enter."""

    def reviewer(self, scope: Scope) -> str | None:
        """Return who sends a request, or None if they may not enter."""


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

    @property
    def refusal(self) -> str:
        return "This browser may not enter; open the link that the server printed when it started."

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
        for value in _header_values(scope, "cookie"):
            cookies: SimpleCookie = SimpleCookie()
            try:
                cookies.load(value)
            except CookieError:
                continue
            morsel = cookies.get(self.cookie_name)
            if morsel and hmac.compare_digest(morsel.value.encode("utf-8", "replace"), self._token().encode()):
                return self.name
        return None

    def _token(self) -> str:
        return hmac.new(self.secret, b"cookie", hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class ProxyAccess:
    """Access for the users whom a proxy names in a header. Only the proxy itself is believed.

    Args:
        header: Name of the header.
        proxies: Addresses of the proxy, as the socket knows them.
    """

    header: str
    proxies: tuple[Network, ...]

    @property
    def refusal(self) -> str:
        return f"The proxy did not say who you are; open this page through the proxy that sets `{self.header}`."

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
    """Return the access through a proxy. Raises UsageError for an address that is none."""
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


def new_secret() -> bytes:
    """Return a random secret."""
    return secrets.token_bytes(_SECRET_SIZE)


def read_secret(folder: Path) -> bytes:
    """Return the secret in a folder, and create both if needed. Only the owner may read the file.

    Raises OutputError if the folder cannot be written.
    """
    file = folder / "secret"
    with as_output_error(file):
        prepare_folder(folder)
        for _ in range(2):
            try:
                descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError:
                secret = file.read_bytes()
                if len(secret) == _SECRET_SIZE:
                    file.chmod(0o600)
                    return secret
                file.unlink()  # a crash cut it short
            else:
                with os.fdopen(descriptor, "wb") as handle:
                    secret = new_secret()
                    handle.write(secret)
                    handle.flush()
                    os.fsync(handle.fileno())
                return secret
    raise UsageError("the file changes all the time", path=file, remedy="stop the other server first")


def prepare_folder(folder: Path) -> None:
    """Create the folder of the server's own files, with a .gitignore, so that none of them is committed."""
    folder.mkdir(parents=True, exist_ok=True)
    ignore_file = folder / ".gitignore"
    if not ignore_file.exists():
        ignore_file.write_text("*\n")


def _header_values(scope: Scope, name: str) -> list[str]:
    wanted = name.lower().encode("latin-1", "replace")
    return [_decoded(value) for header, value in scope["headers"] if header == wanted]


def _decoded(value: bytes) -> str:
    """Return a header's value. Proxies send names as UTF-8, although the standard header is Latin-1."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
