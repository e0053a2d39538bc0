"""Waiting that ends as soon as a stop is requested."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from qtgen._util.concurrency import Stop
from qtgen.errors import Interrupted

T = TypeVar("T")


async def unless_stopped(waiting: Awaitable[T], stop: Stop) -> T:
    """Return the result of `waiting`. Cancel it and raise Interrupted if a stop is requested first."""
    work = asyncio.ensure_future(waiting)
    stopped = asyncio.ensure_future(stop.wait_requested())
    try:
        await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            return work.result()
        raise Interrupted("the run was interrupted before the request was sent")
    finally:
        work.cancel()
        stopped.cancel()
