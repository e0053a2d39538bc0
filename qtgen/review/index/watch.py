"""Keep the index up to date while files change: by an editor, by Git, by `generate`, or by another server.

A thread waits for the operating system to report changes. What readers see is at most a second old.
"""

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path

from qtgen.errors import QtgenError
from qtgen.generation.decisions import DecisionLog, LineProblem, read_decisions
from qtgen.review.index.index import ReviewIndex
from qtgen.review.index.tail import Appended, Tail

_POLL_MS = 500  # between two looks at the watched folders themselves
_LOOK_EVERY = 30.0  # seconds, if changes cannot be watched
_MANY = 200  # changed pages, above which all are looked through
_STOP_WAIT = 10.0  # seconds
_REWRITES = ("rejected", "taken")
_REWRITES_EVERY = 5.0  # seconds, at least, between two looks at all rewrites

_Identity = tuple[int, ...] | None

_log = logging.getLogger(__name__)


class DecisionReader:
    """Follows the lines of the decisions that Git or another process appends or removes.

    Args:
        index: The index, which shows their states.
        log: The decisions.
    """

    def __init__(self, index: ReviewIndex, log: DecisionLog) -> None:
        self._index, self._decisions = index, log
        self._tail = Tail(index.sources.store.decisions_file)

    def read(self) -> None:
        """Read the lines that are new since the last call. Forget decisions that are gone if the file was replaced."""
        # Each decision that is known now had its line before the file is read.
        before = {decision.id for decision in self._decisions} if self._tail.is_replaced() else set[str]()
        try:
            appended = self._tail.read()
        except OSError as error:
            _log.warning("%s: %s", self._index.sources.store.decisions_file, error.strerror or error)
            return
        if not appended.lines and not appended.is_whole:
            return
        found = read_decisions([*appended.lines, self._tail.rest] if appended.is_whole else appended.lines)
        urls = {decision.url for decision in found if self._decisions.add(decision)}
        if appended.is_whole:
            urls |= self._decisions.forget(before - {decision.id for decision in found})
        self._note_problems(found.problems, appended)
        if urls:
            self._index.refresh_decisions(urls)

    def _note_problems(self, found: Iterable[LineProblem], appended: Appended) -> None:
        problems = {} if appended.is_whole else {problem.number: problem for problem in self._decisions.problems}
        for problem in found:
            number = problem.number + appended.first - 1
            problems[number] = problem._replace(number=number)
        self._decisions.problems = tuple(problems[number] for number in sorted(problems))


class Watcher:
    """Watches the pages and the decisions of a review in a thread. Use it as a context manager.

    Args:
        index: The index to keep up to date.
        log: The decisions.
        on_rewrites: Called when rewrites were rejected or accepted.
    """

    def __init__(self, index: ReviewIndex, log: DecisionLog, on_rewrites: Callable[[], object] = lambda: None) -> None:
        self._index, self._on_rewrites = index, on_rewrites
        self._decisions = DecisionReader(index, log)
        self._hidden = Path(os.path.realpath(index.sources.store.decisions_file.parent))
        self._has_watched = True  # False if changes must be looked for
        self._has_rewrites, self._rewrites_at = False, 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="qtgen-review-watch", daemon=True)
        self.is_watching = threading.Event()
        """Set while the operating system reports changes."""

    def __enter__(self) -> "Watcher":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End the thread, and wait for it."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(_STOP_WAIT)

    def _run(self) -> None:
        before: Mapping[Path, _Identity] | None = None
        while not self._stop.is_set():
            now = self._identities()
            if before is not None and (now != before or not self._has_watched):
                self._safely(self._index.refresh)  # what changed while nothing was watched
                self._safely(self._decisions.read)
                self._safely(self._on_rewrites)
            self._watch(now)
            self.is_watching.clear()
            before = now

    def _watch(self, before: Mapping[Path, _Identity]) -> None:
        """Apply changes until the folders that are watched are no longer the same."""
        for paths in self._changes([path for path, identity in before.items() if identity]):
            self._has_watched = True
            self.is_watching.set()
            self._safely(self._decisions.read)  # every time, because its folder may be new and not watched yet
            if paths:
                self._safely(partial(self.apply, paths))
            self._safely(self._note_rewrites)
            if self._identities() != before:
                return

    def _note_rewrites(self) -> None:
        """Report that rewrites changed, but not after every single one: all of them are read then."""
        now = time.monotonic()
        if self._has_rewrites and now >= self._rewrites_at:
            self._has_rewrites, self._rewrites_at = False, now + _REWRITES_EVERY
            self._on_rewrites()

    def _changes(self, paths: list[Path]) -> Iterator[set[Path]]:
        """Yield the paths that changed, or nothing from time to time, until the thread is to end."""
        import watchfiles

        logging.getLogger("watchfiles").setLevel(logging.ERROR)
        try:
            if paths:
                for changes in watchfiles.watch(
                    *paths,
                    watch_filter=None,
                    stop_event=self._stop,
                    rust_timeout=_POLL_MS,
                    yield_on_timeout=True,
                    debounce=400,
                    raise_interrupt=False,
                ):
                    yield {Path(path) for _, path in changes}
        except FileNotFoundError:  # gone between two looks at it
            pass
        except (OSError, RuntimeError) as error:  # too many watches, or a folder that may not be read
            if self._has_watched:
                words = "changes of files are looked for twice a minute, because they cannot be watched"
                _log.warning("%s: %s", words, error)
            self._has_watched = False
            self._stop.wait(_LOOK_EVERY)
            return
        self._stop.wait(_POLL_MS / 1000)

    def _identities(self) -> dict[Path, _Identity]:
        """Return the identity of the file or folder that a watched path leads to."""
        store = self._index.sources.store
        watched = dict.fromkeys([*self._index.sources.paths, store.folder])
        return {path: _identity(path) for path in watched}

    def apply(self, paths: Iterable[Path]) -> None:
        """Bring the index up to date after these files and folders changed."""
        inside = {path: self._inside_hidden(path) for path in paths}
        if any(parts and parts[0] in _REWRITES for parts in inside.values()):
            self._has_rewrites = True
        others = {path for path, parts in inside.items() if not parts}
        pages = sorted(path for path in others if path.name.endswith(".md"))
        folders = (path for path in others if not path.name.endswith(".md") and not path.name.startswith("."))
        if len(pages) > _MANY or any(self._concerns_pages(folder) for folder in folders):
            self._index.refresh()
            return
        for page in pages:
            self._index.update(page)

    def _inside_hidden(self, path: Path) -> tuple[str, ...]:
        """Return the parts of a path below `.qtgen`; none if it is elsewhere. The folder may be reached by a link."""
        real = Path(os.path.realpath(path.parent), path.name)
        return real.relative_to(self._hidden).parts if real.is_relative_to(self._hidden) else ()

    def _concerns_pages(self, folder: Path) -> bool:
        """Return whether pages were or are below a path that changed."""
        if folder.is_dir():
            return next(folder.rglob("*.md"), None) is not None
        return not folder.exists() and self._index.has_pages_below(folder)

    def _safely(self, work: Callable[[], object]) -> None:
        """Do some work. The thread continues after an error, because the next change may repair what is wrong."""
        try:
            work()
        except (QtgenError, OSError, sqlite3.Error) as error:
            if not self._stop.is_set():
                _log.warning("the index could not be brought up to date: %s", error)


def _identity(path: Path) -> _Identity:
    try:
        status = path.stat()
    except OSError:
        return None
    if path.is_dir():
        return status.st_dev, status.st_ino
    return status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size
