"""Make coroutines wait until a limiter lets them start."""

import asyncio
from collections import deque
from collections.abc import Callable
from math import inf

from qtgen.errors import Interrupted
from qtgen.llm.pacing.limiter import AdaptiveLimiter


class Pacer:
    """A queue of requests in front of a limiter. Every successful `acquire` needs one `release`.

    Args:
        limiter: Decides when a request may start.
        clock: Seconds that only grow; the event loop's time by default.
    """

    def __init__(self, limiter: AdaptiveLimiter, clock: Callable[[], float] | None = None) -> None:
        self.limiter = limiter
        self.now = clock or asyncio.get_running_loop().time
        self._queue: deque[tuple[asyncio.Future[None], float]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._is_interrupted = False
        limiter.allowance.on_release.append(self.pump)

    async def acquire(self, tokens: float, *, goes_first: bool = False) -> float:
        """Wait until a request may start and return that time.

        `tokens` estimates what the request will use. If `goes_first`, it overtakes those that wait. Raises Interrupted
        after `interrupt`.
        """
        if self._is_interrupted:
            raise Interrupted("the run was interrupted before the request was sent")
        now = self.now()
        if not self._queue and self.limiter.delay(now, tokens) <= 0:
            self.limiter.start(now, tokens)
            return now
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        (self._queue.appendleft if goes_first else self._queue.append)((turn, tokens))
        self.pump()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:  # started, and now not wanted
                self.release(tokens, 0)
            raise
        return self.now()

    def release(self, reserved: float, used: float) -> None:
        """End a request. `reserved` is what `acquire` was given, `used` the tokens that it took."""
        self.limiter.end(reserved, used)
        for pump in self.limiter.allowance.on_release:
            pump()

    def interrupt(self) -> None:
        """Make every request that waits, now or later, raise Interrupted."""
        self._is_interrupted = True
        while self._queue:
            turn, _ = self._queue.popleft()
            if not turn.done():
                turn.set_exception(Interrupted("the run was interrupted before the request was sent"))
                turn.exception()  # marks it as retrieved, in case its owner was cancelled at the same time

    def pump(self) -> None:
        """Start every request that may start, and come back when the next one may."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        while self._queue:
            turn, tokens = self._queue[0]
            if turn.done():  # cancelled
                self._queue.popleft()
                continue
            now = self.now()
            delay = self.limiter.delay(now, tokens)
            if delay > 0:
                if delay < inf:
                    self._timer = asyncio.get_running_loop().call_later(delay, self.pump)
                return
            self._queue.popleft()
            self.limiter.start(now, tokens)
            turn.set_result(None)
