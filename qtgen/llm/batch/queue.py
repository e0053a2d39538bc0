"""Queue requests in batch files, which have one model and dialect each and stay within the limits."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from qtgen.errors import BadRequest
from qtgen.llm.batch.files import BatchFile, FileLimits, line_of
from qtgen.llm.endpoint import Endpoint
from qtgen.llm.sender import Request


@dataclass(frozen=True, slots=True)
class QueuedFile:
    """A batch file whose requests this run has claimed.

    Attributes:
        id: The id that its batch will have.
        endpoint: The endpoint of its requests.
        dialect: The dialect of its requests, as JSON.
    """

    id: str
    endpoint: Endpoint
    dialect: str
    file: BatchFile


@dataclass(slots=True)
class BatchQueue:
    """Writes requests into batch files.

    Args:
        folder: Where the files are written.
        limits: The limits of a file.
        token_limits: The limits of tokens that are known, by model.
    """

    folder: Path
    limits: FileLimits
    token_limits: dict[str, int] = field(default_factory=dict)
    _open: dict[tuple[str, str, str], QueuedFile] = field(default_factory=dict)
    _full: list[QueuedFile] = field(default_factory=list)
    _digests: set[bytes] = field(default_factory=set)

    def __contains__(self, digest: bytes) -> bool:
        return digest in self._digests

    def __len__(self) -> int:
        return len(self._digests)

    @property
    def set_aside(self) -> float:
        """The most that its requests can cost."""
        return sum(queued.file.set_aside for queued in (*self._full, *self._open.values()))

    def add(self, endpoint: Endpoint, request: Request, dialect: str, cost: float | None) -> None:
        """Add a request to the file of its model and dialect.

        Raises BadRequest for a request that no file can hold, and OutputError if it cannot be written.
        """
        line = line_of(request)
        limits = self.limits._replace(tokens=self.token_limits.get(endpoint.model, self.limits.tokens))
        if len(line) > limits.bytes:
            message = f"the request has {len(line):,} bytes, and a batch file may have {limits.bytes:,}"
            raise BadRequest(message, remedy="raise `bytes` under [batch], or shorten the context")
        place = endpoint.place, endpoint.model, dialect
        queued = self._open.get(place)
        if queued and not queued.file.has_room(request, line, limits):
            self._full.append(self._open.pop(place))
            queued.file.finish()
            queued = None
        if queued is None:
            queued = self._open[place] = self._new_file(endpoint, dialect)
        queued.file.add(request, line, cost)
        self._digests.add(request.key.digest)

    def files(self) -> list[QueuedFile]:
        """Complete and return the files. Further requests begin new files. Raises OutputError."""
        files, self._open = [*self._full, *self._open.values()], {}
        for queued in files:
            queued.file.finish()
        self._full = files
        return list(files)

    def remove(self, queued: QueuedFile) -> None:
        """Forget a file and its requests, and delete it."""
        self._full.remove(queued)
        self._digests.difference_update(queued.file.digests())
        queued.file.discard()

    def keep(self, queued: QueuedFile) -> None:
        """Forget a file and its requests, but keep the file on disk."""
        self._full.remove(queued)
        self._digests.difference_update(queued.file.digests())

    def discard(self) -> Iterator[bytes]:
        """Delete all files and yield the keys of their requests."""
        for queued in (*self._full, *self._open.values()):
            yield from queued.file.digests()
            queued.file.discard()
        self._full, self._open = [], {}
        self._digests.clear()

    def _new_file(self, endpoint: Endpoint, dialect: str) -> QueuedFile:
        name = uuid.uuid4().hex
        safe_model = "".join(char if char.isalnum() or char in "-._" else "-" for char in endpoint.model)[:60]
        return QueuedFile(name, endpoint, dialect, BatchFile(self.folder / f"{safe_model}-{name}.jsonl"))
