"""Opening the SQLite databases that serve as caches."""

import contextlib
import sqlite3
from pathlib import Path


def open_cache_database(folder: Path, name: str, layout: str) -> sqlite3.Connection | None:
    """The database `name` in `folder`, a cache's; None if there can be none."""
    file = folder / name
    for _ in range(2):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            ignored = folder.parent / ".gitignore"
            if not ignored.exists():
                ignored.write_text("*\n")
            return _connect(file, layout)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):  # locked, read-only, disk full: not ours to remove
                return None
            with contextlib.suppress(OSError):
                file.unlink()  # not a database, or a torn one
        except OSError:
            return None
    return None


def _connect(file: Path, layout: str) -> sqlite3.Connection:
    database = sqlite3.connect(file, timeout=5)
    try:
        with database:
            database.execute(layout)
    except BaseException:  # also Ctrl-C: the file is closed, and the error goes on
        database.close()
        raise
    return database
