"""Submit batch files, so that no request is ever submitted twice.

The batch is committed to the ledger before anything is uploaded, and its id is in the metadata of the provider's batch.
If it is unclear whether the provider has created a batch, qtgen searches the provider's list of batches first.
"""

import asyncio
import contextlib
import logging
from hashlib import sha256
from typing import TYPE_CHECKING

from qtgen._util.concurrency import Stop
from qtgen.errors import BadRequest, OutputError, ProviderError, Retryable
from qtgen.llm.batch.patience import in_ledger, is_locked_out, pause_after, retried
from qtgen.llm.batch.queue import QueuedFile
from qtgen.llm.batch.states import RemoteBatch
from qtgen.llm.ledger.batch_types import BatchRecord, BatchState, LostClaims
from qtgen.llm.ledger.batches import BatchStore
from qtgen.settings import BatchSettings

if TYPE_CHECKING:
    from qtgen.llm.batch.api import BatchApi

_LOOKS = 3  # searches for a batch that may be created a moment later
_YOUNG = 60.0  # seconds after which no request of a dead run can still reach the provider
_SETTLING = 3.0  # seconds between two looks for the batch of a dead run
_TAKEN_OVER = "another run has released the requests of a batch that this run was submitting"
_logger = logging.getLogger(__name__)


def place_digest(place: str) -> str:
    """Return the digest of an endpoint's place, because an address can contain a password."""
    return sha256(place.encode()).hexdigest()


def new_record(queued: QueuedFile, run: str, state: BatchState = BatchState.PREPARED) -> BatchRecord:
    """Return the record of a queued file."""
    file = queued.file
    return BatchRecord(
        queued.id,
        place_digest(queued.endpoint.place),
        queued.endpoint.model,
        run,
        state,
        queued.dialect,
        file.lines,
        file.bytes,
        file.tokens,
        file.set_aside if file.is_priced else None,
    )


class Submitter:
    """Submits batch files to one endpoint.

    Args:
        api: The endpoint's Batch API.
        store: The ledger's batches.
        settings: What the Batch API expects.
        tries: The most attempts for one operation.
        stop: A requested stop ends the waiting between two attempts.
    """

    def __init__(self, api: "BatchApi", store: BatchStore, settings: BatchSettings, tries: int, stop: Stop) -> None:
        self._api, self._store, self._settings, self._tries, self._stop = api, store, settings, tries, stop

    async def submit(self, queued: QueuedFile) -> RemoteBatch:
        """Upload the file of a batch that the ledger has recorded as prepared, and create the batch.

        If no batch was created, the requests are released. Raises ProviderError, OutputError, LedgerError, and
        Interrupted.
        """
        try:
            file = await retried(lambda: self._upload(queued), self._tries, self._stop)
            if not await in_ledger(lambda: self._store.update(queued.id, input_file=file)):
                raise LostClaims(_TAKEN_OVER)  # this run was suspended for so long that other runs considered it dead
        except BaseException as error:  # even an interruption: without a file, no batch can have been created
            note = str(error) or "interrupted"
            await in_ledger(lambda: self._store.close(queued.id, BatchState.LOST, note))
            raise
        remote = await self._create(queued.id, file)
        if not await in_ledger(lambda: self._store.submitted(queued.id, remote.id, remote.state)):
            await self._cancel(remote)
            raise LostClaims(_TAKEN_OVER)
        return remote

    async def _upload(self, queued: QueuedFile) -> str:
        """Upload the file and return its id. A file that arrived in part is uploaded again."""
        remote = await self._api.upload(queued.file.path, self._settings.purpose)
        if not queued.file.is_unchanged():
            await self._delete(remote.id)
            raise OutputError("the batch file was changed while it was uploaded", path=queued.file.path)
        if remote.size is not None and remote.size != queued.file.bytes:
            await self._delete(remote.id)
            message = f"{remote.size:,} of {queued.file.bytes:,} bytes of the batch file arrived"
            raise Retryable(message, kind="dropped")
        return remote.id

    async def _create(self, batch: str, file: str) -> RemoteBatch:
        """Create the batch. After each failed attempt, check whether the provider has created it nevertheless."""
        for attempt in range(1, self._tries + 1):
            try:
                return await self._api.create(file, batch, self._settings.window)
            except Retryable as error:
                _logger.info("batch %s: %s", batch[:12], error)
                if found := await self._find(batch, file, error):
                    return found
                if attempt == self._tries:
                    await self._give_up(batch, file, error)
                    raise
            except ProviderError as error:  # the endpoint has rejected it
                await self._give_up(batch, file, error)
                raise
        raise AssertionError("unreachable: at least one attempt is made")

    async def _find(self, batch: str, file: str, error: Retryable) -> RemoteBatch | None:
        """Search for a batch until it is certain that the failed request has not created it."""
        for look in range(1, _LOOKS + 1):
            found = await self._listed(batch, file)
            if found or error.kind == "rate-limited":
                return found
            await pause_after(look, error, self._stop)
        return None

    async def _give_up(self, batch: str, file: str, error: ProviderError) -> None:
        await in_ledger(lambda: self._store.close(batch, BatchState.FAILED, str(error)))
        await self._delete(file)

    async def _delete(self, file: str) -> None:
        """Delete an uploaded file that is not needed. A failure does no harm."""
        with contextlib.suppress(ProviderError):
            await self._api.delete_file(file)

    async def recover(self, record: BatchRecord) -> BatchState:
        """Settle a batch whose run died while it submitted the batch. Return its new state.

        Raises ProviderError if the provider cannot report whether it has the batch.
        """
        found = None
        if record.input_file:  # without a file, no batch can have been created
            found = await self._search(record)
        if found is not None:
            remote = found
            if await in_ledger(lambda: self._store.submitted(record.id, remote.id, remote.state)):
                return BatchState.SUBMITTED
            await self._cancel(remote)  # another run has released its requests
            return BatchState.LOST
        note = "the run ended before the provider had the batch"
        await in_ledger(lambda: self._store.close(record.id, BatchState.LOST, note, expected=(BatchState.PREPARED,)))
        if record.input_file:
            await self._delete(record.input_file)
        return BatchState.LOST

    async def _search(self, record: BatchRecord) -> RemoteBatch | None:
        found = await self._listed(record.id, record.input_file)
        if found is None and await in_ledger(lambda: self._store.age(record)) < _YOUNG:
            await asyncio.sleep(_SETTLING)  # a request of the dead run may still reach the provider
            found = await self._listed(record.id, record.input_file)
        return found

    async def _listed(self, batch: str, file: str | None) -> RemoteBatch | None:
        """Return a batch if the provider's list contains it.

        Raises BadRequest without a reply if the provider has no list, and any other ProviderError.
        """
        try:
            return await retried(lambda: self._api.find(batch, file), self._tries, self._stop)
        except BadRequest as error:
            if is_locked_out(error):
                raise
            message = f"it is unknown whether batch {batch[:12]} was created: {error.message}"
            raise BadRequest(
                message, remedy="look for it at the provider, and cancel it to release its requests"
            ) from None

    async def _cancel(self, remote: RemoteBatch) -> None:
        with contextlib.suppress(ProviderError):
            await self._api.cancel(remote.id)
