"""The error tree. Errors carry fields; `commands/_errors.py` turns each into one line and an exit code.

QtgenError                      anything a person can act on
├── UsageError                  the call or the settings are wrong
│   ├── SettingsError           qtgen.toml, the environment or an option
│   │   └── CacheMismatch       cached values do not fit those that the settings give
│   ├── QuestionFileError       a question file that cannot be read at all
│   ├── PromptError             a prompt template that cannot be used
│   ├── PluginError             a plugin that cannot be loaded
│   ├── PackExists              there is a pack already
│   ├── CassetteError           recorded responses that are missing or cannot be read
│   ├── MissingExtra            an optional dependency is not installed
│   └── EngineUnusable          workers that cannot be reached, or that have another version
│       └── FilesNotShared      workers do not have the files that they should read
├── UnwritableText              a value that no page can hold
├── SpliceError                 an edit that could not be proved harmless
├── OutputError                 a page that could not be written (disk full, read-only)
│   └── PageConflict            one page changed, disappeared or is read-only; other pages can still be written
├── DamagedPack                 a part of a pack that cannot be used; the other parts are
├── NearDuplicates              questions that are duplicates, when that ends the run
├── LedgerError                 the ledger cannot be read or written
│   └── LedgerUnavailable       perhaps only for some time (no connection, locked, disk full)
├── ModelError                  a local model cannot be fetched
│   └── ModelNotFetched         a local model is not on this machine
├── EngineError                 workers died again and again
├── JudgeError                  no judge could say which of two texts is better
├── Interrupted                 the run was interrupted; finished work is kept
├── Deferred                    a request has no answer yet, because it is in a batch or queued for one
├── AnswerError                 the model answered, but the answer cannot be used
└── PaidError                   a request that may have cost something
    ├── BudgetReached           one more request might cost more than is left
    └── ProviderError           the endpoint did not return an answer
        ├── Retryable           worth another attempt: 429, 5xx, timeout, dropped connection
        │   └── Unreachable     nothing listens at that address
        ├── BadRequest          the endpoint rejects this request; another may succeed
        │   └── Denied          the key, the address or the model may be wrong: 401, 403, 404, 405
        ├── StyleRejected       the endpoint rejects the format of answers; request another one
        ├── NoAnswer            the endpoint's final response, which makes no page; it may have cost something
        │   ├── Truncated       cut off at the token limit
        │   └── Refused         the model declined
        │       └── Filtered    the endpoint's content filter rejected it
        └── ProviderUnusable    wrong key, unknown model, no credit: every request would fail
            ├── RequestsFailAlike   the endpoint answers nothing, and all failures are alike
            └── EndpointDown    the endpoint stopped responding, or asks for a long pause: resume later
"""

from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self


