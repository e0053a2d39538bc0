"""The output folder: pages, and under `.qtgen/` their provenance and the attempts that failed.

A new page is published in these steps:

1. The text goes to a temporary file, where a full disk shows.
2. An empty marker file is created and locked under `.qtgen/publishing/`. Another process that publishes the same page
   waits for it, and then finds the page.
3. The provenance line is appended, unless a killed run has left it and the marker behind.
4. The page appears under its name, atomically.
5. The marker is removed.

A page whose provenance line exists and whose file does not was either deleted by a person, or its run was killed
between steps 3 and 4. The marker tells the two apart: a killed run leaves it behind. Such a page is written again; a
deleted one is not.

A rewrite that is killed between its line and its page leaves a line beside the old text;
`ProvenanceIndex.discard_unfinished` detects these. Lines are synced once a second: what a power cut takes is in the
ledger.
"""

import contextlib
import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec

from qtgen._util.files import (
    append_line,
    as_output_error,
    publish_if_absent,
    replace_file,
    staged_file,
)
from qtgen._util.leftovers import remove_leftovers_once
from qtgen.errors import OutputError, UsageError
from qtgen.generation.decisions import Decision, DecisionLog, read_decisions
from qtgen.generation.provenance import ProvenanceIndex, read_provenance
from qtgen.generation.publishing import PendingPage, publish_pages
from qtgen.generation.records import RecordFolder, record_text
from qtgen.generation.types import Draft, Outcome
from qtgen.page.layout import Layout
from qtgen.site.discovery import highest_id, iter_folder_pages, iter_page_paths

_logger = logging.getLogger(__name__)

HIDDEN = ".qtgen"
_GIT_ATTRIBUTES = "provenance.jsonl merge=union\ndecisions.jsonl merge=union\n"
_SYNC_INTERVAL = 1.0  # seconds between two syncs of the provenance file


class _PageLine(msgspec.Struct, frozen=True, gc=False):
    """What a provenance line says about the page itself. Only the lines of rewrites have `replaced_digests`."""

    url: str = ""
    id: int | None = None
    text_digests: dict[str, str] = {}
    replaced_digests: dict[str, str] | None = None


_decode_line = msgspec.json.Decoder(_PageLine).decode


