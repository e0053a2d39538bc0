"""What an error of the network says, in a few words that do not depend on the HTTP library."""

import errno
import re
import socket
import ssl
from collections.abc import Iterator

_NUMBER = re.compile(r"\[Errno (-?\d+)\]\s*")
_WORDS = {
    errno.ECONNREFUSED: "connection refused",
    errno.ENETUNREACH: "network unreachable",
    errno.EHOSTUNREACH: "host unreachable",
    errno.ETIMEDOUT: "timed out",
    errno.ECONNRESET: "connection reset",
    errno.ECONNABORTED: "connection reset",
    errno.EPIPE: "connection reset",
}
_MAX_CAUSES = 8


def reason_of(error: BaseException) -> str:
    """Return why a connection failed: the reason that the system gives, else the first line of the error's message."""
    for cause in _causes(error):
        if words := _system_words(cause):
            return words
    words = getattr(error, "strerror", None) or str(error)
    line = _NUMBER.sub("", str(words).strip().split("\n")[0]).rstrip(":")
    return line or type(error).__name__


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what caused it."""
    cause: BaseException | None = error
    for _ in range(_MAX_CAUSES):
        if cause is None:
            return
        yield cause
        inner = getattr(cause, "os_error", None) or getattr(cause, "certificate_error", None)
        cause = inner if isinstance(inner, BaseException) else cause.__cause__ or cause.__context__


def _system_words(error: BaseException) -> str | None:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message or None
    if isinstance(error, ssl.SSLError):
        reason = getattr(error, "reason", None)  # subclasses of the HTTP library have none
        return reason.replace("_", " ").lower() if reason else None
    if isinstance(error, socket.gaierror):
        return "no such host, or no network" if error.errno == socket.EAI_AGAIN else "no such host"
    if isinstance(error, TimeoutError):
        return "timed out"
    if not isinstance(error, OSError):
        return None
    numbers = {error.errno, *(int(number) for number in _NUMBER.findall(str(error)))}
    return next((words for number, words in _WORDS.items() if number in numbers), None)
