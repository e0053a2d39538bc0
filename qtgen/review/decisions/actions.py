"""Carry out what reviewers decide: the decision first, the page second.

A decision is appended and synced before its page is replaced. If the program is killed in between, the page still has
the old text, so `settle` knows that the decision was not carried out. If the page cannot be written, an undo of the
decision is appended at once.
"""

import datetime as dt
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from qtgen._util.files import sync_folder
from qtgen.errors import OutputError, PageConflict, UsageError
from qtgen.generation.config import GenerationConfig
from qtgen.generation.decisions import Action, Decision, DecisionLog, Preference, moment_after, timestamp
from qtgen.generation.output import OutputFolder
from qtgen.generation.types import Draft
from qtgen.page import Page, read_text
from qtgen.page.profile import Profile
from qtgen.review.decisions.change_builder import Change, ChangeBuilder, Records
from qtgen.review.decisions.edits import EditCheck, check_edit, check_page
from qtgen.review.decisions.requests import acceptable_of, check_request
from qtgen.review.decisions.rewrites import rewrite_of
from qtgen.review.decisions.undo import Snapshot, UndoTexts, changed_fields
from qtgen.review.fields import editable_fields, shown_values
from qtgen.review.files import PageChanged, PageOnDisk, ShownTexts, file_digest, read_page_file, text_digests
from qtgen.review.types import ActionRequest, ActionResult
from qtgen.validation.diagnostics import Diagnostic

