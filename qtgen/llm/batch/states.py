"""What a provider's Batch API reports about a batch, read leniently, because services differ in spelling."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from qtgen.page.text import storable_text

TOKEN_LIMIT = "token_limit_exceeded"  # noqa: S105  # the code of an error
_MAX_ERRORS = 10_000
_MAX_MESSAGE = 300  # characters


class RemoteState(StrEnum):
    """The states of OpenAI's Batch API."""

    VALIDATING = "validating"
    FAILED = "failed"
    IN_PROGRESS = "in_progress"
    FINALIZING = "finalizing"
    COMPLETED = "completed"
    EXPIRED = "expired"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"


_FINAL = frozenset({RemoteState.FAILED, RemoteState.COMPLETED, RemoteState.EXPIRED, RemoteState.CANCELLED})


class BatchProblem(NamedTuple):
    """Why a provider rejected a batch. `line` counts from 1; None if the problem is not about one line."""

    code: str
    message: str
    line: int | None


@dataclass(frozen=True, slots=True)
class RemoteBatch:
    """A batch as its provider describes it.

    Attributes:
        id: The provider's id.
        state: Its state in lower case. It may be one that qtgen does not know.
        input_file: The id of the uploaded file.
        output_file, error_file: The ids of the result files; None if there is none.
        metadata: The metadata that qtgen sent on submission.
        completed: Number of requests with a successful response; None if not reported.
        problems: Why the provider rejected it.
    """

    id: str
    state: str
    input_file: str | None = None
    output_file: str | None = None
    error_file: str | None = None
    metadata: Mapping[str, Any] | None = None
    completed: int | None = None
    problems: tuple[BatchProblem, ...] = ()

    @property
    def is_final(self) -> bool:
        """Return whether the batch will not change any more. An unknown state is not final."""
        return self.state in _FINAL

    @property
    def result_files(self) -> tuple[str, ...]:
        """The ids of the files to read."""
        return tuple(file for file in (self.output_file, self.error_file) if file)

    @property
    def exceeds_token_limit(self) -> bool:
        """Return whether the provider rejected it because too many tokens are enqueued."""
        return self.state == RemoteState.FAILED and any(problem.code == TOKEN_LIMIT for problem in self.problems)

    @property
    def bad_lines(self) -> Mapping[int, str]:
        """The lines that the provider rejects, and why."""
        return {problem.line: problem.message for problem in self.problems if problem.line}

    def problem(self) -> str:
        """Return why the provider rejected it, in its own words."""
        return next((problem.message or problem.code for problem in self.problems), "it gives no reason")


def read_batch(document: Any) -> RemoteBatch:
    """Return the batch in a provider's document. Raises ValueError if there is none."""
    if isinstance(document, dict) and isinstance(document.get("job"), dict):  # Together wraps it on creation
        document = document["job"]
    name = _text(document.get("id")) if isinstance(document, dict) else None
    if not name:
        raise ValueError("it describes no batch")
    counts = document.get("request_counts")
    counts = counts if isinstance(counts, dict) else {}
    metadata = document.get("metadata")
    return RemoteBatch(
        name,
        (_text(document.get("status")) or "").lower(),
        _text(document.get("input_file_id")),
        _text(document.get("output_file_id")),
        _text(document.get("error_file_id")),
        metadata if isinstance(metadata, dict) else None,
        _count(counts.get("completed")),
        tuple(_problems(document.get("errors"))),
    )


def _problems(errors: Any) -> list[BatchProblem]:
    rows = errors.get("data") if isinstance(errors, dict) else errors
    if isinstance(rows, str):
        return [BatchProblem("", _message(rows), None)]
    return [
        BatchProblem(_text(row.get("code")) or "", _message(row.get("message")), _count(row.get("line")))
        for row in (rows if isinstance(rows, list) else [])[:_MAX_ERRORS]
        if isinstance(row, dict)
    ]


def _message(value: Any) -> str:
    return storable_text(" ".join(value.split()))[:_MAX_MESSAGE] if isinstance(value, str) else ""


def _text(value: Any) -> str | None:
    """Return an id or a word. An empty one is none."""
    return storable_text(value.strip()) or None if isinstance(value, str) else None


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31 else None