class OutputFolder:
    """A folder that pages are written to. Its methods may be called from several threads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.provenance_file = folder / HIDDEN / "provenance.jsonl"
        self.decisions_file = folder / HIDDEN / "decisions.jsonl"
        self.review_folder = folder / HIDDEN / "review"
        self.failed_folder = folder / HIDDEN / "failed"
        self.rejected_folder = folder / HIDDEN / "rejected"
        self.failed_records = RecordFolder(self.failed_folder, folder)
        self.rejected_records = RecordFolder(self.rejected_folder, folder)
        self.taken_records = RecordFolder(folder / HIDDEN / "taken", folder)
        self._candidates = RecordFolder(folder / HIDDEN / "candidates", folder)
        self._publishing = RecordFolder(folder / HIDDEN / "publishing", folder)
        self._provenance_lock = threading.Lock()
        self._synced = 0.0

    def check_writable(self) -> None:
        """Raise UsageError if the folder cannot be written, before anything is spent on its pages.

        Temporary files that a killed run left anywhere in it are removed, because this run may not write there.
        """
        try:
            with staged_file(self.folder / HIDDEN / "probe", ""):
                pass
        except OutputError as error:
            reason = str(error).rpartition(": ")[2]
            raise UsageError(f"{self.folder} cannot be written ({reason})", setting="out") from None
        hidden = self.folder / HIDDEN
        folders = (self.folder, *self.folder.glob("*/"), *self.folder.glob("[!.]*/*/"))
        for folder in (*folders, hidden, *hidden.glob("*/"), *hidden.glob("*/*/")):
            remove_leftovers_once(folder)

    def highest_id(self, corpus: Path | None, layout: Layout, pages: Iterable[str] = ()) -> int:
        """Return the highest id of a page in this folder, in the corpus or in the provenance; 0 if there is none.

        Args:
            corpus: The folder of the site, or None.
            layout: The layout of new pages. If it gives pages no number, they have no id.
            pages: Further pages whose ids count.

        Raises UsageError if the corpus does not exist.
        """
        if not layout.id_paths:
            return 0
        written = (line.id for line in self._page_lines() if line.id is not None)
        paths = chain(iter_page_paths([corpus] if corpus else []), iter_folder_pages(self.folder), pages)
        return max(chain([highest_id(paths, layout.profile)], written))

    def deleted_pages(self) -> Callable[[str, str], bool]:
        """Return a function that tells whether the page with a path and a URL was written here and deleted since.

        Pages that a killed run did not finish do not count as deleted.
        """
        written = {hash(line.url) for line in self._page_lines() if line.replaced_digests is None}
        unfinished = {path for path in self._markers() if path.suffix == ".json"}
        for marker in self._finished(unfinished):
            marker.unlink(missing_ok=True)
            unfinished.discard(marker)
        if unfinished:
            _logger.info("%s: %d pages of a run that was killed are written again", self.folder, len(unfinished))

        def is_deleted(path: str, url: str) -> bool:
            return hash(url) in written and self._marker(path) not in unfinished and not Path(path).exists()

        return is_deleted

    def _finished(self, markers: set[Path]) -> list[Path]:
        """Return the markers whose page appeared before the run was killed."""
        return [
            marker
            for marker in markers
            if (self.folder / marker.relative_to(self._publishing.folder)).with_suffix(".md").exists()
        ]

    def _page_lines(self) -> Iterator[_PageLine]:
        """Yield every provenance line; a line that a crash cut short is skipped."""
        if not self.provenance_file.exists():
            return
        with as_output_error(self.provenance_file), self.provenance_file.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    yield _decode_line(line)
                except msgspec.MsgspecError as error:
                    _logger.debug("%s:%d: line skipped: %s", self.provenance_file, number, error)

    def write_all(self, drafts: Sequence[Draft]) -> list[bool | OutputError]:
        """Publish new pages with their provenance. A page that fails does not hold up the others.

        Return for each page True, False if there is already a file, or the error. No part of a page with an error is
        visible.
        """
        pages = [self._pending_page(draft) for draft in drafts]
        publish_pages(pages, self._append_lines, self._publish)
        return [page.result for page in pages]

    def _pending_page(self, draft: Draft) -> PendingPage:
        place = self._publishing.place_of(draft.path)
        return PendingPage(draft, f"{self._publishing.folder}{os.sep}{place}", f"{self.failed_folder}{os.sep}{place}")

    def _publish(self, temporary: str, path: str) -> bool:
        return publish_if_absent(temporary, path)

    def _append_lines(self, pages: Sequence[PendingPage]) -> None:
        """Append the lines of pages, except those that a run that was killed has appended."""
        finished = self._with_line([page.draft for page in pages if page.was_left])
        lines = [page.line for page in pages if page.draft not in finished]
        if lines:
            self._append_provenance("\n".join(lines))

    def _with_line(self, drafts: Sequence[Draft]) -> list[Draft]:
        """Return the drafts whose provenance line is there."""
        if not drafts:
            return []
        urls = {draft.url for draft in drafts}
        lines = (line for line in self._page_lines() if line.url in urls and line.replaced_digests is None)
        written = [(line.url, line.text_digests) for line in lines]
        return [draft for draft in drafts if (draft.url, draft.provenance.get("text_digests", {})) in written]

    def _markers(self) -> Iterator[Path]:
        """Yield all marker files. Another run may remove some of them, and their folders, at the same time."""
        for folder, _, names in os.walk(self._publishing.folder):
            yield from (Path(folder, name) for name in names)

    def remove_empty_folders(self) -> None:
        """Remove the folders of marker files that are empty, at the end of a run."""
        for folder, _, _ in os.walk(self._publishing.folder, topdown=False):  # another run may remove them as well
            with contextlib.suppress(OSError):  # it holds the marker of another run or of one that was killed
                Path(folder).rmdir()

    def provenance_index(self, layout: Layout) -> ProvenanceIndex:
        """Return the provenance of all pages, which have a layout."""
        if not self.provenance_file.exists():
            return ProvenanceIndex(layout)
        with as_output_error(self.provenance_file), self.provenance_file.open("rb") as lines:
            return read_provenance(lines, layout)

    def decision_log(self) -> DecisionLog:
        """Return what people decided about the pages. Raises OutputError."""
        if not self.decisions_file.exists():
            return DecisionLog()
        with as_output_error(self.decisions_file), self.decisions_file.open("rb") as lines:
            return read_decisions(lines)

    def append_decision(self, decision: Decision) -> None:
        """Append a decision. It is on the disk when this returns. Raises OutputError."""
        attributes = self.decisions_file.with_name(".gitattributes")
        if not attributes.exists():
            with staged_file(attributes, _GIT_ATTRIBUTES) as temporary:
                publish_if_absent(temporary, attributes)
        append_line(self.decisions_file, decision.line())

    def rewrite(self, draft: Draft, before_replacing: Callable[[], None] | None = None) -> None:
        """Replace a page's text, after appending its provenance if it has any. Its failed and rejected records go.

        Raises PageConflict if the file no longer holds the old text or is read-only, else OutputError.

        Args:
            draft: The page.
            before_replacing: Called before that, when only the lines and the replacement itself remain. The records
                are then left to the caller.
        """
        if draft.before is None:
            raise ValueError("a draft without `before` is a new page; use write_all()")
        line = json.dumps(draft.provenance, ensure_ascii=False) if draft.provenance else ""

        def append() -> None:
            if before_replacing:
                before_replacing()
            if line:
                self._append_provenance(line)

        replace_file(Path(draft.path), draft.before, draft.text.encode(), append)
        for records in (self.failed_records, self.rejected_records) if line and not before_replacing else ():
            records.remove(draft.path)

    def keep_rejected(self, page: str, record: str) -> Path:
        """Save the record of a rewrite that was rejected. Raises OutputError."""
        return self.rejected_records.save(page, record)

    def keep_taken(self, page: str, record: str) -> Path:
        """Save the record of a rewrite that replaced the page's text, with both versions. Raises OutputError."""
        return self.taken_records.save(page, record)

    def rejected(self, page: str) -> dict[str, Any] | None:
        """Return the record of the last rewrite of a page that was rejected, if there is one."""
        return self.rejected_records.read(page)

    def attempt_lookup(self) -> Callable[[str], bool]:
        """Return a function that tells whether the last attempt for a page failed or was rejected.

        The folders are listed once, because there can be thousands of records.
        """
        folders = (self.failed_records, self.rejected_records)
        names = {path.stem for records in folders for path in records.paths()}

        def has_attempt(page: str) -> bool:
            name = page.rpartition("/")[2].removesuffix(".md")
            return name in names and any(records.has(page) for records in folders)

        return has_attempt

    def keep_other_answers(self, outcome: Outcome) -> Path | None:
        """Save the usable answers that were not chosen. Return None if the page has no path."""
        if not outcome.path:
            return None
        record = {"question": outcome.question.text, "path": outcome.path, "answers": outcome.other_answers}
        return self._candidates.save(outcome.path, record_text(record))

    def keep_failed(self, outcome: Outcome) -> Path | None:
        """Save a failed outcome with its last answer, for inspection. Return None if its page has no path."""
        if not outcome.path:
            return None
        return self.failed_records.save(
            outcome.path, record_text({**outcome.as_dict(), "last_answer": outcome.last_answer})
        )

    def _append_provenance(self, lines: str) -> None:
        with self._provenance_lock:
            due = time.monotonic() - self._synced >= _SYNC_INTERVAL
            append_line(self.provenance_file, lines, sync=due)
            if due:
                self._synced = time.monotonic()

    def _marker(self, page: str) -> Path:
        """Return the file that exists while a page is being published."""
        return self._publishing.path_of(page)
