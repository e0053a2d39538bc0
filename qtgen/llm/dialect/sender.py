"""The layer that sends requests in the endpoint's dialect, and learns it from the endpoint's errors."""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from qtgen.errors import BadRequest, Denied, ErrorReply, ProviderError, StyleRejected
from qtgen.llm.dialect.learning import learn
from qtgen.llm.dialect.trial import Trial
from qtgen.llm.dialect.value import NO_DIALECT, Dialect, format_of
from qtgen.llm.endpoint import Endpoint, encode_document, max_answer_tokens
from qtgen.llm.sender import Request, Sender
from qtgen.llm.types import NO_USAGE, Completion, PromptStyle, Usage

_MAX_TRIALS = 2  # times that changes are tried which do not help
_MAX_STEPS = 8  # times that one request is sent again in another dialect
_MORE_TOKENS = 8.0  # factor of the token limit after reasoning used it up
_MOSTLY = 0.9  # share of the output: so much reasoning leaves no room for an answer
_logger = logging.getLogger(__name__)


class DialectSender:
    """Changes each request as the endpoint needs it.

    If the endpoint rejects a request and its error says why, the dialect changes for all further requests, and the
    request is sent again. If it is rejected again for the same reason and fails, the change is undone.

    The key of a request stays that of the unchanged document, so the next run finds its answer. A request that needs no
    change is sent as it is.

    Args:
        on_change: Called with the learned dialect once a request that needed it was answered in it, so that later runs
            can use it. The part that is set by hand is left out.
        is_proved: False to call `on_change` after the first answer in any case, so that it replaces what is kept.

    Attributes:
        dialect: The dialect in force.
        adaptations: What was learned in this run and why, as sentences.
    """

    def __init__(
        self,
        inner: Sender,
        endpoint: Endpoint,
        *,
        on_change: Callable[[Dialect], None] = lambda _: None,
        is_proved: bool = True,
    ) -> None:
        self._inner, self._endpoint, self._on_change = inner, endpoint, on_change
        self.dialect = endpoint.dialect
        self.adaptations: list[str] = []
        self._tried = {self.dialect}
        self._guessing = asyncio.Lock()
        self._more_tokens_failed = False
        self._is_proved = is_proved  # by an answer
        self._trial: Trial | None = None
        self._undone: set[Dialect] = set()
        self._failed_trials = 0
        self._answered_in: Dialect | None = None

    @property
    def style(self) -> PromptStyle:
        """How prompts are written now. It changes if the endpoint rejects a format of answers."""
        return self.dialect_here.style(self._endpoint.style)

    @property
    def dialect_here(self) -> Dialect:
        """The dialect for the requests of this task: without changes on trial that it may not need."""
        trial = self._trial
        return trial.before if trial and trial.is_optional and not trial.is_needed_here else self.dialect

    async def send(self, request: Request) -> Completion:
        """Send a request. Raises StyleRejected if its prompt has to be rendered again in another format."""
        if self._trial:
            self._trial.begin(request.key)
        try:
            return await self._send(request)
        except StyleRejected:
            if self._trial:
                self._trial.expect_other_prompt()
            raise
        except ProviderError as error:
            self._settle_failure(error)
            raise

    async def _send(self, request: Request) -> Completion:
        lost = NO_USAGE
        for step in range(_MAX_STEPS):
            exchange = _Exchange(self, replace(request, goes_first=True) if step else request)
            try:
                completion = await exchange.send()
            except StyleRejected as error:
                raise error.with_usage(lost) from None
            except ProviderError as error:
                lost += self._endpoint.usage_of(error)
                if self._learn(error, exchange.dialect, request):
                    continue
                guessed = await self._guess_no_grammar(error, exchange.dialect, request)
                if guessed is None:
                    raise (error if lost == NO_USAGE else error.with_usage(lost)) from None
                completion = guessed
            if self._is_used_up(completion):
                completion = await self._guess_more_tokens(completion, exchange.dialect, request)
            self._settle_answer(exchange.dialect)
            return completion if lost == NO_USAGE else replace(completion, lost=completion.lost + lost)
        message = f"the endpoint rejected the request in {_MAX_STEPS} forms"
        raise _RejectedInEveryForm(message, usage=lost, remedy="set what it accepts under [dialect]")

    async def pass_on(self, request: Request) -> Completion:
        """Pass a request to the next layer."""
        return await self._inner.send(request)

    def _learn(self, error: ProviderError, dialect: Dialect, request: Request) -> bool:
        """Return whether the request should be sent again, in a dialect that the error calls for."""
        reply = _reply_of(error)
        if reply is None:
            return False
        document, own = json.loads(request.body), self._endpoint.own_dialect
        if dialect != self.dialect:  # another request in flight has changed it, perhaps for the same reason
            return self._helps_too(dialect, request, document, reply)
        found = learn(dialect, reply, document, own=own, tried=self._tried)
        if found is None or (found.rejected_formats != dialect.rejected_formats and self._has_own_format(document)):
            return False
        if self._trial is None or not self._trial.is_needed or self._trial.has_helped(reply):
            is_optional = self._answered_in == self.dialect
            self._trial = Trial(self.dialect, own, len(self.adaptations), is_optional=is_optional)
            self._trial.add(request.key, document, reply)
        self._trial.forms.add(found)
        self._adopt(found, f"the endpoint: {reply.message or error.message}")
        return True

    def _helps_too(self, dialect: Dialect, request: Request, document: Mapping[str, Any], reply: ErrorReply) -> bool:
        """Return whether a request that was rejected in an earlier dialect should be sent in the current one."""
        if not (self.dialect.rejects(document) or self.dialect.apply(document) != dialect.apply(document)):
            return False
        if dialect in self._undone:
            return True
        if learn(dialect, reply, document, own=self._endpoint.own_dialect) is None:
            return False
        if self._trial and dialect == self._trial.before:
            self._trial.add(request.key, document, reply)
        return True

    def _has_own_format(self, document: Mapping[str, Any]) -> bool:
        """Return whether another prompt would change nothing, because the setting `request` contains the format."""
        return "response_format" in self._endpoint.extra and "response_format" in document

    def _adopt(self, dialect: Dialect, reason: str) -> None:
        words = "; ".join(dialect.words(self.dialect) or _undone(self.dialect.beyond(dialect)))
        self.dialect = dialect
        self._tried.add(dialect)
        self.adaptations.append(f"{words} ({reason})")
        _logger.warning("requests to %s changed: %s", self._endpoint.model, self.adaptations[-1])

    def _settle_answer(self, dialect: Dialect) -> None:
        """Keep the dialect in which a request was answered that needs it."""
        self._answered_in = dialect
        is_current = dialect == self.dialect
        if self._trial is None:
            is_proved = is_current and not self._is_proved
        else:
            self._trial.is_optional |= dialect == self._trial.before
            is_proved = self._trial.is_needed_here and (is_current or dialect in self._trial.forms)
        if is_proved:
            self._prove(dialect)

    def _settle_failure(self, error: ProviderError) -> None:
        """Undo changes that did not help the request that needs them."""
        trial = self._trial
        if trial is None or not trial.is_needed_here:
            return
        reply = _reply_of(error)
        if isinstance(error, _RejectedInEveryForm) or (reply is not None and not trial.has_helped(reply)):
            trial.drop()
            if not trial.is_needed:
                self._undo(trial)
        elif reply is not None and isinstance(error, BadRequest) and not isinstance(error, Denied):
            self._trial = None  # the request got past its first rejection

    def _undo(self, trial: Trial) -> None:
        _logger.warning("requests to %s are sent as before, because a change did not help", self._endpoint.model)
        self.dialect, self._trial = trial.before, None
        del self.adaptations[trial.first_adaptation :]
        self._undone |= trial.forms
        self._failed_trials += 1
        if self._failed_trials < _MAX_TRIALS:
            self._tried -= trial.forms

    def _prove(self, dialect: Dialect) -> None:
        self._trial, self._is_proved = None, True
        self._on_change(dialect.beyond(self._endpoint.own_dialect))

    def _settle_guess(self) -> None:
        """Keep a dialect in which a request was answered, unless it contains changes that may not help others."""
        if self._trial is None or self._trial.is_needed_here:
            self._prove(self.dialect)

    async def _guess_no_grammar(self, error: ProviderError, dialect: Dialect, request: Request) -> Completion | None:
        """Send a rejected request without its grammar and return the answer. Return None if it has no grammar."""
        if not isinstance(error, BadRequest) or isinstance(error, Denied) or b'"grammar":' not in request.body:
            return None
        plain = replace(dialect, omit=(*dialect.omit, "grammar"))
        if "grammar" in dialect.omit or not json.loads(request.body).get("grammar"):
            return None
        completion = await self._inner.send(replace(translated(request, plain), goes_first=True))
        if "grammar" not in self.dialect.omit:
            self._adopt(replace(self.dialect, omit=(*self.dialect.omit, "grammar")), f"the endpoint: {error.message}")
            self._settle_guess()
        return completion

    def _is_used_up(self, completion: Completion) -> bool:
        """Return whether reasoning has used up the token limit, so that there is no answer."""
        usage, text = completion.usage, completion.text.strip()
        if text.startswith("<think>"):
            return completion.kind == "truncated" and "</think>" not in text and "}" not in text
        if text or completion.kind not in ("ok", "truncated"):
            return False
        is_reasoning = usage.reasoning_tokens >= _MOSTLY * max(usage.completion_tokens, 1)
        return is_reasoning or (completion.kind == "truncated" and usage.completion_tokens > 0)

    async def _guess_more_tokens(self, empty: Completion, dialect: Dialect, request: Request) -> Completion:
        """Return the answer with a larger token limit, which is kept if it helps, or else the empty answer."""
        async with self._guessing:  # one request tries it for all
            larger = self.dialect
            if larger == dialect or larger.token_factor == dialect.token_factor:
                larger = replace(self.dialect, token_factor=_MORE_TOKENS * (self.dialect.token_factor or 1.0))
            document = json.loads(request.body)
            is_larger = max_answer_tokens(document, larger) > max_answer_tokens(document, dialect)
            is_by_hand = self._endpoint.own_dialect.token_factor is not None
            is_on_trial = self.dialect_here != self.dialect
            if not is_larger or is_by_hand or is_on_trial or self._more_tokens_failed:
                return self._marked(empty)
            is_guess = larger != self.dialect
            try:
                completion = await self._inner.send(replace(translated(request, larger), goes_first=True))
            except ProviderError as error:
                raise error.with_usage(empty.usage + self._endpoint.usage_of(error)) from None
            if is_guess and self._is_used_up(completion):
                self._more_tokens_failed = True
            elif is_guess:
                self._adopt(larger, _used_up(empty.usage))
                self._settle_guess()
            return replace(self._marked(completion), lost=completion.lost + empty.usage)

    def _marked(self, completion: Completion) -> Completion:
        """Return a completion without an answer as truncated, whatever the endpoint calls it."""
        return replace(completion, kind="truncated") if self._is_used_up(completion) else completion