class QtgenError(Exception):
    """Base of every error that a person can act on.

    Args:
        message: What is wrong. It names no command-line option.
        path: The file concerned, with a line number where one is known (`questions.csv:3`).
        field: The key, column or field in that file.
        setting: The name of the setting concerned, a field of `Settings`.
        remedy: What to do about it.

    `kind` names the error in JSON output.
    """

    kind = "error"

    def __init__(
        self,
        message: str = "",
        *,
        path: str | Path | None = None,
        field: str | None = None,
        setting: str | None = None,
        remedy: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self.field = field
        self.setting = setting
        self.remedy = remedy

    def __str__(self) -> str:
        place = [str(self.path)] if self.path is not None else []
        if self.field is not None:
            place.append(f"`{self.field}`")
        sentence = ": ".join([*place, self.message])
        return f"{sentence}; {self.remedy}" if self.remedy else sentence


class UsageError(QtgenError):
    kind = "usage"


class NoPages(UsageError):
    """There is nothing to work on."""


class SettingsError(UsageError):
    kind = "settings"


class CacheMismatch(SettingsError):
    """Cached values do not fit those that the settings give. Running without the cache helps."""


class QuestionFileError(UsageError):
    kind = "question-file"


class PromptError(UsageError):
    kind = "prompt"


class PluginError(UsageError):
    kind = "plugin"


class MissingExtra(UsageError):
    """An optional dependency is not installed.

    Args:
        what: What needs it, as the subject of a sentence.
        extra: The extra that installs it.
        module: The module that is missing.
    """

    kind = "missing-extra"

    def __init__(self, what: str, extra: str, module: str) -> None:
        super().__init__(f"{what} needs the `{extra}` extra ({module} is not installed)")
        self.what = what
        self.extra = extra
        self.module = module


class PackExists(UsageError):
    """There is a pack already at the location of a new one."""


class CassetteError(UsageError):
    kind = "cassette"


class EngineUnusable(UsageError):
    """The workers of an engine cannot be reached, or have another version than this process."""


class FilesNotShared(EngineUnusable):
    """Workers do not have the files that they should read."""


class UnwritableText(QtgenError):
    kind = "unwritable"


class SpliceError(QtgenError):
    kind = "splice"


class OutputError(QtgenError):
    """Something could not be written.

    `is_disk_full` tells whether the disk is full, so that writing more is useless.
    """

    kind = "output"
    is_disk_full = False


class PageConflict(OutputError):
    kind = "page"


class DamagedPack(QtgenError):
    """A part of a pack that cannot be used. The other parts can.

    Args:
        path: The shard.
        field: The page, if the other pages of the shard can be used.
    """

    kind = "damaged-pack"


class NearDuplicates(QtgenError):
    kind = "near-duplicate"


class LedgerError(QtgenError):
    kind = "ledger"


class LedgerUnavailable(LedgerError):
    """The ledger's database cannot be used now, but perhaps later."""


class ModelError(QtgenError):
    kind = "model"


class ModelNotFetched(ModelError):
    """A local model is not on this machine.

    Args:
        name: The model's name in the table of local models.
    """

    def __init__(self, name: str) -> None:
        super().__init__(f"the model {name} is not on this machine")
        self.name = name


class PaidError(QtgenError):
    """An error of a request whose attempts may have cost something.

    Args:
        usage: Tokens and cost of the attempts so far, an `llm.types.Usage`. None if the endpoint reported none.
    """

    def __init__(
        self, message: str = "", *, usage: Any = None, setting: str | None = None, remedy: str | None = None
    ) -> None:
        super().__init__(message, setting=setting, remedy=remedy)
        self.usage = usage

    def with_usage(self, usage: Any) -> Self:
        """Return a copy of this error that reports another usage."""
        changed = copy(self)
        changed.usage = usage
        return changed


class BudgetReached(PaidError):
    kind = "budget"


class EngineError(QtgenError):
    """The workers of an engine died again and again, so the work cannot be finished."""

    kind = "engine"


class JudgeError(QtgenError):
    kind = "judge"


class Interrupted(QtgenError):
    kind = "interrupted"


class Deferred(QtgenError):
    """A request has no answer yet.

    Args:
        queues: Whether the provider queues requests, so that the caller can queue further ones at once.
    """

    kind = "pending"

    def __init__(self, message: str = "", *, queues: bool = False) -> None:
        super().__init__(message)
        self.queues = queues


class AnswerError(QtgenError):
    """An answer that cannot be used.

    Args:
        problems: What is wrong, as sentences that the model can act on in a repair request.
        cut_off: Whether the answer is incomplete because it was cut off.
    """

    kind = "answer"

    def __init__(self, problems: list[str], *, cut_off: bool = False) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems
        self.is_cut_off = cut_off


class ErrorReply(NamedTuple):
    """An endpoint's reply that reports an error.

    Attributes:
        status: HTTP status; for an error in a successful response, the status that its code stands for.
        message: The endpoint's own message, on one line, at most 300 characters, without secrets.
        type: The error's `type`, empty if it has none.
        code: The error's `code`.
        param: Name of the request's field that the error is about.
    """

    status: int
    message: str = ""
    type: str = ""
    code: str = ""
    param: str = ""


class ProviderError(PaidError):
    """The endpoint did not return an answer.

    Args:
        reply: What the endpoint replied, None if there was no reply.
    """

    kind = "provider"

    def __init__(
        self,
        message: str = "",
        *,
        usage: Any = None,
        setting: str | None = None,
        remedy: str | None = None,
        reply: ErrorReply | None = None,
    ) -> None:
        super().__init__(message, usage=usage, setting=setting, remedy=remedy)
        self.reply = reply


class Retryable(ProviderError):
    """A failed attempt that is worth repeating.

    Args:
        kind: What went wrong: `unavailable`, `rate-limited`, `timeout`, `dropped`, `malformed` or `unreachable`.
        retry_after: Seconds that the endpoint asks to wait, or None.
    """

    kind = "unavailable"

    def __init__(
        self,
        message: str,
        *,
        kind: str = "unavailable",
        retry_after: float | None = None,
        usage: Any = None,
        remedy: str | None = None,
        reply: ErrorReply | None = None,
    ) -> None:
        super().__init__(message, usage=usage, remedy=remedy, reply=reply)
        self.kind = kind
        self.retry_after = retry_after


class Unreachable(Retryable):
    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message, kind="unreachable", remedy=remedy)


class BadRequest(ProviderError):
    kind = "bad-request"


class Denied(BadRequest):
    """The endpoint denies a request (401, 403, 404, 405).

    The key, the address or the model is wrong, or a gateway blocks this one question. Only the
    results of other requests show which of them it is.
    """

    kind = "denied"


class StyleRejected(ProviderError):
    """The endpoint rejects the format of answers. The provider has another `style` now; render the prompt again."""

    kind = "style"


class NoAnswer(ProviderError):
    """The endpoint's final response to a request, which is no answer.

    Args:
        completion: The `llm.types.Completion` that the ledger keeps of it, or None.
    """

    def __init__(
        self,
        message: str = "",
        *,
        usage: Any = None,
        completion: Any = None,
        setting: str | None = None,
        remedy: str | None = None,
    ) -> None:
        super().__init__(message, usage=usage, setting=setting, remedy=remedy)
        self.completion = completion


class Truncated(NoAnswer):
    kind = "truncated"


class Refused(NoAnswer):
    kind = "refused"


class Filtered(Refused):
    kind = "filtered"


class ProviderUnusable(ProviderError):
    kind = "unusable"


class RequestsFailAlike(ProviderUnusable):
    """The endpoint answers no request, and all of them fail in the same way."""


class EndpointDown(ProviderUnusable):
    kind = "away"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why something failed, as a value: `kind` for programs, `message` for people."""

    kind: str
    message: str
