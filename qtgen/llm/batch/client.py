"""The provider of a batch run: it answers from the ledger, and queues every other request for a batch."""

import json
from collections import Counter
from copy import copy
from dataclasses import replace

from qtgen._util.concurrency import Stop
from qtgen.errors import BadRequest, BudgetReached, Deferred, Interrupted, Retryable
from qtgen.llm.batch.queue import BatchQueue
from qtgen.llm.budget import Budget
from qtgen.llm.client import Client, no_answer
from qtgen.llm.dialect.learning import learn
from qtgen.llm.dialect.sender import translated
from qtgen.llm.dialect.value import Dialect, from_json
from qtgen.llm.endpoint import make_request, request_digest
from qtgen.llm.ledger import LedgerWriter
from qtgen.llm.ledger.batch_types import Rejection
from qtgen.llm.sender import Request
from qtgen.llm.types import Completion, Prompt, PromptStyle

QUEUED = "the request is queued for a batch"
IN_BATCH = "the request is in batch {}"
ELSEWHERE = "another run is sending the request"
TOO_MUCH_SET_ASIDE = "the budget is set aside for batches; the request waits until they are collected"


class Round:
    """State that the clients of a batch run share, from one round to the next.

    Attributes:
        batches: The batches that requests of this round wait for.
        elsewhere: Number of requests that other runs are sending.
        delayed: Number of requests that wait for money.
        asked: Keys of all requests so far.
        rejections: The requests that endpoints rejected in batches, by digest.
        given_up: Those of them that cannot be adapted, so that their pages use a fallback or fail.
        failures: How often requests failed in batches of this run, by digest.
        max_failures: How often a request may fail before its page fails.
        own: The batches that this run has submitted or collected.
    """

    def __init__(self, max_failures: int) -> None:
        self.batches: set[str] = set()
        self.max_failures = max_failures
        self.failures: Counter[bytes] = Counter()
        self.elsewhere = self.delayed = 0
        self.asked: set[bytes] = set()
        self.rejections: dict[bytes, Rejection] = {}
        self.given_up: set[bytes] = set()
        self.own: set[str] = set()

    def begin(self) -> None:
        """Reset what the requests of the last round waited for."""
        self.batches.clear()
        self.elsewhere = self.delayed = 0


class DeferredClient:
    """A provider for one model. `complete` returns the answer in the ledger; without one, it raises Deferred.

    Args:
        client: The live client of the same model. It records judgements, and sends requests after the last batch.
        queue: Receives the requests that the ledger has no answer for.
        scope: Distinguishes the requests of a run that must not reuse answers of other runs.
    """

    def __init__(
        self,
        client: Client,
        writer: LedgerWriter,
        queue: BatchQueue,
        budget: Budget,
        round_: Round,
        stop: Stop,
        scope: str = "",
    ) -> None:
        self.name, self.model = client.name, client.model
        self.live = client
        self.endpoint = client.endpoint.in_batches()
        self._writer, self._queue, self._budget, self._round, self._stop = writer, queue, budget, round_, stop
        self._scope = scope
        self._tried = {self._dialect}

    def for_repeat(self, repeat: int) -> "DeferredClient":
        """Return a client for another repeat of the same requests. Both clients share the learned dialect."""
        other = copy(self)
        other._scope = f"{self._scope} {repeat}".strip()
        return other

    @property
    def style(self) -> PromptStyle:
        """How prompts for the model are written now."""
        return self._dialect.style(self.endpoint.style)

    @property
    def dialect(self) -> Dialect:
        """How requests are changed before they are written."""
        return self._dialect

    @property
    def _dialect(self) -> Dialect:
        return _for_batches(self.live.dialect)

    async def complete(self, prompt: Prompt) -> Completion:
        """Return the answer in the ledger.

        Raises Deferred if there is none yet, BadRequest if the endpoint rejects the request, StyleRejected,
        BudgetReached, Interrupted and LedgerError.
        """
        if self._stop.requested:
            raise Interrupted("the run was interrupted before the request was queued")
        request = self._in_scope(make_request(prompt, self.endpoint), prompt)
        digest = request.key.digest
        self._round.asked.add(digest)
        if rejection := self._round.rejections.pop(digest, None):
            self._learn(request, rejection)
        if digest in self._queue:
            raise Deferred(QUEUED, queues=True)
        if (count := self._round.failures.get(digest, 0)) >= self._round.max_failures:
            raise Retryable(f"the request failed in {count} batches, or the provider did not execute it")
        written = translated(request, self._dialect)
        claim = await self._writer.try_claim(request.key)
        if claim.completion is not None:
            return self._answer(claim.completion)
        if claim.batch:
            self._round.batches.add(claim.batch)
            raise Deferred(IN_BATCH.format(claim.batch[:12]), queues=True)
        if claim.is_busy:
            self._round.elsewhere += 1
            raise Deferred(ELSEWHERE, queues=True)
        self._add(written)
        raise Deferred(QUEUED, queues=True)

    def reject(self, completion: Completion) -> None:
        self.live.reject(completion)

    def forget(self, completion: Completion) -> None:
        self.live.forget(completion)

    def _answer(self, completion: Completion) -> Completion:
        """Return an answer. One of this run's batches counts as paid for by this run."""
        completion = replace(completion, reused=completion.run not in self._round.own)
        if completion.kind != "ok":
            raise no_answer(completion)
        return completion

    def _add(self, request: Request) -> None:
        """Queue a request that this run has claimed."""
        if request.key.digest in self._queue:  # the same request is queued twice at once
            return
        cost = self.endpoint.cost(request.key.size, request.max_answer_tokens, 0)
        try:
            if not self._budget.try_reserve(cost or 0.0):
                if not self._budget.has_reservations:
                    raise BudgetReached(self._budget.used_up())
                self._round.delayed += 1
                raise Deferred(TOO_MUCH_SET_ASIDE, queues=True)
            try:
                self._queue.add(self.endpoint, request, self._dialect.to_json(), cost)
            except BaseException:
                self._budget.settle(cost or 0.0, 0.0)
                raise
        except BaseException:
            self._writer.release(request.key)
            raise

    def _in_scope(self, request: Request, prompt: Prompt) -> Request:
        """Return the request with a key of its own if the run has a scope. Its body stays the same."""
        if not self._scope:
            return request
        place = f"{self.endpoint.place} {self._scope}"
        return replace(request, key=request.key._replace(digest=request_digest(place, request.body, prompt.sample)))

    def _learn(self, request: Request, rejection: Rejection) -> None:
        """Adapt the dialect to an error of the endpoint. Raises BadRequest if the request cannot be adapted to it."""
        document = json.loads(request.body)
        sent_in = from_json(rejection.dialect) or self._dialect
        if sent_in != self._dialect and self._dialect.apply(document) != sent_in.apply(document):
            return  # it was adapted since
        own = self.live.endpoint.own_dialect
        found = learn(self._dialect, rejection.reply, document, own=own, tried=self._tried)
        if found is None:
            self._round.given_up.add(request.key.digest)
            message = rejection.reply.message or f"HTTP {rejection.reply.status}"
            raise BadRequest(f"the endpoint rejected the request in a batch: {message}", reply=rejection.reply)
        self._tried.add(found)
        self.live.dialect = found


def _for_batches(dialect: Dialect) -> Dialect:
    """Return the dialect without streams, which a batch cannot have."""
    return replace(dialect, stream=False)
