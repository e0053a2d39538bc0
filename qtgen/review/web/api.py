"""The requests of the app's scripts: decisions, drafts, checks of an edit, and reservations."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from qtgen.errors import OutputError, SpliceError, UnwritableText, UsageError
from qtgen.generation.decisions import NOTHING_SEEN, Action, Preference, Seen
from qtgen.page import Page
from qtgen.review.audits.acceptance import Verdict
from qtgen.review.comparison.changes import compare_texts
from qtgen.review.decisions.rewrites import rewrite_of
from qtgen.review.files import PageChanged
from qtgen.review.types import ActionRequest, Mark, Viewer
from qtgen.review.web.addresses import address_in_queue, review_address
from qtgen.review.web.bodies import FIELD_MAX, CheckBody, DecisionBody, DraftBody, ReserveBody, read_body
from qtgen.review.web.modes import Mode, is_swapped
from qtgen.review.web.reservations import Reservation
from qtgen.review.web.views.page_parts import done_message
from qtgen.review.web.workspace import OpenedPage, Workspace
from qtgen.validation.diagnostics import Diagnostic


@dataclass(frozen=True, slots=True)
class Api:
    """The actions that the scripts ask for, each from the body of a request to the values of the reply.

    Args:
        workspace: The review.
        now: Returns the time in the form of `Decision.at`.
    """

    workspace: Workspace
    now: Callable[[], str]

    def decide(self, body: bytes, viewer: Viewer) -> dict[str, Any]:
        """Carry out a decision. The reply follows when it is on the disk."""
        asked = read_body(DecisionBody, body)
        workspace = self.workspace
        mode = workspace.mode(asked.queue, asked.url) if asked.action is not Action.UNDO else Mode()
        _check_mode(asked.action, mode)
        page = workspace.page(asked.url)
        if page.problem:
            raise UsageError(f"you cannot decide about this page: {page.problem}")
        # An edit can change the place of the page in the queue, so the next page is determined first.
        following = self._following(asked, viewer)
        opened = workspace.open(asked.url)
        request = _request(asked, viewer, mode, opened)
        with _known_page(page.path):
            result = workspace.actions.perform(request, Path(page.path))
        if result.decision.after and not result.is_repeat:
            workspace.index.update(Path(page.path))
            workspace.index.set_rewrite(asked.url, rewrite_of(workspace.store, page.path, workspace.profile))
        workspace.index.record(result.decision)
        if asked.action is Action.EDIT:
            with suppress(OutputError):  # the edit is saved; a draft that stays does no harm
                workspace.drafts.discard(viewer.name, asked.url)
        workspace.reservations.release(asked.url, viewer.name)
        return {
            "decision": msgspec.to_builtins(result.decision),
            "file_digest": result.file_digest,
            "is_repeat": result.is_repeat,
            "next": self._end_of_audit(asked) or following,
            "message": done_message(result.decision, page.title or page.url),
        }

    def _following(self, asked: DecisionBody, viewer: Viewer) -> str:
        """Return the address of the screen that follows a decision."""
        if not asked.queue or asked.action is Action.UNDO:
            return review_address(asked.url, asked.queue)
        url = self.workspace.queues.neighbours(asked.queue, asked.url, viewer.name).next
        return address_in_queue(asked.queue, url)

    def _end_of_audit(self, asked: DecisionBody) -> str:
        """Return the address of the result, if the audit that the page was read for has one; else an empty text."""
        now = self.workspace.audit_of(asked.queue) if asked.action is not Action.UNDO else None
        if now is None or now.verdict is Verdict.CONTINUE:
            return ""
        return address_in_queue(asked.queue, None)

    def check(self, body: bytes, _viewer: Viewer) -> dict[str, Any]:
        """Return the findings of a page with an edit."""
        asked = read_body(CheckBody, body)
        page = self.workspace.page(asked.url)
        with _known_page(page.path):
            check = self.workspace.actions.check_edit(Path(page.path), asked.fields)
        edited = check.page
        new = set(check.new_errors)
        is_blind = self.workspace.mode(asked.queue, asked.url).is_blind
        listed = check.new_errors if is_blind else check.diagnostics
        return {
            "new_errors": len(check.new_errors),
            "diagnostics": [_diagnostic(one, edited, is_new=one in new) for one in listed[:100]],
        }

    def save_draft(self, body: bytes, viewer: Viewer) -> dict[str, Any]:
        """Save a draft, or remove it if nothing differs from the page."""
        asked = read_body(DraftBody, body)
        self.workspace.page(asked.url)
        if not asked.fields and not asked.note:
            self.workspace.drafts.discard(viewer.name, asked.url)
            return {"at": ""}
        if sum(map(len, asked.fields.values())) > FIELD_MAX:
            raise UsageError("the text is longer than a page can be", remedy="shorten it")
        draft = self.workspace.drafts.save(
            viewer.name, asked.url, asked.fields, asked.file_digest, note=asked.note, at=self.now()
        )
        return {"at": draft.at}

    def reserve(self, body: bytes, viewer: Viewer) -> dict[str, Any]:
        """Reserve a page, and return who else has it open."""
        asked = read_body(ReserveBody, body)
        self.workspace.page(asked.url)
        return {"hint": hint(self.workspace.reservations.reserve(asked.url, viewer.name))}


def conflict_reply(error: PageChanged, body: bytes) -> dict[str, Any]:
    """Return what a reviewer saw, what is there now and what they wrote, field by field, if the page changed."""
    seen: Mapping[str, str] = error.seen or read_body(DecisionBody, body).shown
    return {
        "error": "The page changed since it was shown; nothing was saved.",
        "seen": dict(seen),
        "now": dict(error.now),
        "yours": dict(error.yours),
        "labels": dict(error.labels),
        "marks": {
            "seen": {field: compare_texts(text, error.now.get(field, text))[0] for field, text in seen.items()},
            "now": _inserted(seen, error.now),
            "yours": _inserted(seen, error.yours),
        },
        "file_digest": error.digest,
    }


def _inserted(seen: Mapping[str, str], other: Mapping[str, str]) -> dict[str, list[Mark]]:
    """Return the marks of the words that a reviewer did not see, by field."""
    return {field: compare_texts(seen[field], text)[1] for field, text in other.items() if field in seen}


@contextmanager
def _known_page(path: str) -> Iterator[None]:
    """Leave the path of a page out of errors about its text: the reviewer has the page open."""
    try:
        yield
    except (UsageError, UnwritableText, SpliceError) as error:
        if str(error.path) == path:
            error.path = None
        raise


def hint(others: list[Reservation]) -> str:
    """Return one sentence about other reviewers who have a page open; empty if nobody has."""
    if not others:
        return ""
    who, minutes = others[0]
    since = "just now" if minutes == 0 else f"{minutes} minute{'s' if minutes > 1 else ''} ago"
    more = f" So did {len(others) - 1} more." if len(others) > 1 else ""
    return f"{who} opened this {since}.{more}"


def _check_mode(action: Action, mode: Mode) -> None:
    """Raise UsageError for an action that the screen of the page does not offer, or offers no longer."""
    if action is Action.EDIT and not mode.may_edit:
        raise UsageError("two reviewers judge this text, so it cannot be edited", remedy="reject it or send it back")
    is_for_others = action in (Action.TAKE, Action.KEEP, Action.ADJUDICATE)
    if mode.is_blind and (is_for_others or (action is Action.SEND_BACK and not mode.may_send_back)):
        message = "in a blind reading, you can only approve, reject or skip a page"
        raise UsageError(message, remedy="open the page without its queue")
    if mode.settles and action in (Action.APPROVE, Action.REJECT):
        message = "two reviewers now disagree about this page, so your decision would settle it"
        raise UsageError(message, remedy="reload the page to see what they decided")
    if action is Action.ADJUDICATE and not mode.settles:
        raise UsageError("no reviewers disagree about this page", remedy="approve or reject it")


def _request(asked: DecisionBody, viewer: Viewer, mode: Mode, opened: OpenedPage) -> ActionRequest:
    return ActionRequest(
        id=asked.id,
        who=viewer.name,
        action=asked.action,
        url=asked.url,
        # An undo concerns a page that is no longer shown. The digests of its decision show whether it still applies.
        file_digest=opened.file.digest if asked.action is Action.UNDO else asked.file_digest,
        reasons=asked.reasons,
        note=asked.note,
        acceptable=asked.acceptable,
        prefers=_preference(asked, viewer, mode),
        fields=asked.fields,
        undoes=asked.undoes,
        rewrite=asked.rewrite if asked.action in (Action.TAKE, Action.KEEP) else "",
        draw=None if asked.action is Action.UNDO else mode.draw,
        blind=mode.is_blind,
        seen=_seen(opened, mode),
        seconds=asked.seconds,
    )


def _preference(asked: DecisionBody, viewer: Viewer, mode: Mode) -> Preference | None:
    """Return which text a reviewer prefers. A blind reviewer knows the texts as A and B only."""
    chosen = asked.prefers
    if chosen is None or chosen == "same":
        return chosen
    if chosen == "a" or chosen == "b":
        if not mode.is_blind:
            raise UsageError("A and B exist only in a blind reading")
        return "new" if (chosen == "a") is is_swapped(asked.url, viewer.name) else "old"
    if mode.is_blind:
        raise UsageError("choose A, B or no difference, because you judge this page blindly")
    return chosen


def _seen(opened: OpenedPage, mode: Mode) -> Seen:
    """Return what the screen showed beside the text."""
    if mode.is_blind:
        return NOTHING_SEEN
    verdict = opened.rewrite.compared.get("verdict", "") if opened.rewrite else ""
    return Seen(score=opened.page.score, compared=str(verdict))


def _diagnostic(one: Diagnostic, page: Page, *, is_new: bool) -> dict[str, Any]:
    return {
        "code": one.code,
        "severity": one.severity.value,
        "message": one.message,
        "field": one.field,
        "answer_line": _answer_line(one, page),
        "is_new": is_new,
    }


def _answer_line(one: Diagnostic, page: Page) -> int | None:
    r"""Return the line of the answer that a finding is in, as an editor of the decoded answer counts lines."""
    layout = page.layout
    answer = layout.roles.answer
    if answer is None or one.field != answer:
        return None
    starts = page.line_starts()
    offset = starts[one.line - 1] + one.column - 1 if one.line <= len(starts) else -1
    span = page.span(answer)
    if not span.start <= offset <= span.end:
        return None
    is_below_key = page.text[span.start : span.start + 1] in ("|", ">")  # the first line is that of the style
    return max(1, page.text.count(layout.codec.line_break, span.start, offset) + (not is_below_key))
