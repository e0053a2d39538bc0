"""The desk of a reviewer, with a server of its own for each test."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from support.browser import OpenPage
from support.review_desk import Desk, OpenDesk, Served, serving


@pytest.fixture
def open_desk(open_page: OpenPage) -> Iterator[OpenDesk]:
    """Open the app on the pages below `site`: `open_desk()` starts a server, `open_desk(at=served)` uses another one.

    Further arguments are those of `serving` and of a browser's context. The test fails if the browser asks any other
    host than the server for anything.
    """
    desks = []
    with ExitStack() as stack:

        def open_one(at: Served | None = None, *, who: str = "Ann", read_only: bool = False, **options: Any) -> Desk:
            served = at or stack.enter_context(serving(who, read_only=read_only))
            page = open_page(**{"viewport": {"width": 1280, "height": 800}, **options})
            desk = Desk(page, served.link)
            desks.append(desk)
            return desk

        yield open_one
    for desk in desks:
        assert {f"http://{host}" for host in desk.hosts if host} == {desk.address}
