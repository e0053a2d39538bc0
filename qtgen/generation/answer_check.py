"""The result of checking an answer: faults make it unusable, and concerns should be resolved but leave it usable."""

from collections.abc import Callable
from dataclasses import dataclass

from qtgen.errors import AnswerError
from qtgen.generation.unwrap import Wrapping
from qtgen.validation.diagnostics import Diagnostic
from qtgen.validation.rules import PageFile


@dataclass(frozen=True, slots=True)
class Concern:
    """A problem that leaves an answer usable.

    Args:
        message: What is wrong, as a sentence for the model.
        weight: How much it counts when usable answers are compared.
    """

    message: str
    weight: float = 1.0


def _not_measured() -> float:
    return 0.0


@dataclass(frozen=True, slots=True)
class AnswerCheck:
    """The result of checking an answer.

    Args:
        text: The page that the answer makes, or None if it is rejected.
        faults: Why it is rejected, as sentences for the model.
        diagnostics: Findings in the page, with a warning for each concern. Only diagnostics are printed.
        concerns: Problems that leave it usable. Like faults, they lead to repair requests.
        wrappings: What was around the answer.
        is_cut_off: Whether the answer is incomplete, so that a higher token limit may help.
        file: The page as a file, if the answer makes one.
        roughness: Measures how close the text is to a finding of QT609 or QT610, from 0 for a perfect text. It takes
            longer than the check, and only several candidates are compared by it.
    """

    text: str | None = None
    faults: tuple[str, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    concerns: tuple[Concern, ...] = ()
    wrappings: tuple[Wrapping, ...] = ()
    is_cut_off: bool = False
    file: PageFile | None = None
    roughness: Callable[[], float] = _not_measured

    @classmethod
    def unreadable(cls, error: AnswerError) -> "AnswerCheck":
        """Return the result for an answer that makes no page."""
        return cls(faults=tuple(error.problems), is_cut_off=error.is_cut_off)

    @property
    def complaints(self) -> tuple[str, ...]:
        """The faults and the concerns, as sentences for a repair request."""
        return (*self.faults, *(concern.message for concern in self.concerns))

    @property
    def penalty(self) -> tuple[float, int]:
        """How far the concerns of a usable answer are from none. The lowest penalty is the best."""
        return sum(concern.weight for concern in self.concerns), len(self.concerns)
