"""Checks of an endpoint's address, API key and headers, before anything is sent with them."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

PUBLIC_PARAMETERS = frozenset({"api-version"})
"""Query parameters whose value is no secret."""
_QUERY_REMEDY = 'set OPENAI_API_KEY, or NAME = "$VARIABLE" under `[query]` in qtgen.toml'
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def usable_key(value: object) -> object:
    """Strip an API key, because one that was read from a file often ends in a newline; other values stay as they are.

    Raises ValueError if an HTTP header cannot hold the key.
    """
    if not isinstance(value, str):
        return value
    key = value.strip()
    if not key.isascii() or not key.isprintable():
        raise ValueError("contains a character that no key has")
    return key


def usable_address(value: str) -> str:
    """Return `value` if it is an HTTP address without a password or a key in it. Raises ValueError, without the value.

    Its query may have only public parameters.
    """
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ValueError("must be an address such as http://localhost:8000/v1")
    if parts.username or parts.password:
        raise ValueError("must not contain a password; set OPENAI_API_KEY")
    if not {part.partition("=")[0] for part in parts.query.split("&") if part} <= PUBLIC_PARAMETERS:
        public = " and ".join(f"`{name}`" for name in sorted(PUBLIC_PARAMETERS))
        raise ValueError(
            f"must not contain query parameters besides {public}, because they may be keys; {_QUERY_REMEDY}"
        )
    return value


def masked_address(address: str) -> str:
    """Return an address with `***` for its login and for the values of its query, which may be keys."""
    scheme, separator, rest = address.partition("://")
    host, slash, path = rest.partition("/")
    login, at, host = host.rpartition("@")
    shown = f"{scheme}{separator}{'***' if login else ''}{at}{host}{slash}{path}"
    base, mark, query = shown.partition("?")
    return base + mark + "&".join(map(_masked_parameter, query.split("&"))) if mark else shown


def _masked_parameter(parameter: str) -> str:
    name, equals, value = parameter.partition("=")
    if not equals:
        return "***" if name else ""
    return f"{name}={value if name in PUBLIC_PARAMETERS else '***' if value else ''}"


def usable_headers(value: Mapping[str, str]) -> Mapping[str, str]:
    """Return HTTP headers if they can be sent. Raises ValueError, which names the header and never its value."""
    for name, text in value.items():
        if not _HEADER_NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not the name of a header")
        if not text.isprintable():
            raise ValueError(f"the value of {name} contains a character that no header can hold")
    return value


def usable_query(value: Mapping[str, str]) -> Mapping[str, str]:
    """Return query parameters if they can be sent. Raises ValueError, which names the parameter and never its value."""
    for name, text in value.items():
        if not name.strip() or not name.isprintable():
            raise ValueError(f"{name!r} is not the name of a parameter")
        if not text.isprintable():
            raise ValueError(f"the value of {name} contains a character that no address can hold")
    return value
