"""The error tree. `cli.py` turns each into one line and an exit code; nobody else prints them.

QtgenError                      anything a person can act on
├── UsageError                  the call or the settings are wrong (exit 2)
│   ├── SettingsError           qtgen.toml, the environment or an option
│   ├── QuestionFileError       a question file that cannot be read at all
│   └── PromptError             a prompt template that cannot be used
├── UnwritableText              a value that no page can hold
├── SpliceError                 an edit that could not be proved harmless
├── OutputError                 a page that could not be written (disk full, read-only)
│   └── PageInTheWay            one that changed, went or is read-only: the others can be written all the same
├── NearDuplicates              questions that are nearly others, where that was to end the run
├── LedgerError                 the ledger cannot be read or written (locked, disk full)
├── NoOpinion                   no judge said which of two texts is better
├── BudgetReached               one more request might cost more than is left
├── Interrupted                 Ctrl-C; what was finished is kept (exit 130)
├── AnswerError                 the model answered, but not with an answer that can be used
└── ProviderError               the endpoint did not give an answer
    ├── Retryable               worth another try: 429, 5xx, time-out, dropped connection
    │   └── Unreachable         nobody listens at that address
    ├── BadRequest              the endpoint does not take this request; another may pass
    ├── NoAnswer                the endpoint's last word, and none that makes a page; it may have cost something
    │   ├── Truncated           cut off at the token limit
    │   └── Refused             the model declined
    │       └── Filtered        the endpoint's content filter did
    └── ProviderUnusable        wrong key, unknown model, no credit: every request would fail (exit 2)
        └── EndpointAway        nobody listens any more, or it asks for a long pause: go on later (exit 1)
"""

from dataclasses import dataclass
from typing import Any


class QtgenError(Exception):
    """Base of every error that ends as one line for a person; `kind` is its name in JSON."""

    kind = "error"
    exit_code = 1


class UsageError(QtgenError):
    kind = "usage"
    exit_code = 2


class SettingsError(UsageError):
    kind = "settings"


class QuestionFileError(UsageError):
    kind = "question-file"


class PromptError(UsageError):
    kind = "prompt"


class UnwritableText(QtgenError):
    kind = "unwritable"


class SpliceError(QtgenError):
    kind = "splice"


class OutputError(QtgenError):
    kind = "output"


class PageConflict(OutputError):
    kind = "page"


class NearDuplicates(QtgenError):
    kind = "near-duplicate"


class LedgerError(QtgenError):
    kind = "ledger"


class BudgetReached(QtgenError):
    """`usage`: as of a ProviderError."""

    kind = "budget"
    usage: Any = None


class JudgeError(QtgenError):
    kind = "judge"


class Interrupted(QtgenError):
    kind = "interrupted"
    exit_code = 130


class AnswerError(QtgenError):
    """`problems` are sentences the model can act on when it is asked again."""

    kind = "answer"

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class ProviderError(QtgenError):
    """`usage`: what the endpoint counted all the same, a `records.Usage` or None."""

    kind = "provider"

    def __init__(self, message: str, *, usage: Any = None) -> None:
        super().__init__(message)
        self.usage = usage


class Retryable(ProviderError):
    """`retry_after`: seconds the endpoint asked to wait, or None."""

    kind = "unavailable"

    def __init__(
        self, message: str, *, kind: str = "unavailable", retry_after: float | None = None, usage: Any = None
    ) -> None:
        super().__init__(message, usage=usage)
        self.kind = kind
        self.retry_after = retry_after


class Unreachable(Retryable):
    def __init__(self, message: str) -> None:
        super().__init__(message, kind="unreachable")


class BadRequest(ProviderError):
    kind = "bad-request"


class NoAnswer(ProviderError):
    """`completion`: the `records.Completion` that the ledger keeps of it, or None."""

    completion: Any = None


class Truncated(NoAnswer):
    kind = "truncated"


class Refused(NoAnswer):
    kind = "refused"


class Filtered(Refused):
    kind = "filtered"


class ProviderUnusable(ProviderError):
    kind = "unusable"
    exit_code = 2


class EndpointDown(ProviderUnusable):
    kind = "away"
    exit_code = 1


@dataclass(frozen=True, slots=True)
class Failure:
    """Why something did not come about, as a value: `kind` for machines, `message` for people."""

    kind: str
    message: str
