"""Loads the fixtures that all tests share."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from qtgen.validation.rules import REGISTRY

pytest_plugins = ["support.plugin"]


@pytest.fixture(autouse=True)
def _scripted_answers_may_be_off_topic(request: pytest.FixtureRequest) -> Iterator[None]:
    """Accept the answer about osmosis that scripted models give to every question, unless a test is about that."""
    with pytest.MonkeyPatch.context() as patch:
        if "judges_topic" not in request.keywords:
            patch.setitem(REGISTRY, "QT609", replace(REGISTRY["QT609"], repairable=None))
        yield
