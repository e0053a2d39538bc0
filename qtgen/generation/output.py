"""The output folder: pages, their provenance, and what failed, under `.qtgen/`.

A page is written in three steps: the text to a temporary file (a full disk shows here), the provenance line, the page
under its name. A run that is killed between the last two leaves a line without a page, which the next run writes again:
the last line of a url counts. Of a page that is written again it leaves a line beside the old text, and
`provenance.py` knows. The lines are synced once a second; the ledger has what a power cut took.
"""

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from qtgen._util.files import append_line, as_output_error, publish_if_absent, replace_file, staged_file
from qtgen.errors import OutputError, UsageError
from qtgen.generation.provenance import ProvenanceIndex, origins
from qtgen.generation.types import Draft, Outcome
from qtgen.page import read, splice
from qtgen.site.discovery import highest_id, iter_folder_pages, iter_page_paths

HIDDEN = ".qtgen"


class Store:
    """What a run of `generate` reads from and writes to one output folder."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.provenance_file = out / HIDDEN / "provenance.jsonl"
        self.failed_folder = out / HIDDEN / "failed"
        self.rejected_folder = out / HIDDEN / "rejected"
        self._one_at_a_time = threading.Lock()
        self._synced = 0.0

    def check_writable(self) -> None:
        """Raise UsageError before any money is spent on pages that could not be written."""
        try:
            with staged_file(self.out / HIDDEN / "probe", ""):
                pass
        except OutputError as error:
            reason = str(error).rpartition(": ")[2]
            raise UsageError(f"--out {self.out}: cannot be written ({reason})") from None

    def highest_id(self, corpus: Path | None) -> int:
        """The highest id that a page here, in the corpus or in the provenance has; 0 for none.

        Raises UsageError if there is no such corpus.
        """
        made: Iterator[int] = (line["id"] for line in self.provenance() if isinstance(line.get("id"), int))
        pages = chain(iter_page_paths([corpus] if corpus else []), iter_folder_pages(self.out))
        return max(chain([highest_id(pages)], made))

    def provenance(self) -> Iterator[dict[str, Any]]:
        """Every line; a line cut short by a crash is passed over."""
        if not self.provenance_file.exists():
            return
        with (
            as_output_error(self.provenance_file),
            self.provenance_file.open(encoding="utf-8", errors="replace") as lines,
        ):
            for line in lines:
                try:
                    entry = json.loads(line)
                except ValueError:
                    continue
                if isinstance(entry, dict):
                    yield entry

    def write(self, draft: Draft) -> bool:
        """Let the page appear, with its provenance before it. False if one lies there already.

        Raises OutputError; then nothing is left half-written.
        """
        path = Path(draft.path)
        if path.exists():
            return False
        with staged_file(path, draft.text) as temporary:
            self._note(json.dumps(draft.provenance, ensure_ascii=False))
            written = publish_if_absent(temporary, path)
        with contextlib.suppress(OSError):  # the page is there; an old failure left behind does no harm
            self._failed_file(draft.path).unlink(missing_ok=True)
        return written

    def origins(self) -> ProvenanceIndex:
        """How the texts of all pages came about."""
        if not self.provenance_file.exists():
            return ProvenanceIndex()
        with as_output_error(self.provenance_file), self.provenance_file.open("rb") as lines:
            return origins(lines)

    def rewrite(self, draft: Draft) -> None:
        """Let a page's new text appear in place of the old one, with its provenance before it if it has one.

        Raises PageInTheWay if the file does not hold the old text any more or may not be written, else OutputError.
        """
        assert draft.before is not None  # noqa: S101 - a page that is new is `write`'s
        line = json.dumps(draft.provenance, ensure_ascii=False) if draft.provenance else ""
        note = partial(self._note, line) if line else None
        replace_file(Path(draft.path), draft.before, draft.text.encode(), note)
        with contextlib.suppress(OSError):  # an old attempt left behind does no harm
            for folder in (self.failed_folder, self.rejected_folder) if line else ():
                self._beside(folder, draft.path).unlink(missing_ok=True)

    def keep_rejected(self, page: str, record: str) -> Path:
        """Keep an attempt that was not taken. Raises OutputError."""
        path = self._beside(self.rejected_folder, page)
        with staged_file(path, record) as temporary, as_output_error(path):
            temporary.replace(path)
        return path

    def rejected(self, page: str) -> dict[str, Any] | None:
        """The attempt for a page that was not taken, if one is kept."""
        try:
            record = json.loads(self._beside(self.rejected_folder, page).read_bytes())
        except (OSError, ValueError):
            return None
        return record if isinstance(record, dict) else None

    def was_tried(self) -> Callable[[str], bool]:
        """Whether an attempt for a page failed or was not taken: found in one listing, for there can be thousands."""
        folders = (self.failed_folder, self.rejected_folder)
        kept = {path.stem for folder in folders for path in folder.rglob("*.json")}

        def is_kept(page: str) -> bool:
            name = page.rpartition("/")[2].removesuffix(".md")
            return name in kept and any(self._beside(folder, page).exists() for folder in folders)

        return is_kept

    def _note(self, line: str) -> None:
        """Pages are written by several threads; their lines are synced together, once a second."""
        with self._one_at_a_time:
            due = time.monotonic() - self._synced >= 1.0
            append_line(self.provenance_file, line, sync=due)
            if due:
                self._synced = time.monotonic()

    def keep_failed(self, outcome: Outcome) -> Path | None:
        """Keep what a failed question got, for a person to look at. None if there is nothing to keep."""
        if not outcome.path:
            return None
        record = {**outcome.as_dict(), "last_answer": outcome.last_text}
        path = self._failed_file(outcome.path)
        with (
            staged_file(path, json.dumps(record, ensure_ascii=False, indent=2) + "\n") as temporary,
            as_output_error(path),
        ):
            temporary.replace(path)
        return path

    def _failed_file(self, page: str) -> Path:
        return self._beside(self.failed_folder, page)

    def _beside(self, folder: Path, page: str) -> Path:
        """Where a JSON file about a page lies; of one from elsewhere, by its subject's folder and its name."""
        path = Path(page)
        inside = path.relative_to(self.out) if path.is_relative_to(self.out) else Path(*path.parts[-2:])
        if ".." in inside.parts or inside.is_absolute():
            inside = Path(path.name)
        return folder / inside.with_suffix(".json")


def write_scores(pages: Mapping[Path, float]) -> int:
    """Put scores into the `score` field of pages, three decimals, no other byte changed; how many pages changed.

    Raises OutputError, and SpliceError for a page that cannot be edited line by line.
    """
    changed = 0
    for path, score in pages.items():
        with as_output_error(path):
            before = path.read_bytes()
        after = splice(read(before), {"score": round(score, 3)}).encode()
        if after != before:
            replace_file(path, before, after)
            changed += 1
    return changed
