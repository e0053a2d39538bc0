"""Start as the only server of an output folder, and name the other one if there is one."""

import socket
from contextlib import ExitStack
from pathlib import Path

from qtgen.errors import OutputError, UsageError


def listen_or_name_server(host: str, port: int | None, own: Path | None) -> socket.socket:
    """Return a socket that listens at an address.

    Args:
        host: The address.
        port: The port; None for the default one, or a free one if it is in use.
        own: The folder of the server's own files. None if the server is read-only.

    Raises UsageError if it cannot listen. If another server reviews the folder, the error names that one, because it
    is usually the one that has the port.
    """
    from qtgen.review.web.server import listen

    try:
        return listen(host, port)
    except UsageError:
        if own is not None and own.exists():
            with ExitStack() as stack:
                become_only_server(own, "", stack)
        raise


def become_only_server(own: Path, address: str, stack: ExitStack) -> None:
    """Hold the lock of an output folder until the stack ends. Raises UsageError and OutputError."""
    from qtgen.review.web.server import only_server

    try:
        stack.enter_context(only_server(own, address))
    except OutputError as error:
        error.remedy = "choose another folder with --out, or add --read-only"
        raise
    except UsageError as error:
        error.remedy = "use that one, or add --read-only"
        raise
