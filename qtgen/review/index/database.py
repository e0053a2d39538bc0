"""The database of the index: a cache on the disk, or in memory if the disk cannot hold it."""

import logging
import os
import sqlite3
from pathlib import Path

from xxhash import xxh3_64_hexdigest

from qtgen._util.sqlite import open_cache_database
from qtgen.review.index.table import INDEXES, SCHEMA, execute_all

_MEMORY_MAP = 1 << 28  # bytes

_log = logging.getLogger(__name__)


def open_database(project: Path, identity: str) -> sqlite3.Connection:
    """Open the index in a project's cache, or an empty one in memory if the disk cannot hold it.

    Args:
        project: The folder that holds `.qtgen/cache`.
        identity: What tells the index from others.
    """
    name = f"review-{xxh3_64_hexdigest(os.fsencode(identity))}.sqlite"
    database = open_cache_database(project / ".qtgen" / "cache", name, SCHEMA, any_thread=True)
    if database is None:
        return open_in_memory()
    try:
        return _prepare(database)
    except sqlite3.Error as error:  # locked, or damaged in a way that shows late
        _log.warning("%s: not used as an index: %s", name, error)
        database.close()
        return open_in_memory()


def open_in_memory() -> sqlite3.Connection:
    """Open an empty index in memory."""
    database = sqlite3.connect(":memory:", check_same_thread=False)
    database.execute(SCHEMA)
    return _prepare(database)


def _prepare(database: sqlite3.Connection) -> sqlite3.Connection:
    """Set a database up for speed: a power cut may damage it, because it can be made again."""
    pragmas = ("journal_mode = WAL", "synchronous = OFF", f"mmap_size = {_MEMORY_MAP}", "cache_size = -65536")
    execute_all(database, (f"PRAGMA {pragma}" for pragma in pragmas))
    with database:
        execute_all(database, INDEXES)
    return database
