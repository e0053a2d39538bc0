"""What is written to the ledger, and what it returns."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from qtgen.llm.sender import Attempt, RequestKey
from qtgen.llm.types import Completion


class Judgement(NamedTuple):
    """What an answer turned out to be: `rejected` (it had faults) or `faulty` (it led to no page).

    `digest` identifies the request. `run` is the run that requested it, empty for the current one.
    """

    digest: bytes
    run: str
    state: str


class Claim(NamedTuple):
    """The result of claiming a request: its completion, whether another run is sending it, or whether it is in a batch.

    Without any of them, the request is now the caller's to send.

    Attributes:
        batch: Id of the batch that the request is in, empty if it is in none.
    """

    completion: Completion | None = None
    is_busy: bool = False
    batch: str = ""


MINE = Claim()
BUSY = Claim(is_busy=True)


class ModelFacts(NamedTuple):
    """How a model's requests went so far.

    Attributes:
        faulty: Share of answers that could not be used.
        latency: Mean seconds until an answer, None if there was none.
    """

    faulty: float
    latency: float | None


class ModelPace(NamedTuple):
    """How a model's last attempts went.

    Attributes:
        latencies: Seconds until each answer.
        kinds: Number of attempts by `ok` or the kind of their failure.
    """

    latencies: tuple[float, ...]
    kinds: Mapping[str, int]


@dataclass(slots=True)
class Changes:
    """Changes that are committed together.

    Attributes:
        claims: Requests that the run wants to send.
        answers: Final responses.
        releases: Digests of claimed requests that got no final response.
        dialects: Dialects that were learned, as JSON, by place and model.
    """

    claims: list[RequestKey] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    answers: dict[RequestKey, Completion] = field(default_factory=dict)
    judgements: list[Judgement] = field(default_factory=list)
    releases: list[bytes] = field(default_factory=list)
    dialects: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        return not (self.claims or self.attempts or self.answers or self.judgements or self.releases or self.dialects)
