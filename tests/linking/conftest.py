"""Tables of a few pages, from which links are chosen."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from qtgen.embeddings.pages import CenteredVectors
from qtgen.linking.candidates import PageTable
from qtgen.site.similarity import WordSets


@pytest.fixture
def make_table() -> Callable[..., PageTable]:
    """A function from vectors to a table of pages, each with a question and an id far from the others."""

    def make(vectors: list[list[float]], **columns: Any) -> PageTable:
        rows = np.array(vectors, np.float32)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        count = len(rows)
        zeros = np.zeros(count, np.float32)
        defaults: dict[str, Any] = {
            "meanings": CenteredVectors(rows, zeros + 1, zeros),
            "subjects": np.zeros(count, np.int32),
            "ids": np.arange(count) * 1_000,
            "questions": WordSets(frozenset({f"word{number}"}) for number in range(count)),
            "linkable": np.ones(count, bool),
            "needs_inbound": np.zeros(count, bool),
            "editable": np.ones(count, bool),
            "kept": np.full((count, 5), -1, np.int32),
        }
        return PageTable(**defaults | columns)

    return make
