"""The requests to one provider for one text: which prompt comes next."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from qtgen.generation.prompts import repair_prompt
from qtgen.llm.types import Prompt

_MORE_TOKENS = 2  # factor of `max_tokens` after an answer was cut off; applied once
_MAX_RENDERINGS = 2  # from `json_schema` to `json_object` to `markdown`


@dataclass(slots=True)
class Conversation:
    """The requests to one provider.

    Args:
        prompt: The first prompt.
        next_prompt: The prompt to send next, with the faults of the last answer.
        repairs: Number of repair requests so far.
        is_longer: Whether the token limit of the prompt was raised.
        renderings: How often the prompt was rendered again because the endpoint rejected its format.
    """

    prompt: Prompt
    next_prompt: Prompt
    repairs: int = 0
    is_longer: bool = False
    renderings: int = 0

    def allow_more_tokens(self) -> None:
        """Raise the token limit. This is not a repair, because nothing was wrong with the answer."""
        self.prompt, longer = _with_more_tokens(self.prompt), _with_more_tokens(self.next_prompt)
        self.next_prompt = replace(longer, goes_first=True)
        self.is_longer = True

    def render_again(self, prompt: Prompt) -> bool:
        """Continue with a prompt in another format. Return False if the format is the same or has changed too often."""
        if prompt.style == self.prompt.style or self.renderings == _MAX_RENDERINGS:
            return False
        self.prompt, self.next_prompt = prompt, replace(prompt, goes_first=True)
        self.is_longer = False
        self.renderings += 1
        return True

    def request_sample(self) -> None:
        """Request another answer to the first prompt."""
        sample = self.next_prompt.sample + 1
        self.prompt = replace(self.prompt, sample=sample)
        self.next_prompt = replace(self.prompt, goes_first=True)

    def request_repair(self, faults: Sequence[str]) -> None:
        self.repairs += 1
        self.next_prompt = replace(repair_prompt(self.prompt, faults, self.repairs), goes_first=True)


def _with_more_tokens(prompt: Prompt) -> Prompt:
    max_tokens = _MORE_TOKENS * prompt.parameters["max_tokens"]
    return replace(prompt, parameters={**prompt.parameters, "max_tokens": max_tokens})
