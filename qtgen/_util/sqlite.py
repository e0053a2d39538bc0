"""Open the SQLite databases that serve as caches."""

import contextlib
import logging
import sqlite3
from pathlib import Path

_logger = logging.getLogger(__name__)

_IGNORE_ALL = "*\n"  # what earlier versions wrote
# If the project's folder is also the output folder, the record of how its pages were made and judged is committed.
_IGNORED = f"{_IGNORE_ALL}!/.gitattributes\n!/audits/\n!/audits/*.json\n!/decisions.jsonl\n!/provenance.jsonl\n"


def open_cache_database(folder: Path, name: str, schema: str, *, any_thread: bool = False) -> sqlite3.Connection | None:
    """Open the cache `name` in `folder` and create it if needed. Return None if that is not possible.

    A file that is damaged or no database is replaced by an empty one, because losing a cache costs only time. The
    folder above gets a .gitignore, so that no cache is committed.

    Args:
        schema: The statement that creates the table if it does not exist.
        any_thread: Whether other threads may use the connection, one at a time.
    """
    file = folder / name
    for _ in range(2):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _hide_from_git(folder.parent)
            return _connect(file, schema, any_thread=any_thread)
        except sqlite3.OperationalError as error:  # locked, read-only, disk full: the file itself may be good
            _logger.warning("%s: not used as a cache: %s", file, error)
            return None
        except sqlite3.DatabaseError as error:
            _logger.warning("%s: replaced by an empty cache: %s", file, error)
            with contextlib.suppress(OSError):
                file.unlink()
        except OSError as error:
            _logger.warning("%s: not used as a cache: %s", file, error)
            return None
    return None


def _hide_from_git(folder: Path) -> None:
    """Let git ignore a folder, except what belongs to the pages. A .gitignore that a person wrote stays."""
    file = folder / ".gitignore"
    if not file.exists() or file.read_text(encoding="utf-8", errors="replace") == _IGNORE_ALL:
        file.write_text(_IGNORED, encoding="utf-8")


def _connect(file: Path, schema: str, *, any_thread: bool) -> sqlite3.Connection:
    database = sqlite3.connect(file, timeout=5, check_same_thread=not any_thread)
    try:
        with database:
            database.execute(schema)
    except BaseException:  # also KeyboardInterrupt: nobody else could close the connection
        database.close()
        raise
    return database
