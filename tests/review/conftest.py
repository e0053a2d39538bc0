"""What every test of the review needs."""

from collections.abc import Iterator

import pytest

from support.review_pages import close_indexes


@pytest.fixture(autouse=True)
def _closed_indexes() -> Iterator[None]:
    """Close the indexes of a test, because Python 3.13 warns of a database that nobody closed."""
    yield
    close_indexes()
