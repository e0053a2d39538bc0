"""A server whose bytes are exactly what a test says, in a thread with an event loop of its own."""

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Iterator

from support.fast_time import FastLoop

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
_MAX_HEAD = 2**24


class ThreadedServer:
    """Listens on a free port of the loopback interface. Use `serving`."""

    def __init__(self, handler: Handler, speed: float) -> None:
        self.port = 0
        self._handler, self._loop = handler, FastLoop(speed)
        self._writers: set[asyncio.StreamWriter] = set()
        self._started, self._stop = threading.Event(), asyncio.Event()
        self._server: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        self._thread.start()
        assert self._started.wait(10), "the server did not start"

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)
        assert not self._thread.is_alive(), "the server did not stop"

    def vanish(self) -> None:
        """Stop listening and drop every connection, as a process that was killed. Call it in the server's thread."""
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        raise ConnectionAbortedError

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0, limit=_MAX_HEAD)
        self.port = self._server.sockets[0].getsockname()[1]
        self._started.set()
        await self._stop.wait()
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._handler(reader, writer)
        finally:
            self._writers.discard(writer)
            writer.close()


@contextlib.contextmanager
def serving(handler: Handler, speed: float = 1.0) -> Iterator[ThreadedServer]:
    """Serve until the block ends.

    Args:
        speed: Seconds of the server's clock per second.
    """
    server = ThreadedServer(handler, speed)
    server.start()
    try:
        yield server
    finally:
        server.stop()
