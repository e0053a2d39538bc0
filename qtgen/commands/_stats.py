"""The totals of a run, and their words for people."""

import time
from collections import Counter
from collections.abc import Sequence

from qtgen._util.text import money, pluralize
from qtgen.errors import BudgetReached, Deferred, EndpointDown, Interrupted, ProviderUnusable
from qtgen.generation.plan import DELETED
from qtgen.generation.types import Outcome, Status
from qtgen.generation.unwrap import Wrapping
from qtgen.llm.budget import Budget
from qtgen.llm.client import Client, ClientStats
from qtgen.llm.types import Usage

REPORTED_ONCE = frozenset(
    {BudgetReached.kind, Deferred.kind, Interrupted.kind, DELETED, ProviderUnusable.kind, EndpointDown.kind}
)
"""Kinds of failures that concern many rows at once. They are counted at the end instead of one line each."""
_SAME_PRICE = 0.01  # share by which two costs may differ without a line in the summary
_MAX_REASON = 160  # characters of the endpoint's words beside the figures
_KIND_NOUNS = {
    "question": "invalid row",
    "answer": "invalid answer",
    "page": "unusable page",
    "duplicate": "duplicate",
    "near-duplicate": "near-duplicate",
    "timeout": "timeout",
    "unavailable": "server error",
    "dropped": "lost connection",
    "malformed": "unreadable response",
}
_ATTEMPT_WORDS = {
    "timeout": "timed out",
    "unavailable": "got a server error",
    "dropped": "lost the connection",
    "malformed": "got an unreadable response",
    "bad-request": "rejected",
    "unusable": "rejected for lack of credit or access",
    "away": "rejected by a lasting limit",
    "unreachable": "reached no server",
    "abandoned": "given up",
}
"""What became of an attempt, by its kind. Other kinds are words already."""


class RunStats:
    """The running totals of a run.

    Args:
        total: Number of rows or pages.
        budget: The run's budget, which knows what was spent.
        tpm: Tokens per minute that are allowed, or None.
    """

    def __init__(self, total: int, budget: Budget, tpm: float | None = None) -> None:
        self.total, self.budget, self.tpm = total, budget, tpm
        self.started = time.monotonic()
        self.counts: Counter[Status] = Counter()
        self.failures: Counter[str] = Counter()
        self.pages_by_model: Counter[str] = Counter()
        self.failed_requests = 0
        """Rows that failed after at least one request."""
        self.failed_answers = 0
        """Rows that failed and have an answer to look at."""
        self.unwrapped_answers = 0
        """Answers that were accepted although text surrounded them or their form was wrong."""
        self.wrappings: Counter[Wrapping] = Counter()
        self.usage = Usage()
        self.clients: Sequence[Client] = ()

    def add(self, outcome: Outcome) -> None:
        """Add the outcome of one row or page."""
        self.counts[outcome.status] += 1
        self.usage += outcome.usage
        self.pages_by_model[outcome.model] += outcome.status is Status.WRITTEN
        self.failed_requests += outcome.status is Status.FAILED and outcome.attempts > 0
        self.failed_answers += outcome.status is Status.FAILED and bool(outcome.last_answer)
        self.unwrapped_answers += len(outcome.unwrapped)
        for wrappings in outcome.unwrapped:
            self.wrappings.update(wrappings)
        if outcome.error:
            self.failures[outcome.error.kind] += 1

    @property
    def done(self) -> int:
        """Number of rows that have an outcome."""
        return sum(self.counts.values())

    @property
    def requested(self) -> int:
        """Number of rows that took an answer. The others say nothing about the speed of the run."""
        return self.counts[Status.WRITTEN] + self.counts[Status.KEPT] + self.counts[Status.FAILED]

    @property
    def seconds(self) -> float:
        """Seconds since the run started."""
        return time.monotonic() - self.started

    @property
    def tokens(self) -> int:
        """Tokens sent and received, also by requests that led to no outcome."""
        in_outcomes = self.usage.prompt_tokens + self.usage.completion_tokens
        return max(in_outcomes, sum(client.stats().tokens for client in self.clients))

    @property
    def spent(self) -> str:
        """The cost of the run, including requests that led to no outcome."""
        if self.budget.is_unknown:
            return f"{money(self.budget.known)} + unknown" if self.budget.known else money(None)
        return money(self.budget.known)

    def figures(self) -> str:
        """Return `412 pages/min  3 failed  31/64 in flight  1.2M tokens/min of 2M  $0.31 of $5.00`."""
        minutes = max(self.seconds, 0.001) / 60
        models = [client.stats() for client in self.clients]
        limit = f" of {_short(self.tpm)}" if self.tpm else ""
        failed = self.counts[Status.FAILED]
        budget = self.budget
        parts = [
            f"{self.requested / minutes:,.1f} pages/min",
            f"{failed:,} failed" if failed else "",
            _in_flight(models),
            f"{_short(self.tokens / minutes)} tokens/min{limit}",
            self.spent if budget.limit is None else f"{money(budget.total)} of {money(budget.limit)}",
            self.waiting(),
        ]
        return "  ".join(part for part in parts if part)

    def waiting(self) -> str:
        """Return why nothing gets through, with the endpoint's own words, or an empty text."""
        return _waiting([client.stats() for client in self.clients])

    def time_left(self) -> str:
        """Return `61 s left`, or an empty text if that is unknown."""
        if not self.requested or self.done == self.total:
            return ""
        handled = self.requested + self.counts[Status.ELSEWHERE]  # other processes write a part of the rest, too
        seconds = self.seconds / handled * (self.total - self.done)
        return f"{seconds:,.0f} s left" if seconds < 600 else f"{seconds / 60:,.0f} min left"

    def line(self) -> str:
        """Return the figures and the time left as one line."""
        return "  ".join(part for part in (self.figures(), "" if self.waiting() else self.time_left()) if part)

    def summary(self) -> list[str]:
        """Return `12 written, 1 failed in 61.2 s; 9,120 tokens, $0.0000` and lines about what did not go well."""
        counts = [count_status(status, self.counts[status]) for status in Status if self.counts[status]]
        tokens = f"{self.tokens:,} tokens, " if self.tokens or self.budget.known else "tokens and "
        spent = f"; {tokens}{self.spent}" if self.tokens or self.budget.known or self.budget.is_unknown else ""
        lines = [f"{', '.join(counts) or 'nothing done'} in {self.seconds:.1f} s{spent}"]
        if kinds := [_count_kind(*pair) for pair in self.failures.most_common() if pair[0] not in REPORTED_ONCE]:
            lines.append(f"not written: {', '.join(kinds)}")
        if line := _price_difference(self.usage):
            lines.append(line)
        if self.unwrapped_answers:
            names = ", ".join(f"{wrapping} ({count:,})" for wrapping, count in self.wrappings.most_common())
            lines.append(f"unwrapped {pluralize(self.unwrapped_answers, 'answer')}: {names}")
        models = [client.stats() for client in self.clients]
        for model in models:
            if model.attempts.get("ok"):  # else the changes did not help
                lines += [f"requests to {model.model} changed: {adaptation}" for adaptation in model.adaptations]
            if len(models) > 1:
                pages = pluralize(self.pages_by_model[model.model], "page")
                lines.append(f"requests to {model.model}: {_requests(model)}; {pages} written")
            elif model.reused or model.rejected or model.attempts.keys() - {"ok"}:
                lines.append(f"requests to {model.model}: {_requests(model)}")
        return lines


