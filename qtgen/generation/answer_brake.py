"""End a run whose first answers all have the same fault, before every question is paid for several times."""

import logging
import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from qtgen._util.concurrency import Stop
from qtgen.errors import Filtered, ProviderUnusable, Refused, Truncated
from qtgen.llm.types import Completion

ALIKE = 12
"""Answers that end a run, if all of them have the same fault."""
_QUESTIONS_MIN = 3  # questions that have to be affected: one alone may itself be the cause
_EXCERPT = 60  # characters of an answer that are shown
_DETAIL = re.compile(r"`[^`]*`|\"[^\"]*\"|\d+")
_logger = logging.getLogger(__name__)
_REMEDIES = {
    Truncated.kind: "raise `max_tokens`",
    Refused.kind: "rephrase the prompt, or use another model",
}


class _Fault(NamedTuple):
    """Answers with the same values have the same fault."""

    kind: str
    sentence: str


class AnswerBrake:
    """Counts the faulty answers of each model until its first good one.

    Reused answers do not count, because a resumed run begins with the questions that had faulty ones. The run continues
    until at least one repair has failed in the same way, because some models make the same fault in each first answer
    and correct it.

    A model that is of no use is dropped if there is a fallback. Without one, the run ends.

    Args:
        stop: Ends the run with an error. The questions in flight finish first.
        models: The models of the run, with fallbacks.

    Attributes:
        dropped: Why models are no longer used, by model.
    """

    def __init__(self, stop: Stop, models: Sequence[str] = ()) -> None:
        self._stop = stop
        self._models = tuple(models)
        self.dropped: dict[str, ProviderUnusable] = {}
        self._good: set[str] = set()
        self._faults: dict[str, Counter[_Fault]] = {}
        self._questions: dict[str, set[str]] = {}
        self._not_repaired: set[str] = set()

    def drop(self, model: str, error: ProviderUnusable) -> bool:
        """Stop asking a model. Return False if no other one is left."""
        if all(other == model or other in self.dropped for other in self._models):
            return False
        if model not in self.dropped:
            self.dropped[model] = error
            _logger.warning("%s was dropped: %s", model, error)
        return True

    def accepted(self, model: str) -> None:
        """Record a good answer. After one, the model is trusted."""
        self._good.add(model)

    def rejected(self, model: str, question: str, completion: Completion, fault: str, *, is_final: bool) -> None:
        """Record a faulty answer to a question. `fault` says what is wrong.

        `is_final` is true for an answer to a repair request, and for one that no repair can follow. Answers that a
        content filter stopped do not count, because it judges each question separately.
        """
        if completion.reused or model in self._good or completion.kind == Filtered.kind:
            return
        seen = self._faults.setdefault(model, Counter())
        seen[_Fault(completion.kind, _DETAIL.sub("…", fault))] += 1
        if is_final:
            self._not_repaired.add(model)
        questions = self._questions.setdefault(model, set())
        questions.add(question)
        count = seen.total()
        is_certain = model in self._not_repaired and len(questions) >= _QUESTIONS_MIN
        if count >= ALIKE and len(seen) == 1 and is_certain:
            message = f"the first {count} answers of {model} all have the same fault: {_for_people(fault, completion)}"
            error = ProviderUnusable(message, remedy=_REMEDIES.get(completion.kind) or _remedy_of(fault))
            if not self.drop(model, error):
                self._stop.fail(error)


def _for_people(fault: str, completion: Completion) -> str:
    """Return a fault without the instruction to the model, and with the beginning of the answer."""
    fault = fault.partition("; ")[0]
    text = " ".join(completion.text.split())
    if completion.kind == Refused.kind or not text:
        return fault
    return f"{fault} (the last one begins: {text[:_EXCERPT]}{'…' if len(text) > _EXCERPT else ''})"


def _remedy_of(fault: str) -> str:
    """Return what a person can do about a fault of the answer's form or text."""
    if "cut off" in fault:
        return "raise `max_tokens`, or the server's context length"
    if "JSON" in fault:
        return 'set `answer_format = "markdown"` for a model that does not write JSON'
    return "use another model or prompt"
