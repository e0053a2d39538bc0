"""Serve the app: one socket, one process, and one writing server for each output folder."""

import contextlib
import errno
import ipaddress
import logging
import os
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from qtgen._util.files import as_output_error, hide_from_git
from qtgen.errors import OutputError, UsageError

try:
    import fcntl
except ImportError:  # Windows, where a second server is not noticed
    fcntl = None  # type: ignore[assignment]

DEFAULT_PORT = 8642
_SHUTDOWN = 3  # seconds that requests have to finish
_OPEN_LOCK = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)  # a link could lead to a file of another program
_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - compared only
_BUSY = (errno.EADDRINUSE, errno.EACCES)


@contextlib.contextmanager
def only_server(folder: Path, address: str) -> Iterator[None]:
    """Hold the lock of an output folder's server. The end of the process releases it, however it ends.

    Args:
        folder: The folder of the server's own files.
        address: Where this server listens. The error of a second server contains it.

    Raises UsageError if another server holds the lock, and OutputError if the folder cannot be written.
    """
    file = folder / "lock"
    try:
        hide_from_git(folder)
        with as_output_error(file):
            descriptor = os.open(file, _OPEN_LOCK, 0o600)
    except OutputError as error:
        error.remedy = "choose another output folder, or start a read-only server"
        raise
    with os.fdopen(descriptor, "r+", encoding="utf-8") as handle:
        if fcntl:
            _lock(handle.fileno(), file)
        handle.truncate()
        handle.write(address)
        handle.flush()
        yield


def _lock(descriptor: int, file: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        other = file.read_text(encoding="utf-8", errors="replace").strip()
        place = f" at {other}" if other else ""
        remedy = "use that one, or start a read-only server"
        message = f"another server{place} reviews the pages of this folder"
        raise UsageError(message, path=file.parents[2], remedy=remedy) from None
    except OSError:  # a file system without locks
        logging.getLogger(__name__).warning("%s: this file system has no locks: start only one server", file)


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach a server that listens at an address or name."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def listen(host: str, port: int | None) -> socket.socket:
    """Return a socket that listens at an address.

    Args:
        port: The port. None is the default port, or any free one if it is in use.

    Raises UsageError if the port is in use, or if the host is no address of this machine.
    """
    try:
        return _listen(host, DEFAULT_PORT if port is None else port)
    except OSError as error:
        if error.errno not in _BUSY:
            remedy = "give an address of this machine, such as 127.0.0.1"
            reason = error.strerror or str(error)
            raise UsageError(f"cannot listen at {host} ({reason})", setting="host", remedy=remedy) from None
        if port is not None:
            reason = "is in use" if error.errno == errno.EADDRINUSE else "needs more rights"
            raise UsageError(f"port {port} {reason}", setting="port", remedy="choose another port") from None
    return _listen(host, 0)


def _listen(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":  # elsewhere it would let two servers share the port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
    except BaseException:
        listener.close()
        raise
    return listener


def address_of(listener: socket.socket, host: str, names: Sequence[str] = ()) -> str:
    """Return the address that a browser opens: `http://127.0.0.1:8642`.

    Args:
        host: The address that the server listens at.
        names: Other names of the server. The first one is used if the server listens at all addresses of the machine.
    """
    port = listener.getsockname()[1]
    if host in _EVERYWHERE:
        host = names[0] if names else "127.0.0.1"
        return f"http://{host}:{port}"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Server(uvicorn.Server):
    """A server that calls a function when it is ready, and ends on Ctrl-C or SIGTERM as on any other request to stop.

    Uvicorn would send itself the signal again, and the process would end as if it had been killed.
    """

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        before = {one: signal.signal(one, self.handle_exit) for one in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)


def serve(app: ASGIApp, listener: socket.socket, on_ready: Callable[[], None]) -> None:
    """Serve an app until Ctrl-C or SIGTERM. Requests in progress are finished.

    Neither requests nor the headers of proxies are trusted or logged: links contain keys.
    """
    config = uvicorn.Config(
        app,
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=_SHUTDOWN,
    )
    _Server(config, on_ready).run([listener])