def _price_difference(usage: Usage) -> str:
    """Return a line that compares both costs if the provider's own one differs from that by the price list."""
    own, reported = usage.cost_usd, usage.reported_usd
    if own is None or reported is None or abs(own - reported) <= _SAME_PRICE * max(own, reported):
        return ""
    return f"the provider reports a cost of {money(reported)}; by the price list it is {money(own)}"


def _in_flight(models: Sequence[ClientStats]) -> str:
    if not models:
        return ""
    allowed = min(models[0].max_concurrency, sum(model.concurrency for model in models))
    return f"{sum(model.in_flight for model in models)}/{allowed} in flight"


def _waiting(models: Sequence[ClientStats]) -> str:
    """Return why nothing gets through, if that is so for all models or one is down."""
    seconds = min((model.waiting_seconds for model in models), default=0.0)
    shown = f"{max(seconds, 1):,.0f} s"
    for model in models:
        if model.waiting_for == "outage":
            return _with_reason(f"endpoint down, next attempt in {shown}", model)
        if model.waiting_for == "start":
            return _with_reason(f"no answer yet, next attempt in {shown}", model)
    if models and all(model.waiting_for for model in models):
        return _with_reason(f"rate limited, next request in {shown}", models[0])
    return ""


def _with_reason(text: str, model: ClientStats) -> str:
    reason = model.waiting_reason
    if len(reason) > _MAX_REASON:
        reason = reason[: _MAX_REASON - 1] + "…"
    return f"{text} ({reason})" if reason else text


def _short(number: float) -> str:
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if number >= size:
            return f"{number / size:.3g}{unit}"
    return f"{number:.0f}"


def _count_kind(kind: str, count: int) -> str:
    return pluralize(count, _KIND_NOUNS[kind]) if kind in _KIND_NOUNS else f"{count:,} {kind}"


def _requests(model: ClientStats) -> str:
    """Return `435 answered (138 invalid), 3 timed out, 12 answers from the ledger`."""
    invalid = f" ({model.rejected:,} invalid)" if model.rejected else ""
    attempts = Counter(model.attempts)
    parts = [f"{attempts['ok']:,} answered{invalid}"] if attempts["ok"] else []
    parts += [f"{count:,} {_ATTEMPT_WORDS.get(kind, kind)}" for kind, count in attempts.most_common() if kind != "ok"]
    parts += [f"{pluralize(model.reused, 'answer')} from the ledger"] if model.reused else []
    return ", ".join(parts) or "none"


def count_status(status: Status, count: int) -> str:
    """Return `12 written` or `3 already exist`."""
    if status is Status.EXISTS:
        return f"{count:,} already {'exists' if count == 1 else 'exist'}"
    return f"{count:,} {status.value}"
