"""Logging for the command line: `-v` logs on stderr, `--log-file` appends JSON lines to a file, `-q` drops notes.

The library logs through `logging` under the name `qtgen` and configures nothing itself.
"""

import json
import logging
from datetime import UTC, datetime
from pathlib import Path

import click

from qtgen.commands._echo import echo

QUIET = "qtgen.quiet"
VERBOSE = "qtgen.verbose"
_LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)
_STANDARD = frozenset(vars(logging.LogRecord("", 0, "", 0, "", (), None))) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """One JSON object a record: time (UTC, ISO 8601), level, logger, message, and what `extra` added."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **{key: value for key, value in vars(record).items() if key not in _STANDARD},
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False, default=str)


class _StderrHandler(logging.Handler):
    """Writes through click, so that the stream is the one of the moment."""

    def emit(self, record: logging.LogRecord) -> None:
        echo(self.format(record), err=True)


def set_verbosity(ctx: click.Context, _param: click.Parameter, count: int) -> None:
    """Log on stderr: information with -v, every request with -vv."""
    if count and not ctx.resilient_parsing:
        ctx.find_root().meta[VERBOSE] = True
        handler = _StderrHandler(_LEVELS[min(count, 2)])
        handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
        _attach(ctx, handler)


def set_log_file(ctx: click.Context, _param: click.Parameter, file: Path | None) -> None:
    """Append JSON lines to the file. Raises click.BadParameter if it cannot be opened."""
    if file is None or ctx.resilient_parsing:
        return
    try:
        handler = logging.FileHandler(file, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise click.BadParameter(f"{file}: cannot be written ({error.strerror})", ctx) from None
    handler.setLevel(logging.DEBUG)
    handler.setFormatter(JsonFormatter())
    _attach(ctx, handler)


def set_quiet(ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:
    """Drop progress and notes."""
    if wanted:
        ctx.find_root().meta[QUIET] = True


def is_quiet() -> bool:
    """Return whether the running command was called with --quiet."""
    ctx = click.get_current_context(silent=True)
    return bool(ctx and ctx.meta.get(QUIET))


def is_verbose() -> bool:
    """Return whether the running command was called with --verbose."""
    ctx = click.get_current_context(silent=True)
    return bool(ctx and ctx.meta.get(VERBOSE))


def _attach(ctx: click.Context, handler: logging.Handler) -> None:
    """Add a handler until the command ends."""
    logger = logging.getLogger("qtgen")
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(min(handler.level, before or logging.CRITICAL))

    def detach() -> None:
        logger.removeHandler(handler)
        logger.setLevel(before)
        handler.close()

    ctx.call_on_close(detach)
