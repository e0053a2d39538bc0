"""Choose the proxy that the environment sets for an address."""

import base64
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies
from urllib.request import proxy_bypass_environment as _names_host  # type: ignore[attr-defined]  # not in its stubs

from qtgen.errors import SettingsError

_HTTP = {"http": 80, "https": 443}
_SOCKS = {"socks": 5, "socks5": 5, "socks5h": 5, "socks4": 4, "socks4a": 4}
_SOCKS_PORT = 1080
_REMEDY = "set it to an address such as http://HOST:PORT or socks5://HOST:PORT"


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy.

    Attributes:
        variable: The environment variable that sets it.
        socks_version: 4 or 5, None for an HTTP proxy.
    """

    variable: str
    scheme: str
    host: str
    port: int
    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    socks_version: int | None = None

    @property
    def url(self) -> str:
        """The address without the login."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    def login_headers(self) -> dict[str, str] | None:
        """Return the headers that log in to an HTTP proxy, None if it has no login."""
        if self.user is None:
            return None
        login = base64.b64encode(f"{self.user}:{self.password or ''}".encode()).decode()
        return {"Proxy-Authorization": f"Basic {login}"}

    def __str__(self) -> str:
        return f"the proxy {self.url} ({self.variable})"


def proxy_for(url: str, environ: Mapping[str, str]) -> Proxy | None:
    """Return the proxy for an address, None if there is none. Environment variables take precedence over the system's
    settings.

    Raises SettingsError, which names the variable and never a password.
    """
    address = urlsplit(url)
    bypassed = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    if _is_bypassed(address.hostname or "", address.port, bypassed):
        return None
    for name in (f"{address.scheme}_proxy", "all_proxy"):
        for variable in (name, name.upper()):
            if value := environ.get(variable, "").strip():
                return _parsed(variable, value)
    system = getproxies().get(address.scheme)
    return _parsed("the system's proxy settings", system) if system else None


def _is_bypassed(host: str, port: int | None, bypassed: str) -> bool:
    """Return True if `NO_PROXY` names the host, its domain or its network."""
    place = f"{host}:{port}" if port else host
    if _names_host(place, {"no": bypassed}):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return any(address in network for network in map(_network, bypassed.split(",")) if network)


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text.strip().strip("[]"), strict=False)
    except ValueError:
        return None


def _parsed(variable: str, value: str) -> Proxy:
    try:
        parts = urlsplit(value if "://" in value else f"http://{value}")
        scheme, host, port = parts.scheme.lower(), parts.hostname, parts.port
    except ValueError:
        raise SettingsError("this is not the address of a proxy", field=variable, remedy=_REMEDY) from None
    if scheme not in _HTTP and scheme not in _SOCKS:
        message = f"proxies with the scheme `{scheme}` are not supported"
        raise SettingsError(message, field=variable, remedy=_REMEDY)
    if not host:
        raise SettingsError("the address of the proxy has no host", field=variable, remedy=_REMEDY)
    user = unquote(parts.username) if parts.username else None
    password = unquote(parts.password) if parts.password else None
    version = _SOCKS.get(scheme)
    return Proxy(variable, scheme, host, port or _HTTP.get(scheme, _SOCKS_PORT), user, password, version)
