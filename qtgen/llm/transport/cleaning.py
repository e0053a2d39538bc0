"""Make an endpoint's words safe to show and to store."""

from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl, urlsplit

from qtgen._util.credentials import PUBLIC_PARAMETERS
from qtgen.llm.endpoint import Endpoint
from qtgen.llm.transport.proxies import Proxy
from qtgen.page.text import storable_text

MAX_MESSAGE = 300  # characters of the endpoint's own words
_MIN_SECRET = 8  # characters; a shorter key is no secret, and would be masked inside ordinary words


class Cleaner:
    """Masks secrets and escapes lone surrogates."""

    def __init__(self, secrets: Sequence[str]) -> None:
        words = [word for secret in secrets for word in (secret, *secret.split())]  # `Bearer KEY` holds a key
        self._secrets = sorted({word for word in words if len(word) >= _MIN_SECRET}, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return storable_text(text)

    def message(self, text: str) -> str:
        """Return the text on one line of at most 300 characters, with control characters as escapes."""
        return self(one_line(text))[:MAX_MESSAGE]


def cleaner_for(endpoint: Endpoint, own_headers: Mapping[str, str], proxy: Proxy | None) -> Cleaner:
    """Return the cleaner that knows the secrets of a connection: the key, and values of headers and of the query."""
    query = urlsplit(endpoint.base_url or "").query
    written = [tuple(part.partition("=")[::2]) for part in query.split("&")]
    parameters = [*endpoint.query.items(), *parse_qsl(query, keep_blank_values=True), *written]
    values = [value or name for name, value in parameters if name not in PUBLIC_PARAMETERS]
    return Cleaner([endpoint.api_key or "", *own_headers.values(), *values, (proxy and proxy.password) or ""])


def one_line(text: str) -> str:
    """Return the text with single spaces, and with escapes such as `\\x1b` for characters that control a terminal."""
    line = " ".join(text.split())
    if line.isprintable():
        return line
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in line)
