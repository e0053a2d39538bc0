"""Save responses that could not be recorded because the ledger was unavailable. The next run records them first.

A file appears complete and never changes. A run takes over a file by renaming it, so two runs do not remove each
other's files. If a run is killed before it removes a file, the next run records the file again, which does no harm.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec

from qtgen._util.files import publish_if_absent, staged_file
from qtgen.errors import LedgerError
from qtgen.llm.ledger.types import Changes, Judgement
from qtgen.llm.sender import Attempt, RequestKey
from qtgen.llm.types import Completion
from qtgen.page.text import storable_text

_NAME = "unsettled"


class UnsettledChanges(msgspec.Struct, frozen=True):
    """One line of a file: changes that a run could not commit.

    Attributes:
        run: The run that could not record them.
    """

    run: str
    attempts: list[Attempt]
    answers: list[tuple[RequestKey, Completion]]
    judgements: list[Judgement]


_decode = msgspec.json.Decoder(UnsettledChanges).decode


class UnsettledFiles:
    """The files of a folder, usually the one named `.qtgen` beside qtgen.toml."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._saved = 0
        self._taken: list[Path] = []

    def save(self, run: str, changes: Changes) -> Path | None:
        """Save the changes except the claims, and return the file. Return None if there is nothing to save.

        Raises OutputError.
        """
        if not (changes.attempts or changes.answers or changes.judgements):
            return None
        answers = [(key, replace(answer, text=storable_text(answer.text))) for key, answer in changes.answers.items()]
        line = msgspec.json.encode(UnsettledChanges(run, changes.attempts, answers, changes.judgements))
        self._saved += 1
        path = self._folder / f"{_NAME}.jsonl"
        with staged_file(path, line.decode() + "\n") as staged:
            if not publish_if_absent(staged, path):
                path = self._folder / f"{_NAME}-{run}-saved-{self._saved}.jsonl"
                publish_if_absent(staged, path)
        return path

    def changes(self, run: str) -> Iterator[UnsettledChanges]:
        """Take over all files for a run, and yield their lines. Raises LedgerError if a line cannot be read."""
        for path in sorted(self._folder.glob(f"{_NAME}*.jsonl")):
            taken = self._folder / f"{_NAME}-{run}-taken-{len(self._taken) + 1}.jsonl"
            try:
                path.rename(taken)
                lines = taken.read_bytes().splitlines()
            except FileNotFoundError:  # another run was faster
                continue
            self._taken.append(taken)
            for number, line in enumerate(lines, 1):
                yield _read(line, f"{taken}:{number}")

    def remove(self) -> None:
        """Remove the files that were taken over, because everything in them is recorded."""
        while self._taken:
            self._taken.pop().unlink(missing_ok=True)


def _read(line: bytes, place: str) -> UnsettledChanges:
    try:
        return _decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise LedgerError(
            f"this line is not a record of responses: {error}", path=place, remedy="correct or delete the file"
        ) from None
