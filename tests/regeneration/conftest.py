"""The configuration under its usual name."""

import pytest

from qtgen.generation.generator import GenerationConfig


@pytest.fixture
def config(recipe: GenerationConfig) -> GenerationConfig:
    return recipe
