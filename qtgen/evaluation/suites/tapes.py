"""The files of recorded responses: read a cassette or an unfinished recording, and write one response after another."""

import contextlib
from collections.abc import Iterable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import IO, Any

from yaml import YAMLError

from qtgen._util.files import as_output_error, staged_file
from qtgen.errors import CassetteError, OutputError
from qtgen.llm.cassettes import cassette_problem, only_successes, without_secrets

Tape = list[tuple[Any, Any]]
"""Requests and responses of vcrpy, in the order in which they are played."""

_HEAD = "version: 1\ninteractions:\n"
_END = "\n# saved\n"  # a response without this line was cut off when a process or the machine died


def load_tape(path: Path, *, is_unfinished: bool = False) -> Tape:
    """Return the recorded responses in a file, none if there is no file. Raises CassetteError.

    If the recording is unfinished, a response that was not written completely is left out.
    """
    from vcr.serialize import deserialize
    from vcr.serializers import yamlserializer

    try:
        content = path.read_bytes()
        text = (_saved_part(content) if is_unfinished else content).decode("utf-8")
        if not text.strip():
            return []
        requests, responses, *_ = deserialize(text, yamlserializer)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise CassetteError(error.strerror or str(error), path=path) from None
    except (ValueError, LookupError, TypeError, AttributeError, YAMLError) as error:
        remedy = "remove the file" if is_unfinished else "record all responses again"
        raise CassetteError(cassette_problem(error), path=path, remedy=remedy) from None
    pairs = zip(map(without_secrets, requests), map(only_successes, responses), strict=True)
    return [(request, response) for request, response in pairs if response is not None]


def _saved_part(content: bytes) -> bytes:
    """Return a journal without a response that was cut off. Other text is unchanged."""
    head, end = _HEAD.encode(), _END.encode()
    if head.startswith(content):
        return b""
    if not content.startswith(head):
        return content
    return content[: content.rfind(end) + len(end)] if end in content else b""


def body_of(request: Any) -> bytes:
    """Return the bytes of a vcrpy request."""
    return bytes(request.body or b"")


def tape_text(tape: Iterable[tuple[Any, Any]]) -> str:
    """Return the text of a cassette."""
    from vcr.serialize import serialize
    from vcr.serializers import yamlserializer

    pairs = [(request, deepcopy(response)) for request, response in tape]  # vcrpy turns bytes into text in place
    document = {"requests": [request for request, _ in pairs], "responses": [response for _, response in pairs]}
    text: str = serialize(document, yamlserializer)
    return text


class Journal:
    """An unfinished recording: a file to which each response is added as soon as it is received.

    Args:
        tape: The responses of an earlier run that stay in the file.
    """

    def __init__(self, path: Path, tape: Tape) -> None:
        self._path, self._tape = path, tape
        self._file: IO[str] | None = None
        self._error: OutputError | None = None

    def check(self) -> None:
        """Raise OutputError if the file cannot be written, so that nothing is sent whose response would be lost."""
        if self._error is None:
            with self._noting_errors():
                self._open_once()
        if self._error:
            raise self._error

    def write(self, request: Any, response: Any) -> None:
        """Add a response. If it cannot be written, `check` raises the error."""
        if self._error is None:
            with self._noting_errors():
                file = self._open_once()
                file.write(_entry(request, response))
                file.flush()

    def close(self) -> None:
        """Close the file, and keep it."""
        if self._file:
            with contextlib.suppress(OSError):
                self._file.close()
            self._file = None

    def remove(self) -> None:
        """Remove the file."""
        self.close()
        self._path.unlink(missing_ok=True)

    def _open_once(self) -> IO[str]:
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            text = _HEAD + "".join(_entry(*pair) for pair in self._tape)
            if self._tape:  # a crash while it is written must not lose what is there
                with staged_file(self._path, text) as temporary:
                    temporary.replace(self._path)
            self._file = self._open("a" if self._tape else "w")
            if not self._tape:
                self._file.write(text)
                self._file.flush()
        return self._file

    def _open(self, mode: str) -> IO[str]:
        return self._path.open(mode, encoding="utf-8", newline="\n")

    @contextlib.contextmanager
    def _noting_errors(self) -> Iterator[None]:
        try:
            with as_output_error(self._path):
                yield
        except OutputError as error:
            self._error = error


def _entry(request: Any, response: Any) -> str:
    """Return one response as an entry of a cassette's list."""
    lines = tape_text([(request, response)]).splitlines(keepends=True)
    return "".join(lines[1:-1]).rstrip("\n") + _END
