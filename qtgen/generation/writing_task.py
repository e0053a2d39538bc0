"""The interface of what the repair loop writes."""

from typing import Protocol

from qtgen.generation.answer_candidates import AcceptedAnswer
from qtgen.generation.answer_check import AnswerCheck
from qtgen.generation.types import Draft, Outcome
from qtgen.llm.types import Prompt, PromptStyle


class WritingTask(Protocol):
    """What is to be written."""

    def prompt(self, style: PromptStyle) -> Prompt:
        """Return the first request to a provider of this style."""

    @property
    def blank(self) -> Outcome:
        """The failed outcome that is filled in on the way."""

    def check(self, prompt: Prompt, completion: str, *, truncated: bool = False) -> AnswerCheck:
        """Check an answer to a prompt. A truncated response may still contain a complete answer."""

    def draft(self, check: AnswerCheck, answer: AcceptedAnswer) -> Draft:
        """Return the page of a usable answer with its provenance."""
