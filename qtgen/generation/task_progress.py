"""What was done for one text so far, from which its outcome is made."""

from dataclasses import dataclass, replace
from typing import Any

from qtgen.generation.answer_check import AnswerCheck
from qtgen.generation.types import Outcome, Status
from qtgen.generation.unwrap import Wrapping
from qtgen.llm.types import NO_USAGE, Usage
from qtgen.validation.diagnostics import Diagnostic


@dataclass(slots=True)
class TaskProgress:
    """The answers to one task so far.

    Attributes:
        blank: The outcome before the first answer.
        attempts: Number of answers that were requested, cached ones included.
        usage: Usage without that of cached answers.
        total_usage: Usage of all answers.
        diagnostics: Findings in the page of the last answer.
        last_answer: The last answer.
        unwrapped: For each answer that was unwrapped, what surrounded it.
    """

    blank: Outcome
    attempts: int = 0
    usage: Usage = NO_USAGE
    total_usage: Usage = NO_USAGE
    diagnostics: tuple[Diagnostic, ...] = ()
    last_answer: str = ""
    unwrapped: tuple[tuple[Wrapping, ...], ...] = ()

    def add_usage(self, usage: Usage, *, reused: bool = False) -> None:
        """Count the usage of an answer. `reused` tells whether it came from the ledger."""
        self.total_usage += usage
        if not reused:
            self.usage += usage

    def add_check(self, check: AnswerCheck, answer: str) -> None:
        """Keep the check of the last answer."""
        self.diagnostics, self.last_answer = check.diagnostics, answer
        if check.wrappings:
            self.unwrapped = (*self.unwrapped, check.wrappings)

    def outcome(self, status: Status, **details: Any) -> Outcome:
        """Return the outcome if the task ends now. `details` are further fields of it."""
        fields: dict[str, Any] = {
            "attempts": self.attempts,
            "usage": self.usage,
            "diagnostics": self.diagnostics,
            "last_answer": self.last_answer,
            "unwrapped": self.unwrapped,
            **details,
        }
        return replace(self.blank, status=status, **fields)
