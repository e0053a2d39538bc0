"""Recorded responses of a suite: record new ones, and reuse existing ones.

Each response is written to the disk as soon as it is complete, so a run that ends in any way leaves an unfinished
recording with all responses that it received. The next run continues it. Only a complete recording replaces the
suite's cassette.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from qtgen._util.files import as_output_error, staged_file
from qtgen.errors import NoAnswer, ProviderError, StyleRejected
from qtgen.evaluation.suites.tapes import Journal, Tape, body_of, load_tape, tape_text
from qtgen.llm.cassettes import CassetteMiss, Recordings, recorder
from qtgen.llm.types import Completion, Prompt, PromptStyle, Provider


@dataclass(slots=True)
class _Call:
    """A request of one task.

    Attributes:
        body: The request that a replay sends.
        received: Positions of its responses in the tape.
        taken: Requests that loaded responses were used for.
    """

    body: bytes = b""
    received: list[int] = field(default_factory=list)
    taken: list[bytes] = field(default_factory=list)


_call: ContextVar[_Call | None] = ContextVar("_call", default=None)


class Reuse(Enum):
    """Which recorded responses a new recording reuses."""

    NOTHING = "nothing"
    UNFINISHED = "unfinished"
    """Those of an unfinished recording."""
    CASSETTE = "cassette"
    """Those of the cassette, and of an unfinished recording."""


@dataclass(slots=True)
class Gaps:
    """Why a recording is incomplete. A recording without gaps gives the same pages again when it is replayed.

    Attributes:
        unanswered: Requests that got no response.
        unrecordable: Responses that did not come over HTTP.
        is_restyled: Whether the endpoint rejected the format of answers, so that prompts were written in another one.
    """

    unanswered: int = 0
    unrecordable: int = 0
    is_restyled: bool = False


class Recording(Recordings):
    """A cassette that is being recorded. Every request gets exactly one response, as in a replay.

    Args:
        tape: The vcrpy cassette, with the responses that may be reused.
        path: The cassette that `publish` writes.
        journal: Where responses are written as they are received.
    """

    def __init__(self, tape: Any, path: Path, journal: Journal) -> None:
        super().__init__(tape)
        self.path = path
        self.gaps = Gaps()
        self._tape, self._journal = tape, journal
        self._loaded = len(tape)
        self._remaining = Counter(body_of(request) for request in tape.requests)
        self._kept: set[int] = set()  # positions of new responses
        self._dropped: set[int] = set()  # positions of loaded responses that are not final
        self._append = tape.append
        tape.append = self._note_response  # vcrpy has no hook for a recorded response

    @property
    def loaded(self) -> int:
        """Number of recorded responses that may be reused."""
        return self._loaded

    @property
    def reused(self) -> int:
        """Number of recorded responses that were reused."""
        return sum(map(self._is_used, range(self._loaded)))

    @property
    def is_empty(self) -> bool:
        """Whether no response was recorded or reused."""
        return not (self._kept or self.reused)

    def take(self, body: bytes) -> None:
        """Use one of the loaded responses. Raises CassetteMiss if none is left for this request."""
        if not self._remaining[body]:
            raise CassetteMiss("not recorded yet", body=body)
        self._remaining[body] -= 1
        if call := _call.get():
            call.taken.append(body)

    @contextmanager
    def replaying(self) -> Iterator[list[bytes]]:
        """Collect the requests that a loaded response is used for in the block, and drop those that are not final."""
        call = _Call()
        with _current(call):
            try:
                yield call.taken
            except NoAnswer:
                raise
            except ProviderError:
                for body in call.taken:
                    self._drop(body)
                raise

    @contextmanager
    def sending(self, body: bytes) -> Iterator[None]:
        """Keep the last response that is received in the block as that to a request. A replay sends `body` for it.

        Raises OutputError if responses cannot be saved, before anything is sent.
        """
        self._journal.check()
        call = _Call(body)
        with _current(call):
            try:
                yield
                if not call.received and not self._repeat_last(body):
                    self.gaps.unrecordable += 1
            except NoAnswer:
                self.gaps.unanswered += not call.received
                raise
            except StyleRejected:
                self.gaps.is_restyled = True
                call.received.clear()
                raise
            except BaseException:
                self.gaps.unanswered += 1
                call.received.clear()
                raise
            finally:
                self._kept.update(call.received[-1:])

    def publish(self) -> None:
        """Replace the cassette by this recording. If it raises OutputError, both are unchanged."""
        pairs = [pair for position, pair in enumerate(self._tape.data) if self._is_used(position)]
        with staged_file(self.path, tape_text(pairs)) as temporary, as_output_error(self.path):
            temporary.replace(self.path)
        self.discard()

    def discard(self) -> None:
        """Remove the recorded responses. The cassette is unchanged."""
        self._journal.remove()

    def _is_used(self, position: int) -> bool:
        if position >= self._loaded:
            return position in self._kept
        return bool(self._tape.play_counts[position]) and position not in self._dropped

    def _note_response(self, request: Any, response: Any) -> None:
        """Record a response, and note which request it belongs to."""
        position = len(self._tape)
        self._append(request, response)
        if len(self._tape) == position or not (call := _call.get()):
            return
        call.received.append(position)
        self._tape.play_counts[position] += 1  # or vcrpy would answer the next repeat with it
        recorded, response = self._tape.data[position]
        if body_of(recorded) != call.body:  # the endpoint needed a changed request, which a replay does not send
            recorded.body = call.body
        # It is written before it is known to be final. The next run drops those that are not.
        self._journal.write(recorded, response)

    def _drop(self, body: bytes) -> None:
        """Drop the loaded response that was used last for a request."""
        for position in reversed(range(self._loaded)):
            if self._is_used(position) and body_of(self._tape.data[position][0]) == body:
                self._dropped.add(position)
                return

    def _repeat_last(self, body: bytes) -> bool:
        """Record the last response to equal bytes again, because the ledger answered this request with it."""
        for position in reversed(range(len(self._tape))):
            request, response = self._tape.data[position]
            if self._is_used(position) and body_of(request) == body:
                self._tape.append(request, response)
                return True
        return False


@contextmanager
def _current(call: _Call) -> Iterator[None]:
    token = _call.set(call)
    try:
        yield
    finally:
        _call.reset(token)


def partial_path(path: Path) -> Path:
    """Return where an unfinished recording is kept."""
    return path.with_suffix(".partial.yaml")


def reusable_responses(path: Path, reuse: Reuse) -> Counter[bytes]:
    """Return how often each request is recorded among the responses that may be reused.

    Raises CassetteError if a recording cannot be read.
    """
    unfinished = [] if reuse is Reuse.NOTHING else load_tape(partial_path(path), is_unfinished=True)
    return Counter(body_of(request) for request, _ in _reusable(path, reuse, unfinished))


@contextmanager
def record_cassette(path: Path, reuse: Reuse = Reuse.NOTHING) -> Iterator[Recording]:
    """Record every response that is received in the block, also if the block raises.

    The recording is kept at `partial_path(path)` until it is published or discarded. With Reuse.NOTHING, an unfinished
    recording that is there is removed. Raises CassetteError if a recording that may be used again cannot be read, and
    OutputError if the folder cannot be written.
    """
    unfinished = [] if reuse is Reuse.NOTHING else load_tape(partial_path(path), is_unfinished=True)
    journal = Journal(partial_path(path), unfinished)
    if reuse is Reuse.NOTHING:
        journal.remove()
    with recorder().use_cassette(str(path.with_suffix(".none")), record_mode="new_episodes") as cassette:
        cassette.data.extend(_reusable(path, reuse, unfinished))
        cassette.rewound = True  # so that the loaded responses are played
        try:
            yield Recording(cassette, path, journal)
        finally:
            journal.close()
            cassette.dirty = False  # the journal has everything, so vcrpy writes nothing


def _reusable(path: Path, reuse: Reuse, unfinished: Tape) -> Tape:
    if reuse is not Reuse.CASSETTE:
        return unfinished
    published = load_tape(path)
    have = Counter(body_of(request) for request, _ in published)
    for request, response in unfinished:
        body = body_of(request)
        if have[body]:
            have[body] -= 1
        else:
            published.append((request, response))
    return published


class RecordingProvider:
    """A provider that replays recorded responses first, and sends other requests to the live provider.

    Recorded responses cost nothing, so they bypass the live provider with its ledger and its budget.

    Args:
        recorded: The provider of the recorded responses, which sends what a replay sends.
    """

    def __init__(self, recorded: Provider, live: Provider, recording: Recording) -> None:
        self.name, self.model = live.name, live.model
        self._recorded, self._live, self._recording = recorded, live, recording

    @property
    def style(self) -> PromptStyle:
        """How prompts for the model are written now."""
        return self._live.style

    async def complete(self, prompt: Prompt) -> Completion:
        """Return the recorded response if one is left, else a new one.

        Raises as the live provider does, and OutputError if responses cannot be saved.
        """
        while True:
            try:
                with self._recording.replaying() as taken:
                    return await self._recorded.complete(prompt)
            except NoAnswer:
                raise
            except CassetteMiss as miss:
                with self._recording.sending(miss.body):
                    return await self._live.complete(prompt)
            except ProviderError:  # not a final response: the live provider sends the request again after it
                if not taken:
                    raise

    def reject(self, completion: Completion) -> None:
        """Report a response with faults to the live provider."""
        self._live.reject(completion)

    def forget(self, completion: Completion) -> None:
        """Report a response that led to no page to the live provider."""
        self._live.forget(completion)