_PREFERS: Mapping[Action, Preference] = {Action.TAKE: "new", Action.KEEP: "old"}


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Actions:
    """Carries out actions. Its methods may be called from several threads.

    Args:
        store: The output folder.
        log: All decisions. Only this class adds decisions of this process to it.
        config: The page layout of the site, and the rules that an edited page must satisfy.
        folders: The folders whose pages may be changed.
        clock: Returns the time.
    """

    def __init__(
        self,
        store: OutputFolder,
        log: DecisionLog,
        config: GenerationConfig,
        *,
        folders: Sequence[Path],
        clock: Callable[[], dt.datetime] = _now,
    ) -> None:
        self.store, self.log = store, log
        self._config, self._profile, self._clock = config, config.profile, clock
        self._folders = [folder.resolve() for folder in folders]
        self._undo_texts = UndoTexts(store.review_folder)
        self._changes = ChangeBuilder(store, log, self._undo_texts, config)
        self._shown = ShownTexts()
        self._lock = threading.Lock()

    def show(self, path: Path) -> PageOnDisk:
        """Read a page to show it. Its texts are remembered, so that a conflict can show them again.

        Raises PageConflict if the file was deleted or cannot be read.
        """
        file = read_page_file(path, self._profile)
        self._shown.remember(file)
        return file

    def check(self, file: PageOnDisk) -> tuple[Diagnostic, ...]:
        """Return the findings of a page that is being shown."""
        return check_page(file, self._config.checker)

    def check_edit(self, path: Path, fields: Mapping[str, str]) -> EditCheck:
        """Return a page with new values, its findings, and the errors among them that are new.

        Raises PageConflict, UsageError, SpliceError and UnwritableText.
        """
        return check_edit(read_page_file(path, self._profile), fields, self._config.checker)

    def settle(self, page_at: Callable[[str], Page | None]) -> list[Decision]:
        """Discard and return decisions that were not carried out, because the program was killed before.

        Texts of changes that are too old to be undone are removed.

        Args:
            page_at: Returns the page that has a URL, if there is one. It is called only for pages that were changed.
        """

        def digests_of(url: str) -> Mapping[str, str] | None:
            page = page_at(url)
            return None if page is None else text_digests(page)

        with self._lock:
            unfinished = self.log.discard_unfinished(digests_of)
            for decision in unfinished:
                self._undo_texts.remove(decision.id)
            self._undo_texts.remove_old(self._clock())
            return unfinished

    def perform(self, request: ActionRequest, path: Path) -> ActionResult:
        """Carry out an action. Its decision is on the disk when this returns, and so is the page.

        Raises:
            PageChanged: The file is no longer the one that was shown.
            PageConflict: The page was deleted, is read-only or is outside the folders.
            UsageError: The action is not possible; no other page or request would be affected.
            SpliceError: The page cannot be edited line by line.
            UnwritableText: No page can hold one of the values.
            OutputError: The decision or the page cannot be written.
        """
        with self._lock:
            if known := self.log.get(request.id):
                return ActionResult(known, _digest_now(path, self._profile), is_repeat=True)
            if self.log.is_discarded(request.id):
                raise UsageError("the action could not be carried out before", remedy="repeat it")
            check_request(request)
            file = read_page_file(path, self._profile)
            self._check_as_shown(request, file)
            undone = self._changes.undone_decision(request) if request.action is Action.UNDO else None
            change = self._changes.build(request, file, undone)
            if change and change.text.encode() == file.contents:
                change = None
            decision = self._decision(request, file, change, undone)
            if change is None:
                self._append_alone(decision)
                return ActionResult(decision, file.digest)
            self._check_writable(path)
            self._carry_out(decision, file, change)
            return ActionResult(decision, file_digest(change.text.encode()))

    def _check_as_shown(self, request: ActionRequest, file: PageOnDisk) -> None:
        """Raise PageChanged if the file is no longer the one that was shown."""
        if request.file_digest == file.digest:
            return
        seen = self._shown.get(request.file_digest)
        self._shown.remember(file)
        rewrite = rewrite_of(self.store, file.path, self._profile) if request.action is Action.TAKE else None
        layout = file.page.layout
        yours = {**(shown_values(_present(rewrite.new), layout) if rewrite else {}), **request.fields}
        labels = {field.path: field.label for field in editable_fields(layout)}
        raise PageChanged(file.path, seen=seen, now=file.fields, yours=yours, labels=labels, digest=file.digest)

    def _check_writable(self, path: Path) -> None:
        resolved = path.resolve()
        if not any(resolved.is_relative_to(folder) for folder in self._folders):
            raise PageConflict("is outside the folders under review, so it cannot be changed here", path=path)

    def _decision(
        self, request: ActionRequest, file: PageOnDisk, change: Change | None, undone: Decision | None
    ) -> Decision:
        texts = file.digests
        new = text_digests(read_text(change.text, file.page.layout)) if change else texts
        history = self.log.history(request.url)
        return Decision(
            id=request.id,
            at=moment_after(history[-1].at if history else "", timestamp(self._clock())),
            who=request.who,
            action=request.action,
            url=request.url,
            texts=texts,
            after={group: digest for group, digest in new.items() if digest != texts.get(group)},
            reasons=tuple(dict.fromkeys(request.reasons)),
            note=request.note.strip(),
            acceptable=acceptable_of(request),
            prefers=request.prefers or _PREFERS.get(request.action),
            draw=request.draw,
            blind=request.blind,
            seen=request.seen,
            seconds=request.seconds,
            undoes=undone.id if undone else None,
        )

    def _append_alone(self, decision: Decision) -> None:
        """Append a decision that changes no page. Raises OutputError; then the decision is not in force."""
        try:
            self.store.append_decision(decision)
        except OutputError as error:
            self._take_back(decision, error)
            raise
        self.log.add(decision)

    def _carry_out(self, decision: Decision, file: PageOnDisk, change: Change) -> None:
        """Append a decision and change its page. Raises OutputError; then the decision is not in force."""
        path, store = str(file.path), self.store
        snapshot = Snapshot(
            before=file.contents.decode(),
            after=file_digest(change.text.encode()),
            fields=changed_fields(file.page, read_text(change.text, file.page.layout)),
            moves_record=change.records is not None,
            rejected=store.rejected_records.text(path),
            taken=store.taken_records.text(path),
        )
        self._undo_texts.save(decision.id, snapshot)
        is_appended = False

        def append() -> None:
            nonlocal is_appended
            is_appended = True
            store.append_decision(decision)

        try:
            store.rewrite(Draft(path, decision.url, change.text, change.provenance, file.contents), append)
        except OutputError as error:
            if is_appended:
                self._take_back(decision, error)
            self._undo_texts.remove(decision.id)
            raise
        self.log.add(decision)
        sync_folder(file.path.resolve().parent)
        if change.records:
            with suppress(OutputError):  # the page is there; a record that stays does no harm
                self._move_record(path, change.records)

    def _move_record(self, path: str, wanted: Records) -> None:
        """Save the records of a page's rewrites. What is removed is removed last, so that no text is ever lost."""
        records = [(self.store.rejected_records, wanted.rejected), (self.store.taken_records, wanted.taken)]
        saved_at = next((moment for folder, _ in records if (moment := folder.saved_at(path)) is not None), None)
        for folder, record in sorted(records, key=lambda item: item[1] is None):
            folder.restore(path, record, saved_at)

    def _take_back(self, decision: Decision, error: OutputError) -> None:
        """Append an undo of a decision that may have been appended, although it could not be carried out.

        If the disk is full, the undo cannot be appended either. `settle` detects a page that was not changed.
        """
        self.log.discard(decision.id)
        undo = Decision(
            id=str(uuid.uuid4()),
            at=moment_after(decision.at, timestamp(self._clock())),
            who=decision.who,
            action=Action.UNDO,
            url=decision.url,
            texts=decision.texts,
            note=f"could not be carried out: {error.message}",
            undoes=decision.id,
        )
        with suppress(OutputError):
            self.store.append_decision(undo)


def _present(values: Mapping[str, object]) -> dict[str, object]:
    return {path: value for path, value in values.items() if value is not None}


def _digest_now(path: Path, profile: Profile) -> str:
    """Return the digest of a file, or an empty string if it was deleted."""
    try:
        return read_page_file(path, profile).digest
    except PageConflict:
        return ""
