"""Wait for changes of pages, also while a page or a folder is missing for a moment.

Editors rename a page before they write it again, and Git removes pages and folders when it changes branches. The
operating system watches a file or folder, not a path, so a path that leads somewhere else must be watched again.
"""

import logging
import stat
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from qtgen._util.text import pluralize
from qtgen.errors import UsageError

_POLL = 500  # milliseconds between two looks at the paths themselves

_State = tuple[int, ...] | None


def watch_pages(paths: Sequence[Path]) -> Iterator[str]:
    """Yield a line that says what changed, whenever pages change, until Ctrl-C.

    A path that is gone is looked for until it is back. Raises UsageError if the operating system cannot watch.
    """
    logging.getLogger("watchfiles").setLevel(logging.ERROR)  # it logs Ctrl-C
    states, line = _states(paths), ""
    while True:
        for changed in _changes([path for path in paths if states[path]]):
            before, states = states, _states(paths)
            if changed is None or before != states:
                line = _describe_paths(before, states, changed or ()) or line
                break  # what the paths lead to now must be watched, before it is read
            if changed or line:
                yield line or _describe_pages(changed)
                line = ""
        else:
            return


def _states(paths: Sequence[Path]) -> dict[Path, _State]:
    return {path: _state(path) for path in paths}


def _state(path: Path) -> _State:
    """Return what tells whether a path still leads to the same file or folder, or None if it leads nowhere.

    The contents of a file count, because a file that was replaced is no longer watched.
    """
    try:
        status = path.stat()
    except OSError:
        return None
    own = (status.st_dev, status.st_ino, status.st_mode)
    return own if stat.S_ISDIR(status.st_mode) else (*own, status.st_mtime_ns, status.st_size)


def _changes(paths: Sequence[Path]) -> Iterator[Collection[str] | None]:
    """Yield the names of pages that changed, or nothing from time to time, until Ctrl-C.

    None at the end means that one of the paths has just gone.
    """
    import watchfiles

    if not paths:
        yield from _ticks()
        return
    try:
        for changes in watchfiles.watch(
            *paths,
            watch_filter=lambda _, path: _concerns_pages(path, paths),
            rust_timeout=_POLL,
            yield_on_timeout=True,
            raise_interrupt=False,
        ):
            yield sorted(Path(path).name for _, path in changes)
    except (FileNotFoundError, PermissionError):
        time.sleep(_POLL / 1000)
        yield None
    except RuntimeError as error:  # no watches left, or a name is not valid text
        raise UsageError(f"--watch: {error}") from None


def _ticks() -> Iterator[Collection[str]]:
    try:
        while True:
            time.sleep(_POLL / 1000)
            yield ()
    except KeyboardInterrupt:
        return


def _concerns_pages(path: str, roots: Sequence[Path]) -> bool:
    """Return whether a path may be that of a page, or of a folder with pages. Hidden files and folders are no pages."""
    tops = [root.absolute().as_posix() for root in roots]
    changed = Path(path).as_posix()
    if changed in tops:
        return True
    name = changed.rpartition("/")[2]
    inside = next((changed.removeprefix(f"{top}/") for top in tops if changed.startswith(f"{top}/")), name)
    is_hidden = any(part.startswith(".") for part in inside.split("/"))
    return not is_hidden and (name.endswith(".md") or "." not in name or Path(path).is_dir())


def _describe_pages(names: Collection[str]) -> str:
    first, *others = names
    noun = "page" if all(name.endswith(".md") for name in names) else "path"
    return f"{pluralize(len(names), noun)} changed: {first}{' …' * bool(others)}"


def _describe_paths(before: Mapping[Path, _State], after: Mapping[Path, _State], changed: Collection[str]) -> str:
    """Return lines about the paths that are gone or back, else about what changed; nothing if nothing did."""
    gone = [f"{path} is gone; watching until it is back" for path in after if before[path] and not after[path]]
    back = [f"{path} is back" for path in after if after[path] and not before[path]]
    names = changed or [path.name for path in after if before[path] != after[path]]
    return "\n".join([*gone, *back]) or (_describe_pages(names) if names else "")
