"""The client's outermost layer: answers that the ledger has, and the record of those that it does not."""

from dataclasses import replace

from qtgen._util.concurrency import Stop
from qtgen.errors import LedgerError
from qtgen.llm.ledger.writer import LedgerWriter
from qtgen.llm.sender import Request, Sender
from qtgen.llm.types import Completion


class LedgerSender:
    """Sends a request only if the ledger has no final response to it, and records the one that comes.

    If a response cannot be recorded, it is used all the same, because it was paid for, and the run ends with the error.
    """

    def __init__(self, inner: Sender, writer: LedgerWriter, stop: Stop) -> None:
        self._inner, self._writer, self._stop = inner, writer, stop

    async def send(self, request: Request) -> Completion:
        recorded = await self._writer.claim(request.key)
        if recorded is not None:
            return recorded
        try:
            completion = await self._inner.send(request)
        except BaseException:  # also if it is cancelled: anybody may send it then
            self._writer.release(request.key)
            raise
        if completion.key != request.key.digest:
            completion = replace(completion, key=request.key.digest)
        try:
            await self._writer.record_answer(request.key, completion)
        except LedgerError as error:
            self._stop.fail(error)
        return completion
