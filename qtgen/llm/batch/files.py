"""Write batch files: one request a line, exactly the bytes that a live request would send."""

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from qtgen._util.files import as_output_error
from qtgen.llm.sender import Request

URL = "/v1/chat/completions"
"""The operation in each line. Providers expect this path with any base URL."""
_MIDDLE = b'","method":"POST","url":"' + URL.encode() + b'","body":'
_BYTES_PER_TOKEN = 4
_KEY = 32  # bytes of a digest


class FileLimits(NamedTuple):
    """The limits of a batch file. `tokens` are prompt tokens; None for no limit."""

    lines: int
    bytes: int
    tokens: int | None = None


def line_of(request: Request) -> bytes:
    """Return the line of a request."""
    return b'{"custom_id":"' + request.key.digest.hex().encode() + _MIDDLE + request.body + b"}\n"


def prompt_tokens(request: Request) -> int:
    """Return an estimate of a request's prompt tokens."""
    return len(request.body) // _BYTES_PER_TOKEN + 1


class BatchFile:
    """A batch file that is being written, for one model.

    Args:
        path: Where it is written. Only the owner may read it, because questions can be confidential.

    Attributes:
        lines, bytes, tokens: The size of its requests.
        set_aside: The maximum cost of its requests in US dollars.
        is_priced: Whether the price of every request is known.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines = self.bytes = self.tokens = 0
        self.set_aside = 0.0
        self.is_priced = True
        self._digests = bytearray()
        self._hash = hashlib.sha256()
        with as_output_error(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")

    def has_room(self, request: Request, line: bytes, limits: FileLimits) -> bool:
        """Return whether a request fits. The first one always does."""
        if not self.lines:
            return True
        has_tokens = limits.tokens is None or self.tokens + prompt_tokens(request) <= limits.tokens
        return self.lines < limits.lines and self.bytes + len(line) <= limits.bytes and has_tokens

    def add(self, request: Request, line: bytes, cost: float | None) -> None:
        """Append a request. `cost` is its maximum cost; None if that is unknown. Raises OutputError."""
        with as_output_error(self.path):
            self._file.write(line)
        self._hash.update(line)
        self._digests += request.key.digest
        self.lines += 1
        self.bytes += len(line)
        self.tokens += prompt_tokens(request)
        self.set_aside += cost or 0.0
        self.is_priced &= cost is not None

    def finish(self) -> None:
        """Write the file to the disk. Raises OutputError if the disk is full."""
        if self._file.closed:
            return
        with as_output_error(self.path):
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()

    def discard(self) -> None:
        """Remove the file."""
        with contextlib.suppress(OSError):  # a full disk: what was not written does not matter any more
            self._file.close()
        self.path.unlink(missing_ok=True)

    def digests(self) -> Iterator[bytes]:
        """Yield the keys of the requests, in the order of the lines."""
        return (bytes(self._digests[start : start + _KEY]) for start in range(0, len(self._digests), _KEY))

    def is_unchanged(self) -> bool:
        """Return whether the file still holds what was written. Raises OutputError if it cannot be read."""
        digest = hashlib.sha256()
        with as_output_error(self.path), self.path.open("rb") as file:
            while part := file.read(2**20):
                digest.update(part)
        return digest.digest() == self._hash.digest()
