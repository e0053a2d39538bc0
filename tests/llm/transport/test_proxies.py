"""Which proxy the environment sets for an address."""

import pytest

from qtgen.errors import SettingsError
from qtgen.llm.transport import proxies
from qtgen.llm.transport.proxies import proxy_for

HTTP, HTTPS = "http://llm.example/v1", "https://llm.example:8443/v1"


@pytest.fixture(autouse=True)
def _no_system_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxies, "getproxies", dict)


@pytest.mark.parametrize(
    ("url", "environ", "found"),
    [
        (HTTP, {}, None),
        (HTTP, {"HTTP_PROXY": "http://p:1"}, "the proxy http://p:1 (HTTP_PROXY)"),
        (HTTP, {"HTTP_PROXY": "http://p:1", "http_proxy": "q"}, "the proxy http://q:80 (http_proxy)"),
        (HTTP, {"HTTPS_PROXY": "http://p:1"}, None),
        (HTTPS, {"HTTPS_PROXY": "https://p"}, "the proxy https://p:443 (HTTPS_PROXY)"),
        (HTTPS, {"ALL_PROXY": "socks5h://p"}, "the proxy socks5h://p:1080 (ALL_PROXY)"),
        (HTTPS, {"ALL_PROXY": "SOCKS://[::1]:2"}, "the proxy socks://[::1]:2 (ALL_PROXY)"),
        (HTTPS, {"HTTPS_PROXY": " "}, None),
        (HTTP, {"HTTPS_PROXY": "gopher://p"}, None),
        (HTTPS, {"ALL_PROXY": "p:1", "NO_PROXY": "llm.example"}, None),
        (HTTPS, {"ALL_PROXY": "p:1", "no_proxy": "x, .example"}, None),
        (HTTPS, {"ALL_PROXY": "p:1", "NO_PROXY": "llm.example:8443"}, None),
        (HTTPS, {"ALL_PROXY": "p:1", "NO_PROXY": "*"}, None),
        (HTTPS, {"ALL_PROXY": "p:1", "NO_PROXY": "other.example, 10.0.0.0/8"}, "the proxy http://p:1 (ALL_PROXY)"),
        ("http://10.1.2.3/v1", {"ALL_PROXY": "p:1", "NO_PROXY": "10.0.0.0/8"}, None),
        ("http://[fd00::1]/v1", {"ALL_PROXY": "p:1", "NO_PROXY": "fd00::/8"}, None),
    ],
)
def test_the_proxy_for_an_address(url: str, environ: dict[str, str], found: str | None) -> None:
    proxy = proxy_for(url, environ)
    assert (proxy and str(proxy)) == found


def test_the_login_is_decoded_and_never_shown() -> None:
    proxy = proxy_for(HTTP, {"HTTP_PROXY": "http://me:pa%40ss@p:1"})
    assert proxy
    assert (proxy.user, proxy.password) == ("me", "pa@ss")
    assert "pa" not in str(proxy) + repr(proxy).replace("http", "")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("gopher://me:secret@p", "proxies with the scheme `gopher` are not supported"),
        ("http://", "has no host"),
        ("http://p:many", "not the address of a proxy"),
        ("http://[p", "not the address of a proxy"),
    ],
)
def test_a_proxy_that_cannot_be_used_names_the_variable(value: str, words: str) -> None:
    with pytest.raises(SettingsError, match="HTTP_PROXY") as caught:
        proxy_for(HTTP, {"HTTP_PROXY": value})
    assert words in str(caught.value)
    assert "secret" not in str(caught.value)


def test_variables_take_precedence_over_the_system_s_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxies, "getproxies", lambda: {"http": "http://s:1"})
    assert str(proxy_for(HTTP, {})) == "the proxy http://s:1 (the system's proxy settings)"
    assert str(proxy_for(HTTP, {"http_proxy": "http://p:1"})) == "the proxy http://p:1 (http_proxy)"
