"""What errors of the network say."""

import errno
import socket
import ssl

import pytest

from qtgen.llm.transport.network_errors import reason_of


def chained(error: BaseException, cause: BaseException) -> BaseException:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ConnectionRefusedError(111, "Connect call failed ('127.0.0.1', 9201)"), "connection refused"),
        (OSError("Multiple exceptions: [Errno 111] Connect call failed ('::1', 9), [Errno 111] Connect"),
         "connection refused"),
        (OSError(errno.ENETUNREACH, "Network is unreachable"), "network unreachable"),
        (OSError(errno.EHOSTUNREACH, "No route to host"), "host unreachable"),
        (ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"), "connection reset"),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "no such host"),
        (socket.gaierror(socket.EAI_AGAIN, "Temporary failure"), "no such host, or no network"),
        (TimeoutError(), "timed out"), (OSError(errno.ETIMEDOUT, "x"), "timed out"),
        (chained(RuntimeError("[Errno 111] refused"), ConnectionRefusedError(111, "x")), "connection refused"),
        (OSError(errno.EACCES, "Permission denied"), "Permission denied"),
        (ssl.SSLError(1, "[SSL] x"), "[SSL] x"),
        (ValueError("[Errno 5] two\nlines"), "two"), (ValueError(), "ValueError"),
    ],
)  # fmt: skip
def test_reasons(error: BaseException, words: str) -> None:
    assert reason_of(error) == words


def test_a_chain_of_causes_that_never_ends() -> None:
    error, other = ValueError("one"), ValueError("two")
    error.__cause__, other.__cause__ = other, error
    assert reason_of(error) == "one"
