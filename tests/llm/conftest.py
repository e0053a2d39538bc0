"""Fixtures of the tests of `qtgen.llm`."""

from collections.abc import Iterator

import pytest

from qtgen.generation.prompts import PromptLibrary
from qtgen.generation.types import Question
from qtgen.llm.types import Prompt
from support.fake_endpoint import FakeEndpoint, fake_endpoint


@pytest.fixture
def prompt(library: PromptLibrary) -> Prompt:
    return library.render(Question("What is osmosis?", "Biology"))


@pytest.fixture
def server() -> Iterator[FakeEndpoint]:
    with fake_endpoint() as endpoint:
        yield endpoint
