"""Batches of a provider's Batch API, as the ledger records them."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from qtgen.errors import ErrorReply, LedgerError
from qtgen.llm.types import NO_USAGE, Completion, Usage


class BatchState(StrEnum):
    """The states of a batch in the ledger; see `tables.batches`."""

    PREPARED = "prepared"
    SUBMITTED = "submitted"
    WRITTEN = "written"
    COLLECTED = "collected"
    FAILED = "failed"
    LOST = "lost"
    CANCELLED = "cancelled"


UNFINISHED = (BatchState.PREPARED, BatchState.SUBMITTED, BatchState.WRITTEN)
"""The states in which a batch has requests."""


class LostClaims(LedgerError):
    """Another run considered this one dead, and has taken over requests. This run must not submit them."""


@dataclass(frozen=True, slots=True)
class BatchRecord:
    """A batch; see `tables.batches`. Times are the database's, in seconds since 1970."""

    id: str
    place: str
    model: str
    run: str
    state: BatchState
    dialect: str
    requests: int
    bytes: int
    tokens: int
    set_aside_usd: float | None
    status: str | None = None
    remote_id: str | None = None
    input_file: str | None = None
    completed: int | None = None
    collected: int = 0
    answered: int = 0
    cost_usd: float = 0.0
    unpriced: int = 0
    created: float = 0.0
    submitted: float | None = None
    finished: float | None = None
    note: str | None = None

    @property
    def is_unfinished(self) -> bool:
        """Whether requests belong to the batch."""
        return self.state in UNFINISHED

    @property
    def left_aside_usd(self) -> float:
        """The part of the money set aside whose requests have no result yet."""
        return (self.set_aside_usd or 0.0) * (1 - self.collected / max(1, self.requests)) if self.is_unfinished else 0.0


class SettledRequest(NamedTuple):
    """The result of a request in a batch.

    Attributes:
        kind: Kind of the attempt, empty if there was none.
        completion: The final response. Without it and without `reply`, the request is released.
        reply: The endpoint's error, if it rejected the request.
    """

    digest: bytes
    kind: str = ""
    usage: Usage = NO_USAGE
    completion: Completion | None = None
    reply: ErrorReply | None = None


class Rejection(NamedTuple):
    """A request that an endpoint rejected, and the dialect in which it was sent, as JSON."""

    reply: ErrorReply
    dialect: str