class _RejectedInEveryForm(BadRequest):
    """The endpoint rejected a request after each change."""


class _Exchange:
    """One request on its way, and the dialect in which it was sent last."""

    def __init__(self, sender: DialectSender, request: Request) -> None:
        self._sender, self._request, self._early = sender, request, request
        self.dialect = sender.dialect_here

    async def send(self) -> Completion:
        """Send the request in the dialect that is in force at the moment of sending."""
        self._early = translated(self._request, self.dialect)  # so that a rejected format does not wait for its turn
        return await self._sender.pass_on(replace(self._early, finish=self._finish))

    def _finish(self) -> Request:
        if self.dialect is self._sender.dialect_here:
            return self._early
        self.dialect = self._sender.dialect_here
        return translated(self._request, self.dialect)


def translated(request: Request, dialect: Dialect) -> Request:
    """Return the request in a dialect. Raises StyleRejected if its format is one that the endpoint rejects."""
    if dialect == NO_DIALECT:
        return request
    document = json.loads(request.body)
    if dialect.rejects(document):
        raise StyleRejected(f"the endpoint rejects answers in the format `{format_of(document)}`")
    limit = max_answer_tokens(document, dialect)
    return replace(request, body=encode_document(dialect.apply(document)), max_answer_tokens=limit)


def _reply_of(error: ProviderError) -> ErrorReply | None:
    """Return what the endpoint replied. A provider of a plugin may give only a message."""
    is_plain = isinstance(error, BadRequest) and not isinstance(error, Denied)
    return ErrorReply(400, error.message) if error.reply is None and is_plain else error.reply


def _undone(dialect: Dialect) -> list[str]:
    """Return words for changes that are no longer made."""
    renamed = [f"`{old}` instead of `{new}`" for old, new in dialect.rename]
    return renamed or [f"without: {phrase}" for phrase in dialect.words()]


def _used_up(usage: Usage) -> str:
    return f"{usage.completion_tokens:,} tokens of reasoning and no answer"
